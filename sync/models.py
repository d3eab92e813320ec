"""What is read, from where, how far each reading got, and who may go on with it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Integer, SmallInteger, text
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


class SourceState(Base):
    """How a source, wherever it is configured, is doing."""

    __tablename__ = "source_states"

    source: Mapped[OutsideId] = mapped_column(primary_key=True)
    paused_at: Mapped[datetime | None]
    qualified_until: Mapped[datetime | None]
    """From then on its supplier's papers have expired; null: they do not."""
    vouched_until: Mapped[datetime | None]
    """Until then an operator vouches for them; what is later of the two counts."""
    paused_reason: Mapped[str | None]
    """Why nothing is asked of it until a person lifts the pause."""
    not_before: Mapped[datetime | None]
    """No call before then: the source, or our own patience, said so."""
    failures: Mapped[int] = mapped_column(Integer, server_default="0")
    """Runs that broke off since the last one that ended well."""
    last_failure: Mapped[str | None]
    last_good_at: Mapped[datetime | None]
    full_at: Mapped[datetime | None]
    """`as_of` of the last full listing that was applied to its end."""
    watermark: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """What the next incremental reading gets as `since`."""
    listed_at: Mapped[datetime | None]
    """When a listing was last begun."""
    asked_at: Mapped[datetime | None]
    """When messages were last asked for."""
    message_at: Mapped[datetime | None]
    """When the last message came."""


class Lease(Base):
    """Who reads one stream (listing, messages, figures) of a source; `fence` only rises."""

    __tablename__ = "source_leases"

    source: Mapped[OutsideId] = mapped_column(primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    fence: Mapped[int]
    until: Mapped[Utc]


class Run(Base):
    """One reading of one source."""

    __tablename__ = "runs"
    __table_args__ = (Index("runs_source", "source", "id"),)

    id: Mapped[Id]
    source: Mapped[OutsideId]
    kind: Mapped[str] = mapped_column(server_default="full")
    """full | incremental | watch | messages | prices | stock | rollback."""
    state: Mapped[str]
    """reading | judged | applying | held | done | failed | discarded."""
    started_at: Mapped[Utc] = mapped_column(server_default=text("clock_timestamp()"))
    ended_at: Mapped[datetime | None]
    as_of: Mapped[datetime | None]
    complete: Mapped[bool] = mapped_column(server_default=text("false"))
    notes: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    since: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    cursor: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """Where the reading goes on; committed with the page that it stands behind."""
    watermark: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    pages: Mapped[int] = mapped_column(server_default="0")
    pages_expected: Mapped[int | None]
    next_row: Mapped[int] = mapped_column(server_default="1")
    """The number of the next staged row."""
    seen: Mapped[int] = mapped_column(server_default="0")
    rejected: Mapped[int] = mapped_column(server_default="0")
    planned: Mapped[int] = mapped_column(server_default="0")
    """Staged rows that differ from what we hold, offers to vanish included."""
    mark: Mapped[int] = mapped_column(server_default="0")
    """The last staged row that was applied."""
    changed: Mapped[int] = mapped_column(server_default="0")
    gone: Mapped[int] = mapped_column(server_default="0")
    radius: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """What the feed guard measured (`guard.Radius`): live, and so many of each kind of harm."""
    failure: Mapped[str | None]
    """Why it is held, failed or was discarded."""
    traits: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    """How its rows are applied (`sync.apply.Traits`), the same when another process goes on."""
    undoes: Mapped[int | None]
    """The run whose effects a rollback takes back, with those of all later ones."""


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
    cells: Mapped[str] = mapped_column(server_default="")
    """The whole row, as `connectors.model.Reject` tells it."""


class RunImage(Base):
    """What an offer was before a run changed it, in the shape of a listing's row."""

    __tablename__ = "run_images"

    run_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    offer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    image: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class WatchedItem(Base):
    """What a source without a full listing is asked to follow."""

    __tablename__ = "watched_items"

    source: Mapped[OutsideId] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    """id | link | query."""
    value: Mapped[OutsideId] = mapped_column(primary_key=True)
    pages: Mapped[int] = mapped_column(Integer, server_default="5")
    added_at: Mapped[Utc] = mapped_column(server_default=text("clock_timestamp()"))


class Hint(Base):
    """A message pushed to us, waiting for its fact to be read again."""

    __tablename__ = "hints"

    source: Mapped[OutsideId] = mapped_column(primary_key=True)
    message_id: Mapped[OutsideId] = mapped_column(primary_key=True)
    topic: Mapped[str]
    external_ids: Mapped[list[Any]] = mapped_column(JSONB)
    received_at: Mapped[Utc] = mapped_column(server_default=text("clock_timestamp()"))


class Figure(Base):
    """When a price or a stock of an offer is to be asked for next."""

    __tablename__ = "figures"
    __table_args__ = (Index("figures_due", "source", "kind", "due_at"),)

    offer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(primary_key=True)
    """price | stock."""
    source: Mapped[OutsideId]
    worth: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """The class of `sync.schedule` that it stands in."""
    due_at: Mapped[Utc]
    read_at: Mapped[datetime | None]
