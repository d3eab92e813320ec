"""Sheets of orders that leaders send: the sealed file, the orders read from it, names once told."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import NOW, Base, Fen, Id, OutsideId, Ref, Utc


class OrderImport(Base):
    """One sheet of a leader; the same sheet is kept once."""

    __tablename__ = "order_imports"
    __table_args__ = (
        UniqueConstraint("party_id", "digest"),
        Index(
            "order_imports_due",
            "id",
            postgresql_where=text("status IN ('reading', 'confirmed', 'placing')"),
        ),
        Index("order_imports_kept", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
    )

    id: Mapped[Id]
    party_id: Mapped[Ref]
    digest: Mapped[bytes]
    """A keyed hash of the file."""
    status: Mapped[str] = mapped_column(server_default="reading")
    """reading | ready | confirmed | placing | done | failed | expired."""
    rows: Mapped[int] = mapped_column(Integer)
    """Rows of goods that it shows."""
    hidden: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]")
    """Numbers of its rows of goods that are hidden or filtered away, and not ordered."""
    max_total: Mapped[int | None]
    """The consent: fen that all orders of it together may cost."""
    quoted_at: Mapped[datetime | None]
    regions: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    """Row → the county that the leader named for it, where the address left it open."""
    again: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]")
    """References of orders that are meant, although they look like recent ones."""
    rejects: Mapped[bytes | None]
    """Rows that cannot be used, sealed: they may hold what names a person."""
    failure: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """Why nothing is placed: code and detail."""
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)
    updated_at: Mapped[Utc] = mapped_column(server_default=NOW)
    expires_at: Mapped[datetime | None]
    """When the file and what was read from it go; null: they are gone."""


class OrderImportPart(Base):
    """A piece of the uploaded file, sealed."""

    __tablename__ = "order_import_parts"

    import_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    party_id: Mapped[Ref]
    body: Mapped[bytes]


class ImportedOrder(Base):
    """One order of a sheet: the rows with one 订单号."""

    __tablename__ = "imported_orders"
    __table_args__ = (
        UniqueConstraint("import_id", "reference"),
        Index("imported_orders_queued", "import_id", "id", postgresql_where=text("state='queued'")),
        Index("imported_orders_order", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        Index("imported_orders_mobile", "mobile_hash"),
    )

    id: Mapped[Id]
    import_id: Mapped[Ref]
    party_id: Mapped[Ref]
    reference: Mapped[OutsideId]
    rows: Mapped[list[int]] = mapped_column(ARRAY(BIGINT))
    """Its rows in the sheet, as a person counts."""
    state: Mapped[str]
    """asked (goods not known) | doubtful (like a recent order) | unsellable | ready | queued |
    placed | known (was placed before this sheet) | failed."""
    lines: Mapped[list[Any]] = mapped_column(JSONB)
    """Per SKU: sku or ask (a name nobody has told us yet), quantity, retail, rows."""
    sealed: Mapped[bytes]
    """Recipient and note, sealed; empty once they are gone."""
    mobile_hash: Mapped[bytes]
    total: Mapped[Fen] = mapped_column(server_default="0")
    """What it costs: as quoted, and once placed as paid."""
    cap: Mapped[int | None]
    """Fen that it may cost at most, its share of the consent."""
    resembles: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """Which recent order it resembles."""
    order_id: Mapped[int | None]
    failure: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """Why it was not placed: code and detail."""


class GoodsName(Base):
    """What a leader calls a SKU on sheets, told once: a code, or a name with specification."""

    __tablename__ = "goods_names"

    party_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[OutsideId] = mapped_column(primary_key=True)
    sku_id: Mapped[Ref]
    at: Mapped[Utc] = mapped_column(server_default=NOW)
