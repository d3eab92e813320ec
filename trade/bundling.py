"""A line for a bundle, taken apart for routing and put together again for its leader. Pure.

Each part is a line of its own to all that routes, buys, ships and pays back; the leader's line is
their sum. So units and fen are conserved by what conserves them for any line.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from kit.money import line_amount, split
from trade.routing.routing import Demand, Take

PLACES = 1000
"""Keys below it are lines that were asked for; the parts of line `i` are i + 1000, i + 2000, …"""

Made = Mapping[int, Sequence[tuple[int, int]]]
"""(part, units) of bundles, by SKU."""


@dataclass(frozen=True)
class PartLine:
    """Units of one part for one line. `key` names it in the plan; amounts in fen."""

    key: int
    sku_id: int
    units: int
    """In one bundle."""
    quantity: int
    unit_price: Decimal = Decimal(0)
    amount: int = 0

    @property
    def demand(self) -> Demand:
        """What is asked of routing."""
        return Demand(self.key, self.sku_id, self.quantity)


def apart(index: int, quantity: int, parts: Sequence[tuple[int, int]]) -> list[PartLine]:
    """The parts of `quantity` bundles on line `index`."""
    return [
        PartLine(index + PLACES * place, part, units, units * quantity)
        for place, (part, units) in enumerate(parts, start=1)
    ]


def shared(demands: Sequence[Demand]) -> set[int]:
    """The keys of demands for a SKU that others of these ask for as well."""
    asked = Counter(demand.sku_id for demand in demands)
    return {demand.key for demand in demands if asked[demand.sku_id] > 1}


def together(
    parts: Sequence[PartLine], takes: Mapping[int, Sequence[tuple[Decimal, Take]]], quantity: int
) -> tuple[Decimal, int, list[PartLine]]:
    """The unit price of a bundle, the fen of its line, and its parts with their shares of them.

    `takes` are the (unit price, units) of each part by key. The line is rounded once; the shares
    add up to it exactly.
    """
    exact = [
        sum((price * take.units for price, take in takes[part.key]), Decimal(0)) for part in parts
    ]
    whole = sum(exact, Decimal(0))
    amount = line_amount(whole, 1)
    weights = [line_amount(one, 1) for one in exact]
    shares = split(amount, weights) if any(weights) else [amount, *[0] * (len(parts) - 1)]
    priced = [
        replace(part, unit_price=_mean(cost, part.quantity), amount=share)
        for part, cost, share in zip(parts, exact, shares, strict=True)
    ]
    return _mean(whole, quantity), amount, priced


def _mean(cost: Decimal, units: int) -> Decimal:
    return (cost / units).quantize(Decimal("0.0001"))
