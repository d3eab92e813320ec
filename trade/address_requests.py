"""Other addresses that suppliers were asked to send to: opened, ended, shown.

A change is asked and never assumed: a purchase goes to its former address until its supplier has
agreed, and for good once a parcel of it has left. All under the lock of the order.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from connectors.model import ShipTo
from trade import events
from trade.models import AddressRequest, Order, OrderLine, Purchase
from trade.states import OPEN, UNKNOWN_TO_SUPPLIER, tell

End = Literal["accepted", "refused", "overtaken", "unanswered", "withdrawn"]

UNSENT = sorted(OPEN - {"partly_shipped"})
"""States of purchases of which nothing has left, and something is to leave."""
_SHOWN = ("asked", "refused", "unanswered", "overtaken", "accepted")
"""What an order says where its suppliers differ: the first of these."""


def ask(
    session: Session, purchase: Purchase, recipient_id: int, now: datetime, answer: timedelta
) -> None:
    """Ask the supplier of a locked purchase, which has no open request, to send to `recipient_id`
    instead, within the time to `answer`."""
    session.add(
        AddressRequest(
            order_id=purchase.order_id,
            purchase_id=purchase.id,
            party_id=purchase.party_id,
            supplier_id=purchase.supplier_id,
            recipient_id=recipient_id,
            former_id=purchase.recipient_id,
            asked_at=now,
            answer_by=now + answer,
        )
    )
    purchase.updated_at = now
    _tell_supplier(session, purchase, "asked", now)


def of_order(session: Session, order_id: int) -> Sequence[AddressRequest]:
    """The open requests of a locked order."""
    found = select(AddressRequest).where(
        AddressRequest.order_id == order_id, AddressRequest.state == "asked"
    )
    return session.scalars(found.order_by(AddressRequest.id)).all()


def at_door(session: Session, purchase_ids: Collection[int]) -> dict[int, AddressRequest]:
    """The open request of each purchase that has one."""
    found = select(AddressRequest).where(
        AddressRequest.purchase_id.in_(purchase_ids), AddressRequest.state == "asked"
    )
    return {row.purchase_id: row for row in session.scalars(found)}


def end(
    session: Session,
    order: Order,
    request: AddressRequest,
    how: End,
    now: datetime,
    message: str | None = None,
) -> None:
    """End an open request; where its supplier accepts, its purchase goes to the other address."""
    purchase = session.get_one(Purchase, request.purchase_id)
    request.state, request.message, request.ended_at = how, message, now
    purchase.updated_at = now
    if how == "accepted":
        purchase.recipient_id = request.recipient_id
    moved = _settle(session, order, request, now)
    if how == "accepted":
        tell(session, order, "address_changed", now, None if moved else {"all": False})
    elif how != "withdrawn":
        tell(session, order, f"address_{how}", now)
    elif moved:
        tell(session, order, "address_changed", now)
    _tell_supplier(session, purchase, how, now)


def over(session: Session, order: Order, purchase: Purchase, how: End, now: datetime) -> None:
    """A locked purchase needs no answer any more: it has been shipped, or it will never be."""
    session.flush()
    for request in at_door(session, [purchase.id]).values():
        end(session, order, request, how, now)


def told(requests: Iterable[AddressRequest]) -> dict[str, Any] | None:
    """What the leader sees of the last asking; `requests` are those of one order, oldest first."""
    known = list(requests)
    last = [row for row in known if row.recipient_id == known[-1].recipient_id]
    shown = sorted((row for row in last if row.state in _SHOWN), key=_rank)
    if not shown:
        return None
    row = shown[0]
    return {
        "status": row.state,
        "asked_at": row.asked_at,
        "answer_by": row.answer_by,
        "message": row.message,
    }


def asked(request: AddressRequest | None, to: ShipTo | None) -> dict[str, Any] | None:
    """What the supplier sees of an open request; `to` only where its opening was logged."""
    if request is None:
        return None
    return {
        "ship_to": to and vars(to),
        "asked_at": request.asked_at,
        "answer_by": request.answer_by,
    }


def _rank(row: AddressRequest) -> int:
    return _SHOWN.index(row.state)


def _settle(session: Session, order: Order, request: AddressRequest, now: datetime) -> bool:
    """The order goes to the other address once all that is still to be sent does; whether it came
    to that."""
    session.flush()
    to = session.scalars(
        select(Purchase.recipient_id).where(
            Purchase.order_id == order.id, Purchase.state.in_(UNSENT)
        )
    ).all()
    waits = select(OrderLine.id).where(OrderLine.order_id == order.id, OrderLine.unrouted > 0)
    order.updated_at = now
    if set(to) - {request.recipient_id} or not (to or session.scalar(waits.limit(1))):
        return False
    if order.recipient_id == request.recipient_id:
        return False
    order.recipient_id = request.recipient_id
    return True


def _tell_supplier(session: Session, purchase: Purchase, what: str, now: datetime) -> None:
    if purchase.state not in UNKNOWN_TO_SUPPLIER:
        events.of_purchase(session, purchase, f"address_{what}", now)
