"""Lines that ask for one SKU: routed as one demand, then each gets its units of what is taken.

Pure. A bundle and one of its parts, or two bundles with a part in common, share the stock of that
SKU, its limits and its minimum. So they are weighed together, and no unit is counted twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from trade.routing.takes import Choice, Demand, Take


def groups(demands: Sequence[Demand]) -> list[list[Demand]]:
    """The demands by SKU, in the order in which each SKU is first asked for."""
    found: dict[int, list[Demand]] = {}
    for demand in demands:
        found.setdefault(demand.sku_id, []).append(demand)
    return list(found.values())


def merged(group: Sequence[Demand]) -> Demand:
    """One demand for all units of a group, under the key of its first."""
    if len(group) == 1:
        return group[0]
    return replace(group[0], quantity=sum(demand.quantity for demand in group))


class Sharing:
    """Takes apart what was taken for groups, by the key of their first: each member in its order
    gets its units of the takes in theirs."""

    def __init__(self, groups: Mapping[int, Sequence[Demand]]) -> None:
        self._waiting = {
            key: [(one.key, one.quantity) for one in group]
            for key, group in groups.items()
            if len(group) > 1
        }

    def apart(self, takes: Choice) -> Choice:
        """These takes, each once, as takes of the members."""
        return tuple(part for take in takes for part in self._of(take))

    def _of(self, take: Take) -> list[Take]:
        waiting = self._waiting.get(take.key)
        if waiting is None:
            return [take]
        parts, rest = [], take.units
        while rest:
            key, units = waiting.pop(0)
            part = min(rest, units)
            parts.append(replace(take, key=key, units=part))
            rest -= part
            if part < units:
                waiting.insert(0, (key, units - part))
        return parts
