"""What matching keeps: keys of likeness, brands' names, claims, and who moved where."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Index, Integer, Numeric, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import NOW, Base, Id, OutsideId, Ref, Utc


class MatchKey(Base):
    """An offer stands under some keys; offers of two owners that share one are compared.

    Keys of former titles may remain: they cost a comparison and decide nothing.
    """

    __tablename__ = "match_keys"

    key: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    owner: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    offer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class BrandName(Base):
    """A name that a brand goes by, normalised. An operator's word outlives what sources say.

    Two batches may learn one name at once, and neither may wait for the other: so what sources
    say is not unique.
    """

    __tablename__ = "brand_names"
    __table_args__ = (
        Index("brand_names_updated", "updated_at"),
        Index("brand_names_name", "name"),
        Index("brand_names_said", "name", unique=True, postgresql_where=text("by = 'operator'")),
    )

    id: Mapped[Id]
    name: Mapped[OutsideId]
    brand: Mapped[OutsideId]
    by: Mapped[str]
    """source | operator."""
    updated_at: Mapped[Utc] = mapped_column(server_default=NOW)


class Match(Base):
    """The claim that an offer is for a SKU, with the evidence, and what became of it."""

    __tablename__ = "matches"
    __table_args__ = (
        Index("matches_claim", "offer_id", "sku_id", "kind", unique=True),
        Index("matches_review", "id", postgresql_where=text("state = 'review'")),
        Index("matches_sku", "sku_id", postgresql_where=text("state = 'review'")),
        Index(
            "matches_decided", "sku_id", postgresql_where=text("state IN ('accepted', 'rejected')")
        ),
    )

    id: Mapped[Id]
    kind: Mapped[str]
    """match: found by likeness | drift: the source now says something else under the same id."""
    offer_id: Mapped[Ref]
    sku_id: Mapped[Ref]
    state: Mapped[str]
    """review | joined (without a person) | accepted | rejected."""
    score: Mapped[Decimal] = mapped_column(Numeric(8, 3))
    evidence: Mapped[list[Any]] = mapped_column(JSONB)
    """[{code, weight, words}, …]"""
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]


class Regrouping(Base):
    """Offers that were moved from one SKU to another: a merge, or a split. Never deleted."""

    __tablename__ = "regroupings"
    __table_args__ = (Index("regroupings_to", "to_sku"), Index("regroupings_from", "from_sku"))

    id: Mapped[Id]
    kind: Mapped[str]
    """merge | split."""
    from_sku: Mapped[Ref]
    to_sku: Mapped[Ref]
    offers: Mapped[list[Any]] = mapped_column(JSONB)
    """Ids of the offers that moved."""
    redirects: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]")
    """SKUs that led to `from_sku` before and lead to `to_sku` since."""
    by: Mapped[str]
    at: Mapped[Utc] = mapped_column(server_default=NOW)
    undone_at: Mapped[datetime | None]


class Redirect(Base):
    """A SKU that was merged into another: selections, orders and programs may still name it."""

    __tablename__ = "sku_redirects"
    __table_args__ = (Index("sku_redirects_to", "to_sku"),)

    from_sku: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    to_sku: Mapped[Ref]
