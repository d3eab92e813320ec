"""A supplier's sheet of waybills becomes shipments, in whatever state its purchases are.

A row is matched by purchase id, else by order reference, else by name, phone and SKU; what fits
several purchases is asked about, never guessed. The same sheet again changes nothing, another
number takes the place of the former one, and one that was replaced is no news: an older sheet puts
nothing back. The sheet holds recipients: it is kept sealed.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from kit import inbox
from kit.db import Database
from kit.errors import Problem
from kit.ids import inside, outside
from kit.money import split
from trade import addresses, recipients
from trade.after_sales import claim_answers
from trade.desk import Desk
from trade.models import Claim, Parcel, ParcelLine, Purchase, PurchaseLine, Recipient
from trade.parcels import at_door, carriers, renumbered
from trade.parcels.shipping import Shipment, ship, tracking_number, waiting_claims
from trade.parcels.waybill_sheets import BACK, Row, read
from trade.purchases import Supplier

_WAY = f"if it counts again, write {BACK} into 备注 and send the sheet anew"


@dataclass
class Report:
    """What became of a sheet; `failed` names each row at fault and says what to do. `hidden` are
    rows with a waybill that are hidden or filtered away, of which nothing was shipped."""

    rows: int = 0
    without_number: int = 0
    shipped: int = 0
    unchanged: int = 0
    hidden: list[int] = field(default_factory=list)
    failed: list[dict[str, Any]] = field(default_factory=list)

    def fail(self, line: int, code: str, message: str) -> None:
        """One row could not be used."""
        self.failed.append({"row": line, "code": code, "message": message})

    def kept(self) -> dict[str, Any]:
        """What may be kept in clear: messages quote cells, and a name may stand in one."""
        faults = [{"row": one["row"], "code": one["code"]} for one in self.failed]
        return vars(self) | {"failed": faults}


@dataclass(frozen=True)
class _Match:
    """The purchase that a row speaks of, and its lines (None: all of them)."""

    purchase: Purchase
    lines: Sequence[PurchaseLine]


def import_sheet(
    db: Database, desk: Desk, supplier: Supplier, content: bytes, now: datetime
) -> Report:
    """Ship what the sheet says, each row in a transaction of its own.

    Raises Problem 422 `unreadable_sheet`, when nothing of it was used.
    """
    sheet = read(content)
    sender = f"waybills:{supplier.source}"
    with db.as_system() as session:
        sealed = desk.keyring.seal(content, sender)
        digest = hashlib.sha256(content).hexdigest()
        message = inbox.receive(session, sender, digest, sealed)
    report = Report(len(sheet.rows), sheet.empty, hidden=list(sheet.hidden))
    stale = message.result is not None
    for row in (replace(one, stale=stale) for one in sheet.rows):
        told = None
        try:
            with db.as_system() as session:
                match = _meant(session, desk, supplier, row)
                told = _told(match, row)
                changed = _ship_row(session, desk, supplier, row, match, now)
        except Problem as problem:
            if told is not None:
                at_door.not_taken(db, supplier, told, problem, now)
            report.fail(row.line, _code(problem), problem.detail)
            continue
        report.shipped += changed
        report.unchanged += not changed
    with db.as_system() as session:
        inbox.handled(session, message.id, report.kept())
    return report


TRIED = 500
"""Rows of which a preview says what they would do."""


def preview(
    db: Database, desk: Desk, supplier: Supplier, content: bytes, now: datetime
) -> dict[str, Any]:
    """What `import_sheet` would do with the first rows of a sheet: each is done, and taken back.

    Raises Problem 422 `unreadable_sheet`.
    """
    sheet = read(content)
    would = [_tried(db, desk, supplier, row, now) for row in sheet.rows[:TRIED]]
    told = {"rows": len(sheet.rows), "without_number": sheet.empty, "hidden": list(sheet.hidden)}
    return told | {"would": would}


def _tried(db: Database, desk: Desk, supplier: Supplier, row: Row, now: datetime) -> dict[str, Any]:
    told = {"row": row.line, "purchase": None, "carrier": row.carrier, "numbers": list(row.numbers)}
    try:
        with db.as_system() as session:
            told["purchase"] = row.purchase or None
            match = _meant(session, desk, supplier, row)
            if match is not None:
                told["purchase"] = outside("pur", match.purchase.id)
            changed = _ship_row(session, desk, supplier, row, match, now)
            session.rollback()
    except Problem as problem:
        return told | {"does": "fails", "code": _code(problem), "message": problem.detail}
    return told | {"does": "ships" if changed else "knows"}


def _meant(session: Session, desk: Desk, supplier: Supplier, row: Row) -> _Match | None:
    """The purchase that a row speaks of; None where it names a claim. Raises Problem."""
    claimed = row.purchase.startswith("clm_")
    return None if claimed else _match(session, desk, supplier, row, _printed(row))


def _printed(row: Row) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tracking_number(number) for number in row.numbers))


def _code(problem: Problem) -> str:
    """The code of the field at fault, where one is."""
    named = problem.errors if problem.code == "invalid" else ()
    return named[0].code if named else problem.code


def _ship_row(
    session: Session,
    desk: Desk,
    supplier: Supplier,
    row: Row,
    match: _Match | None,
    now: datetime,
) -> bool:
    numbers = _printed(row)
    if row.unclear:
        told = f"{row.unclear!r} is no number of units; write one, or leave 数量 empty for all"
        raise Problem(422, "quantity", told)
    if match is None:
        return _sent_again(session, desk, supplier, row, row.purchase, numbers, now)
    name = outside("pur", match.purchase.id)
    carried = _numbers(session, match)
    again = _again(session, match.purchase)
    new = [number for number in numbers if number not in carried and number not in again]
    if not new:
        return _corrected(session, supplier, match, row, numbers, now)
    if not row.back:
        known = renumbered.former(session, match.purchase.order_id)
        for number in new:
            known.refuse_number(number, carried, _WAY)
    if not all(map(row.carrier_of, new)):
        raise _carrier_missing()
    waiting = _waiting(match, row)
    if not waiting and (claim := _claim(session, match, row)):
        return _sent_again(session, desk, supplier, row, claim, tuple(new), now)
    if waiting:
        for number, lines in zip(new, _shares(waiting, len(new)), strict=True):
            ship(session, supplier, Shipment(name, row.carrier_of(number), number, lines), now)
        return True
    for number, former in _replaced(carried, numbers, new):
        further: dict[int, int] | None = None if former else {}
        carrier = row.carrier_of(number)
        ship(session, supplier, Shipment(name, carrier, number, further, former), now)
    return True


def _told(match: _Match | None, row: Row) -> Shipment | None:
    """The first parcel of a row, with all that is meant."""
    if match is None:
        return None
    name, number = outside("pur", match.purchase.id), _printed(row)[0]
    most = row.quantity or max(line.quantity for line in match.lines)
    meant = {line.line: most for line in match.lines}
    return Shipment(name, row.carrier_of(number), number, meant)


def _corrected(
    session: Session,
    supplier: Supplier,
    match: _Match,
    row: Row,
    numbers: Sequence[str],
    now: datetime,
) -> bool:
    """Known numbers go by the carriers that the row names; whether any went by another one."""
    own = (Parcel.purchase_id == match.purchase.id, Parcel.claim_id.is_(None))
    found = select(Parcel).where(*own, Parcel.tracking_number.in_(numbers))
    name, changed = outside("pur", match.purchase.id), False
    for parcel in session.scalars(found).all():
        number, said = parcel.tracking_number, row.carrier_of(parcel.tracking_number)
        code = carriers.code(said) if said else None
        if code not in (None, parcel.carrier):
            if not row.back:
                known = renumbered.former(session, match.purchase.order_id)
                known.refuse_carrier(number, code, parcel.carrier, _WAY)
            ship(session, supplier, Shipment(name, said, number, {}), now)
            changed = True
    return changed


def _claim(session: Session, match: _Match, row: Row) -> str | None:
    """The claim that waits for this parcel, where the row says that it is in the place of others.
    Raises Problem 409 where it may be that, or a number that was wrong before."""
    found = session.scalars(waiting_claims(match.purchase.id)).all()
    if not found:
        return None
    names = [outside("clm", one) for one in found]
    if row.again and len(names) == 1:
        return names[0]
    raise Problem(
        409,
        "which_parcel",
        f"{', '.join(names)} waits for a parcel in the place of these: write that as 采购单号,"
        " or 补发 into 备注; to correct a number, ship with replaces",
    )


def _sent_again(
    session: Session,
    desk: Desk,
    supplier: Supplier,
    row: Row,
    claim: str,
    numbers: Sequence[str],
    now: datetime,
) -> bool:
    if len(numbers) != 1:
        raise Problem(409, "which_parcel", "write the one number of the parcel that is sent again")
    if not row.carrier_of(numbers[0]):
        raise _carrier_missing()
    before = session.scalar(_newest(claim))
    if before is not None and not row.back:
        order_id = session.scalar(select(Claim.order_id).where(Claim.id == inside("clm", claim)))
        renumbered.former(session, order_id or 0).refuse_number(numbers[0], (before,), _WAY)
    carrier = row.carrier_of(numbers[0])
    claim_answers.reissue(session, desk, supplier, claim, carrier, numbers[0], now)
    session.flush()
    return before != session.scalar(_newest(claim))


def _newest(claim: str) -> Select[str]:
    return select(Parcel.tracking_number).where(Parcel.claim_id == inside("clm", claim))


def _carrier_missing() -> Problem:
    return Problem(422, "carrier_missing", "快递公司 is empty; write the carrier's name")


def _waiting(match: _Match, row: Row) -> dict[int, int]:
    """Open units by line; of one SKU no more than the row's own quantity, line by line."""
    waiting = {
        line.line: line.quantity - line.shipped - line.cancelled
        for line in match.lines
        if line.quantity > line.shipped + line.cancelled
    }
    if row.quantity is None or len({line.external_id for line in match.lines}) > 1:
        return waiting
    left, taken = row.quantity, {}
    for number, units in waiting.items():
        if part := min(units, left):
            taken[number] = part
            left -= part
    return taken


def _shares(waiting: dict[int, int], parcels: int) -> list[dict[int, int]]:
    """Units spread over several numbers; numbers beyond the units are further boxes."""
    shares: list[dict[int, int]] = [{} for _ in range(parcels)]
    for line, units in waiting.items():
        for share, part in zip(shares, split(units, [1] * parcels), strict=True):
            if part:
                share[line] = part
    return shares


def _replaced(
    carried: Sequence[str], numbers: Sequence[str], new: Sequence[str]
) -> list[tuple[str, str | None]]:
    """Each new number with the former one that it takes the place of; None is a further box."""
    gone = [number for number in carried if number not in numbers]
    if not gone:
        return [(number, None) for number in new]
    if len(gone) != len(new):
        raise Problem(
            409,
            "which_parcel",
            f"these goods left under {', '.join(gone)}; write every number that still counts",
        )
    return list(zip(new, gone, strict=True))


def _numbers(session: Session, match: _Match) -> list[str]:
    """Numbers of the parcels that carry these lines, or nothing of their own."""
    ids = [line.id for line in match.lines]
    rows = session.execute(
        select(Parcel.tracking_number, ParcelLine.purchase_line_id)
        .outerjoin(ParcelLine, ParcelLine.parcel_id == Parcel.id)
        .where(Parcel.purchase_id == match.purchase.id, Parcel.claim_id.is_(None))
        .order_by(Parcel.id)
    )
    found = [number for number, line in rows if line is None or line in ids]
    return list(dict.fromkeys(found))


def _again(session: Session, purchase: Purchase) -> Collection[str]:
    """Numbers of parcels in the place of others."""
    found = select(Parcel.tracking_number).where(
        Parcel.purchase_id == purchase.id, Parcel.claim_id.is_not(None)
    )
    return session.scalars(found).all()


def _match(
    session: Session, desk: Desk, supplier: Supplier, row: Row, numbers: Sequence[str]
) -> _Match:
    candidates = _candidates(session, desk, supplier, row)
    matches = []
    for purchase in candidates:
        lines = _lines(session, purchase, row)
        if lines:
            matches.append(_Match(purchase, lines))
    if len(matches) > 1:
        matches = _narrowed(session, matches, numbers)
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise Problem(
            409,
            "ambiguous",
            f"{len(matches)} purchases fit this row; write the 采购单号 of the one that is meant",
        )
    raise Problem(404, "no_match", "no purchase fits this row; check 采购单号, 订单号 and 商品编码")


def _candidates(session: Session, desk: Desk, supplier: Supplier, row: Row) -> Sequence[Purchase]:
    found = select(Purchase).where(Purchase.source == supplier.source).order_by(Purchase.id)
    if row.purchase:
        return session.scalars(found.where(Purchase.id == inside("pur", row.purchase))).all()
    if row.reference:
        return session.scalars(found.where(Purchase.order_reference == row.reference)).all()
    if not (row.name and row.mobile and row.sku):
        raise Problem(
            422,
            "unnamed",
            "the row names no purchase; fill 采购单号, or 订单号, or 收件人, 电话 and 商品编码",
        )
    mobile = addresses.phone(row.mobile) or row.mobile
    known = session.scalars(
        found.join(Recipient, Recipient.id == Purchase.recipient_id).where(
            Recipient.mobile_hash.in_(desk.keyring.fingerprints(mobile, "mobile")),
            Recipient.sealed_at.is_(None),
        )
    ).all()
    return [purchase for purchase in known if _is(session, desk, supplier, purchase, row.name)]


def _is(session: Session, desk: Desk, supplier: Supplier, purchase: Purchase, name: str) -> bool:
    opened = recipients.reveal(
        session, desk.keyring, purchase.recipient_id, supplier.party_id, "match waybill"
    )
    return opened.name == name


def _lines(session: Session, purchase: Purchase, row: Row) -> Sequence[PurchaseLine]:
    found = select(PurchaseLine).where(PurchaseLine.purchase_id == purchase.id)
    if row.sku:
        found = found.where(PurchaseLine.external_id == row.sku)
    return session.scalars(found.order_by(PurchaseLine.line)).all()


def _narrowed(session: Session, matches: Sequence[_Match], numbers: Sequence[str]) -> list[_Match]:
    """Those that carry these numbers already, else those with open units."""
    same = [match for match in matches if set(_numbers(session, match)) & set(numbers)]
    return same or [
        match
        for match in matches
        if any(line.quantity > line.shipped + line.cancelled for line in match.lines)
        and match.purchase.state not in ("refused", "cancelled")
    ]
