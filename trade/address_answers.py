"""What suppliers answer when they are asked to send to another address, and what silence means.

An answer is the supplier's, or an operator's for it. Silence is no consent: the former address
stands, and the leader is told.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from kit.errors import Problem
from kit.ids import outside
from trade import address_requests, blinding
from trade.address_requests import End
from trade.models import AddressRequest, Order
from trade.purchases import Supplier, known

_DUE = text("""
    SELECT r.id, r.order_id FROM address_requests r JOIN orders o ON o.id = r.order_id
    WHERE r.state = 'asked' AND r.answer_by <= :now
    ORDER BY r.answer_by, r.id LIMIT 1 FOR UPDATE OF o SKIP LOCKED
""")
_ANSWERED: Mapping[bool, End] = {True: "accepted", False: "refused"}


def answer(
    session: Session,
    supplier: Supplier,
    purchase: str,
    now: datetime,
    *,
    accept: bool,
    message: str | None = None,
    asked_at: datetime | None = None,
) -> None:
    """The supplier will send to the other address, or will not; the same answer again changes
    nothing. `asked_at` says which asking is meant, where the leader may have asked anew meanwhile.

    Raises Problem 404; 409 `wrong_state` where nothing is asked (any more), `asked_anew` where
    another asking is open than the one that is meant.
    """
    found = known(session, supplier, purchase)
    request = session.scalars(
        select(AddressRequest)
        .where(AddressRequest.purchase_id == found.purchase.id)
        .order_by(AddressRequest.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()
    if request is None or request.state == "withdrawn":
        raise Problem(409, "wrong_state", "no other address is asked for")
    if asked_at is not None and asked_at != request.asked_at:
        raise Problem(
            409, "asked_anew", "the address was asked for anew; look at the purchase once more"
        )
    how = _ANSWERED[accept]
    if request.state == how:
        return
    if request.state != "asked":
        name = outside("pur", found.purchase.id)
        raise Problem(409, "wrong_state", f"the other address of {name} is {request.state}")
    told = blinding.blind(session, found.purchase, message) if message else message
    address_requests.end(session, found.order, request, how, now, told)


def work_one(session: Session, now: datetime) -> bool:
    """End the request that nobody answered longest; False when none is due. One a transaction."""
    due = session.execute(_DUE, {"now": now}).one_or_none()
    if due is None:
        return False
    order = session.get_one(Order, due.order_id, populate_existing=True)
    request = session.get_one(AddressRequest, due.id, populate_existing=True)
    if request.state == "asked" and request.answer_by <= now:
        address_requests.end(session, order, request, "unanswered", now)
    return True
