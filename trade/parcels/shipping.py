"""Shipping at the supplier's door: parcels, the money they move, and changed waybill numbers.

The same parcel again changes nothing; another number for goods that are all gone replaces the
former one; units are never shipped beyond what was ordered.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from catalog import stock
from connectors.feed.text import plain
from kit.errors import FieldError, Problem
from kit.ids import outside
from trade import address_requests, books, events
from trade.books import Shipped
from trade.buying import reservation
from trade.models import Claim, Parcel, ParcelLine
from trade.parcels import carriers, renumbered
from trade.purchases import Locked, Supplier, locked
from trade.refusal import open_units, order_line
from trade.states import move, restate, tell

_NUMBER = re.compile(r"[A-Z0-9][A-Z0-9-]{5,39}")
REPLACES = or_(
    and_(Claim.kind == "reissue", Claim.state == "approved"),
    and_(Claim.kind == "exchange", Claim.state == "received"),
)
"""Claims that were agreed to and wait for a parcel, as a condition."""
RECALLED = Claim.recall == "asked"
"""Claims that are over, for which a sheet says to send a parcel."""
_ROUNDED = re.compile(r"\d+(\.\d+)?E\+?\d+|\d{2,6}0{9,}")
"""7.73E+13, and what a spreadsheet makes of it when the column becomes a number: 77300000000000."""


@dataclass(frozen=True)
class Shipment:
    """One parcel of a purchase. `lines` are units by line number; None is all that is open, and
    none at all is a further parcel of goods that are counted in another one (a table in two boxes).

    `replaces` is the former number, where a parcel's number was wrong.
    """

    purchase: str
    carrier: str
    tracking_number: str
    lines: Mapping[int, int] | None = None
    replaces: str | None = None


def ship(session: Session, supplier: Supplier, shipment: Shipment, now: datetime) -> None:
    """Write down that a parcel left, and take the money for what is in it.

    A number that is known already by another carrier goes by this one. Raises Problem 404; 422 for
    an unknown carrier, an impossible number or that of another parcel; 409 `wrong_state`,
    `too_many_units`, `which_parcel`, or `number_replaced` for a number that another one took the
    place of, unless it `replaces` that.
    """
    carrier, number = waybill(shipment.carrier, shipment.tracking_number)
    found = locked(session, supplier, shipment.purchase)
    if found.purchase.state in ("refused", "cancelled"):
        raise Problem(
            409,
            "wrong_state",
            f"purchase {shipment.purchase} is {found.purchase.state}; do not send it",
        )
    parcels = _parcels(session, found)
    same = next((p for p in parcels if p.tracking_number == number), None)
    if same is not None and same.claim_id is not None:
        return  # it was told in answer to a claim
    parcels = [parcel for parcel in parcels if parcel.claim_id is None]
    if same is not None and same.carrier != carrier:
        renumber(session, found, same, carrier, number, now)
    if shipment.lines is not None and not shipment.lines:
        if same is None:
            add_box(session, found, carrier, number, now)
        return
    wanted = _wanted(session, found, shipment, same)
    if shipment.replaces is not None and same is not None:
        _check_replaced(parcels, tracking_number(shipment.replaces), same)
    elif shipment.replaces is None and wanted:
        parcel = same or new_parcel(session, found, carrier, number, now)
        send(session, found, parcel, wanted, now)
    elif same is None:
        if shipment.replaces is None:
            _no_claim_waits(session, found)
        former = _former(session, found, shipment, parcels)
        if shipment.replaces is None:
            was = former.tracking_number
            way = f"if it counts again, say that it replaces {was}"
            renumbered.former(session, found.order.id).refuse_number(number, (was,), way)
        renumber(session, found, former, carrier, number, now)


def _check_replaced(parcels: Sequence[Parcel], was: str, same: Parcel) -> None:
    """A number that is known took the place of another one before. Raises Problem 422 where that
    one still stands: both are parcels."""
    if was != same.tracking_number and any(parcel.tracking_number == was for parcel in parcels):
        told = f"{same.tracking_number} is another parcel of this purchase already"
        raise _invalid("tracking_number", "taken", told)


def tracking_number(text: str) -> str:
    """A waybill number as it is printed. Raises Problem 422, also for one that lost its digits."""
    number = re.sub(r"\s", "", plain(text)).upper()
    if _ROUNDED.fullmatch(number):
        raise _invalid(
            "tracking_number",
            "digits_lost",
            f"{text!r} was rounded by the spreadsheet and its last digits are lost;"
            " format the column as text and enter it again",
        )
    if not _NUMBER.fullmatch(number):
        raise _invalid("tracking_number", "malformed", f"{text!r} is not a waybill number")
    return number


def waybill(carrier: str, number: str, *, trusted: bool = False) -> tuple[str, str]:
    """Our code of a carrier by any of its names, and a number as it is printed.

    Raises Problem 422, also for a number of another carrier; what a platform tells is `trusted`.
    """
    code = carriers.code(carrier)
    if code is None:
        raise _invalid(
            "carrier",
            "unknown_carrier",
            f"no carrier is known as {carrier!r}; write it like 顺丰 or 中通快递",
        )
    plain = tracking_number(number)
    if not trusted and (objection := carriers.objection(code, plain)):
        raise _invalid("tracking_number", *objection)
    return code, plain


def _parcels(session: Session, found: Locked) -> list[Parcel]:
    rows = session.scalars(
        select(Parcel).where(Parcel.purchase_id == found.purchase.id).order_by(Parcel.id)
    )
    return list(rows)


def _wanted(
    session: Session, found: Locked, shipment: Shipment, same: Parcel | None
) -> dict[int, int]:
    """Units by line that this shipment adds; empty when it tells nothing new."""
    left = {line.line: units for line, units in open_units(found.lines.values())}
    if shipment.lines is None:
        return {} if same is not None else left
    carried = _carried(session, same) if same is not None else {}
    wanted = {}
    for number, units in shipment.lines.items():
        if number not in found.lines:
            there = ", ".join(str(one) for one in sorted(found.lines))
            told = f"the purchase has no line {number}; there are {there}"
            raise _invalid("lines", "unknown_line", told)
        if units < 1:
            raise _invalid("lines", "unknown_line", f"line {number}: send 1 unit or more of it")
        already = carried.get(found.lines[number].id)
        if already is not None and already != units:
            raise Problem(
                409,
                "parcel_differs",
                f"line {number}: this parcel carries {already} units already, not {units};"
                " send the others under a number of their own",
            )
        open_now = left.get(number, 0)
        if already is None and units > open_now and (same is not None or open_now):
            message = f"line {number}: {units} units, but {open_now} are open"
            fault = FieldError("lines", "too_many_units", message)
            raise Problem(409, "too_many_units", message, errors=[fault])
        if already is None and open_now:
            wanted[number] = units
    return wanted


def _carried(session: Session, parcel: Parcel) -> dict[int, int]:
    rows = session.scalars(select(ParcelLine).where(ParcelLine.parcel_id == parcel.id))
    return {row.purchase_line_id: row.quantity for row in rows}


def _former(session: Session, found: Locked, shipment: Shipment, parcels: list[Parcel]) -> Parcel:
    """The parcel whose number this shipment corrects."""
    if shipment.replaces is not None:
        number = tracking_number(shipment.replaces)
        named = [p for p in parcels if p.tracking_number == number]
        if not named:
            there = ", ".join(one.tracking_number for one in parcels) or "none"
            told = f"no parcel of this purchase has the number {number}; there are: {there}"
            fault = FieldError("replaces", "unknown_parcel", told)
            raise Problem(409, "which_parcel", told, errors=[fault])
    elif shipment.lines is None:
        named = parcels
    else:
        meant = {found.lines[number].id for number in shipment.lines}
        named = [p for p in parcels if meant & _carried(session, p).keys()]
    if len(named) != 1:
        raise Problem(
            409,
            "which_parcel",
            f"all units are shipped already, in {len(parcels)} parcels;"
            " say in replaces which number this one takes the place of",
            errors=[FieldError("replaces", "missing", "which number this one takes the place of")],
        )
    _check_same(session, found, shipment, named[0])
    return named[0]


def _check_same(session: Session, found: Locked, shipment: Shipment, former: Parcel) -> None:
    """A number that takes the place of another is that of the same goods."""
    carried = _carried(session, former)
    for number, units in (shipment.lines or {}).items():
        there = carried.get(found.lines[number].id, 0)
        if units != there:
            raise Problem(
                409,
                "parcel_differs",
                f"line {number}: all units are shipped, {there} of them under"
                f" {former.tracking_number}; {units} cannot take their place: leave lines out where"
                " its number was wrong",
            )


def _no_claim_waits(session: Session, found: Locked) -> None:
    """A number for goods that are all gone may be that of a parcel in their place: it is asked."""
    waiting = session.scalars(waiting_claims(found.purchase.id)).first()
    if waiting is not None:
        name = outside("clm", waiting)
        raise Problem(
            409,
            "which_parcel",
            f"claim {name} waits for a parcel in the place of goods: tell its waybill under {name};"
            " where a number was wrong, say in replaces which",
        )


def waiting_claims(purchase_id: int) -> Select[int]:
    """Claims on a purchase for which other goods are sent, or may be though they should not."""
    own = Claim.purchase_id == purchase_id
    return select(Claim.id).where(own, REPLACES | RECALLED).order_by(Claim.id)


def add_box(session: Session, found: Locked, carrier: str, number: str, now: datetime) -> None:
    """One more box of goods that are shipped already. Raises Problem 422 where none are."""
    if not any(line.shipped for line in found.lines.values()):
        raise _invalid("lines", "no_lines", "a first parcel carries goods; leave lines out for all")
    new_parcel(session, found, carrier, number, now)
    found.purchase.updated_at = now
    tell(session, found.order, "shipped", now, {"carrier": carrier, "tracking_number": number})
    restate(session, found.order, now)


def renumber(
    session: Session,
    found: Locked,
    parcel: Parcel,
    carrier: str,
    number: str,
    now: datetime,
) -> None:
    """A parcel goes by another number, or by another carrier."""
    was, by = parcel.tracking_number, parcel.carrier
    parcel.carrier, parcel.tracking_number = carrier, number
    found.purchase.updated_at = now
    detail = {"carrier": carrier, "tracking_number": number, "was": was}
    if by != carrier:
        detail["was_carrier"] = by
    events.of_parcel(session, parcel, "renumbered", now, {"was": was})
    tell(session, found.order, "parcel_renumbered", now, detail)
    restate(session, found.order, now)


def written(session: Session, found: Locked, number: str) -> Parcel | None:
    """The first parcel of a locked purchase that is written down under a number."""
    session.flush()
    named = Parcel.purchase_id == found.purchase.id, Parcel.tracking_number == number
    return session.scalars(select(Parcel).where(*named).order_by(Parcel.id)).first()


def new_parcel(session: Session, found: Locked, carrier: str, number: str, now: datetime) -> Parcel:
    """Write down a parcel with nothing in it yet."""
    parcel = Parcel(
        purchase_id=found.purchase.id,
        order_id=found.order.id,
        party_id=found.order.party_id,
        supplier_id=found.purchase.supplier_id,
        carrier=carrier,
        tracking_number=number,
        shipped_at=now,
    )
    session.add(parcel)
    session.flush()
    events.of_parcel(session, parcel, "shipped", now)
    return parcel


def send(
    session: Session,
    found: Locked,
    parcel: Parcel,
    units: Mapping[int, int],
    now: datetime,
) -> None:
    """So many open units by line number leave in a parcel, which may carry others already."""
    purchase, order = found.purchase, found.order
    first = not any(line.shipped for line in found.lines.values())
    parts = [_put(session, found, parcel, line, count) for line, count in units.items()]
    books.capture(session, order, purchase, parcel.id, parts, first=first)
    if parcel.delivered_at is not None:
        session.flush()
        for part in parts:
            part.order_line.delivered += part.units
    done = not open_units(found.lines.values())
    detail = {"parcel": parcel.id, "units": {str(n): count for n, count in units.items()}}
    move(session, purchase, "ship" if done else "ship_part", now, detail)
    address_requests.over(session, order, purchase, "overtaken", now)
    stock.known(session, [reservation(found.lines[n].id) for n in units], now)
    told = {"carrier": parcel.carrier, "tracking_number": parcel.tracking_number}
    tell(session, order, "shipped", now, told)
    if done and purchase.cancel_reason is not None:
        purchase.cancel_reason = None
        tell(session, order, "cancel_too_late", now)
    restate(session, order, now)


def _put(session: Session, found: Locked, parcel: Parcel, number: int, units: int) -> Shipped:
    """Units of a line go into a parcel, which may carry some of it already."""
    line = found.lines[number]
    ordered = order_line(session, line)
    there = session.get(ParcelLine, (parcel.id, line.id), populate_existing=True)
    if there is None:
        row = ParcelLine(
            parcel_id=parcel.id,
            purchase_line_id=line.id,
            order_line_id=line.order_line_id,
            party_id=found.order.party_id,
            supplier_id=found.purchase.supplier_id,
            quantity=units,
        )
        session.add(row)
    else:
        there.quantity += units
    return Shipped(line, ordered, units, more=there is not None)


def _invalid(field: str, code: str, message: str) -> Problem:
    return Problem(422, "invalid", message, errors=[FieldError(field, code, message)])
