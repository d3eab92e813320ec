"""Sheets that are sent to suppliers at cut-off, and which purchases and claims are in them."""

from datetime import datetime

from sqlalchemy import Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import NOW, Base, Id, OutsideId, Ref, Utc


class SupplierSheet(Base):
    """One sheet of one source; its bytes are the same at every attempt to send it."""

    __tablename__ = "supplier_sheets"
    __table_args__ = (
        UniqueConstraint("source", "cutoff_at"),
        Index(
            "supplier_sheets_due",
            "due_at",
            postgresql_where=text("state IN ('made', 'sending', 'sent')"),
        ),
        Index("supplier_sheets_kept", "sent_at", postgresql_where=text("body <> ''")),
    )

    id: Mapped[Id]
    source: Mapped[OutsideId]
    supplier_id: Mapped[int | None]
    cutoff_at: Mapped[Utc]
    """The cut-off that it is of."""
    state: Mapped[str]
    """empty (nothing waited) | made | sending (may have arrived) | sent | done | failed."""
    purchases: Mapped[int] = mapped_column(Integer)
    replacements: Mapped[int] = mapped_column(Integer, server_default="0")
    """Claims in it for which goods are sent again."""
    body: Mapped[bytes]
    """The workbook, sealed: it names recipients. Empty once it is gone."""
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    due_at: Mapped[Utc] = mapped_column(server_default=NOW)
    lease: Mapped[str | None]
    failure: Mapped[str | None]
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)
    sent_at: Mapped[datetime | None]


class SheetPurchase(Base):
    """A purchase that is in a sheet: in one, ever."""

    __tablename__ = "sheet_purchases"
    __table_args__ = (Index("sheet_purchases_sheet", "sheet_id"),)

    purchase_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sheet_id: Mapped[Ref]
    supplier_id: Mapped[int | None]


class SheetClaim(Base):
    """A claim whose replacement is in a sheet: in one, ever."""

    __tablename__ = "sheet_claims"
    __table_args__ = (Index("sheet_claims_sheet", "sheet_id"),)

    claim_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sheet_id: Mapped[Ref]
    supplier_id: Mapped[int | None]
