"""Goods that left although their source had taken them back."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base, Fen, Id, Ref, Utc


class Stray(Base):
    """Units of a purchase line that count as cancelled, and are in a parcel. Their leader pays
    nothing for them; what becomes of them a person says."""

    __tablename__ = "strays"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="strays_quantity"),
        Index("strays_purchase", "purchase_id"),
        Index("strays_open", "id", postgresql_where=text("state IN ('open', 'stopping')")),
    )

    id: Mapped[Id]
    order_id: Mapped[Ref]
    purchase_id: Mapped[Ref]
    purchase_line_id: Mapped[Ref]
    parcel_id: Mapped[Ref]
    quantity: Mapped[int]
    cost: Mapped[Fen]
    """What their source asks for them, as far as was agreed; with the freight of a purchase of
    which nothing else left."""
    state: Mapped[str] = mapped_column(server_default="open")
    """open | stopping (somebody asked to have them stopped) | owed | settled."""
    found_at: Mapped[Utc]
    decided_at: Mapped[datetime | None]
