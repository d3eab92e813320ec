"""Who reads the catalogue of an installation: its price lists and the policies of its sources."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from catalog.pricing import PriceList
from catalog.shelf import Reader, SourcePolicy


@dataclass(frozen=True)
class Readership:
    """Makes readers: buyers read the procurement list, everybody else the resale list."""

    lists: Mapping[str, PriceList]
    policies: Mapping[str, SourcePolicy] = field(default_factory=dict)

    def reader(self, role: str) -> Reader:
        """How somebody of this role (leader, brand, buyer, operator) reads."""
        return Reader(role, self.lists["procure" if role == "buyer" else "resale"], self.policies)

    def per_list(self) -> list[Reader]:
        """One reader for each price list, as the search index is written for."""
        return [Reader("leader", self.lists[one], self.policies) for one in sorted(self.lists)]
