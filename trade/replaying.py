"""Dead letters: what came in and was stored, but not handled to its end; handled once more here.

Handling is safe to repeat: a sheet ships what is still open and nothing twice, a message is a hint
upon which the source is asked. What goes wrong is kept with the letter, without its content.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from kit.crypto import CannotOpen
from kit.db import Database
from kit.errors import Problem
from kit.ids import inside, outside
from kit.inbox import Inbox
from trade import following
from trade.desk import Desk
from trade.parcels import waybills
from trade.suppliers import supplier_of

AT_WORK = timedelta(minutes=5)
"""A younger message may be in somebody's hands."""


@dataclass(frozen=True)
class Letter:
    """A stored message that nobody has handled: its sender, how often it was tried again, and what
    went wrong then."""

    id: str
    sender: str
    received_at: datetime
    tries: int
    error: str | None

    @property
    def topic(self) -> str:
        """What it is: waybills, messages."""
        return self.sender.partition(":")[0]

    @property
    def source(self) -> str | None:
        """Of which source."""
        return self.sender.partition(":")[2] or None


def waiting(
    session: Session,
    now: datetime,
    ids: Collection[str] = (),
    *,
    limit: int = 1000,
    after: int | None = None,
) -> list[Letter]:
    """Unhandled messages, the oldest first; `ids` narrows to these, however young they are.

    Runs in system scope. Raises Problem 404 for an id that is no unhandled message.
    """
    columns = (Inbox.id, Inbox.sender, Inbox.received_at, Inbox.tries, Inbox.failure)
    found = select(*columns).where(Inbox.handled_at.is_(None))
    if ids:
        found = found.where(Inbox.id.in_([inside("ltr", one) for one in ids]))
    else:
        found = found.where(Inbox.received_at < now - AT_WORK)
    if after is not None:
        found = found.where(Inbox.id > after)
    rows = session.execute(found.order_by(Inbox.id).limit(limit))
    letters = [Letter(outside("ltr", row.id), *row[1:]) for row in rows]
    if missing := sorted(set(ids) - {letter.id for letter in letters}):
        raise Problem(
            404,
            "not_found",
            f"{', '.join(missing)}: no such dead letter, or it was handled meanwhile",
        )
    return letters


def preview(db: Database, desk: Desk, letter: Letter, now: datetime) -> dict[str, Any]:
    """Handle a letter and take it all back: what it holds in numbers, and what it `would` do, of a
    sheet row by row: which parcel is told under which purchase.

    Raises Problem as `replay` would: it cannot be opened, read, or is not handled here.
    """
    if _handler(letter) is not _waybills:
        with db.as_system() as session:
            result = _heard(session, letter, now)
            session.rollback()
        asked = [outside("pur", purchase) for purchase in result["purchases"]]
        return {"would": [{"purchase": one, "does": "asks", "of": letter.source} for one in asked]}
    content = _opened(db, desk, letter)
    with db.as_system() as session:
        supplier = supplier_of(session, letter.source or "")
    return waybills.preview(db, desk, supplier, content, now)


def replay(db: Database, desk: Desk, letter: Letter, now: datetime) -> dict[str, Any]:
    """Handle one letter again; returns what came of it.

    Raises Problem, whose sentence is kept with the letter.
    """
    try:
        return _handler(letter)(db, desk, letter, now)
    except Problem as problem:
        with db.as_system() as session:
            session.execute(
                update(Inbox)
                .where(Inbox.id == inside("ltr", letter.id))
                .values(tries=Inbox.tries + 1, failure=problem.detail)
            )
        raise


Handler = Callable[[Database, Desk, Letter, datetime], dict[str, Any]]


def _handler(letter: Letter) -> Handler:
    if letter.topic not in HANDLERS or letter.source is None:
        raise Problem(
            409, "no_handler", f"{letter.id} is from {letter.sender}, which is not handled here"
        )
    return HANDLERS[letter.topic]


def _opened(db: Database, desk: Desk, letter: Letter) -> bytes:
    with db.as_system() as session:
        sealed = session.get_one(Inbox, inside("ltr", letter.id)).body
    try:
        return desk.keyring.open(sealed, letter.sender)
    except CannotOpen as error:
        raise Problem(409, "cannot_open", f"{letter.id} cannot be opened: {error}") from error


def _waybills(db: Database, desk: Desk, letter: Letter, now: datetime) -> dict[str, Any]:
    content = _opened(db, desk, letter)
    with db.as_system() as session:
        supplier = supplier_of(session, letter.source or "")
    return vars(waybills.import_sheet(db, desk, supplier, content, now))


def _messages(db: Database, desk: Desk, letter: Letter, now: datetime) -> dict[str, Any]:
    del desk
    with db.as_system() as session:
        return _heard(session, letter, now)


def _heard(session: Session, letter: Letter, now: datetime) -> dict[str, Any]:
    following.hear(session, letter.source or "", now)
    session.flush()
    row = session.get_one(Inbox, inside("ltr", letter.id), populate_existing=True)
    if row.handled_at is None or row.result is None:
        raise Problem(
            409,
            "unmatched",
            f"{letter.id} names no purchase that is known here; it is looked at again by itself",
        )
    return row.result


HANDLERS: Mapping[str, Handler] = {"waybills": _waybills, "messages": _messages}
"""Topic → what handles its letters again."""
