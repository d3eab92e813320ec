"""Our purchases and money of one day against what a source says of them.

A source's own list is an iterable of `Record`: a supplier's sheets are read here, a platform's
daily lists come from its connector in the same shape. Comparing is a pure function.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from kit.clock import SHANGHAI
from kit.crypto import Keyring
from kit.errors import Problem
from kit.ids import inside
from kit.inbox import Inbox
from kit.money import yuan
from trade.after_sales.freight_returns import CODE
from trade.models import Claim, Parcel, Purchase
from trade.parcels.waybill_sheets import Row, read


@dataclass(frozen=True)
class Record:
    """What one side says was sent of one purchase that day; None is not stated. `amount` in fen."""

    purchase: str
    waybills: frozenset[str]
    units: int | None = None
    amount: int | None = None


@dataclass(frozen=True)
class Finding:
    """Where the two sides differ: `code` for programs, `detail` for people."""

    code: str
    purchase: str
    detail: str
    amount: int | None = field(default=None, compare=False)
    """Fen that the source asks beyond what we owe, where the two differ in money only."""


@dataclass(frozen=True)
class Theirs:
    """A source's own list. `whole`: what is absent from it, the source does not know of."""

    records: Sequence[Record]
    whole: bool
    unmatched: Sequence[Finding] = ()


@dataclass
class Reconciliation:
    """Both sides' sums and every difference; `compared` is False where the source said nothing."""

    source: str
    day: date
    purchases: int
    parcels: int
    units: int
    amount: int
    compared: bool
    booked: int = 0
    """Movements of our account at the source that were posted with it."""
    findings: list[Finding] = field(default_factory=list)

    def view(self) -> dict[str, Any]:
        """For programs: the amount in CNY."""
        findings = [
            vars(one) | {"amount": None if one.amount is None else yuan(one.amount)}
            for one in self.findings
        ]
        return {**vars(self), "amount": yuan(self.amount), "findings": findings}


def reconcile(session: Session, source: str, day: date, theirs: Theirs | None) -> Reconciliation:
    """What left on `day` (in Shanghai) by our books, held against `theirs`. System scope."""
    ours = _ours(session, source, day)
    findings = _books(session, source, day) + freight_returned(session, source, day)
    if theirs is not None:
        findings += [*theirs.unmatched, *compare(ours, theirs)]
    return Reconciliation(
        source,
        day,
        purchases=len(ours),
        parcels=sum(len(record.waybills) for record in ours),
        units=sum(record.units or 0 for record in ours),
        amount=sum(record.amount or 0 for record in ours),
        compared=theirs is not None,
        findings=findings,
    )


def compare(ours: Iterable[Record], theirs: Theirs) -> list[Finding]:
    """Every difference, in the order of our purchases and then of theirs. Pure."""
    own = {record.purchase: record for record in ours}
    other = {record.purchase: record for record in theirs.records}
    found = []
    for purchase, record in own.items():
        if purchase in other:
            found += _differences(record, other[purchase])
        elif theirs.whole:
            detail = f"we count {record.units} units sent, the source lists none"
            found.append(Finding("only_ours", purchase, detail))
    for purchase, record in other.items():
        if purchase not in own:
            detail = f"the source lists {', '.join(sorted(record.waybills))}, we count nothing sent"
            found.append(Finding("only_theirs", purchase, detail))
    return found


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
    again = {replace(row, line=0, quantity=None): row for row in rows}  # a later sheet repeats rows
    return _of_rows(session, source, list(again.values()), whole=False)


_OURS = text("""
    SELECT p.our_ref, array_agg(DISTINCT c.tracking_number) AS waybills,
           sum(coalesce(l.units, 0)) AS units,
           sum(coalesce(m.fen, 0)) + coalesce(max(f.fen), 0) AS fen
    FROM parcels c
    JOIN purchases p ON p.id = c.purchase_id AND p.source = :source
    LEFT JOIN LATERAL (SELECT sum(quantity) AS units FROM parcel_lines
                       WHERE parcel_id = c.id) l ON true
    LEFT JOIN LATERAL (SELECT sum(x.amount) AS fen FROM parcel_lines n JOIN postings x
                       ON x.reference = 'payable:' || c.id || ':' || n.purchase_line_id
                       WHERE n.parcel_id = c.id) m ON true
    LEFT JOIN LATERAL (SELECT x.amount AS fen FROM postings x
                       WHERE x.reference = 'freight-payable:' || p.id AND NOT EXISTS (
                         SELECT FROM parcels e WHERE e.purchase_id = p.id
                         AND e.shipped_at < :since)) f ON true
    WHERE c.shipped_at >= :since AND c.shipped_at < :until
    GROUP BY p.id, p.our_ref ORDER BY p.id
""")
_FREIGHT = text("""
    SELECT p.our_ref, sum(c.freight) AS fen
    FROM platform_claims c JOIN purchases p ON p.id = c.purchase_id
    WHERE c.source = :source AND c.freight_state = 'open'
      AND c.updated_at >= :since AND c.updated_at < :until
    GROUP BY p.id ORDER BY p.id
""")
_BOOKS = text("""
    SELECT p.our_ref, sum(l.owed) + CASE WHEN sum(l.shipped) > 0 THEN p.freight_cost ELSE 0 END
               AS owed,
           (SELECT coalesce(sum(x.amount), 0) FROM postings x WHERE x.order_id = p.order_id
              AND (x.reference = 'freight-payable:' || p.id OR x.reference IN (
                SELECT 'payable:' || n.parcel_id || ':' || n.purchase_line_id FROM parcel_lines n
                JOIN parcels c ON c.id = n.parcel_id WHERE c.purchase_id = p.id))) AS posted
    FROM purchases p JOIN purchase_lines l ON l.purchase_id = p.id
    WHERE p.source = :source AND EXISTS (SELECT FROM parcels c WHERE c.purchase_id = p.id
      AND c.shipped_at >= :since AND c.shipped_at < :until)
    GROUP BY p.id ORDER BY p.id
""")


def _ours(session: Session, source: str, day: date) -> list[Record]:
    since, until = span(day)
    rows = session.execute(_OURS, {"source": source, "since": since, "until": until})
    return [
        Record(row.our_ref, frozenset(row.waybills), int(row.units), int(row.fen)) for row in rows
    ]


def _books(session: Session, source: str, day: date) -> list[Finding]:
    """Purchases whose debt to the supplier is not what was posted for it."""
    since, until = span(day)
    rows = session.execute(_BOOKS, {"source": source, "since": since, "until": until})
    return [
        Finding(
            "books_differ",
            row.our_ref,
            f"{yuan(int(row.owed))} owed by its lines, {yuan(int(row.posted))} posted",
        )
        for row in rows
        if row.owed != row.posted
    ]


def freight_returned(session: Session, source: str, day: date) -> list[Finding]:
    """Freight that the source gave back with claims that day, which nobody has decided about."""
    since, until = span(day)
    rows = session.execute(_FREIGHT, {"source": source, "since": since, "until": until})
    return [
        Finding(
            CODE,
            row.our_ref,
            f"{yuan(int(row.fen))} of its freight came back beyond the goods",
            -int(row.fen),
        )
        for row in rows
    ]


def _of_rows(session: Session, source: str, rows: Sequence[Row], *, whole: bool) -> Theirs:
    by_purchase: dict[str, list[Row]] = {}
    unmatched = []
    for row in rows:
        purchase = _purchase(session, source, row)
        if purchase is None:
            detail = f"row {row.line} ({', '.join(row.numbers)}) fits none of our purchases"
            unmatched.append(Finding("unknown_to_us", row.purchase or row.reference, detail))
        else:
            by_purchase.setdefault(purchase, []).append(row)
    records = [_record(purchase, found) for purchase, found in by_purchase.items()]
    return Theirs(records, whole, unmatched)


def _record(purchase: str, rows: Sequence[Row]) -> Record:
    units = [row.quantity for row in rows]
    amounts = [row.amount for row in rows]
    return Record(
        purchase,
        frozenset(number.upper() for row in rows for number in row.numbers),
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


def _differences(ours: Record, theirs: Record) -> list[Finding]:
    found = []
    if theirs.units is not None and theirs.units != ours.units:
        detail = f"we count {ours.units} units, the source {theirs.units}"
        found.append(Finding("units_differ", ours.purchase, detail))
    if theirs.amount is not None and theirs.amount != ours.amount:
        owed = ours.amount or 0
        detail = f"we owe {yuan(owed)}, the source asks {yuan(theirs.amount)}"
        found.append(Finding("amount_differs", ours.purchase, detail, theirs.amount - owed))
    if theirs.waybills != ours.waybills:
        here, there = (", ".join(sorted(side.waybills)) for side in (ours, theirs))
        detail = f"we have {here}, the source {there}"
        found.append(Finding("waybills_differ", ours.purchase, detail))
    return found


def span(day: date) -> tuple[datetime, datetime]:
    """A day in Shanghai, as a span of UTC."""
    begin = datetime.combine(day, time(), SHANGHAI)
    return begin.astimezone(UTC), (begin + timedelta(days=1)).astimezone(UTC)
