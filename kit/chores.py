"""Chores: work that comes due again and again, one row each, whoever runs them.

A chore runs inside the transaction that holds its row, so any number of processes may offer to do
it and one does; if that one dies, the chore is due as before. What came of it stands in its row.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from kit import clock
from kit.db import NOW, Base, Utc


class Chore(Base):
    """One kind of recurring work."""

    __tablename__ = "chores"

    name: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[Utc] = mapped_column(server_default=NOW)
    ran_at: Mapped[datetime | None]
    """When it last came to an end in order."""
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """What it said then."""
    failure: Mapped[str | None]
    """Why it could not be done since, in a word; null when the last try went well."""


def due(session: Session, names: Sequence[str]) -> list[str]:
    """Those of these chores that are due, in their order; one that was never done is."""
    later = select(Chore.name).where(Chore.name.in_(names), Chore.due_at > NOW)
    waiting = set(session.scalars(later))
    return [name for name in names if name not in waiting]


def take(session: Session, name: str) -> Chore | None:
    """The chore, if it is due and nobody is at it; it is ours until this transaction ends."""
    session.execute(insert(Chore).values(name=name).on_conflict_do_nothing())
    return session.scalars(
        select(Chore)
        .where(Chore.name == name, Chore.due_at <= NOW)
        .with_for_update(skip_locked=True)
    ).one_or_none()


def done(session: Session, chore: Chore, result: dict[str, Any], wait: float) -> None:
    """Write down what came of it, in its own transaction; due again after `wait` seconds."""
    now = clock.now()
    chore.ran_at, chore.result, chore.failure = now, result, None
    chore.due_at = now + timedelta(seconds=wait)
    session.flush()


def failed(session: Session, name: str, failure: str, wait: float) -> None:
    """Write down, after the chore's own transaction was undone, that it is tried after `wait`."""
    chore = take(session, name)
    if chore is not None:
        chore.failure = failure
        chore.due_at = clock.now() + timedelta(seconds=wait)
        session.flush()


def overview(session: Session) -> list[Chore]:
    """Every chore as its last run left it, by name."""
    return list(session.scalars(select(Chore).order_by(Chore.name)))
