"""Lines as somebody wants them: by our SKU or by a code of one's own, and why one cannot be had."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from catalog.matching.redirects import current
from kit.errors import Problem, invalid
from kit.ids import inside
from trade import selections
from trade.obstacles import RULED_OUT

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
    "limited": "its supplier sells fewer of it, or to fewer places; lower the quantity",
    "limit_per_recipient": "the brand allows no more of it to this recipient today",
    "not_granted": "the brand has not opened it to you for this region; ask your operator",
    "ruled_out": RULED_OUT,
    "supplier_paused": "its supplier takes no orders at the moment; try again later",
    "supplier_lapsed": "its supplier's qualifications have expired; choose another SKU",
    "freight_unknown": "its delivery cost to this address is not known; ask your operator",
    "address_incomplete": "its sender wants the street or town (街道, 镇) in the address; add it",
    "not_deliverable": "it is not delivered to this region; choose another SKU",
    "corridor_empty": "no retail price of it is allowed: the lowest lies above the highest",
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
    named: int | None = None
    """The SKU by which it was asked for, where that may be one that was merged into this."""


@dataclass(frozen=True)
class Unsellable:
    """A line that cannot be bought, and why."""

    index: int
    sku: str | None
    code: str
    until: datetime | None = None
    """The earliest moment known today at which the reason may change."""

    @property
    def message(self) -> str:
        """The reason in a sentence."""
        return MESSAGES[self.code]


def check(requested: Sequence[LineRequest]) -> None:
    """Raises Problem 422 for lines that are malformed."""
    if not 0 < len(requested) <= MOST_LINES:
        raise invalid("lines", f"give between 1 and {MOST_LINES} lines", "count")
    for index, line in enumerate(requested):
        if not 0 < line.quantity <= MOST_UNITS:
            field = f"lines.{index}.quantity"
            raise invalid(field, f"order between 1 and {MOST_UNITS} units", "out_of_range")
        if (line.sku is None) == (line.code is None):
            raise invalid(f"lines.{index}.sku", "name the goods by sku or by code", "one_name")


def resolve(
    session: Session, party_id: int, requested: Sequence[LineRequest]
) -> tuple[list[Resolved], list[Unsellable]]:
    """The lines whose SKUs are found, and the others. Raises Problem 422 for a SKU named twice."""
    codes = [line.code for line in requested if line.code is not None]
    coded = selections.by_code(session, party_id, codes) if codes else {}
    named = [sku for line in requested if line.sku is not None and (sku := _sku(line.sku))]
    now = current(session, [*named, *coded.values()])
    found: dict[int, Resolved] = {}
    unknown = []
    for index, line in enumerate(requested):
        sku_id = _sku(line.sku) if line.sku is not None else coded.get(line.code or "")
        asked = sku_id
        sku_id = now.get(sku_id) if sku_id is not None else None
        if sku_id is None:
            reason = "unknown_code" if line.sku is None else "unknown_sku"
            unknown.append(Unsellable(index, line.sku, reason))
        elif sku_id in found:
            first = found[sku_id].index
            raise invalid(
                f"lines.{index}.sku",
                f"line {first} asks for the same SKU; add the two quantities up",
                "duplicate_line",
            )
        else:
            found[sku_id] = Resolved(
                index, sku_id, line.code, line.quantity, line.retail_price, asked
            )
    return list(found.values()), unknown


def _sku(text: str) -> int | None:
    try:
        return inside("sku", text)
    except Problem:
        return None
