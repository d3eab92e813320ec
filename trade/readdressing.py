"""Another address for an order that no supplier knows of yet.

Once a supplier has it, the address on its sheet is what is sent to: it is never assumed that the
supplier reads a change, so the leader is told to cancel, which is asked of the supplier.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from connectors.model import ShipTo
from kit.errors import FieldError, Problem
from kit.outbox import say
from trade import recipients
from trade.desk import Desk
from trade.models import Order, OrderLine, Purchase, Recipient
from trade.refusal import REROUTE
from trade.states import CLOSED, restate, tell

_COUNTY = 6


def readdress(
    session: Session, desk: Desk, party_id: int, order_id: int, ship_to: ShipTo, now: datetime
) -> None:
    """Send the order to `ship_to` instead; units that nobody sends to the former address are looked
    for once more. Runs in system scope.

    Raises Problem 404; 409 `too_late` where a supplier knows the order or all of it is done; 409
    `region_changed` where the district is another: freight and stock were promised for this one.
    """
    order = session.get(Order, order_id, with_for_update=True, populate_existing=True)
    if order is None or order.party_id != party_id:
        raise Problem(404, "not_found", "there is no such order")
    purchases = session.scalars(
        select(Purchase)
        .where(Purchase.order_id == order_id)
        .order_by(Purchase.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if order.status in ("cancelled", "shipped", "delivered", "completed") or any(
        purchase.state != "ready" and purchase.state not in CLOSED for purchase in purchases
    ):
        raise Problem(
            409,
            "too_late",
            "the parcel's sender has this order already; cancel it, which is asked of the sender,"
            " and order again to the new address",
        )
    region = session.get_one(Recipient, order.recipient_id).region
    if region[:_COUNTY] != ship_to.region[:_COUNTY]:
        raise Problem(
            409,
            "region_changed",
            "freight and stock were promised for another district; cancel this order and order"
            " again to the new address",
            errors=[FieldError("ship_to.region", "region_changed", "another district")],
        )
    order.recipient_id = recipients.seal(session, desk.keyring, party_id, ship_to)
    order.updated_at = now
    for purchase in purchases:
        if purchase.state == "ready":
            purchase.recipient_id = order.recipient_id
            purchase.updated_at = now
    waiting = session.scalars(
        select(OrderLine).where(OrderLine.order_id == order_id, OrderLine.unrouted > 0)
    ).all()
    for line in waiting:
        line.held_reason = None
    if waiting:
        restate(session, order, now)
        say(session, REROUTE, "all")
    tell(session, order, "address_changed", now)
