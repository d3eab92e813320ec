"""Parcels in the place of claimed goods: told by a supplier at our door, or by a platform that made
an order of its own for them.

They move no money, and their units are not among those that were ordered: an invariant counts them
against the claim's. All in system scope, under the lock of the claim's order.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from connectors.trading import Part, SourceParcel
from kit.errors import Problem, invalid
from trade import events
from trade.after_sales import recalls
from trade.after_sales.claim_cases import Case
from trade.after_sales.claim_states import OPEN, move
from trade.desk import Desk
from trade.models import Parcel, ParcelLine, PlatformClaim
from trade.parcels import tracking
from trade.parcels.shipping import waybill
from trade.states import tell

EVERY = timedelta(minutes=30)


def send(
    session: Session, desk: Desk, case: Case, carrier: str, number: str, now: datetime
) -> None:
    """A new parcel leaves for all of a locked claim, under a waybill that was checked; of one that
    is over only where a sheet said to send it. The same number again changes nothing, another one
    takes its place.

    Raises Problem 409 `wrong_state`, `which_parcel`; 422 for a number of another parcel.
    """
    sent = _own(session, case)
    if any((one.carrier, one.tracking_number) == (carrier, number) for one in sent):
        return
    if len(sent) > 1:
        raise Problem(409, "which_parcel", f"{len(sent)} parcels took the place of these goods")
    _check_new(session, case, carrier, number)
    if sent:
        _renumber(session, case, sent[0], carrier, number, now)
        return
    anyway = recalls.overtaken(case.claim)
    event = "send_anyway" if anyway else "reissue"
    move(session, case.claim, event, now, desk.claims, _told(carrier, number))
    case.claim.bearer = "platform" if desk.terms(case.purchase.source).platform else "supplier"
    lines = {line.purchase_line_id: line.quantity for line in case.lines}
    _parcel(session, case, carrier, number, lines, now)
    if anyway:
        tell(session, case.order, "claim_cancel_too_late", now)
    _note(session, case, "reissued", now, _told(carrier, number))


def told(
    session: Session,
    desk: Desk,
    case: Case,
    row: PlatformClaim,
    parts: Sequence[Part],
    now: datetime,
) -> None:
    """What a platform says of its new order for a part of a claim: its parcels, changed numbers and
    carriers' news. The claim is over once every part of it has left.

    Raises Problem 422 for a carrier that nobody knows, or a number of another parcel.
    """
    row.due_at = now + EVERY
    parcels = [
        (part, parcel, *waybill(parcel.carrier, parcel.tracking_number, trusted=True))
        for part in parts
        for parcel in part.parcels
    ]
    parcels.sort(key=lambda one: one[3] != row.replaced_number)  # the one with the goods leads
    for place, (part, parcel, carrier, number) in enumerate(parcels):
        found = _known(session, case, row, number, first=place == 0)
        if found is None:
            lines = {} if place else {row.purchase_line_id: row.quantity}
            _check_new(session, case, carrier, number)
            found = _parcel(session, case, carrier, number, lines, now)
        elif (found.carrier, found.tracking_number) != (carrier, number):
            _check_new(session, case, carrier, number)
            _renumber(session, case, found, carrier, number, now)
        row.replaced_number = number if place == 0 else row.replaced_number
        _record(session, case, found, part, parcel, now)
    session.flush()
    _over(session, desk, case, now)
    if parcels and all(part.state in ("delivered", "completed") for part, *_ in parcels):
        row.state = "replaced"


def _record(
    session: Session, case: Case, found: Parcel, part: Part, told: SourceParcel, now: datetime
) -> None:
    delivered = part.state in ("delivered", "completed")
    alone = len(part.parcels) == 1
    tracking.record(
        session, case.order, found, told.events, delivered=delivered, alone=alone, now=now
    )


def _over(session: Session, desk: Desk, case: Case, now: datetime) -> None:
    """The claim ends when all that was asked of the platform for it has left."""
    claim = case.claim
    asked = select(PlatformClaim.replaced_number).where(PlatformClaim.claim_id == claim.id)
    if claim.state not in OPEN or None in session.scalars(asked).all():
        return
    if claim.state == "returning":
        move(session, claim, "receive", now, desk.claims)
    sent = _own(session, case)[0]
    detail = _told(sent.carrier, sent.tracking_number)
    move(session, claim, "reissue", now, desk.claims, detail)
    claim.bearer = "platform"
    _note(session, case, "reissued", now, detail)


def _known(
    session: Session, case: Case, row: PlatformClaim, number: str, *, first: bool
) -> Parcel | None:
    """The claim's parcel that is meant: with this number, or the former one of the same goods, or
    that a person wrote down before the platform told of any."""
    own = _own(session, case)
    for one in own:
        if one.tracking_number == number:
            return one
    if not first:
        return None
    if row.replaced_number is not None:
        return next((one for one in own if one.tracking_number == row.replaced_number), None)
    return own[0] if case.claim.state == "reissued" and len(own) == 1 else None


def _own(session: Session, case: Case) -> list[Parcel]:
    session.flush()
    found = select(Parcel).where(Parcel.claim_id == case.claim.id).order_by(Parcel.id)
    return list(session.scalars(found))


def _check_new(session: Session, case: Case, carrier: str, number: str) -> None:
    same = select(Parcel.id).where(
        Parcel.purchase_id == case.purchase.id,
        Parcel.carrier == carrier,
        Parcel.tracking_number == number,
    )
    if session.scalar(same) is not None:
        raise invalid("tracking_number", "another parcel of this purchase has this number", "taken")


def _renumber(
    session: Session, case: Case, sent: Parcel, carrier: str, number: str, now: datetime
) -> None:
    was = sent.tracking_number
    sent.carrier, sent.tracking_number = carrier, number
    events.of_parcel(session, sent, "renumbered", now, {"was": was})
    _note(session, case, "parcel_renumbered", now, _told(carrier, number) | {"was": was})


def _parcel(
    session: Session,
    case: Case,
    carrier: str,
    number: str,
    lines: Mapping[int, int],
    now: datetime,
) -> Parcel:
    """A parcel with so many units by purchase line; none: a further box of goods that are counted
    in another one."""
    row = case.claim
    owners = {"party_id": row.party_id, "supplier_id": row.supplier_id}
    parcel = Parcel(
        purchase_id=row.purchase_id,
        order_id=row.order_id,
        carrier=carrier,
        tracking_number=number,
        claim_id=row.id,
        shipped_at=now,
        **owners,
    )
    session.add(parcel)
    session.flush()
    for line_id, units in lines.items():
        session.add(
            ParcelLine(
                parcel_id=parcel.id,
                purchase_line_id=line_id,
                order_line_id=case.bought[line_id].order_line_id,
                quantity=units,
                **owners,
            )
        )
    events.of_parcel(session, parcel, "shipped", now)
    return parcel


def _told(carrier: str, number: str) -> dict[str, str]:
    return {"carrier": carrier, "tracking_number": number}


def _note(session: Session, case: Case, kind: str, now: datetime, detail: dict[str, str]) -> None:
    case.order.updated_at = now
    tell(session, case.order, kind, now, detail)
