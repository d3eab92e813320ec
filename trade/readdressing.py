"""Another address for an order: at once where no supplier knows of it, else asked of the supplier.

It is never assumed that a supplier reads a change: it answers at its door, or an operator for it,
and until then its goods go to the former address. What cannot be asked is said so, and then
nothing of the order changes.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from connectors.model import ShipTo
from kit.errors import FieldError, Problem
from kit.outbox import say
from trade import address_requests, recipients
from trade.desk import Desk
from trade.models import Order, OrderLine, Purchase, Recipient
from trade.refusal import REROUTE
from trade.states import OPEN, restate, tell

_COUNTY = 6


def readdress(
    session: Session, desk: Desk, party_id: int, order_id: int, ship_to: ShipTo, now: datetime
) -> bool:
    """Send what is still to be sent to `ship_to` instead; returns whether a supplier is asked.

    Asking again takes the place of what was asked before; the same again changes nothing. Units
    that nobody sends to the former address are looked for once more. Runs in system scope.

    Raises Problem 404; 409 `too_late` where all of it is shipped or cancelled, `region_changed`
    where the district is another (freight and stock were promised for this one), `address_fixed`
    where a sender cannot be asked.
    """
    order = session.get(Order, order_id, with_for_update=True, populate_existing=True)
    if order is None or order.party_id != party_id:
        raise Problem(404, "not_found", "there is no such order")
    unsent = _unsent(session, order)
    waiting = session.scalars(
        select(OrderLine).where(OrderLine.order_id == order_id, OrderLine.unrouted > 0)
    ).all()
    if not unsent and not waiting:
        raise Problem(409, "too_late", "nothing of it is to be sent any more; open a claim")
    _same_district(session, order, ship_to)
    _can_be_asked(desk, unsent)
    known = [one for one in unsent if one.state != "ready"]
    differ = [one for one in known if not _goes_to(session, desk, one.recipient_id, ship_to)]
    before = address_requests.of_order(session, order_id)
    if (
        before
        and {one.purchase_id for one in before} == {one.id for one in differ}
        and _goes_to(session, desk, before[0].recipient_id, ship_to)
    ):
        return True
    here = [order.recipient_id, *(one.recipient_id for one in unsent)]
    if not before and all(_goes_to(session, desk, one, ship_to) for one in here):
        return False
    for request in before:
        address_requests.end(session, order, request, "withdrawn", now)
    session.flush()
    to = recipients.seal(session, desk.keyring, party_id, ship_to)
    for purchase in unsent:
        if purchase not in differ:
            purchase.recipient_id, purchase.updated_at = to, now
    answer = timedelta(hours=desk.claims.answer_hours)
    for purchase in differ:
        address_requests.ask(session, purchase, to, now, answer)
    if not differ:
        order.recipient_id = to
    order.updated_at = now
    for line in waiting:
        line.held_reason = None
    if waiting:
        restate(session, order, now)
        say(session, REROUTE, "all")
    tell(session, order, "address_asked" if differ else "address_changed", now)
    return bool(differ)


def _unsent(session: Session, order: Order) -> Sequence[Purchase]:
    """Purchases with something to send, locked."""
    return session.scalars(
        select(Purchase)
        .where(Purchase.order_id == order.id, Purchase.state.in_(OPEN))
        .order_by(Purchase.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def _same_district(session: Session, order: Order, ship_to: ShipTo) -> None:
    region = session.get_one(Recipient, order.recipient_id).region
    if region[:_COUNTY] != ship_to.region[:_COUNTY]:
        raise Problem(
            409,
            "region_changed",
            "freight and stock were promised for another district; cancel this order and order"
            " again to the new address",
            errors=[FieldError("ship_to.region", "region_changed", "another district")],
        )


def _can_be_asked(desk: Desk, unsent: Sequence[Purchase]) -> None:
    """All or nothing: one who cannot be asked keeps the whole order as it is."""
    if any(
        one.state == "partly_shipped" or (one.state != "ready" and not desk.terms(one.source).door)
        for one in unsent
    ):
        raise Problem(
            409,
            "address_fixed",
            "a sender has begun to send this order, or takes no other address for it; cancel it,"
            " which is asked of the sender, and order again to the new address",
        )


def _goes_to(session: Session, desk: Desk, recipient_id: int, ship_to: ShipTo) -> bool:
    row = session.get_one(Recipient, recipient_id)
    return recipients.same(desk.keyring, row, ship_to)
