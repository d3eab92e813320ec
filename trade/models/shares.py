"""Help-selling (帮卖): shares, what is earned under them, and who signed up on their pages."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import NOW, Base, Fen, Id, OutsideId, Ref, UnitPrice, Utc


class Share(Base):
    """Goods that one party lets others help to sell; with a parent, a helper's own page of it."""

    __tablename__ = "shares"
    __table_args__ = (
        CheckConstraint("commission_ppm BETWEEN 0 AND 1000000", name="shares_commission"),
        UniqueConstraint("parent_id", "party_id"),
        Index("shares_party", "party_id", "id"),
    )

    id: Mapped[Id]
    party_id: Mapped[Ref]
    code: Mapped[OutsideId] = mapped_column(unique=True)
    """In the page's address; whoever knows it may look."""
    parent_id: Mapped[int | None]
    retail_price: Mapped[UnitPrice]
    commission_ppm: Mapped[int] = mapped_column(Integer)
    to_parties: Mapped[list[int]] = mapped_column(ARRAY(BIGINT), server_default="{}")
    """Who may help; nobody named: everybody."""
    valid_from: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    plan: Mapped[str]
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)


class ShareSku(Base):
    """One SKU of a share."""

    __tablename__ = "share_skus"

    share_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sku_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    party_id: Mapped[Ref]


class Earning(Base):
    """What the sharer earns on one line of a helper's order.

    Frozen is `accrued - clawed - released`. A line has one earning, so that two earn at most.
    """

    __tablename__ = "earnings"
    __table_args__ = (
        CheckConstraint("amount > 0 AND accrued BETWEEN 0 AND amount", name="earnings_accrued"),
        CheckConstraint("clawed >= 0 AND released >= 0", name="earnings_signs"),
        CheckConstraint("clawed + released <= accrued", name="earnings_frozen"),
        Index("earnings_order", "order_id"),
        Index("earnings_share", "share_id"),
        Index("earnings_party", "party_id", "released_at", "id"),
        Index("earnings_open", "id", postgresql_where=text("clawed + released < accrued")),
    )

    id: Mapped[Id]
    party_id: Mapped[Ref]
    share_id: Mapped[Ref]
    order_id: Mapped[Ref]
    order_line_id: Mapped[int] = mapped_column(unique=True)
    plan: Mapped[str]
    amount: Mapped[Fen]
    """For all units of the line."""
    accrued: Mapped[Fen] = mapped_column(server_default="0")
    """On units that were shipped."""
    clawed: Mapped[Fen] = mapped_column(server_default="0")
    """Taken back for what was refunded."""
    released: Mapped[Fen] = mapped_column(server_default="0")
    """Payable now or paid out, less what was taken back since."""
    released_at: Mapped[datetime | None]
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)


class Signup(Base):
    """A customer who wants goods of a page (接龙); nothing is paid by it."""

    __tablename__ = "signups"
    __table_args__ = (
        UniqueConstraint("share_id", "nonce"),
        CheckConstraint("quantity > 0", name="signups_quantity"),
        Index("signups_party", "party_id", "id"),
        Index("signups_recipient", "recipient_id"),
    )

    id: Mapped[Id]
    party_id: Mapped[Ref]
    share_id: Mapped[Ref]
    sku_id: Mapped[Ref]
    quantity: Mapped[int]
    recipient_id: Mapped[Ref]
    """Without a region where the customer gave no address."""
    note: Mapped[str]
    nonce: Mapped[OutsideId]
    """Of the form that was sent, so that sending it twice signs up once."""
    order_id: Mapped[int | None]
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)
