"""Orders of a sheet whose price only platforms can say: they are asked before the sheet is ready.

Asking takes the time of its platforms, so it holds no transaction: the sheet is read, platforms are
asked about one order after the other, and the sheet is read again with what they said, which counts
for as long as a quote is good. A worker that dies begins anew and asks only what is not known yet.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from kit import clock
from kit.db import Database
from kit.errors import Problem
from trade.asking import ASKED
from trade.desk import Desk
from trade.models import OrderImport
from trade.order_sheets import files, reading
from trade.orders import OrderRequest
from trade.planning import Draft, LineRequest

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
) -> dict[str, str] | None:
    """Ask about the orders of a sheet that is to be read; by reference, why some are not sold.

    None: the time is over, and it goes on at the next wake-up.
    """
    with db.as_system() as session:
        row, now = locked(session, import_id), clock.now()
        if row is None or row.expires_at is None or not _waits(session, row, now):
            return {}
        status, since = row.status, row.updated_at
        reading.read(session, desk, row, now)
        if row.status == "failed":
            return {}
        found = session.execute(_OPEN, {"id": import_id, "codes": list(ASKED)}).all()
        wanted = [(one.reference, one.party_id, request_of(desk, import_id, one)) for one in found]
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


def locked(session: Session, import_id: int) -> OrderImport | None:
    """The import, unless somebody is at it; several may place its orders, as each is locked."""
    found = select(OrderImport).where(OrderImport.id == import_id)
    return session.scalars(found.with_for_update(skip_locked=True)).one_or_none()


def request_of(desk: Desk, import_id: int, row: Any) -> OrderRequest:
    """The order of a row of `imported_orders`. Raises CannotOpen."""
    to, note = files.person(desk.keyring, import_id, bytes(row.sealed))
    lines = tuple(
        LineRequest(
            line["quantity"],
            line["sku"],
            retail_price=None if line["retail"] is None else Decimal(line["retail"]),
        )
        for line in row.lines
    )
    return OrderRequest(row.reference, lines, to, max_total=row.cap, buyer_note=note or None)
