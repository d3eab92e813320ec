"""What an order of one SKU would meet: the verdict of routing, said in the catalogue's words.

Routing decides what is sold: it splits units over offers, counts what recipients had, and knows
what a parcel costs. The catalogue knows until when a reason holds. Both are told together.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from catalog import selling
from catalog.reads import Sellable
from catalog.selling import Reason
from kit.ids import outside
from trade import planning
from trade.desk import Desk
from trade.planning import LineRequest


@dataclass(frozen=True)
class Verdict:
    """Why a line cannot be ordered, as a code of `planning.MESSAGES`; or None, at what unit price
    and for how many fen of freight it can."""

    code: str | None
    unit_price: Decimal | None = None
    freight: int | None = None


def verdict(
    session: Session,
    desk: Desk,
    party_id: int,
    sku_id: int,
    quantity: int,
    region: str,
    now: datetime,
    *,
    mobile: str | None = None,
) -> Verdict:
    """What an order of this one line to `region` would meet now; `mobile` is its recipient's.

    System scope: it looks at what was bought before.
    """
    asked = [LineRequest(quantity, outside("sku", sku_id))]
    draft = planning.draft(session, desk, party_id, asked, region, now, mobile=mobile)
    if draft.unsellable:
        return Verdict(draft.unsellable[0].code)
    return Verdict(None, draft.lines[0].unit_price, draft.freight)


def joined(found: Sellable, met: Verdict, now: datetime) -> Sellable:
    """What the catalogue found, as far as routing agrees. Pure.

    A reason that the catalogue has for one offer counts only if no way of buying is left; one that
    only routing sees is told as well. Reasons of retail prices are the catalogue's own.
    """
    own = [reason for reason in found.reasons if reason.code not in selling.OF_OFFERS]
    if met.code is None:
        return replace(
            found,
            sellable=not own,
            reasons=own,
            price=met.unit_price,
            freight_amount=met.freight,
        )
    told = [reason for reason in found.reasons if reason.code in selling.OF_OFFERS]
    reasons = own + (told or [_reason(met.code, now)])
    return replace(found, sellable=False, reasons=reasons)


def _reason(code: str, now: datetime) -> Reason:
    by_day = code in ("limit_per_day", "limit_per_recipient")
    until = selling.end_of_day(now) if by_day else None
    return Reason(code, planning.MESSAGES[code], until)
