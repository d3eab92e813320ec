"""The outbox: what was decided in a transaction is told to the queues after its commit.

A row here is a wake-up for one account's due work, never the work itself: the work is rows that
are due, and a wake-up that is lost or repeated changes nothing.
"""

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from kit.db import Base, Id, Utc


class Outbox(Base):
    """A wake-up waiting for the relay, or already relayed."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("outbox_waiting", "id", postgresql_where=text("relayed_at IS NULL")),
        Index("outbox_relayed", "relayed_at", postgresql_where=text("relayed_at IS NOT NULL")),
    )

    id: Mapped[Id]
    topic: Mapped[str]
    key: Mapped[str]
    created_at: Mapped[Utc] = mapped_column(server_default=text("clock_timestamp()"))
    relayed_at: Mapped[datetime | None]


def say(session: Session, topic: str, key: str) -> None:
    """Wake whoever works `topic` (a job's name) for `key` (an account), after this commit."""
    session.execute(insert(Outbox).values(topic=topic, key=key))


def take(session: Session, limit: int = 500) -> list[tuple[str, str]]:
    """Distinct (topic, key) wake-ups that were waiting, now marked relayed with this commit."""
    taken = session.execute(
        text("""
            WITH due AS (
                SELECT id FROM outbox WHERE relayed_at IS NULL
                ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED)
            UPDATE outbox SET relayed_at = clock_timestamp() FROM due
            WHERE outbox.id = due.id RETURNING outbox.topic, outbox.key
        """),
        {"limit": limit},
    )
    return list(dict.fromkeys((row.topic, row.key) for row in taken))


def prune(session: Session) -> int:
    """Forget wake-ups relayed over a day ago; returns how many."""
    gone = session.execute(
        text("DELETE FROM outbox WHERE relayed_at < clock_timestamp() - interval '1 day'")
    )
    return int(gone.rowcount)  # type: ignore[attr-defined]
