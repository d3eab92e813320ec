"""Operators' own rules of routing."""

from typing import Any

from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import NOW, Base, Id, Utc


class RoutingVersion(Base):
    """A whole set of rules, in force from `at` until the next version."""

    __tablename__ = "routing_versions"

    id: Mapped[Id]
    rules: Mapped[list[Any]] = mapped_column(JSONB)
    brands: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default="{}")
    """The brands that they name, as they word them."""
    note: Mapped[str | None]
    actor: Mapped[str]
    at: Mapped[Utc] = mapped_column(server_default=NOW)
