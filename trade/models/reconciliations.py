"""Our books of a day against a source's, and every difference until somebody has decided on it."""

from datetime import date, datetime

from sqlalchemy import Date, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import NOW, Base, Fen, Id, OutsideId, Ref, Utc


class ReconciledDay(Base):
    """The newest comparison of one day with one source."""

    __tablename__ = "reconciliations"
    __table_args__ = (UniqueConstraint("source", "day"),)

    id: Mapped[Id]
    source: Mapped[OutsideId]
    day: Mapped[date] = mapped_column(Date)
    purchases: Mapped[int]
    parcels: Mapped[int]
    units: Mapped[int]
    amount: Mapped[Fen]
    compared: Mapped[bool]
    made_at: Mapped[Utc] = mapped_column(server_default=NOW)


class Difference(Base):
    """Where the two sides differ."""

    __tablename__ = "differences"
    __table_args__ = (
        UniqueConstraint("reconciliation_id", "code", "purchase", "detail"),
        Index("differences_state", "state", "id"),
        Index("differences_purchase", "source", "purchase"),
    )

    id: Mapped[Id]
    reconciliation_id: Mapped[Ref]
    source: Mapped[OutsideId]
    code: Mapped[str]
    purchase: Mapped[OutsideId]
    detail: Mapped[str]
    amount: Mapped[int | None]
    """Fen that the source asks beyond what we owe; null where money alone does not settle it."""
    parcels: Mapped[list[int]] = mapped_column(ARRAY(BIGINT), server_default="{}")
    """Our parcels that `amount` is about; none named: the whole purchase."""
    state: Mapped[str]
    """open | accepted | dismissed | gone."""
    note: Mapped[str | None]
    decided_at: Mapped[datetime | None]
