"""Parties, their people and tokens, their recipients, and who did what."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import NOW, Base, Fen, Id, OutsideId, Ref, Utc


class Party(Base):
    """A tenant: a leader, brand, buyer or operator, with its people and its money."""

    __tablename__ = "parties"
    __table_args__ = (
        Index(
            "parties_supplier",
            "source",
            unique=True,
            postgresql_where=text("source IS NOT NULL AND active"),
        ),
    )

    id: Mapped[Id]
    role: Mapped[str]
    name: Mapped[str]
    source: Mapped[OutsideId | None]
    """A brand that is the supplier of this source: its purchases appear behind its token."""
    parent_id: Mapped[int | None]
    terms: Mapped[str] = mapped_column(server_default="prepaid")
    """When it pays: prepaid | T+days | monthly+days."""
    level: Mapped[str | None]
    """The reseller level that price rules may look at."""
    when_dearer: Mapped[str] = mapped_column(server_default="hold")
    """What becomes of its units whose source asks more than was agreed: see `trade.dearer`."""
    absorb_most: Mapped[Fen] = mapped_column(server_default="0")
    """Fen an order that it then pays more, where it absorbs."""
    active: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)


class PartyStanding(Base):
    """Where a party stood from `began_at` until `ended_at`; null: it stands so still. Never
    deleted; a time without a row is one without level and parent."""

    __tablename__ = "party_standings"
    __table_args__ = (
        Index(
            "party_standings_open",
            "party_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    party_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    began_at: Mapped[Utc] = mapped_column(primary_key=True)
    ended_at: Mapped[datetime | None]
    level: Mapped[str | None]
    parent_id: Mapped[int | None]


class Member(Base):
    """A person who acts for a party."""

    __tablename__ = "members"
    __table_args__ = (
        UniqueConstraint("party_id", "name"),
        Index(
            "members_login",
            "name",
            unique=True,
            postgresql_where=text("password_hash IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    party_id: Mapped[Ref]
    name: Mapped[str]
    roles: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    password_hash: Mapped[str | None]
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)


class Token(Base):
    """A bearer token, kept only as its SHA-256."""

    __tablename__ = "tokens"
    __table_args__ = (Index("tokens_party", "party_id"),)

    id: Mapped[Id]
    party_id: Mapped[Ref]
    member_id: Mapped[int | None]
    hash: Mapped[bytes] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default="{}")
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Recipient(Base):
    """A person who gets a parcel: an envelope, a mask, and keyed hashes to find it by."""

    __tablename__ = "recipients"
    __table_args__ = (
        Index("recipients_mobile", "mobile_hash"),
        Index(
            "recipients_to_seal",
            "aged_from",
            postgresql_where=text("sealed_at IS NULL AND envelope <> '' AND kept_for <> 'quote'"),
        ),
        Index(
            "recipients_to_shred",
            "aged_from",
            postgresql_where=text("sealed_at IS NOT NULL AND envelope <> '' AND hold IS NULL"),
        ),
        Index(
            "recipients_quoted",
            "aged_from",
            postgresql_where=text("kept_for = 'quote' AND envelope <> ''"),
        ),
    )

    id: Mapped[Id]
    party_id: Mapped[Ref]
    envelope: Mapped[bytes]
    mask: Mapped[dict[str, Any]] = mapped_column(JSONB)
    region: Mapped[str]
    mobile_hash: Mapped[bytes]
    address_hash: Mapped[bytes]
    kept_for: Mapped[str] = mapped_column(server_default="order")
    """order | quote | signup."""
    aged_from: Mapped[Utc] = mapped_column(server_default=NOW)
    """From when its age counts, as far as is known: corrected when it is looked at."""
    sealed_at: Mapped[datetime | None]
    """Since when only an operator may open it."""
    hold: Mapped[str | None]
    """Why it may not be erased: a dispute, an inquiry."""
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)


class RecipientOpening(Base):
    """Who opened an envelope, and what for."""

    __tablename__ = "recipient_openings"
    __table_args__ = (Index("recipient_openings_recipient", "recipient_id"),)

    id: Mapped[Id]
    recipient_id: Mapped[Ref]
    party_id: Mapped[int | None]
    """Who opened it; null is the system."""
    purpose: Mapped[str]
    at: Mapped[Utc] = mapped_column(server_default=NOW)


class Audit(Base):
    """Who did what that matters; written once, and read by its subject, the newest first."""

    __tablename__ = "audit"
    __table_args__ = (Index("audit_subject", "subject", "id"),)

    id: Mapped[Id]
    party_id: Mapped[int | None] = mapped_column(index=True)
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    at: Mapped[Utc] = mapped_column(server_default=NOW)
