"""What is told to other programs: events, endpoints that want them, deliveries under way."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Sequence, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import NOW, Base, Id, OutsideId, Ref, Utc


class Event(Base):
    """One thing that happened, for whoever may know of it; written once, numbered after commit."""

    __tablename__ = "events"
    __table_args__ = (
        Index("events_unnumbered", "id", postgresql_where=text("seq IS NULL")),
        Index("events_seq", "seq", postgresql_where=text("seq IS NOT NULL")),
        Index("events_party", "party_id", "seq"),
        Index("events_supplier", "supplier_id", "seq"),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    id: Mapped[int] = mapped_column(
        BigInteger, Sequence("events_ids"), server_default=text("nextval('events_ids')"),
        primary_key=True,
    )  # fmt: skip
    seq: Mapped[int | None]
    kind: Mapped[str]
    about: Mapped[OutsideId]
    """The outside id of the object: events of one object are told in their order."""
    party_id: Mapped[int | None]
    """The leader who may know of it."""
    supplier_id: Mapped[int | None]
    """The supplier who may know of it."""
    order_id: Mapped[int | None]
    purchase_id: Mapped[int | None]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What changed, in words for either; it names no source, seller, cost or recipient."""
    at: Mapped[Utc] = mapped_column(server_default=NOW)


class EventsHead(Base):
    """The highest number that an event was given; one row."""

    __tablename__ = "events_head"

    one: Mapped[int] = mapped_column(SmallInteger, primary_key=True, server_default="1")
    seq: Mapped[int] = mapped_column(BigInteger, server_default="0")


class Webhook(Base):
    """An endpoint of a party, and how far it was told."""

    __tablename__ = "webhooks"
    __table_args__ = (Index("webhooks_party", "party_id", "id"),)

    id: Mapped[Id]
    party_id: Mapped[Ref]
    url: Mapped[str]
    events: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    secret: Mapped[bytes]
    former_secret: Mapped[bytes | None]
    """The former secrets, sealed together, each with its own end."""
    former_until: Mapped[datetime | None]
    """Until then messages carry a signature by the latest of them as well."""
    state: Mapped[str] = mapped_column(server_default="active")
    """active | failing | disabled."""
    told_events: Mapped[int] = mapped_column(BigInteger)
    """Up to this number of the events its deliveries were written down."""
    told_changes: Mapped[int] = mapped_column(BigInteger)
    """The same for the catalogue's change feed."""
    failures: Mapped[int] = mapped_column(server_default="0")
    """Failed attempts since the last one that went well."""
    paused_until: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    """When the first of those attempts was."""
    missed: Mapped[int] = mapped_column(server_default="0")
    """Messages that were given up, and not told again since by a replay."""
    missed_events: Mapped[int | None]
    """The number before the first of them in the events, if one was from there."""
    missed_changes: Mapped[int | None]
    """The same for the change feed."""
    failure: Mapped[str | None]
    delivered_at: Mapped[datetime | None]
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)
    updated_at: Mapped[Utc] = mapped_column(server_default=NOW)


class Delivery(Base):
    """A message that an endpoint has not taken yet; it goes with the answer that takes it."""

    __tablename__ = "deliveries"
    __table_args__ = (Index("deliveries_due", "webhook_id", "due_at", "place"),)

    webhook_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    about: Mapped[OutsideId] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """The event's number: messages about one object leave in this order, one at a time."""
    party_id: Mapped[Ref]
    message: Mapped[OutsideId]
    """`webhook-id`: the same for every attempt and every replay."""
    body: Mapped[bytes]
    attempts: Mapped[int] = mapped_column(server_default="0")
    tried_at: Mapped[datetime | None]
    """When it was tried first."""
    due_at: Mapped[Utc] = mapped_column(server_default=NOW)
    lease: Mapped[str | None]
    leased_until: Mapped[datetime | None]
