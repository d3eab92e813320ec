"""From what a leader asks for to prices, parcels and a routed plan: quotes and orders alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from catalog.matching.redirects import current
from catalog.pricing import PriceList
from catalog.shelf import Reader
from kit.errors import FieldError, Problem
from kit.ids import inside, outside
from kit.money import line_amount, price_text, yuan
from trade import limits, pricing, routing, selections, supplies
from trade.desk import Desk
from trade.promise import ships_by
from trade.routing import Demand, Plan, PlannedPurchase, Supply, Take

MOST_LINES = 200
MOST_UNITS = 100_000

MESSAGES = {
    "unknown_sku": "there is no such SKU; look it up under /v1/products",
    "unknown_code": "no selection of yours has this code; set it under /v1/selections",
    "out_of_stock": "not enough of it is left; lower the quantity or choose another SKU",
    "stock_unknown": "its stock must be asked for first; ask your operator",
    "quantity_step": "it is sold in larger or other quantities only; see moq and multiple",
    "limit_per_order": "the brand allows fewer of it in one order; lower the quantity",
    "limit_per_day": "the brand allows no more of it to you today; lower the quantity",
    "limit_per_recipient": "the brand allows no more of it to this recipient today",
    "not_granted": "the brand has not opened it to you for this region; ask your operator",
    "supplier_paused": "its supplier takes no orders at the moment; try again later",
    "freight_unknown": "its delivery cost to this address is not known; ask your operator",
    "not_deliverable": "it is not delivered to this region; choose another SKU",
    "not_shared": "it is not in this share; order it apart, or under another share",
    "not_sold": "it is not sold by the piece at the moment; choose another SKU",
}
"""Why a line cannot be bought, in words that name no source."""


@dataclass(frozen=True)
class LineRequest:
    """`quantity` units of a SKU, named by our id or by the leader's own code."""

    quantity: int
    sku: str | None = None
    code: str | None = None
    retail_price: Decimal | None = None


@dataclass(frozen=True)
class Resolved:
    """A requested line whose SKU is found."""

    index: int
    sku_id: int
    code: str | None
    quantity: int
    retail_price: Decimal | None


@dataclass(frozen=True)
class PricedLine:
    """A line that can be bought. `unit_price` is the mean where several offers serve it."""

    line: Resolved
    unit_price: Decimal
    amount: int


@dataclass(frozen=True)
class Unsellable:
    """A line that cannot be bought, and why."""

    index: int
    sku: str | None
    code: str

    @property
    def message(self) -> str:
        """The reason in a sentence."""
        return MESSAGES[self.code]


@dataclass(frozen=True)
class Draft:
    """What can be bought now, at what price; amounts in fen."""

    lines: tuple[PricedLine, ...]
    plan: Plan
    supplies: Mapping[int, tuple[Supply, ...]]
    unsellable: tuple[Unsellable, ...]
    rules: Mapping[int, selections.Rule]
    """The leader's own rules for retail prices, by SKU."""

    @property
    def freight(self) -> int:
        """Fen for the delivery of all parcels."""
        return sum(purchase.freight for purchase in self.plan.purchases)

    @property
    def total(self) -> int:
        """Fen for goods and freight."""
        return self.freight + sum(line.amount for line in self.lines)


def draft(
    session: Session,
    desk: Desk,
    party_id: int,
    requested: Sequence[LineRequest],
    region: str,
    now: datetime,
    *,
    mobile: str | None = None,
    lock: bool = False,
) -> Draft:
    """Route and price the lines for delivery to `region`; `lock` keeps stated stock as it is.

    `mobile` is the recipient's, for the limits that brands set.

    Raises Problem 422 for lines that are malformed or name one SKU twice.
    """
    _check(requested)
    found, unknown = _resolve(session, party_id, requested)
    skus = [line.sku_id for line in found]
    also = [pricing.question(party_id), selections.question(party_id, skus)]
    offers, (payer, chosen) = supplies.load_with(session, desk, skus, region, also, lock=lock)
    reader = pricing.answered(session, payer[0], desk, party_id, now)
    mobiles = limits.keyed(desk.keyring, mobile) if mobile else ()
    asks = limits.Asking(party_id, reader.grants, region, mobiles)
    offers = limits.applied(session, offers, asks, now, lock=lock)
    return drafted(found, unknown, offers, reader, selections.answered(chosen), region, now)


def drafted(
    found: Sequence[Resolved],
    unknown: Sequence[Unsellable],
    offers: Sequence[Supply],
    reader: Reader,
    rules: Mapping[int, selections.Rule],
    region: str,
    now: datetime,
) -> Draft:
    """Lines that were found, over these offers for `region`, as `reader` pays them. Pure."""
    by_sku: dict[int, tuple[Supply, ...]] = {}
    for offer in offers:
        by_sku[offer.sku_id] = (*by_sku.get(offer.sku_id, ()), offer)
    demands = [Demand(line.index, line.sku_id, line.quantity) for line in found]
    plan = routing.route(demands, offers, region, now)
    refused = [
        Unsellable(
            line.index,
            outside("sku", line.sku_id),
            plan.unsellable[line.index] if line.sku_id in by_sku else "unknown_sku",
        )
        for line in found
        if line.index in plan.unsellable
    ]
    priced = [
        priced_line(line, plan.takes(line.index), reader.prices)
        for line in found
        if line.index not in plan.unsellable
    ]
    unsellable = sorted([*unknown, *refused], key=lambda line: line.index)
    return Draft(tuple(priced), plan, by_sku, tuple(unsellable), rules)


def promise(purchase: PlannedPurchase, now: datetime) -> datetime | None:
    """When the parcel leaves at the latest; None where the source promises nothing."""
    moments = [
        ships_by(
            now,
            within_hours=take.supply.ships_within_hours,
            cutoff=take.supply.cutoff,
            presale_ship_by=take.supply.presale_ship_by,
        )
        for take in purchase.takes
    ]
    known = [moment for moment in moments if moment is not None]
    return max(known) if len(known) == len(moments) else None


def told(view: Draft, now: datetime) -> dict[str, Any]:
    """What a leader is told of a draft, ready for JSON."""
    skus = {line.line.index: outside("sku", line.line.sku_id) for line in view.lines}
    return {
        "lines": [
            {
                "sku": skus[line.line.index],
                "code": line.line.code,
                "quantity": line.line.quantity,
                "unit_price": price_text(line.unit_price),
                "amount": yuan(line.amount),
            }
            for line in view.lines
        ],
        "freight": yuan(view.freight),
        "total": yuan(view.total),
        "parcels": [
            {
                "lines": [{"sku": skus[t.key], "quantity": t.units} for t in purchase.takes],
                "freight": yuan(purchase.freight),
                "ships_by": by.isoformat() if (by := promise(purchase, now)) else None,
            }
            for purchase in view.plan.purchases
        ],
        "unsellable": [
            {"sku": line.sku, "line": line.index, "code": line.code, "message": line.message}
            for line in view.unsellable
        ],
    }


def record(plan: Plan) -> dict[str, Any]:
    """The decision, for operators: what is bought where, and why each other offer lost."""
    return {
        "purchases": [
            {
                "source": purchase.source,
                "seller": purchase.seller,
                "freight": yuan(purchase.freight),
                "takes": [
                    {
                        "line": take.key,
                        "offer": take.supply.offer_id,
                        "external_id": take.supply.external_id,
                        "quantity": take.units,
                        "unit_cost": str(take.supply.cost),
                    }
                    for take in purchase.takes
                ],
            }
            for purchase in plan.purchases
        ],
        "lost": [
            {"line": loss.key, "offer": loss.offer_id, "code": loss.code} for loss in plan.lost
        ],
        "unsellable": {str(key): code for key, code in plan.unsellable.items()},
    }


def _check(requested: Sequence[LineRequest]) -> None:
    if not 0 < len(requested) <= MOST_LINES:
        raise _invalid("lines", "count", f"give between 1 and {MOST_LINES} lines")
    for index, line in enumerate(requested):
        if not 0 < line.quantity <= MOST_UNITS:
            field = f"lines.{index}.quantity"
            raise _invalid(field, "out_of_range", f"order between 1 and {MOST_UNITS} units")
        if (line.sku is None) == (line.code is None):
            raise _invalid(f"lines.{index}.sku", "one_name", "name the goods by sku or by code")


def _resolve(
    session: Session, party_id: int, requested: Sequence[LineRequest]
) -> tuple[list[Resolved], list[Unsellable]]:
    codes = [line.code for line in requested if line.code is not None]
    coded = selections.by_code(session, party_id, codes) if codes else {}
    named = [sku for line in requested if line.sku is not None and (sku := _sku(line.sku))]
    now = current(session, [*named, *coded.values()])
    found: dict[int, Resolved] = {}
    unknown = []
    for index, line in enumerate(requested):
        sku_id = _sku(line.sku) if line.sku is not None else coded.get(line.code or "")
        sku_id = now.get(sku_id) if sku_id is not None else None
        if sku_id is None:
            reason = "unknown_code" if line.sku is None else "unknown_sku"
            unknown.append(Unsellable(index, line.sku, reason))
        elif sku_id in found:
            first = found[sku_id].index
            raise _invalid(
                f"lines.{index}.sku",
                "duplicate_line",
                f"line {first} asks for the same SKU; add the two quantities up",
            )
        else:
            found[sku_id] = Resolved(index, sku_id, line.code, line.quantity, line.retail_price)
    return list(found.values()), unknown


def _sku(text: str) -> int | None:
    try:
        return inside("sku", text)
    except Problem:
        return None


def priced_line(line: Resolved, takes: Sequence[Take], pays: PriceList) -> PricedLine:
    """What a line costs whoever has this price list, from the offers that it is taken from."""
    prices = [_price(take.supply, pays) for take in takes]
    amount = sum(line_amount(p, take.units) for p, take in zip(prices, takes, strict=True))
    if len(set(prices)) == 1:
        return PricedLine(line, prices[0], amount)
    return PricedLine(line, mean(amount, line.quantity), amount)


def mean(amount: int, quantity: int) -> Decimal:
    """The unit price in CNY of a line's amount in fen."""
    return (Decimal(amount) / 100 / quantity).quantize(Decimal("0.0001"))


def _price(supply: Supply, pays: PriceList) -> Decimal:
    assert supply.cost is not None  # noqa: S101 - only offers with a price are taken
    return pays.price(supply.cost, supply.goods)


def _invalid(field: str, code: str, message: str) -> Problem:
    return Problem(422, "invalid", f"{field}: {message}", errors=[FieldError(field, code, message)])
