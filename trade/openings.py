"""Who opened the recipients of an order, when and what for; and whose details an order names.

Suppliers open them to ship, sheets to be sent, leaders and operators for a purpose that they state.
"""

from typing import Any

from sqlalchemy import ColumnElement, select, union
from sqlalchemy.orm import Session

from kit.errors import Problem
from kit.ids import inside, outside
from trade.models import AddressRequest, Order, Purchase, Recipient, RecipientOpening
from trade.paging import newest


def known(session: Session, order: str) -> Order:
    """Anybody's order. Raises Problem 404."""
    row = session.get(Order, inside("ord", order))
    if row is None:
        raise Problem(404, "not_found", f"there is no order {order!r}")
    return row


def of_order(order: Order) -> ColumnElement[bool]:
    """Which recipients an order names: its own, those of its purchases, and of other addresses that
    were asked for."""
    mine = AddressRequest.order_id == order.id
    named = union(
        select(Purchase.recipient_id).where(Purchase.order_id == order.id),
        select(AddressRequest.recipient_id).where(mine),
        select(AddressRequest.former_id).where(mine),
    )
    return (Recipient.id == order.recipient_id) | Recipient.id.in_(named)


def page(
    session: Session, order: str, *, limit: int = 50, before: int | None = None
) -> tuple[list[dict[str, Any]], int | None]:
    """The openings, the newest first, and where the next page starts. System scope.

    Raises Problem 404.
    """
    theirs = select(Recipient.id).where(of_order(known(session, order)))
    found = select(RecipientOpening).where(RecipientOpening.recipient_id.in_(theirs))
    rows, following = newest(session, found, RecipientOpening.id, limit=limit, before=before)
    views = [
        {
            "party": None if row.party_id is None else outside("pty", row.party_id),
            "purpose": row.purpose,
            "at": row.at,
        }
        for row in rows
    ]
    return views, following


def held(session: Session, order: str) -> str | None:
    """What for an order's recipients are kept from being erased, if at all. Raises Problem 404."""
    kept = select(Recipient.hold).where(
        of_order(known(session, order)), Recipient.hold.is_not(None)
    )
    return session.scalar(kept.limit(1))
