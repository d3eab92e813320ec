"""Parcels on their way: news written down once, units that arrive, parcels that are stuck, orders
that are over. In system scope, under the order's lock.

A parcel of which nobody tells, as at our own door, is taken to have arrived `[claims]
delivery_days` after it left. One of which news came is stuck when no more of it comes, and is
taken to have arrived only long after, and never on its way back.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from connectors.trading import TrackEvent
from kit.errors import Problem
from trade import events
from trade.after_sales.claim_states import OPEN
from trade.desk import Desk
from trade.models import Order, OrderLine, Parcel, ParcelEvent, ParcelLine, Purchase, Recipient
from trade.parcels import parcel_news
from trade.states import restate, tell

_SILENT = text("""
    SELECT p.id, p.order_id FROM parcels p JOIN orders o ON o.id = p.order_id
    WHERE p.delivered_at IS NULL AND p.shipped_at <= :before AND p.state <> 'returned'
      AND (p.last_event_at IS NULL OR p.last_event_at <= :long_ago)
    ORDER BY p.id LIMIT 1 FOR UPDATE OF o SKIP LOCKED
""")
_WATCHED = text("""
    SELECT p.id FROM parcels p JOIN orders o ON o.id = p.order_id
    JOIN purchases b ON b.id = p.purchase_id
    WHERE p.delivered_at IS NULL AND p.stuck_at IS NULL
      AND (p.last_event_at IS NOT NULL OR b.source = ANY(:platforms))
      AND coalesce(p.last_event_at, p.shipped_at) <= CASE p.state
          WHEN 'shipped' THEN :shipped WHEN 'out_for_delivery' THEN :out_for_delivery
          WHEN 'problem' THEN :problem WHEN 'returned' THEN :returned ELSE :in_transit END
    ORDER BY p.id LIMIT 1 FOR UPDATE OF o SKIP LOCKED
""")
_OVER = text("""
    SELECT o.id FROM orders o WHERE o.delivered_at <= :before AND o.completed_at IS NULL
      AND NOT EXISTS (SELECT FROM parcels p WHERE p.order_id = o.id
                      AND (p.delivered_at IS NULL OR p.delivered_at > :before))
      AND NOT EXISTS (SELECT FROM claims c WHERE c.order_id = o.id AND c.state = ANY(:open))
    ORDER BY o.delivered_at, o.id LIMIT 1 FOR UPDATE OF o SKIP LOCKED
""")
_STATES = ("shipped", "out_for_delivery", "problem", "returned", "in_transit")


def record(
    session: Session,
    order: Order,
    parcel: Parcel,
    told: Sequence[TrackEvent],
    *,
    delivered: bool,
    alone: bool,
    now: datetime,
) -> None:
    """News of a parcel, in any order and any number of times.

    `delivered`: its source says so. Where it is `alone` what its carrier says counts as well: the
    news of several parcels of one platform order cannot be told apart.
    """
    own = select(ParcelEvent).where(ParcelEvent.parcel_id == parcel.id)
    before = [TrackEvent(row.at, row.text) for row in session.scalars(own)]
    known = {(one.at, one.text) for one in before}
    news = parcel_news.read([*before, *told])
    fresh = [one for one in news if (one.at, one.text) not in known]
    owners = {"party_id": parcel.party_id, "supplier_id": parcel.supplier_id}
    for one in fresh if fresh and not _is_erased(session, parcel) else ():
        row = {"parcel_id": parcel.id, "at": one.at, "state": one.state, "text": one.text}
        session.execute(insert(ParcelEvent).values(**row, **owners).on_conflict_do_nothing())
    heard = min(fresh[-1].at, now) if fresh else None  # a carrier's clock may be ahead
    if heard is not None and (parcel.last_event_at is None or heard > parcel.last_event_at):
        parcel.last_event_at, parcel.stuck_at = heard, None
        if news[-1].state == "returned":
            turn(session, order, parcel, now)
        elif parcel.delivered_at is None:
            parcel.state = news[-1].state
    arrivals = [one.at for one in news if one.state == "delivered"]
    delivered = delivered or bool(alone and news and news[-1].state == "delivered")
    if delivered and parcel.delivered_at is None:
        arrive(session, order, parcel, min(arrivals[-1] if arrivals else now, now), now)


def _is_erased(session: Session, parcel: Parcel) -> bool:
    """Whether who was to get it is erased: then what its carrier tells is not kept once more."""
    person = select(Recipient.envelope).join(Purchase, Purchase.recipient_id == Recipient.id)
    return session.scalar(person.where(Purchase.id == parcel.purchase_id)) == b""


def turn(session: Session, order: Order, parcel: Parcel, now: datetime) -> None:
    """A parcel goes back to its sender; again changes nothing."""
    if parcel.state == "returned":
        return
    parcel.state = "returned"
    events.of_parcel(session, parcel, "returned", now)
    detail = {"carrier": parcel.carrier, "tracking_number": parcel.tracking_number}
    tell(session, order, "parcel_returned", now, detail)


def arrive(
    session: Session,
    order: Order,
    parcel: Parcel,
    at: datetime,
    now: datetime,
    *,
    assumed: bool = False,
) -> None:
    """A parcel is where it was to go: its units count as delivered."""
    parcel.delivered_at, parcel.state, parcel.stuck_at = at, "delivered", None
    if parcel.claim_id is None:
        lines = session.execute(
            select(ParcelLine.quantity, OrderLine)
            .join(OrderLine, OrderLine.id == ParcelLine.order_line_id)
            .where(ParcelLine.parcel_id == parcel.id)
            .execution_options(populate_existing=True)
        ).all()
        for quantity, line in lines:
            line.delivered += quantity
            session.flush()
    events.of_parcel(session, parcel, "delivered", now, {"assumed": assumed})
    detail = {"carrier": parcel.carrier, "tracking_number": parcel.tracking_number}
    tell(session, order, "parcel_delivered", now, detail | {"assumed": assumed})
    restate(session, order, now)


def found_delivered(session: Session, parcel_id: int, now: datetime) -> None:
    """A person knows that the parcel has arrived, whatever its carrier tells; again changes
    nothing. Raises Problem 404."""
    order_id = session.scalar(select(Parcel.order_id).where(Parcel.id == parcel_id))
    if order_id is None:
        raise Problem(404, "not_found", "there is no such parcel")
    order = session.get_one(Order, order_id, with_for_update=True, populate_existing=True)
    parcel = session.get_one(Parcel, parcel_id, populate_existing=True)
    if parcel.delivered_at is None:
        arrive(session, order, parcel, now, now)


def work_one(session: Session, desk: Desk, now: datetime) -> bool:
    """One parcel of which nobody tells, one that is stuck, or one order that is over; False when
    there is none. One a transaction: whoever holds the locks of one order waits for no other."""
    return (
        _assume_one(session, desk, now)
        or _stuck_one(session, desk, now)
        or _complete_one(session, desk, now)
    )


def _assume_one(session: Session, desk: Desk, now: datetime) -> bool:
    days = timedelta(days=desk.claims.delivery_days)
    asked = {"before": now - days, "long_ago": now - parcel_news.LONG_AGO}
    found = session.execute(_SILENT, asked).one_or_none()
    if found is None:
        return False
    parcel = session.get_one(Parcel, found.id, populate_existing=True)
    order = session.get_one(Order, found.order_id, populate_existing=True)
    if parcel.delivered_at is None:
        left, heard = parcel.shipped_at, parcel.last_event_at
        at = parcel_news.arrival(left, None, heard, desk.claims.delivery_days)
        arrive(session, order, parcel, at, now, assumed=True)
    return True


def _stuck_one(session: Session, desk: Desk, now: datetime) -> bool:
    limits = {one: now - parcel_news.stuck_after(one, desk.tracking) for one in _STATES}
    platforms = [code for code, terms in desk.sources.items() if terms.platform]
    found = session.execute(_WATCHED, limits | {"platforms": platforms}).scalar_one_or_none()
    if found is None:
        return False
    parcel = session.get_one(Parcel, found, populate_existing=True)
    order = session.get_one(Order, parcel.order_id, populate_existing=True)
    if parcel.delivered_at is None and parcel.stuck_at is None:
        parcel.stuck_at = now
        events.of_parcel(session, parcel, "stuck", now, {"state": parcel.state})
        detail = {"carrier": parcel.carrier, "tracking_number": parcel.tracking_number}
        tell(session, order, "parcel_stuck", now, detail)
    return True


def _complete_one(session: Session, desk: Desk, now: datetime) -> bool:
    before = now - timedelta(days=desk.claims.return_days)
    found = session.execute(_OVER, {"before": before, "open": sorted(OPEN)}).scalar_one_or_none()
    if found is None:
        return False
    order = session.get_one(Order, found, populate_existing=True)
    if order.completed_at is None:
        order.completed_at = now
        restate(session, order, now)
        tell(session, order, "completed", now)
    return True
