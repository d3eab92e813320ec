"""Orders of a sheet whose price only platforms can say: they are asked before the sheet is ready.

Asking takes the time of its platforms, so it holds no transaction: the sheet is read, platforms are
asked about one order after the other, and the sheet is read again with what they said, which counts
for as long as a quote is good. A worker that dies begins anew and asks only what is not known yet.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from kit import clock
from kit.db import Database
from kit.errors import Problem
from trade.desk import Desk
from trade.hearing import ASKED
from trade.models import OrderImport
from trade.order_sheets import reading
from trade.orders import OrderRequest
from trade.planning import Draft

LONGEST = timedelta(minutes=5)
"""So long one sheet waits for platforms; then it is ready without what they have not said."""

FRESH = timedelta(minutes=15)
"""So old may prices be that a consent was given to."""

Ask = Callable[[int, OrderRequest], Draft | None]
"""Asks the platforms of an order of a party, as `Hearing.heard` does."""

_OPEN = text("""
    SELECT id, reference, party_id, lines, sealed, cap FROM imported_orders
    WHERE import_id = :id AND state = 'unsellable' AND failure ->> 'code' = ANY(:codes) ORDER BY id
""")


def enquire(
    db: Database,
    desk: Desk,
    import_id: int,
    until: datetime,
    ask: Ask,
    take: Callable[[Session, int], OrderImport | None],
    request: Callable[[Desk, int, object], OrderRequest],
) -> dict[str, str] | None:
    """Ask about the orders of a sheet that is to be read; by reference, why some are not sold.

    None: the time is over, and it goes on at the next wake-up. `take` locks the sheet, `request`
    makes an order of a row.
    """
    with db.as_system() as session:
        row, now = take(session, import_id), clock.now()
        if row is None or row.expires_at is None or not _waits(session, row, now):
            return {}
        status, since = row.status, row.updated_at
        reading.read(session, desk, row, now)
        if row.status == "failed":
            return {}
        found = session.execute(_OPEN, {"id": import_id, "codes": list(ASKED)}).all()
        wanted = [(one.reference, one.party_id, request(desk, import_id, one)) for one in found]
        if wanted or status == "confirmed":
            row.status, row.updated_at = status, since
    told: dict[str, str] = {}
    for reference, party_id, order in wanted:
        if clock.now() >= until:
            return None
        try:
            draft = ask(party_id, order)
        except Problem:
            continue
        if draft is not None and draft.unsellable:
            told[reference] = draft.unsellable[0].code
    return told


def _waits(session: Session, row: OrderImport, now: datetime) -> bool:
    """Whether a locked sheet is to be read, or to be placed by words that are too old."""
    if now - row.updated_at > LONGEST:
        return False
    if row.status == "reading":
        return True
    asked = {"id": row.id, "codes": list(ASKED)}
    return row.status == "confirmed" and (
        row.quoted_at is None
        or now - row.quoted_at > FRESH
        or session.execute(_OPEN, asked).first() is not None
    )
