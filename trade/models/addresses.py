"""Other addresses that suppliers are asked to send to."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base, Id, Ref, Utc


class AddressRequest(Base):
    """One asking of one supplier; of a purchase one at most is open."""

    __tablename__ = "address_requests"
    __table_args__ = (
        Index(
            "address_requests_open",
            "purchase_id",
            unique=True,
            postgresql_where=text("state = 'asked'"),
        ),
        Index("address_requests_due", "answer_by", postgresql_where=text("state = 'asked'")),
        Index("address_requests_order", "order_id", "id"),
        Index("address_requests_purchase", "purchase_id", "id"),
        Index("address_requests_recipient", "recipient_id"),
        Index("address_requests_former", "former_id"),
    )

    id: Mapped[Id]
    order_id: Mapped[Ref]
    purchase_id: Mapped[Ref]
    party_id: Mapped[Ref]
    supplier_id: Mapped[int | None]
    recipient_id: Mapped[Ref]
    """Where the leader wants it; those of one order that are open name one recipient."""
    former_id: Mapped[Ref]
    """Whom the purchase, and a sheet that went out before, names."""
    state: Mapped[str] = mapped_column(server_default="asked")
    """asked | accepted | refused | overtaken | unanswered | withdrawn (asked anew, or its purchase
    is over)."""
    message: Mapped[str | None]
    """What the supplier said."""
    asked_at: Mapped[Utc]
    answer_by: Mapped[Utc]
    ended_at: Mapped[datetime | None]
