"""Who wants to trade here, and the papers that prove they may."""

from datetime import date

from sqlalchemy import Date, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import NOW, Base, Id, OutsideId, Ref, Utc


class Application(Base):
    """Somebody asks to become a party, or a party hands in newer papers."""

    __tablename__ = "applications"
    __table_args__ = (
        Index("applications_open", "content", unique=True, postgresql_where=text("state = 'open'")),
        Index("applications_uscc", "uscc"),
        Index("applications_party", "party_id"),
    )

    id: Mapped[Id]
    role: Mapped[str]
    name: Mapped[str | None]
    uscc: Mapped[OutsideId | None]
    """统一社会信用代码; null for a leader who is a person."""
    contact: Mapped[bytes | None]
    """Who is to be called, sealed."""
    content: Mapped[OutsideId]
    """A hash of all that was said, so that saying it twice asks once."""
    state: Mapped[str] = mapped_column(server_default="open")
    """open | approved | refused."""
    answer: Mapped[str | None]
    """Why it was refused."""
    party_id: Mapped[int | None]
    """Whom it made, or whose papers it renewed."""
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)
    updated_at: Mapped[Utc] = mapped_column(server_default=NOW)


class ApplicationDocument(Base):
    """One paper, sealed; with an approved application it is a qualification of its party."""

    __tablename__ = "application_documents"
    __table_args__ = (UniqueConstraint("application_id", "place"),)

    id: Mapped[Id]
    application_id: Mapped[Ref]
    place: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str]
    expires_on: Mapped[date | None] = mapped_column(Date)
    """The last day on which it holds, in Shanghai; null: for ever."""
    media_type: Mapped[str]
    size: Mapped[int] = mapped_column(Integer)
    content: Mapped[bytes]
