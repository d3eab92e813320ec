"""Our purchases and money of one day against what a source says of them.

A source's own list is an iterable of `Record`: `sheet_lists` reads a supplier's sheets. A
platform's daily lists are held against ours in `trade.order_lists`. Comparing is a pure function.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from kit.clock import SHANGHAI
from kit.money import yuan
from trade.after_sales.freight_returns import CODE
from trade.models import Difference


@dataclass(frozen=True)
class Record:
    """What one side says was sent of one purchase that day; None is not stated. `amount` in fen,
    with what was accepted before of the other side's amounts."""

    purchase: str
    waybills: frozenset[str]
    units: int | None = None
    amount: int | None = None
    parcels: frozenset[int] = frozenset()
    """Rows of ours that it is about."""


@dataclass(frozen=True)
class Finding:
    """Where the two sides differ: `code` for programs, `detail` for people."""

    code: str
    purchase: str
    detail: str
    amount: int | None = field(default=None, compare=False)
    """Fen that the source asks beyond what we owe, where the two differ in money only."""
    parcels: frozenset[int] = field(default=frozenset(), compare=False)
    """Our parcels that `amount` is about; none: the whole purchase."""


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
            {
                "code": one.code,
                "purchase": one.purchase,
                "detail": one.detail,
                "amount": None if one.amount is None else yuan(one.amount),
            }
            for one in self.findings
        ]
        return {**vars(self), "amount": yuan(self.amount), "findings": findings}


def reconcile(session: Session, source: str, day: date, theirs: Theirs | None) -> Reconciliation:
    """What left on `day` (in Shanghai) by our books, held against `theirs`. System scope.

    A parcel that the source lists on this day is compared now, whenever it left by our books.
    """
    ours = _ours(session, source, day)
    findings = _books(session, source, day) + freight_returned(session, source, day)
    if theirs is not None:
        listed = sorted(number for record in theirs.records for number in record.waybills)
        findings += [*theirs.unmatched, *compare(_ours(session, source, day, listed), theirs)]
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


_OURS = text("""
    SELECT p.our_ref, array_agg(DISTINCT c.tracking_number) AS waybills,
           array_agg(c.id) AS parcels,
           sum(coalesce(l.units, 0) + coalesce(s.units, 0)) AS units,
           sum(coalesce(m.fen, 0) + coalesce(s.fen, 0)) + coalesce(max(f.fen), 0) AS fen
    FROM parcels c
    JOIN purchases p ON p.id = c.purchase_id AND p.source = :source
    LEFT JOIN LATERAL (SELECT sum(quantity) AS units FROM parcel_lines
                       WHERE parcel_id = c.id) l ON true
    LEFT JOIN LATERAL (SELECT sum(x.amount) AS fen FROM unnest(c.id || c.also) AS n (parcel)
                       JOIN purchase_lines o ON o.purchase_id = p.id JOIN postings x
                       ON x.reference = 'payable:' || n.parcel || ':' || o.id) m ON true
    LEFT JOIN LATERAL (SELECT sum(quantity) AS units,
                              sum(cost) FILTER (WHERE state <> 'settled') AS fen
                       FROM strays WHERE purchase_id = p.id AND parcel_id = c.id) s ON true
    LEFT JOIN LATERAL (SELECT x.amount AS fen FROM postings x
                       WHERE x.reference = 'freight-payable:' || p.id AND NOT EXISTS (
                         SELECT FROM parcels e WHERE e.purchase_id = p.id
                         AND e.shipped_at < :since
                         AND e.tracking_number <> ALL(CAST(:listed AS text[])))) f ON true
    WHERE (c.shipped_at >= :since AND c.shipped_at < :until)
       OR c.tracking_number = ANY(CAST(:listed AS text[]))
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
           (SELECT coalesce(sum(x.amount), 0) FROM postings x WHERE x.reference = ANY (ARRAY(
              SELECT 'payable:' || n.parcel || ':' || o.id
              FROM parcels c CROSS JOIN unnest(c.id || c.also) AS n (parcel)
              JOIN purchase_lines o ON o.purchase_id = p.id WHERE c.purchase_id = p.id
              UNION ALL SELECT 'freight-payable:' || p.id))) AS posted
    FROM purchases p JOIN purchase_lines l ON l.purchase_id = p.id
    WHERE p.source = :source AND EXISTS (SELECT FROM parcels c WHERE c.purchase_id = p.id
      AND c.shipped_at >= :since AND c.shipped_at < :until)
    GROUP BY p.id ORDER BY p.id
""")


def _ours(session: Session, source: str, day: date, listed: Sequence[str] = ()) -> list[Record]:
    """What left that day, and what is listed."""
    since, until = span(day)
    asked = {"source": source, "since": since, "until": until, "listed": list(listed)}
    rows = session.execute(_OURS, asked).all()
    settled = accepted(session, source, [row.our_ref for row in rows])
    found = []
    for row in rows:
        parcels = frozenset(row.parcels)
        amount = _with(int(row.fen), parcels, settled.get(row.our_ref, ()))
        waybills = frozenset(row.waybills)
        found.append(Record(row.our_ref, waybills, int(row.units), amount, parcels))
    return found


Accepted = tuple[frozenset[int], int]
"""Parcels (none: the whole purchase) and the fen beyond our books that were accepted for them."""


def accepted(
    session: Session, source: str, purchases: Sequence[str]
) -> dict[str, Sequence[Accepted]]:
    """What of the source's own amounts was accepted before, by purchase."""
    rows = session.scalars(
        select(Difference).where(
            Difference.source == source,
            Difference.purchase.in_(purchases),
            Difference.code == "amount_differs",
            Difference.state == "accepted",
        )
    )
    found: dict[str, list[Accepted]] = {}
    for row in rows:
        found.setdefault(row.purchase, []).append((frozenset(row.parcels), row.amount or 0))
    return dict(found)


def _with(amount: int, parcels: frozenset[int], settled: Sequence[Accepted]) -> int | None:
    """What we owe for these parcels with what was accepted for them; None where that was accepted
    for them together with others, and nobody can say what of it is theirs."""
    for about, more in settled:
        if about <= parcels:
            amount += more
        elif about & parcels:
            return None
    return amount


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


def _differences(ours: Record, theirs: Record) -> list[Finding]:
    found = []
    if theirs.units is not None and theirs.units != ours.units:
        detail = f"we count {ours.units} units, the source {theirs.units}"
        found.append(Finding("units_differ", ours.purchase, detail))
    if None not in (theirs.amount, ours.amount) and theirs.amount != ours.amount:
        owed, asked = ours.amount or 0, theirs.amount or 0
        detail = f"we owe {yuan(owed)}, the source asks {yuan(asked)}"
        more = Finding("amount_differs", ours.purchase, detail, asked - owed, ours.parcels)
        found.append(more)
    if theirs.waybills != ours.waybills:
        here, there = (", ".join(sorted(side.waybills)) for side in (ours, theirs))
        detail = f"we have {here}, the source {there}"
        found.append(Finding("waybills_differ", ours.purchase, detail))
    return found


def span(day: date) -> tuple[datetime, datetime]:
    """A day in Shanghai, as a span of UTC."""
    begin = datetime.combine(day, time(), SHANGHAI)
    return begin.astimezone(UTC), (begin + timedelta(days=1)).astimezone(UTC)
