"""The catalogue's tables: products, SKUs, the offers for them, and what changed when.

They are shared by all tenants and loaded by COPY, so they stand outside the tenant wall. Facts
that change often (price, stock) sit in narrow tables of their own.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Date, Index, Integer, Numeric, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base, Id, OutsideId, Ref, UnitPrice, Utc


class Product(Base):
    """One thing that people look for, in one or several SKUs."""

    __tablename__ = "products"

    id: Mapped[Id]
    title: Mapped[str]
    brand: Mapped[str | None]
    category: Mapped[str | None]
    description: Mapped[str | None]
    images: Mapped[list[Any] | None] = mapped_column(JSONB)
    materials: Mapped[list[Any] | None] = mapped_column(JSONB)
    """Further pictures that its source gives to those who sell it."""
    created_at: Mapped[Utc] = mapped_column(server_default=text("clock_timestamp()"))


class Sku(Base):
    """One variant that is ordered and shipped: size, colour, pack."""

    __tablename__ = "skus"
    __table_args__ = (
        Index("skus_product", "product_id"),
        Index("skus_gtin", "gtin", postgresql_where=text("gtin IS NOT NULL")),
    )

    id: Mapped[Id]
    product_id: Mapped[Ref]
    gtin: Mapped[OutsideId | None]
    pack: Mapped[int] = mapped_column(Integer, server_default="1")
    unit: Mapped[str | None]
    attributes: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    msrp: Mapped[UnitPrice | None]


class Offer(Base):
    """What one source says of one of its SKUs: (source, external id) → our SKU."""

    __tablename__ = "offers"
    __table_args__ = (
        Index("offers_key", "source", "external_id", unique=True),
        Index("offers_sku", "sku_id"),
        Index("offers_listing", "source", "listing", postgresql_where=text("listing IS NOT NULL")),
    )

    id: Mapped[Id]
    source: Mapped[OutsideId]
    external_id: Mapped[OutsideId]
    sku_id: Mapped[Ref]
    listing: Mapped[OutsideId | None]
    seller: Mapped[str | None]
    title: Mapped[str]
    brand: Mapped[str | None]
    category: Mapped[str | None]
    gtin: Mapped[OutsideId | None]
    mpn: Mapped[str | None]
    pack: Mapped[int] = mapped_column(Integer, server_default="1")
    unit: Mapped[str | None]
    attributes: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    tax_rate: Mapped[Decimal | None] = mapped_column(Numeric(5, 4))
    tax_code: Mapped[str | None]
    invoice: Mapped[str | None]
    """special | ordinary | none; null is unknown."""
    min_retail: Mapped[UnitPrice | None]
    max_retail: Mapped[UnitPrice | None]
    weight_g: Mapped[int | None]
    returnable: Mapped[bool | None]
    expires_on: Mapped[date | None] = mapped_column(Date)
    ships_from: Mapped[str | None]
    not_delivered_to: Mapped[list[Any] | None] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(server_default="live")
    """live | off (the source says so) | gone (absent from a complete listing)."""
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    content_hash: Mapped[bytes]
    seen_at: Mapped[Utc]


class Terms(Base):
    """On what terms an offer is sold in one mode: dropship, bulk or affiliate."""

    __tablename__ = "terms"

    offer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    mode: Mapped[str] = mapped_column(primary_key=True)
    moq: Mapped[int] = mapped_column(server_default="1")
    multiple: Mapped[int] = mapped_column(server_default="1")
    freight: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """Null is unknown, never free."""
    ships_within_hours: Mapped[int | None] = mapped_column(Integer)
    cutoff: Mapped[str | None]
    presale_ship_by: Mapped[date | None] = mapped_column(Date)
    commission_rate: Mapped[Decimal | None] = mapped_column(Numeric(5, 4))
    """Of the affiliate price."""
    more: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """Further terms of bulk, by the keys of `connectors.model.BULK_TERMS`."""


class Price(Base):
    """What an offer costs now in one mode, tax-inclusive, in CNY a selling unit."""

    __tablename__ = "prices"
    __table_args__ = (
        Index("prices_until", "valid_until", postgresql_where=text("valid_until IS NOT NULL")),
    )

    offer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    mode: Mapped[str] = mapped_column(primary_key=True)
    price: Mapped[UnitPrice]
    tiers: Mapped[list[Any] | None] = mapped_column(JSONB)
    """[[quantity, "price"], …] with quantities rising."""
    valid_until: Mapped[datetime | None]
    as_of: Mapped[Utc]


class PlannedPrice(Base):
    """A price that counts from a stated date on (调价通知)."""

    __tablename__ = "planned_prices"
    __table_args__ = (Index("planned_prices_due", "valid_from"),)

    offer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    mode: Mapped[str] = mapped_column(primary_key=True)
    valid_from: Mapped[Utc] = mapped_column(primary_key=True)
    valid_until: Mapped[datetime | None]
    price: Mapped[UnitPrice]
    tiers: Mapped[list[Any] | None] = mapped_column(JSONB)
    as_of: Mapped[Utc]


class PricePoint(Base):
    """What an offer cost from `at` on; null: nothing any more in that mode. Written once."""

    __tablename__ = "price_points"
    __table_args__ = ({"postgresql_partition_by": "RANGE (at)"},)

    offer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    mode: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    price: Mapped[UnitPrice | None]
    tiers: Mapped[list[Any] | None] = mapped_column(JSONB)
    at: Mapped[Utc] = mapped_column(primary_key=True)


class Stock(Base):
    """What a source states to have, by region ("" is everywhere)."""

    __tablename__ = "stocks"

    offer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    region: Mapped[str] = mapped_column(primary_key=True, server_default="")
    state: Mapped[str]
    """in_stock | low | out | unknown."""
    quantity: Mapped[int | None]
    """Null: the source stated no number."""
    as_of: Mapped[Utc]


class Reservation(Base):
    """Units of a stated quantity that one purchase line of ours has taken.

    They count against the stated quantity until released, or until the source states a quantity
    that is younger than its own knowledge of the purchase (`known_at`).
    """

    __tablename__ = "reservations"
    __table_args__ = (
        Index(
            "reservations_open",
            "offer_id",
            "region",
            postgresql_where=text("released_at IS NULL"),
            postgresql_include=["units", "known_at"],
        ),
        Index("reservations_reference", "reference", unique=True),
    )

    id: Mapped[Id]
    offer_id: Mapped[Ref]
    region: Mapped[str] = mapped_column(server_default="")
    reference: Mapped[OutsideId]
    units: Mapped[int]
    reserved_at: Mapped[Utc] = mapped_column(server_default=text("clock_timestamp()"))
    known_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]


class Demand(Base):
    """How much a SKU is wanted here; written by trade, read by whoever shares out attention."""

    __tablename__ = "demand"

    sku_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    picked: Mapped[int] = mapped_column(server_default="0")
    """Leaders who have it in their selection."""
    sold: Mapped[int] = mapped_column(server_default="0")
    """Units ordered in the last 30 days."""


class Change(Base):
    """One event, named by its offer's version. `seq` is given after the commit, without gaps.

    `at` is taken after the offer's row was locked, so that it rises with the version. What `was`
    and `now` hold, by kind, is written down in `catalog.changes`.
    """

    __tablename__ = "changes"
    __table_args__ = (
        Index("changes_unnumbered", "at", postgresql_where=text("seq IS NULL")),
        Index("changes_seq", "seq", postgresql_where=text("seq IS NOT NULL")),
        Index("changes_sku", "sku_id", "seq"),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    offer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(primary_key=True)
    """listed | product | price | stock | gone."""
    seq: Mapped[int | None]
    sku_id: Mapped[Ref]
    was: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    now: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    at: Mapped[Utc] = mapped_column(primary_key=True)


class FeedHead(Base):
    """The highest number given to a change; one row, locked by the sequencer and by forgetting."""

    __tablename__ = "feed_head"

    one: Mapped[int] = mapped_column(SmallInteger, primary_key=True, server_default="1")
    seq: Mapped[int] = mapped_column(server_default="0")
    forgotten: Mapped[int] = mapped_column(server_default="0")
    """Up to this number changes are gone: a reader who is behind it starts afresh."""
    rules_since: Mapped[datetime | None]
    """Since when grants, price policies and parties' standings are kept as they were; null: they
    always were."""
    terms_since: Mapped[datetime | None]
    """The same of the parts of bundles and of freight templates; before that they are told as they
    were then."""
