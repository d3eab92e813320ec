"""The cheapest way to buy several lines at once: every split of each, then branch and bound. Pure.

Landed cost is goods and freight, and freight is counted for all that one seller sends together: so
lines are chosen together, and a unit may be bought dearer where that makes a delivery free.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from operator import itemgetter
from typing import NamedTuple

from catalog.freight import parcel_freight
from trade.routing.takes import Choice, Demand, Supply, Take

SPLITS = 2_000
"""So many ways to begin a split of one line are tried; a line that has more is served by each offer
first, with as much as it has, and the cheapest after it."""
FEW = 24
"""So few combinations of lines are all weighed: a search takes longer to set up."""
EXHAUSTIVE = 2_000
"""So many partial combinations of lines are weighed. Ordinary orders need far fewer, and then the
plan is the best there is; beyond it, lines are improved one at a time and that is what counts."""


class Parcel(NamedTuple):
    """What one seller of a source sends together; `freight` in fen, None where it is unknown."""

    source: str
    seller: str | None
    takes: tuple[Take, ...]
    freight: int | None


@dataclass(frozen=True)
class Ways:
    """How a demand may be served by what is usable: in `every` way there is, or simply where those
    are too many."""

    demand: Demand
    usable: Sequence[Supply]
    every: Sequence[Choice]

    @cached_property
    def simply(self) -> Sequence[Choice]:
        """The few ways that a search begins with."""
        return _simply(self.demand, self.usable) or self.every[:1]


def ways(demand: Demand, usable: Sequence[Supply]) -> Ways | None:
    """Ways to serve the whole demand, or None."""
    every = _Splits(demand, usable).found
    if every is None:
        every = _simply(demand, usable)
    return Ways(demand, usable, every) if every else None


def _simply(demand: Demand, usable: Sequence[Supply]) -> list[Choice]:
    """By each offer first, with as much as it has, and the cheapest after it."""
    found: dict[tuple[tuple[int, int], ...], Choice] = {}
    for first in usable:
        takes = _filled(demand, [first, *(one for one in usable if one is not first)])
        if sum(take.units for take in takes) == demand.quantity:
            found.setdefault(_name(takes), takes)
    return list(found.values())


def _filled(demand: Demand, supplies: Iterable[Supply]) -> Choice:
    """As much as each has, in their order."""
    rest, takes = demand.quantity, []
    had: dict[str, int] = {}
    for supply in supplies:
        if units := supply.most(_within(supply, rest, had)):
            takes.append(Take(demand.key, supply, units))
            rest -= units
            had[supply.source] = had.get(supply.source, 0) + units
    return tuple(takes)


def _within(supply: Supply, rest: int, had: Mapping[str, int]) -> int:
    """How many of `rest` units its source lets this order have, of which it had some already."""
    if supply.allowed is None:
        return rest
    return max(0, min(rest, supply.allowed - had.get(supply.source, 0)))


def _name(takes: Iterable[Take]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted((take.supply.offer_id, take.units) for take in takes))


class _Splits:
    """Every division of a demand among offers; `found` is None where there are too many."""

    def __init__(self, demand: Demand, usable: Sequence[Supply]) -> None:
        self._demand, self._usable = demand, usable
        self._left = SPLITS
        self.found: list[Choice] | None = []
        self._fill(0, demand.quantity, (), {})

    def _fill(self, at: int, rest: int, takes: Choice, had: Mapping[str, int]) -> None:
        self._left -= 1
        if self._left < 0:
            self.found = None
        if self.found is None:
            return
        if rest == 0:
            self.found.append(takes)
            return
        if at == len(self._usable):
            return
        supply = self._usable[at]
        for units in supply.amounts(_within(supply, rest, had)):
            more = {**had, supply.source: had.get(supply.source, 0) + units}
            take = Take(self._demand.key, supply, units)
            self._fill(at + 1, rest - units, (*takes, take), more)
            if self.found is None:
                return
        self._fill(at + 1, rest, takes, had)


def cheapest(lines: Sequence[Ways]) -> Choice:
    """One way a line, with the least landed cost and then the fewest parcels."""
    if all(len(line.every) == 1 for line in lines):
        return _joined(line.every[0] for line in lines)
    every = [line.every for line in lines]
    if prod(map(len, every)) <= FEW:
        return min(map(_joined, product(*every)), key=_weight)
    simply = [line.simply for line in lines]
    good = min((_improved(list(start), simply) for start in _starts(simply)), key=_weight)
    return _Search(every, good).best


_Bare = tuple[int, int, int]


class _Search:
    """The best combination of options, unless more than EXHAUSTIVE would have to be weighed.

    Freight is never negative: a combination that is dearer without any can be left out.
    """

    def __init__(self, lines: Sequence[Sequence[Choice]], good: Choice) -> None:
        self._lines = [
            sorted(((_bare(option), option) for option in options), key=itemgetter(0))
            for options in lines
        ]
        self.best, self._weight = good, _weight(good)
        self._rest: list[_Bare] = [(0, 0, 0)]
        for options in reversed(self._lines):
            bare = [one for one, _ in options]
            last, risky, goods = (min(part) for part in zip(*bare, strict=True))
            self._rest.append(_plus(self._rest[-1], (last, risky, goods)))
        self._rest.reverse()
        self._left = EXHAUSTIVE
        self._go(0, (), (0, 0, 0))

    def _go(self, at: int, takes: Choice, bare: _Bare) -> None:
        if at == len(self._lines):
            if (weight := _weight(takes)) < self._weight:
                self.best, self._weight = takes, weight
            return
        for own, option in self._lines[at]:
            self._left -= 1
            if self._left < 0:
                return
            more = _plus(bare, own)
            least = (0, *_plus(more, self._rest[at + 1]), 0)
            if least < self._weight:
                self._go(at + 1, (*takes, *option), more)


def _plus(one: _Bare, other: _Bare) -> _Bare:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _bare(takes: Choice) -> _Bare:
    """Units of offers that serve last, then takes that may be refused, then fen that the goods
    alone are weighed as."""
    last = sum([take.units for take in takes if take.supply.last])
    return last, sum([take.risky for take in takes]), sum([take.weighed for take in takes])


def _starts(lines: Sequence[Sequence[Choice]]) -> Iterable[Sequence[Choice]]:
    """The cheapest option of every line, and for each seller as many lines as it serves."""
    yield [min(options, key=_weight) for options in lines]
    sellers = {_seller(take) for options in lines for option in options for take in option}
    for seller in sorted(sellers, key=repr):
        yield [
            min(
                options,
                key=lambda option: (any(_seller(t) != seller for t in option), _weight(option)),
            )
            for options in lines
        ]


def _improved(pick: list[Choice], lines: Sequence[Sequence[Choice]]) -> Choice:
    """Lines changed one at a time for as long as the whole gets cheaper."""
    weight, better = _weight(_joined(pick)), True
    while better:
        better = False
        for i, options in enumerate(lines):
            for option in options:
                changed = _weight(_joined([*pick[:i], option, *pick[i + 1 :]]))
                if changed < weight:
                    pick[i], weight, better = option, changed, True
    return _joined(pick)


def _joined(pick: Iterable[Choice]) -> Choice:
    return tuple(take for option in pick for take in option)


def _weight(takes: Choice) -> tuple[int, int, int, int, int]:
    """Parcels of unknown freight, then units of offers that serve last, then takes that may be
    refused, then fen landed as rules weigh them, then parcels."""
    sent = parcels(takes)
    unknown = sum([parcel.freight is None for parcel in sent])
    last, risky, goods = _bare(takes)
    landed = goods + sum([parcel.freight or 0 for parcel in sent])
    return (unknown, last, risky, landed, len(sent))


def _seller(take: Take) -> tuple[str, str | None]:
    return (take.supply.source, take.supply.seller)


def parcels(takes: Choice) -> list[Parcel]:
    """The takes split into what each seller of each source sends."""
    groups: dict[tuple[str, str | None], list[Take]] = {}
    for take in takes:
        groups.setdefault(_seller(take), []).append(take)
    return [
        Parcel(source, seller, tuple(group), parcel_freight([take.piece for take in group]))
        for (source, seller), group in groups.items()
    ]
