"""Dead letters: what came in and was stored, but not handled to its end; handled once more here.

Handling is safe to repeat: a sheet ships what is still open and nothing twice.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from kit.db import Database
from kit.errors import Problem
from kit.ids import inside, outside
from kit.inbox import Inbox
from trade import waybills
from trade.desk import Desk
from trade.suppliers import supplier_of

AT_WORK = timedelta(minutes=5)
"""A younger message may be in somebody's hands."""


@dataclass(frozen=True)
class Letter:
    """A stored message that nobody has handled."""

    id: str
    sender: str
    received_at: datetime


def waiting(
    session: Session, now: datetime, ids: Collection[str] = (), *, limit: int = 1000
) -> list[Letter]:
    """Unhandled messages, the oldest first; `ids` narrows to these, however young they are.

    Runs in system scope. Raises Problem 404 for an id that is no unhandled message.
    """
    found = select(Inbox.id, Inbox.sender, Inbox.received_at).where(Inbox.handled_at.is_(None))
    if ids:
        found = found.where(Inbox.id.in_([inside("ltr", one) for one in ids]))
    else:
        found = found.where(Inbox.received_at < now - AT_WORK)
    rows = session.execute(found.order_by(Inbox.id).limit(limit))
    letters = [Letter(outside("ltr", row.id), row.sender, row.received_at) for row in rows]
    if missing := sorted(set(ids) - {letter.id for letter in letters}):
        raise Problem(
            404,
            "not_found",
            f"{', '.join(missing)}: no such dead letter, or it was handled meanwhile",
        )
    return letters


def replay(db: Database, desk: Desk, letter: Letter, now: datetime) -> dict[str, Any]:
    """Handle one letter again; returns what came of it. Raises Problem, CannotOpen."""
    kind, _, of = letter.sender.partition(":")
    if kind not in HANDLERS:
        raise Problem(
            409, "no_handler", f"{letter.id} is from {letter.sender}, which is not handled here"
        )
    with db.as_system() as session:
        sealed = session.get_one(Inbox, inside("ltr", letter.id)).body
    return HANDLERS[kind](db, desk, of, desk.keyring.open(sealed, letter.sender), now)


def _waybills(
    db: Database, desk: Desk, source: str, content: bytes, now: datetime
) -> dict[str, Any]:
    with db.as_system() as session:
        supplier = supplier_of(session, source)
    return vars(waybills.import_sheet(db, desk, supplier, content, now))


HANDLERS: dict[str, Callable[[Database, Desk, str, bytes, datetime], dict[str, Any]]] = {
    "waybills": _waybills,
}
"""Kind of sender → what handles its messages again."""
