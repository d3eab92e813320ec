"""What a person does about purchases whose outcome is unknown, or that could not be placed.

Somebody has looked at the platform and says what is there; nothing is concluded from silence. In
system scope.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from connectors.model import Placed
from kit.errors import Problem
from kit.outbox import say
from trade.buying import SUBMIT
from trade.desk import Desk
from trade.models import Purchase
from trade.purchases import Locked, lock
from trade.states import UNKNOWN_TO_SUPPLIER, move, restate
from trade.submit import taken, withdraw


def found(session: Session, desk: Desk, purchase_id: int, platform_ref: str, now: datetime) -> None:
    """The source holds the purchase whole, under this number of its own.

    Raises Problem 404, 409 `wrong_state`, `in_progress`, and `reference_conflict` for a number that
    another purchase has.
    """
    held = _undecided(session, purchase_id, now)
    purchase = held.purchase
    other = select(Purchase.our_ref).where(
        Purchase.source == purchase.source,
        Purchase.id != purchase.id,
        Purchase.external_refs.contains([platform_ref]),
    )
    if (of := session.scalar(other.limit(1))) is not None:
        raise Problem(
            409,
            "reference_conflict",
            f"{platform_ref} is the number of our purchase {of}; check it",
        )
    purchase.lease = purchase.leased_until = None
    taken(session, desk, held, Placed((platform_ref,), awaits_supplier=False), now)
    restate(session, held.order, now)


def not_placed(session: Session, purchase_id: int, now: datetime) -> None:
    """The source does not hold the purchase: it is placed anew, or cancelled where that was asked.

    Raises Problem 404, 409 `wrong_state`, `in_progress`.
    """
    held = _undecided(session, purchase_id, now)
    purchase = held.purchase
    purchase.lease = purchase.leased_until = purchase.failure = None
    purchase.attempts, purchase.due_at = 0, now
    move(session, purchase, "later", now, {"code": "not_placed"})
    withdraw(session, held, now)
    restate(session, held.order, now)
    say(session, SUBMIT, purchase.source)


def hurry(session: Session, purchase_id: int, now: datetime) -> None:
    """Look at a waiting purchase at once: ask its source where the outcome is unknown, else place.

    Raises Problem 404, 409 `wrong_state`, `in_progress`.
    """
    purchase = _locked(session, purchase_id, now).purchase
    if purchase.state not in UNKNOWN_TO_SUPPLIER:
        raise _decided(purchase)
    purchase.due_at = now
    say(session, SUBMIT, purchase.source)


def _undecided(session: Session, purchase_id: int, now: datetime) -> Locked:
    held = _locked(session, purchase_id, now)
    if held.purchase.state != "submitting":
        raise _decided(held.purchase)
    return held


def _locked(session: Session, purchase_id: int, now: datetime) -> Locked:
    order_id = session.scalar(select(Purchase.order_id).where(Purchase.id == purchase_id))
    if order_id is None:
        raise Problem(404, "not_found", "there is no such purchase")
    held = lock(session, order_id, purchase_id)
    until = held.purchase.leased_until
    if held.purchase.lease is not None and until is not None and until > now:
        raise Problem(
            409,
            "in_progress",
            "its source is being asked at this moment; look again when that is done",
            retry_after=max(1, int((until - now).total_seconds())),
        )
    return held


def _decided(purchase: Purchase) -> Problem:
    return Problem(
        409, "wrong_state", f"this purchase is {purchase.state}: that is not open any more"
    )
