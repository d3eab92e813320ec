"""From which offers an order is bought: filter → rank → allocate → split. Pure.

The landed cost (goods and freight) is minimised, then the number of parcels; but an offer whose
stated stock has probably been sold meanwhile is taken only where no other serves. Operators' own
rules come before both. Every offer that was not chosen is named with the reason why, and the rule
that made it lose; for operators, leaders see none of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from catalog.freight import Piece, parcel_freight
from trade.routing.allocation import Ways, cheapest, parcels, ways
from trade.routing.one_sku import Sharing, groups, merged
from trade.routing.takes import Choice as Choice
from trade.routing.takes import Demand as Demand
from trade.routing.takes import Supply as Supply
from trade.routing.takes import Take as Take


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
    rule: str | None = None
    """The operator's rule without which it would not have lost."""


@dataclass(frozen=True)
class Facts:
    """What a plan was made from."""

    demands: tuple[Demand, ...]
    supplies: tuple[Supply, ...]
    region: str
    now: datetime


@dataclass(frozen=True)
class Plan:
    """Purchases that serve every demand but those in `unsellable` (key → code)."""

    purchases: tuple[PlannedPurchase, ...]
    unsellable: Mapping[int, str]
    lost: tuple[Lost, ...]
    facts: Facts

    def takes(self, key: int) -> list[Take]:
        """What line `key` is bought as."""
        return [take for buy in self.purchases for take in buy.takes if take.key == key]


_ANY_AMOUNT = 10**12
"""Fen above every limit of free delivery: whether freight can be known at all."""

_NEAREST = (
    "address_incomplete",
    "out_of_stock",
    "limited",
    "stock_unknown",
    "quantity_step",
    "limit_per_order",
    "limit_per_day",
    "limit_per_recipient",
    "freight_unknown",
    "ruled_out",
    "supplier_paused",
    "supplier_lapsed",
    "not_deliverable",
    "not_granted",
    "not_sold",
)
"""When several offers fail, the reason that was nearest to a sale is the one that is told."""


def route(
    demands: Sequence[Demand], supplies: Iterable[Supply], region: str, now: datetime
) -> Plan:
    """Cheapest way to buy what can be bought; a demand is served whole or not at all.

    Of demands for one SKU as many are served, in their order, as its offers can serve together.
    """
    wanted = {demand.sku_id for demand in demands}
    supplies = tuple(one for one in supplies if one.sku_id in wanted)
    by_sku: dict[int, list[Supply]] = {}
    for supply in sorted(supplies, key=_rank):
        by_sku.setdefault(supply.sku_id, []).append(supply)
    served: dict[int, Ways] = {}
    kept: dict[int, Sequence[Demand]] = {}
    unsellable: dict[int, str] = {}
    lost: list[Lost] = []
    for group in groups(demands):
        found = _served(group, by_sku.get(group[0].sku_id, []), region, now)
        lost += found.failed
        unsellable |= found.unsellable
        if found.ways is not None:
            served[found.kept[0].key], kept[found.kept[0].key] = found.ways, found.kept
    best = cheapest(list(served.values()))
    sent = parcels(best)
    while unknown := {take.key for one in sent if one.freight is None for take in one.takes}:
        unsellable |= dict.fromkeys(unknown, "freight_unknown")
        best = cheapest([one for key, one in served.items() if key not in unsellable])
        sent = parcels(best)
    for key in unsellable.keys() & kept.keys():
        unsellable |= dict.fromkeys((one.key for one in kept[key]), unsellable[key])
    share = Sharing(kept)
    return Plan(
        tuple(
            PlannedPurchase(p.source, p.seller, share.apart(p.takes), p.freight or 0) for p in sent
        ),
        unsellable,
        (*lost, *_ruled(_dearer(served, best), served, unsellable, best)),
        Facts(tuple(demands), supplies, region, now),
    )


class _Served(NamedTuple):
    """Which demands for one SKU are served together, how, and why not the others."""

    kept: Sequence[Demand]
    ways: Ways | None
    failed: list[Lost]
    unsellable: dict[int, str]


def _served(
    group: Sequence[Demand], supplies: Sequence[Supply], region: str, now: datetime
) -> _Served:
    usable, failed = _filter(merged(group), supplies, region, now)
    if found := ways(merged(group), usable):
        return _Served(group, found, failed, {})
    if len(group) == 1:
        return _Served([], None, failed, {group[0].key: _told(group[0], usable, failed)})
    kept: list[Demand] = []
    best, refused = None, {}
    for one in group:
        asked = merged([*kept, one])
        usable, failed = _filter(asked, supplies, region, now)
        if found := ways(asked, usable):
            kept.append(one)
            best = found
        else:
            refused[one.key] = _told(asked, usable, failed)
    return _Served(kept, best, failed, refused)


def _rank(supply: Supply) -> tuple[bool, Decimal, int]:
    """Sorts what is tried first: what need not serve last, then the cheapest as rules weigh it."""
    cost, ruling = supply.cost or Decimal(0), supply.ruling
    if ruling is not None:
        cost = cost * (1 + ruling.percent / 100) + ruling.per_unit
    return supply.last, cost, supply.offer_id


def _ruled(
    lost: list[Lost], served: Mapping[int, Ways], unsellable: Mapping[int, str], best: Choice
) -> list[Lost]:
    """The losses, with the rule of each offer that would have been chosen without rules: its own,
    or that of an offer chosen instead of it, or the only one that counts for the order."""
    rules = {
        (take.key, take.supply.offer_id): ruling.rule
        for one in served.values()
        for way in one.every
        for take in way
        if (ruling := take.supply.ruling)
    }
    if not rules:
        return lost
    plain = [
        Ways(
            one.demand,
            [replace(supply, ruling=None) for supply in one.usable],
            [_unruled(way) for way in one.every],
        )
        for key, one in served.items()
        if key not in unsellable
    ]
    would = {(take.key, take.supply.offer_id) for take in cheapest(plain)}
    chosen = {take.key: rules.get((take.key, take.supply.offer_id)) for take in best}
    only = next(iter(rules.values())) if len(set(rules.values())) == 1 else None
    return [
        replace(
            loss,
            code="ruled",
            rule=rules.get((loss.key, loss.offer_id)) or chosen.get(loss.key) or only,
        )
        if (loss.key, loss.offer_id) in would
        else loss
        for loss in lost
    ]


def _unruled(way: Choice) -> Choice:
    return tuple(replace(take, supply=replace(take.supply, ruling=None)) for take in way)


def _dearer(served: Mapping[int, Ways], best: Choice) -> list[Lost]:
    taken = {(take.key, take.supply.offer_id) for take in best}
    doubtful: dict[tuple[int, int], bool] = {}
    for way in (way for one in served.values() for way in one.every):
        for take in way:
            name = (take.key, take.supply.offer_id)
            doubtful[name] = doubtful.get(name, False) or take.risky
    return [
        Lost(key, offer_id, "stock_doubtful" if doubtful[key, offer_id] else "dearer")
        for key, offer_id in sorted(doubtful.keys() - taken)
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
            rule = supply.ruling.rule if supply.ruling and code == "ruled_out" else None
            lost.append(Lost(demand.key, supply.offer_id, code, rule))
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
    if supply.lapsed:
        return "supplier_lapsed"
    if supply.ruling is not None and supply.ruling.then == "never":
        return "ruled_out"
    if supply.word is not None and supply.word.code is not None:
        return supply.word.code
    if supply.left == 0 or (supply.stock is not None and supply.stock.state == "out"):
        return "out_of_stock"
    if supply.unstated and supply.unknown_stock != "sell":
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


def without(supplies: Iterable[Supply], offer_ids: set[int]) -> list[Supply]:
    """The supplies with these offers switched off, for what was refused before."""
    return [replace(s, live=False) if s.offer_id in offer_ids else s for s in supplies]
