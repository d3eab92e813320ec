"""After-sales: claims and their lines."""

from typing import Any

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import NOW, Base, Fen, Id, Ref, Utc


class Claim(Base):
    """A leader asks for money back on units of one purchase."""

    __tablename__ = "claims"
    __table_args__ = (
        Index("claims_party", "party_id", "updated_at", "id"),
        Index("claims_supplier", "supplier_id", "updated_at", "id"),
        Index("claims_order", "order_id"),
    )

    id: Mapped[Id]
    party_id: Mapped[Ref]
    order_id: Mapped[Ref]
    purchase_id: Mapped[Ref]
    supplier_id: Mapped[int | None]
    kind: Mapped[str]
    state: Mapped[str]
    """open | approved | refused | cancelled."""
    reason: Mapped[str]
    evidence: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]")
    answer: Mapped[str | None]
    """Why the supplier refused."""
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)
    updated_at: Mapped[Utc] = mapped_column(server_default=NOW)


class ClaimLine(Base):
    """Units of one purchase line under a claim, and the fen asked and given on both sides."""

    __tablename__ = "claim_lines"

    claim_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    purchase_line_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    order_line_id: Mapped[Ref]
    party_id: Mapped[Ref]
    supplier_id: Mapped[int | None]
    quantity: Mapped[int]
    asked: Mapped[Fen]
    refunded: Mapped[Fen] = mapped_column(server_default="0")
    credited: Mapped[Fen] = mapped_column(server_default="0")
