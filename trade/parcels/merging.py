"""Two shipped parcels become one: a platform tells the goods of both under one number from now on.

The units of the other are in it then, and its row is no more, so that nobody waits for news of a
number that nothing travels under. What left, and the money that moved with it, stays as it is.
"""

from datetime import datetime

from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from trade import events
from trade.models import Order, OrderLine, Parcel, ParcelEvent, ParcelLine, Stray
from trade.states import restate, tell

_NEWS = text("""
    INSERT INTO parcel_events (parcel_id, party_id, supplier_id, at, state, text)
    SELECT :into, party_id, supplier_id, at, state, text FROM parcel_events
    WHERE parcel_id = :former ON CONFLICT DO NOTHING
""")


def merge(session: Session, order: Order, former: Parcel, into: Parcel, now: datetime) -> None:
    """All that is in `former` of a locked order is in `into`, which belongs to the same purchase;
    where that has arrived, so has this."""
    session.flush()
    own = select(ParcelLine).where(ParcelLine.parcel_id == former.id)
    for line in session.scalars(own.execution_options(populate_existing=True)).all():
        _moved(session, line, into)
        if into.delivered_at is not None and former.delivered_at is None:
            ordered = session.get_one(OrderLine, line.order_line_id, populate_existing=True)
            ordered.delivered += line.quantity
        session.delete(line)
    session.execute(_NEWS, {"into": into.id, "former": former.id})
    session.execute(delete(ParcelEvent).where(ParcelEvent.parcel_id == former.id))
    session.execute(update(Stray).where(Stray.parcel_id == former.id).values(parcel_id=into.id))
    into.also = [*into.also, former.id, *former.also]
    events.of_parcel(session, former, "merged", now, {"into": into.tracking_number})
    session.delete(former)
    detail = {"carrier": into.carrier, "tracking_number": into.tracking_number}
    tell(session, order, "parcel_merged", now, detail | {"was": former.tracking_number})
    restate(session, order, now)


def _moved(session: Session, line: ParcelLine, into: Parcel) -> None:
    there = session.get(ParcelLine, (into.id, line.purchase_line_id), populate_existing=True)
    if there is not None:
        there.quantity += line.quantity
        return
    session.add(
        ParcelLine(
            parcel_id=into.id,
            purchase_line_id=line.purchase_line_id,
            order_line_id=line.order_line_id,
            party_id=line.party_id,
            supplier_id=line.supplier_id,
            quantity=line.quantity,
        )
    )
