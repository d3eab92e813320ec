"""What is read, from where, and how far each reading got."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base, Id, OutsideId, Ref, Utc


class Source(Base):
    """A source that was recorded here rather than in settings.toml."""

    __tablename__ = "sources"

    code: Mapped[OutsideId] = mapped_column(primary_key=True)
    kind: Mapped[str]
    config: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[Utc] = mapped_column(server_default=text("clock_timestamp()"))


class Run(Base):
    """One reading of one source."""

    __tablename__ = "runs"
    __table_args__ = (Index("runs_source", "source", "id"),)

    id: Mapped[Id]
    source: Mapped[OutsideId]
    state: Mapped[str]
    """reading | judged | applying | held | done | failed."""
    started_at: Mapped[Utc] = mapped_column(server_default=text("clock_timestamp()"))
    ended_at: Mapped[datetime | None]
    as_of: Mapped[datetime | None]
    notes: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    seen: Mapped[int] = mapped_column(server_default="0")
    changed: Mapped[int] = mapped_column(server_default="0")
    rejected: Mapped[int] = mapped_column(server_default="0")
    mark: Mapped[int] = mapped_column(server_default="0")
    failure: Mapped[str | None]


class RunReject(Base):
    """A row that did not load, and why."""

    __tablename__ = "run_rejects"
    __table_args__ = (Index("run_rejects_run", "run_id", "id"),)

    id: Mapped[Id]
    run_id: Mapped[Ref]
    file: Mapped[str]
    line: Mapped[int]
    column: Mapped[str]
    value: Mapped[str]
    reason: Mapped[str]
