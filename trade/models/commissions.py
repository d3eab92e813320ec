"""Commissions that platforms pay for goods bought through leaders' links."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, Integer, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import NOW, Base, Fen, Id, OutsideId, Utc


class CommissionRow(Base):
    """One row of a platform's list, as it was told last."""

    __tablename__ = "commissions"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        CheckConstraint("share_percent BETWEEN 0 AND 100", name="commissions_share"),
        Index("commissions_party", "party_id", "id"),
    )

    id: Mapped[Id]
    source: Mapped[OutsideId]
    external_id: Mapped[OutsideId]
    order_ref: Mapped[OutsideId]
    party_id: Mapped[int | None]
    """Whose link it was; null where the platform names nobody whom we know: the house's."""
    item: Mapped[OutsideId]
    title: Mapped[str]
    quantity: Mapped[int]
    returned: Mapped[int]
    state: Mapped[str]
    """ordered | paid | finished | settled | invalid."""
    reason: Mapped[str]
    paid: Mapped[Fen]
    """What the customer paid for the goods."""
    expected: Mapped[Fen]
    """What the platform estimates that it will pay."""
    booked: Mapped[Fen] = mapped_column(server_default="0")
    """What it has settled, as posted."""
    earned: Mapped[Fen] = mapped_column(server_default="0")
    """The leader's part of that, as posted."""
    plan: Mapped[str]
    share_percent: Mapped[int] = mapped_column(Integer)
    """The leader's part as it was when the row was first seen."""
    postings: Mapped[int] = mapped_column(Integer, server_default="0")
    """How often it was posted: the next one's name."""
    ordered_at: Mapped[Utc]
    changed_at: Mapped[Utc]
    settled_at: Mapped[datetime | None]


class CommissionsRead(Base):
    """How far a platform's list was read."""

    __tablename__ = "commissions_read"

    source: Mapped[OutsideId] = mapped_column(primary_key=True)
    cursor: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    turn: Mapped[int] = mapped_column(server_default="0")
    """Counts readings: whoever read from an older place does not set it back."""
    read_at: Mapped[Utc] = mapped_column(server_default=NOW)
