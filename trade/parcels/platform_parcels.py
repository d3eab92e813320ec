"""Parcels of a purchase as its platform tells them, written down. In system scope, under its locks.

What is new in them is decided by `leaves`; a parcel that cannot be taken is told to an operator and
keeps no other back.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from connectors.trading import Part, SourceParcel
from kit import log
from kit.errors import Problem
from trade.models import Parcel, ParcelLine, PurchaseLine
from trade.parcels import leaves, merging, shipping, strays, tracking
from trade.parcels.leaves import Deed, Known
from trade.purchases import Locked

logger = log.get(__name__)


def told(
    session: Session, found: Locked, told_parts: Sequence[Part], now: datetime
) -> Sequence[Part]:
    """Write down what is new in the parcels of all leaves, and the news of each; returns the leaves
    with numbers as they are printed."""
    session.flush()
    whole = [_printed(found, part) for part in told_parts]
    again = session.scalars(
        select(Parcel.tracking_number).where(
            Parcel.purchase_id == found.purchase.id, Parcel.claim_id.is_not(None)
        )
    ).all()
    mine = [
        replace(part, parcels=tuple(x for x in part.parcels if x.tracking_number not in again))
        for part in whole
    ]
    there = known(session, found)
    if strays.moved(session, found, mine, there, now):
        there = known(session, found)
    written = {one.number for one in there if one.units}
    parts = [_living(part, written) for part in whole]
    own = [_living(part, written) for part in mine]
    for deed in leaves.deeds(found.lines, own, there):
        _tried(session, found, deed, now)
    _all_news(session, found, parts, now)
    if any(part.state in ("cancelled", "refused") for part in own):
        back = [one.number for one in leaves.came_back(found.lines, own, known(session, found))]
        nobody = [part for part in own if part.state == "refused"]
        refused = [parcel.tracking_number for part in nobody for parcel in part.parcels]
        _turned(session, found, [*back, *refused], now)
    return whole


def astray(session: Session, found: Locked, parts: Sequence[Part], now: datetime) -> None:
    """Write down what left of units that count as cancelled, now that all else is counted, and the
    news of it; `parts` are as `told` returned them."""
    if any(line.cancelled for line in found.lines.values()):
        strays.told(session, found, parts, known(session, found), now)
        _all_news(session, found, parts, now)


def _living(part: Part, written: Collection[str]) -> Part:
    """A leaf whose parcels count: of a cancelled one only those carry what was ordered that left
    before, whose numbers are `written` down; a platform that tells of them has not got them back.
    """
    if part.state != "cancelled":
        return part
    return replace(part, parcels=tuple(x for x in part.parcels if x.tracking_number in written))


def _turned(session: Session, found: Locked, numbers: Sequence[str], now: datetime) -> None:
    """Parcels that nobody took go back, whatever their carriers tell."""
    rows = session.scalars(
        select(Parcel).where(
            Parcel.purchase_id == found.purchase.id,
            Parcel.tracking_number.in_(numbers),
            Parcel.claim_id.is_(None),
            Parcel.delivered_at.is_(None),
        )
    )
    for parcel in rows:
        tracking.turn(session, found.order, parcel, now)


def known(session: Session, found: Locked) -> list[Known]:
    """The parcels that are written down, oldest first, without those in the place of others."""
    session.flush()
    rows = session.execute(
        select(Parcel.tracking_number, Parcel.delivered_at, PurchaseLine.line, ParcelLine.quantity)
        .outerjoin(ParcelLine, ParcelLine.parcel_id == Parcel.id)
        .outerjoin(PurchaseLine, PurchaseLine.id == ParcelLine.purchase_line_id)
        .where(Parcel.purchase_id == found.purchase.id, Parcel.claim_id.is_(None))
        .order_by(Parcel.id)
    )
    carried: dict[str, dict[int, int]] = {}
    arrived: set[str] = set()
    for number, delivered_at, line, units in rows:
        goods = carried.setdefault(number, {})
        if delivered_at is not None:
            arrived.add(number)
        if line is not None:
            goods[line] = goods.get(line, 0) + units
    astray = strays.by_number(session, found)
    return [
        Known(number, goods, number in arrived, astray.get(number, {}))
        for number, goods in carried.items()
    ]


def _printed(found: Locked, part: Part) -> Part:
    """A leaf with the numbers of its parcels as they are printed, without such as cannot be one."""
    parcels = []
    for parcel in part.parcels:
        try:
            number = shipping.tracking_number(parcel.tracking_number)
        except Problem as problem:
            _not_taken(found, problem)
        else:
            parcels.append(replace(parcel, tracking_number=number))
    return replace(part, parcels=tuple(parcels))


def _tried(session: Session, found: Locked, deed: Deed, now: datetime) -> None:
    try:
        with session.begin_nested():
            _done(session, found, deed, now)
    except Problem as problem:
        _not_taken(found, problem)


def _done(session: Session, found: Locked, deed: Deed, now: datetime) -> None:
    parcel = deed.parcel
    carrier, number = shipping.waybill(parcel.carrier, parcel.tracking_number, trusted=True)
    if deed.what == "units":
        there = shipping.written(session, found, number)
        there = there or shipping.new_parcel(session, found, carrier, number, now)
        shipping.send(session, found, there, deed.units, now)
    elif deed.what == "box":
        shipping.add_box(session, found, carrier, number, now)
    else:
        former = shipping.written(session, found, deed.was)
        there = shipping.written(session, found, number)
        if former is None:
            return  # it could not be written down itself
        if deed.what == "merged" and there is not None:
            merging.merge(session, found.order, former, there, now)
            found.purchase.updated_at = now
            return
        shipping.renumber(session, found, former, carrier, number, now)


def _all_news(session: Session, found: Locked, parts: Sequence[Part], now: datetime) -> None:
    for part in parts:
        for parcel in part.parcels:
            _news(session, found, part, parcel, now)


def _news(session: Session, found: Locked, part: Part, told: SourceParcel, now: datetime) -> None:
    """What the carrier told of a parcel that is written down, and by whom it goes now."""
    parcel = shipping.written(session, found, told.tracking_number)
    if parcel is None:
        return
    try:
        carrier, number = shipping.waybill(told.carrier, told.tracking_number, trusted=True)
        if carrier != parcel.carrier and parcel.claim_id is None:
            shipping.renumber(session, found, parcel, carrier, number, now)
    except Problem as problem:
        _not_taken(found, problem)
    tracking.record(
        session,
        found.order,
        parcel,
        told.events,
        delivered=part.state in ("delivered", "completed"),
        alone=len(part.parcels) == 1,
        now=now,
    )


def _not_taken(found: Locked, problem: Problem) -> None:
    found.purchase.failure = problem.detail
    logger.warning("parcel_not_taken", our_ref=found.purchase.our_ref, why=problem.code)
