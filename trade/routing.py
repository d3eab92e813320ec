"""From which offers an order is bought: filter → rank → allocate → split. Pure.

The landed cost (goods and freight) is minimised, then the number of parcels; but an offer whose
stated stock has probably been sold meanwhile is taken only where no other serves. Every offer that
was not chosen is named with the reason why, for operators and buyers; leaders see none of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import product
from math import prod
from typing import Any

from catalog.freight import Piece, parcel_freight
from catalog.pricing import Goods
from catalog.stock import Level
from kit.money import line_amount

EXHAUSTIVE = 256
"""Up to so many combinations every one is tried; beyond it, lines are improved one at a time."""


@dataclass(frozen=True)
class Demand:
    """Units of one SKU; `key` is the line that asks for them."""

    key: int
    sku_id: int
    quantity: int


@dataclass(frozen=True)
class Supply:
    """One offer as far as routing is concerned. `cost` None: it is not sold by the piece."""

    offer_id: int
    sku_id: int
    source: str
    external_id: str
    cost: Decimal | None
    seller: str | None = None
    title: str = ""
    spec: str | None = None
    brand: str | None = None
    category: str | None = None
    ours: str | None = None
    """The category of ours that is written down for its source's one."""
    live: bool = True
    resells: bool = True
    granted: bool = True
    """Whether its brand lets the leader have it there."""
    allowed: int | None = None
    """Units of the SKU that its source lets this order have of it; None is no limit."""
    limit: str = ""
    """The code that is told where `allowed` is too little."""
    paused: bool = False
    price_until: datetime | None = None
    moq: int = 1
    multiple: int = 1
    freight: Mapping[str, Any] | None = None
    weight_g: int | None = None
    not_delivered_to: tuple[str, ...] = ()
    stock: Level | None = None
    shown: int | None = None
    """Units that readers are shown; more can be taken at a higher risk of a refusal."""
    unknown_stock: str = "sell"
    min_retail: Decimal | None = None
    max_retail: Decimal | None = None
    ships_within_hours: int | None = None
    cutoff: str | None = None
    presale_ship_by: date | None = None
    supplier_id: int | None = None
    """The party behind the source, where there is one."""
    reserved_in: str | None = None
    """The region for which its stock was read under a lock; None where nothing locks it."""

    @property
    def goods(self) -> Goods:
        """What rules may look at."""
        return Goods(self.source, self.brand, self.category, self.ours)

    @property
    def left(self) -> int | None:
        """Units that may be taken; None is no known limit."""
        return self.stock.quantity if self.stock else None

    def most(self, wanted: int) -> int:
        """The largest number of units up to `wanted` that this offer sells in one line."""
        reach = wanted if self.left is None else min(wanted, self.left)
        units = reach - reach % self.multiple
        return units if units >= self.moq else 0


@dataclass(frozen=True)
class Take:
    """Units of one line bought as one offer."""

    key: int
    supply: Supply
    units: int

    @property
    def cost(self) -> int:
        """Fen for the goods, at the source's price."""
        assert self.supply.cost is not None  # noqa: S101 - only offers with a price are taken
        return line_amount(self.supply.cost, self.units)

    @property
    def risky(self) -> bool:
        """Whether more is taken than readers are shown."""
        return self.supply.shown is not None and self.units > self.supply.shown


@dataclass(frozen=True)
class PlannedPurchase:
    """What is bought from one seller of one source; `freight` in fen."""

    source: str
    seller: str | None
    takes: tuple[Take, ...]
    freight: int

    @property
    def landed(self) -> int:
        """Fen for goods and freight."""
        return self.freight + sum(take.cost for take in self.takes)


@dataclass(frozen=True)
class Lost:
    """An offer that was not chosen, and why."""

    key: int
    offer_id: int
    code: str


@dataclass(frozen=True)
class Plan:
    """Purchases that serve every demand but those in `unsellable` (key → code)."""

    purchases: tuple[PlannedPurchase, ...]
    unsellable: Mapping[int, str]
    lost: tuple[Lost, ...]

    def takes(self, key: int) -> list[Take]:
        """What line `key` is bought as."""
        return [take for buy in self.purchases for take in buy.takes if take.key == key]


@dataclass(frozen=True)
class _Parcel:
    source: str
    seller: str | None
    takes: tuple[Take, ...]
    freight: int | None


Choice = tuple[Take, ...]

_ANY_AMOUNT = 10**12
"""Fen above every limit of free delivery: whether freight can be known at all."""

_NEAREST = (
    "out_of_stock",
    "stock_unknown",
    "quantity_step",
    "limit_per_order",
    "limit_per_day",
    "limit_per_recipient",
    "freight_unknown",
    "supplier_paused",
    "not_deliverable",
    "not_granted",
    "not_sold",
)
"""When several offers fail, the reason that was nearest to a sale is the one that is told."""


def route(
    demands: Sequence[Demand], supplies: Iterable[Supply], region: str, now: datetime
) -> Plan:
    """Cheapest way to buy what can be bought; a demand is served whole or not at all.

    Raises ValueError when two demands ask for one SKU: their units must be added up first.
    """
    if len({demand.sku_id for demand in demands}) < len(demands):
        raise ValueError("two lines ask for one SKU")
    by_sku: dict[int, list[Supply]] = {}
    for supply in sorted(supplies, key=lambda s: (s.cost or Decimal(0), s.offer_id)):
        by_sku.setdefault(supply.sku_id, []).append(supply)
    choices: dict[int, list[Choice]] = {}
    unsellable: dict[int, str] = {}
    lost: list[Lost] = []
    for demand in demands:
        usable, failed = _filter(demand, by_sku.get(demand.sku_id, []), region, now)
        lost += failed
        if options := _options(demand, usable):
            choices[demand.key] = options
        else:
            unsellable[demand.key] = _told(demand, usable, failed)
    best = _cheapest(list(choices.values()))
    while unknown := {
        take.key for group in _parcels(best) if group.freight is None for take in group.takes
    }:
        unsellable |= dict.fromkeys(unknown, "freight_unknown")
        best = _cheapest([o for key, o in choices.items() if key not in unsellable])
    return Plan(
        tuple(PlannedPurchase(p.source, p.seller, p.takes, p.freight or 0) for p in _parcels(best)),
        unsellable,
        (*lost, *_dearer(choices, best)),
    )


def _dearer(choices: Mapping[int, list[Choice]], best: Choice) -> list[Lost]:
    taken = {(take.key, take.supply.offer_id) for take in best}
    considered: dict[tuple[int, int], bool] = {}
    for take in (take for options in choices.values() for option in options for take in option):
        name = (take.key, take.supply.offer_id)
        considered[name] = considered.get(name, True) and take.risky
    return [
        Lost(key, offer_id, "stock_doubtful" if considered[key, offer_id] else "dearer")
        for key, offer_id in sorted(considered.keys() - taken)
    ]


def _filter(
    demand: Demand, supplies: Iterable[Supply], region: str, now: datetime
) -> tuple[list[Supply], list[Lost]]:
    usable, lost = [], []
    for supply in supplies:
        code = _fault(demand, supply, region, now)
        if code is None:
            usable.append(supply)
        else:
            lost.append(Lost(demand.key, supply.offer_id, code))
    return usable, lost


def _fault(demand: Demand, supply: Supply, region: str, now: datetime) -> str | None:
    """Why this offer can sell nothing of the demand, or None."""
    expired = supply.price_until is not None and supply.price_until <= now
    if not supply.live or not supply.resells or supply.cost is None or expired:
        return "not_sold"
    if any(region.startswith(prefix) for prefix in supply.not_delivered_to):
        return "not_deliverable"
    if not supply.granted:
        return "not_granted"
    if supply.paused:
        return "supplier_paused"
    state = supply.stock.state if supply.stock else "unknown"
    if state == "out" or supply.left == 0:
        return "out_of_stock"
    if state == "unknown" and supply.left is None and supply.unknown_stock != "sell":
        return "stock_unknown" if supply.unknown_stock == "ask" else "not_sold"
    short = supply.allowed is not None and supply.allowed < demand.quantity
    if short and supply.most(supply.allowed or 0) == 0:
        return supply.limit
    units = supply.most(demand.quantity)
    if units == 0:
        return "quantity_step"
    piece = Piece(supply.freight, units, supply.weight_g, _ANY_AMOUNT)
    return "freight_unknown" if parcel_freight([piece]) is None else None


def _told(demand: Demand, usable: list[Supply], failed: list[Lost]) -> str:
    if any(s.left is not None and s.left < demand.quantity for s in usable):
        return "out_of_stock"
    short = {s.limit for s in usable if s.allowed is not None and s.allowed < demand.quantity}
    codes = {loss.code for loss in failed} | short | ({"quantity_step"} if usable else set())
    if short and not codes & {"out_of_stock", "stock_unknown"}:
        codes.discard("quantity_step")
    return next((code for code in _NEAREST if code in codes), "not_sold")


def _options(demand: Demand, usable: list[Supply]) -> list[Choice]:
    """Ways to serve the demand: each offer alone, and each offer first with the cheapest after."""
    options: dict[tuple[tuple[int, int], ...], Choice] = {}
    for first in usable:
        order = [first, *(supply for supply in usable if supply is not first)]
        rest, takes = demand.quantity, []
        had: dict[str, int] = {}
        for supply in order:
            had.setdefault(supply.source, 0)
            within = rest if supply.allowed is None else supply.allowed - had[supply.source]
            if units := supply.most(min(rest, within)):
                takes.append(Take(demand.key, supply, units))
                rest -= units
                had[supply.source] += units
        if rest == 0:
            name = tuple(sorted((take.supply.offer_id, take.units) for take in takes))
            options.setdefault(name, tuple(takes))
    return list(options.values())


def _cheapest(lines: list[list[Choice]]) -> Choice:
    """One option a line, with the least landed cost and then the fewest parcels."""
    if prod(map(len, lines)) <= EXHAUSTIVE:
        return min((_joined(pick) for pick in product(*lines)), key=_weight)
    return min((_improved(list(start), lines) for start in _starts(lines)), key=_weight)


def _starts(lines: list[list[Choice]]) -> Iterable[Sequence[Choice]]:
    """The cheapest option of every line, and for each seller as many lines as it serves."""
    yield [min(options, key=lambda option: _weight(option)) for options in lines]
    sellers = {_seller(take) for options in lines for option in options for take in option}
    for seller in sorted(sellers, key=repr):
        yield [
            min(
                options,
                key=lambda option: (any(_seller(t) != seller for t in option), _weight(option)),
            )
            for options in lines
        ]


def _improved(pick: list[Choice], lines: list[list[Choice]]) -> Choice:
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


def _weight(takes: Choice) -> tuple[int, int, int, int]:
    """Parcels of unknown freight, then takes that may be refused, then fen landed, then parcels."""
    parcels = _parcels(takes)
    unknown = sum(parcel.freight is None for parcel in parcels)
    goods = sum(take.cost for take in takes)
    risky = sum(take.risky for take in takes)
    landed = goods + sum(parcel.freight or 0 for parcel in parcels)
    return (unknown, risky, landed, len(parcels))


def _seller(take: Take) -> tuple[str, str | None]:
    return (take.supply.source, take.supply.seller)


def _parcels(takes: Choice) -> list[_Parcel]:
    """The takes split into what each seller of each source sends."""
    groups: dict[tuple[str, str | None], list[Take]] = {}
    for take in takes:
        groups.setdefault(_seller(take), []).append(take)
    return [
        _Parcel(source, seller, tuple(group), parcel_freight(map(_piece, group)))
        for (source, seller), group in groups.items()
    ]


def _piece(take: Take) -> Piece:
    return Piece(take.supply.freight, take.units, take.supply.weight_g, take.cost)


def without(supplies: Iterable[Supply], offer_ids: set[int]) -> list[Supply]:
    """The supplies with these offers switched off, for what was refused before."""
    return [replace(s, live=False) if s.offer_id in offer_ids else s for s in supplies]
