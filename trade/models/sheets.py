"""Sheets that are sent to suppliers at cut-off, and which purchases and claims are in them."""

from datetime import datetime

from sqlalchemy import Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import NOW, Base, Id, OutsideId, Ref, Utc


class SupplierSheet(Base):
    """One sheet of one source; what is in it is decided once, its bytes until it may have left."""

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
    """empty (nothing is to be sent) | made | sending | sent | done | failed."""
    purchases: Mapped[int] = mapped_column(Integer)
    replacements: Mapped[int] = mapped_column(Integer, server_default="0")
    """Claims in it for which goods are sent again."""
    may_have_left: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether an attempt ended so that the supplier may have the sheet, once and for ever."""
    body: Mapped[bytes]
    """The workbook, sealed: it names recipients. Empty before the first attempt and once it is
    gone.

    Until it `may_have_left` it is written anew for each attempt, under the same name and of the
    same purchases and claims: to the addresses of that moment, without what has ended. From then on
    it never changes, so that what arrives twice is seen to be one; what becomes of a purchase in
    it, another address or a cancellation, is asked of its supplier by its own way."""
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
