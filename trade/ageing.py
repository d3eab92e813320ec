"""People's details by age: sealed some time after delivery, erased long after. System scope.

Age counts from delivery; of an order that never arrived from its last move, of a sign-up from when
it came. A quote's recipient serves nobody once the quote is over. Each recipient is looked at when
it may be due; what its orders say then moves the date, so that none is looked at again and again.
An order with something to send or with an open claim waits a day; one under a legal hold is not
looked at.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from kit.errors import Problem
from kit.ids import outside
from kit.inbox import Inbox
from trade import audits, openings, shredding
from trade.after_sales.claim_states import OPEN
from trade.desk import AgeTerms
from trade.models import Recipient
from trade.states import UNFINISHED

BATCH = 500
"""Recipients of one transaction."""
SHEETS_KEPT = timedelta(days=90)
"""Suppliers' sheets of waybills, as those that they are sent."""

_LOOKED = """
    due AS (
        SELECT r.id, r.aged_from FROM recipients r
        WHERE {due} AND r.envelope <> '' AND r.aged_from <= :before
        ORDER BY r.aged_from LIMIT :most FOR UPDATE SKIP LOCKED),
    looked AS (
        SELECT d.id, greatest(d.aged_from, x.moved) AS since, coalesce(x.busy, false) AS busy
        FROM due d CROSS JOIN LATERAL (
            SELECT max(coalesce(o.delivered_at, o.updated_at)) AS moved,
                   bool_or(o.status = ANY(:unfinished) OR EXISTS (
                       SELECT FROM claims c WHERE c.order_id = o.id AND c.state = ANY(:open)
                   )) AS busy
            FROM orders o WHERE o.id IN (
                SELECT id FROM orders WHERE recipient_id = d.id
                UNION SELECT order_id FROM purchases WHERE recipient_id = d.id)) x)
"""
"""`since` NULL: no order; greatest() passes over NULL."""
_UPDATE = """
    WITH {looked} UPDATE recipients r SET
        aged_from = CASE WHEN l.busy AND l.since <= :before THEN :again ELSE l.since END {more}
    FROM looked l WHERE r.id = l.id RETURNING r.id, l.since <= :before AND NOT l.busy
"""
_SEAL = text(
    _UPDATE.format(
        looked=_LOOKED.format(due="r.sealed_at IS NULL AND r.kept_for <> 'quote'"),
        more=", sealed_at = CASE WHEN l.since <= :before AND NOT l.busy"
        " THEN CAST(:now AS timestamptz) END",
    )
)
_SHRED = text(
    _UPDATE.format(looked=_LOOKED.format(due="r.sealed_at IS NOT NULL AND r.hold IS NULL"), more="")
)
_QUOTED = text("""
    SELECT id FROM recipients WHERE kept_for = 'quote' AND envelope <> '' AND aged_from <= :before
    ORDER BY aged_from LIMIT :most FOR UPDATE SKIP LOCKED
""")


def seal(session: Session, terms: AgeTerms, now: datetime, most: int = BATCH) -> tuple[int, bool]:
    """Seal who is old enough; how many, and whether there may be more."""
    looked = session.execute(_SEAL, _asked(now, terms.seal_days, most) | {"now": now}).all()
    return sum(due for _, due in looked), len(looked) == most


def shred(session: Session, terms: AgeTerms, now: datetime, most: int = BATCH) -> tuple[int, bool]:
    """Erase who was sealed and is old enough, and whoever is known from a quote only; how many,
    and whether there may be more."""
    looked = session.execute(_SHRED, _asked(now, terms.shred_days, most)).all()
    quoted = session.scalars(
        _QUOTED, {"before": now - timedelta(days=terms.unused_days), "most": most}
    ).all()
    old = [found for found, due in looked if due]
    shredding.shred(session, [*old, *quoted])
    if old:
        audits.note(session, "age", "recipients.shred", f"{len(old)} recipients")
    return len(old) + len(quoted), most in (len(looked), len(quoted))


def forget_sheets(session: Session, now: datetime, most: int = 50) -> int:
    """Empty suppliers' sheets of waybills whose time is over; returns how many. One that was never
    handled to its end is no case for a person any more."""
    due = (
        select(Inbox.id)
        .where(
            Inbox.sender.startswith("waybills:"),
            Inbox.body != b"",
            Inbox.received_at < now - SHEETS_KEPT,
        )
        .order_by(Inbox.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    ids = session.scalars(due).all()
    open_ones = (Inbox.id.in_(ids), Inbox.handled_at.is_(None))
    expired = {"handled_at": now, "result": {"expired": True}}
    session.execute(update(Inbox).where(*open_ones).values(expired))
    session.execute(update(Inbox).where(Inbox.id.in_(ids)).values(body=b""))
    return len(ids)


def hold(session: Session, order: str, reason: str | None, actor: str) -> None:
    """Keep what names people of an order from being erased, for a reason; None: no longer.

    Raises Problem 404; 410 where it was erased before; 422 for an empty reason.
    """
    if reason is not None and not reason.strip():
        raise Problem(422, "invalid", "reason: say what the details are needed for")
    row = openings.known(session, order)
    theirs = openings.of_order(row)
    held = update(Recipient).where(theirs, Recipient.envelope != b"").values(hold=reason)
    if not session.execute(held).rowcount:  # type: ignore[attr-defined]
        raise Problem(410, "recipient_forgotten", "what named people of this order is erased")
    action = "recipients.release" if reason is None else "recipients.hold"
    detail = None if reason is None else {"reason": reason}
    audits.note(session, actor, action, outside("ord", row.id), detail, party_id=row.party_id)


def _asked(now: datetime, days: int, most: int) -> dict[str, Any]:
    before = now - timedelta(days=days)
    return {
        "before": before,
        "again": before + timedelta(days=1),
        "most": most,
        "unfinished": list(UNFINISHED),
        "open": list(OPEN),
    }
