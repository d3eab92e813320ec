"""Who reads the catalogue of an installation: price lists, price rules, policies of its sources."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from catalog.media import Album
from catalog.pricebook import Pricebook
from catalog.pricing import NOBODY, Buyer, PriceList, price_list
from catalog.shelf import Reader, SourcePolicy


@dataclass(frozen=True)
class Readership:
    """Makes readers: buyers read the procurement list, everybody else the resale list.

    A reseller level that rules name has lists of its own; rules for single parties change what
    these see and pay, but not by which list they search and sort.
    """

    lists: Mapping[str, PriceList]
    policies: Mapping[str, SourcePolicy] = field(default_factory=dict)
    book: Pricebook = field(default_factory=Pricebook)
    ordinary: SourcePolicy = field(default_factory=SourcePolicy)
    """The policy of every source that `policies` does not name."""
    album: Album | None = None
    """How pictures are named."""

    def reader(self, role: str, buyer: Buyer, now: datetime) -> Reader:
        """How a party of this role (leader, brand, buyer, operator) reads at `now`."""
        base = self.lists["procure" if role == "buyer" else "resale"]
        prices = self._list(base, buyer, now)
        return Reader(role, prices, self.policies, self.ordinary, buyer=buyer, album=self.album)

    def per_list(self, now: datetime) -> list[Reader]:
        """One reader for each price list, as the search index is written for at `now`."""
        buyers = [NOBODY, *(Buyer(level=level) for level in self.book.levels)]
        return [
            Reader("leader", self._list(self.lists[one], buyer, now), self.policies, self.ordinary)
            for one in sorted(self.lists)
            for buyer in buyers
        ]

    def _list(self, base: PriceList, buyer: Buyer, now: datetime) -> PriceList:
        named = base
        if buyer.level in self.book.levels:
            named = replace(base, id=f"{base.id}_{_word(str(buyer.level))}")
        return price_list(named, self.book.rules, buyer, now)


def _word(level: str) -> str:
    """A level as a word of the index, whatever characters its name has."""
    return hashlib.sha256(level.encode()).hexdigest()[:8]
