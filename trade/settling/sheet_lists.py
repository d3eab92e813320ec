"""What a supplier itself says of one day: its statement, or the waybill sheets that it sent."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from kit.crypto import Keyring
from kit.errors import Problem
from kit.ids import inside
from kit.inbox import Inbox
from trade.models import Claim, Parcel, Purchase
from trade.parcels.renumbered import latest
from trade.parcels.waybill_sheets import Row, read
from trade.settling.reconciling import Finding, Record, Theirs, span


def from_sheet(session: Session, source: str, content: bytes) -> Theirs:
    """A supplier's statement of one day. Raises Problem 422 `unreadable_sheet`."""
    return _of_rows(session, source, read(content).rows, whole=True)


def from_inbox(session: Session, keyring: Keyring, source: str, day: date) -> Theirs | None:
    """The waybill sheets that came on that day; None where there was none.

    They need not be all that left: goods are also shipped at the supplier's door.
    """
    since, until = span(day)
    sender = f"waybills:{source}"
    sheets = session.scalars(
        select(Inbox.body)
        .where(
            Inbox.sender == sender,
            Inbox.received_at >= since,
            Inbox.received_at < until,
            Inbox.body != b"",
        )
        .order_by(Inbox.id)
    ).all()
    if not sheets:
        return None
    rows = [row for body in sheets for row in read(keyring.open(body, sender)).rows]
    return _of_rows(session, source, rows, whole=False)


def _of_rows(session: Session, source: str, rows: Sequence[Row], *, whole: bool) -> Theirs:
    by_purchase: dict[str, list[Row]] = {}
    unmatched = []
    for row in rows:
        purchase = _purchase(session, source, row)
        if purchase is None:
            waybills = ", ".join(row.numbers) or "without a waybill"
            detail = f"row {row.line} of its list ({waybills}) fits none of our purchases"
            unmatched.append(Finding("unknown_to_us", row.purchase or row.reference, detail))
        else:
            by_purchase.setdefault(purchase, []).append(row)
    former = _former(session, source, list(by_purchase))
    records = []
    for purchase, found in by_purchase.items():
        now = [replace(row, numbers=_now(former, purchase, row)) for row in found]
        if not whole:  # a later sheet repeats rows
            now = list({replace(row, line=0, quantity=None): row for row in now}.values())
        records.append(_record(purchase, now))
    return Theirs(records, whole, unmatched)


_FORMER = text("""
    SELECT p.our_ref, e.detail ->> 'was' AS was, e.detail ->> 'tracking_number' AS number, e.at
    FROM purchases p JOIN order_events e ON e.order_id = p.order_id
    WHERE p.source = :source AND p.our_ref = ANY(:purchases) AND e.kind = 'parcel_renumbered'
    ORDER BY e.id DESC
""")


def _former(session: Session, source: str, purchases: Sequence[str]) -> dict[tuple[str, str], str]:
    """Of waybills that were replaced: purchase and former number → the number that counts now."""
    rows = session.execute(_FORMER, {"source": source, "purchases": list(purchases)})
    found: dict[str, list[Any]] = {}
    for row in rows:  # the newest first
        found.setdefault(row.our_ref, []).append(row)
    return {
        (purchase, was): by.number
        for purchase, some in found.items()
        for was, by in latest(some).items()
    }


def _now(former: Mapping[tuple[str, str], str], purchase: str, row: Row) -> tuple[str, ...]:
    numbers = (number.upper() for number in row.numbers)
    return tuple(former.get((purchase, number), number) for number in numbers)


def _record(purchase: str, rows: Sequence[Row]) -> Record:
    units = [row.quantity for row in rows]
    amounts = [row.amount for row in rows]
    return Record(
        purchase,
        frozenset(number for row in rows for number in row.numbers),
        None if None in units else sum(filter(None, units)),
        None if None in amounts else sum(filter(None, amounts)),
    )


def _purchase(session: Session, source: str, row: Row) -> str | None:
    """Our reference of the purchase that a row names, or whose waybill it carries."""
    found = select(Purchase.our_ref).where(Purchase.source == source)
    if row.purchase:
        try:
            if row.purchase.startswith("clm_"):  # goods that were sent again
                claimed = select(Claim.purchase_id).where(Claim.id == inside("clm", row.purchase))
                found = found.where(Purchase.id.in_(claimed))
            else:
                found = found.where(Purchase.id == inside("pur", row.purchase))
        except Problem:
            return None
    elif row.reference:
        found = found.where(Purchase.order_reference == row.reference)
    else:
        carried = select(Parcel.purchase_id).where(Parcel.tracking_number.in_(row.numbers))
        found = found.where(Purchase.id.in_(carried))
    refs = session.scalars(found.limit(2)).all()
    return refs[0] if len(refs) == 1 else None
