"""Why a SKU cannot be sold by the piece somewhere, and when that changes at the earliest. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta

from catalog import corridors, shelf
from catalog.corridors import PricePolicy
from catalog.deals import Deal
from catalog.freight import Piece, parcel_freight
from catalog.shelf import Reader
from kit.clock import SHANGHAI, first
from kit.money import line_amount


@dataclass(frozen=True)
class Reason:
    """Why a SKU cannot be sold: `code` for programs, `message` for people, `until` if known."""

    code: str
    message: str
    until: datetime | None = None


@dataclass(frozen=True)
class Facts:
    """What else bears on it: the sources that are paused, whose papers have expired, or that will
    be asked for stock and freight of which nothing is known; the next planned price, price
    policies, and how many units the reader has had today, by source."""

    paused: frozenset[str] = frozenset()
    lapsed: frozenset[str] = frozenset()
    asks: frozenset[str] = frozenset()
    planned: datetime | None = None
    policies: tuple[PricePolicy, ...] = ()
    had: Mapping[str, int] = field(default_factory=dict)


def reasons(
    deals: Sequence[Deal],
    reader: Reader,
    now: datetime,
    region: str,
    quantity: int,
    facts: Facts,
) -> list[Reason]:
    """Why `quantity` of one SKU cannot be sold to `region` in one piece; empty when it can."""
    offered = shelf.visible(deals, reader, now)
    deals = [deal for deal in deals if deal.mode == "dropship"]
    seen = [deal for deal in offered if deal.mode == "dropship"]
    reached = [deal for deal in seen if deal.reaches(region)]
    granted = [deal for deal in reached if shelf.granted(deal, reader, now, region)]
    if not granted:
        return [_closed(deals, seen, reached, reader, now, region, facts)]
    limiting = [deal for deal in offered if shelf.granted(deal, reader, now, region)]
    found = _corridor(limiting, now, region, facts)
    faults = [_fault(deal, reader, now, region, quantity, facts) for deal in granted]
    if None not in faults:
        # The nearest miss is told, of whichever deal: several would tell that there are several.
        nearest = min((fault for fault in faults if fault), key=_nearest)
        ends = [fault.until for fault in faults if fault and fault.code == nearest.code]
        until = min((moment for moment in ends if moment), default=None)
        found.append(replace(nearest, until=until))
    return found


def end_of_day(now: datetime) -> datetime:
    """When the day of China ends in which `now` lies."""
    tomorrow = now.astimezone(SHANGHAI).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), SHANGHAI).astimezone(UTC)


def start_of_day(now: datetime) -> datetime:
    """When the day of China began in which `now` lies."""
    return end_of_day(now) - timedelta(days=1)


def _closed(
    deals: list[Deal],
    seen: list[Deal],
    reached: list[Deal],
    reader: Reader,
    now: datetime,
    region: str,
    facts: Facts,
) -> Reason:
    """Why nothing of it is open to the reader there."""
    if seen and not reached:
        return Reason("not_deliverable", f"this SKU is not delivered to region {region}")
    if reached or shelf.hidden(deals, reader, now):
        begins = [reader.grants.opens(d.sku_id, d.goods, region, now) for d in reached or deals]
        until = min((moment for moment in begins if moment), default=None)
        return Reason("not_granted", "the brand has not opened this SKU to you there", until)
    message = "this SKU is not sold by the piece at the moment"
    return Reason("not_sold", message, facts.planned)


def _corridor(deals: list[Deal], now: datetime, region: str, facts: Facts) -> list[Reason]:
    """The brands' limits may leave no price at all."""
    if not corridors.allows_none(corridors.corridor(deals, facts.policies, region, now)):
        return []
    until = corridors.ends(deals, facts.policies, region, now, corridors.allows_none)
    message = "no retail price is allowed at the moment: the lowest lies above the highest"
    return [Reason("corridor_empty", message, until)]


_ORDER = (
    "moq",
    "multiple",
    "limit_per_order",
    "limit_per_day",
    "stock_short",
    "stock_unknown",
    "out_of_stock",
    "freight_unknown",
    "supplier_paused",
    "supplier_lapsed",
)


OF_OFFERS = frozenset({*_ORDER, "not_deliverable", "not_granted", "not_sold"})
"""Codes of what stands against single offers; the others are of retail prices."""


def _nearest(reason: Reason) -> int:
    return _ORDER.index(reason.code)


def _fault(
    deal: Deal, reader: Reader, now: datetime, region: str, quantity: int, facts: Facts
) -> Reason | None:
    stock = shelf.stated(deal.level)
    if deal.source in facts.paused:
        return Reason("supplier_paused", "its supplier takes no orders at the moment")
    if deal.source in facts.lapsed:
        return Reason("supplier_lapsed", "its supplier's qualifications have expired")
    asks = deal.source in facts.asks
    if not asks and _freight(deal, region, quantity) is None:
        return Reason("freight_unknown", "its delivery cost is not known; ask your operator")
    if stock.state == "out":
        return Reason("out_of_stock", "this SKU is out of stock", _presale(deal, now))
    if stock.state == "unknown" and shelf.unknown_stock(deal, reader) == "ask" and not asks:
        return Reason("stock_unknown", "whether this SKU is in stock must be asked first")
    if stock.quantity is not None and stock.quantity < quantity:
        message = f"only {stock.quantity} of this SKU are left"
        return Reason("stock_short", message, _presale(deal, now))
    return _limit(deal, reader, now, region, quantity, facts) or _step(deal, quantity)


def _freight(deal: Deal, region: str, quantity: int) -> int | None:
    """Fen for the parcel, or None where that cannot be known; without a region, that it can be."""
    if deal.freight is None or not region:
        return None if deal.freight is None else 0
    goods = line_amount(deal.cost, quantity)
    return parcel_freight([Piece(deal.freight, quantity, deal.weight_g, goods)])


def _limit(
    deal: Deal, reader: Reader, now: datetime, region: str, quantity: int, facts: Facts
) -> Reason | None:
    """What the deciding grant says of quantities, and until when."""
    if not reader.grants.restricts(deal.source):
        return None
    met = _exceeded(deal, reader, now, region, quantity, facts.had)
    if met is None:
        return None
    code, message = met
    today = end_of_day(now)

    def changed(moment: datetime) -> bool:
        had = facts.had if moment < today else {}
        later = _exceeded(deal, reader, moment, region, quantity, had)
        return later is None or later[0] != code

    return Reason(code, message, first([today, *reader.grants.turns()], now, changed))


def _exceeded(
    deal: Deal, reader: Reader, now: datetime, region: str, quantity: int, had: Mapping[str, int]
) -> tuple[str, str] | None:
    """The limit that so many would exceed, where so many were had that day, as code and message."""
    grant = reader.grants.deciding(deal.sku_id, deal.goods, region, now)
    if grant is None:
        return None
    most = grant.max_per_order
    if most is not None and quantity > most:
        return "limit_per_order", f"an order may hold {most} of this SKU at most"
    if grant.max_per_day is None:
        return None
    left = max(0, grant.max_per_day - had.get(deal.source, 0))
    if quantity > left:
        return "limit_per_day", f"you may order {left} more of this SKU today"
    return None


def _step(deal: Deal, quantity: int) -> Reason | None:
    if quantity < deal.moq:
        return Reason("moq", f"this SKU is sold from {deal.moq} pieces on")
    if quantity % deal.multiple:
        return Reason("multiple", f"this SKU is sold in multiples of {deal.multiple}")
    return None


def _presale(deal: Deal, now: datetime) -> datetime | None:
    """When goods that are sold ahead are there, if that is to come."""
    if deal.presale_ship_by is None:
        return None
    there = datetime.combine(deal.presale_ship_by, time(), SHANGHAI).astimezone(UTC)
    return there if there > now else None
