"""Statements: what a party's money did in a span of time. Never changed once issued, but for the
party's answer."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, Integer, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import NOW, Base, Fen, Id, OutsideId, Ref, Utc


class Statement(Base):
    """From where the former one ended until `until`: opening + lines = closing."""

    __tablename__ = "statements"
    __table_args__ = (
        UniqueConstraint("party_id", "until"),
        CheckConstraint("since < until", name="statements_span"),
        Index("statements_period", "party_id", "period"),
        Index("statements_state", "state", "answered_at"),
    )

    id: Mapped[Id]
    party_id: Mapped[Ref]
    period: Mapped[OutsideId]
    """The month in which it ends, as 2026-11."""
    since: Mapped[Utc]
    until: Mapped[Utc]
    accounts: Mapped[list[Any]] = mapped_column(JSONB)
    """The accounts that it is about: patterns of LIKE."""
    opening: Mapped[Fen]
    closing: Mapped[Fen]
    balances: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """Fen on each account at `until`."""
    state: Mapped[str]
    """issued | confirmed | disputed | answered."""
    reason: Mapped[str | None]
    """Why it is disputed."""
    answer: Mapped[str | None]
    """What the operator says to that."""
    answered_at: Mapped[datetime | None]
    """When its party, or the operator, last said something."""
    issued_at: Mapped[Utc] = mapped_column(server_default=NOW)


class StatementLine(Base):
    """Postings of one kind about one order, or one posting without an order."""

    __tablename__ = "statement_lines"

    statement_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    party_id: Mapped[Ref]
    kind: Mapped[str]
    order_id: Mapped[int | None]
    """Null also where the order is another party's."""
    posting_id: Mapped[int | None]
    """Of a line that is one posting."""
    reference: Mapped[str | None]
    postings: Mapped[int]
    """How many explain it."""
    amount: Mapped[Fen]
    at: Mapped[Utc]
