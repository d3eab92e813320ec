"""The inbox: a message from outside is stored once, before anything is done about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, UniqueConstraint, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from kit.db import Base, Id, OutsideId, Utc


class Inbox(Base):
    """A message or uploaded sheet, sealed by its receiver where it holds recipients."""

    __tablename__ = "inbox"
    __table_args__ = (UniqueConstraint("sender", "external_id"),)

    id: Mapped[Id]
    sender: Mapped[str]
    external_id: Mapped[OutsideId]
    body: Mapped[bytes]
    received_at: Mapped[Utc] = mapped_column(server_default=text("clock_timestamp()"))
    handled_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    tries: Mapped[int] = mapped_column(Integer, server_default="0")
    """How often it was handled again, without success."""
    failure: Mapped[str | None]
    """What went wrong last, in a sentence without anything of the message."""


@dataclass(frozen=True)
class Received:
    """`result` is set when the same message was handled before."""

    id: int
    result: dict[str, Any] | None


def receive(session: Session, sender: str, external_id: str, body: bytes) -> Received:
    """Store the message unless we hold it; concurrent twins wait for the first to commit."""
    session.execute(
        insert(Inbox)
        .values(sender=sender, external_id=external_id, body=body)
        .on_conflict_do_nothing()
    )
    row = session.execute(
        select(Inbox.id, Inbox.result)
        .where(Inbox.sender == sender, Inbox.external_id == external_id)
        .with_for_update()
    ).one()
    return Received(row.id, row.result)


def handled(session: Session, message_id: int, result: dict[str, Any]) -> None:
    """Remember what came of the message, in the transaction that did it."""
    session.execute(
        update(Inbox)
        .where(Inbox.id == message_id)
        .values(handled_at=text("clock_timestamp()"), result=result)
    )
