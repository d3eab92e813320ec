"""The tables of trade: parties, money, orders, purchases, parcels, claims, recipients.

Every one stands behind the tenant wall (row-level security in the migrations): a row is seen by the
party in `party_id`, by the supplier in `supplier_id` where the table has one, and by system scope.
Purchases are the supplier's side: a leader's scope sees none of them, so that no answer to a leader
can name a source or a cost. Rows are locked in one order: order, purchases, stock, balances.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base, Fen, Id, OutsideId, Ref, UnitPrice, Utc

NOW = text("clock_timestamp()")


class Party(Base):
    """A tenant: a leader, brand, buyer or operator, with its people and its money."""

    __tablename__ = "parties"

    id: Mapped[Id]
    role: Mapped[str]
    name: Mapped[str]
    source: Mapped[OutsideId | None] = mapped_column(index=True)
    """A brand that is the supplier of this source: its purchases appear behind its token."""
    parent_id: Mapped[int | None]
    active: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)


class Member(Base):
    """A person who acts for a party."""

    __tablename__ = "members"
    __table_args__ = (UniqueConstraint("party_id", "name"),)

    id: Mapped[Id]
    party_id: Mapped[Ref]
    name: Mapped[str]
    roles: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    password_hash: Mapped[str | None]
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)


class Token(Base):
    """A bearer token, kept only as its SHA-256."""

    __tablename__ = "tokens"

    id: Mapped[Id]
    party_id: Mapped[Ref]
    member_id: Mapped[int | None]
    hash: Mapped[bytes] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default="{}")
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Balance(Base):
    """An account that must not fall below its floor; locked in account order before a posting."""

    __tablename__ = "balances"
    __table_args__ = (CheckConstraint("amount >= floor", name="balances_floor"),)

    account: Mapped[str] = mapped_column(primary_key=True)
    party_id: Mapped[Ref]
    amount: Mapped[Fen] = mapped_column(server_default="0")
    floor: Mapped[Fen] = mapped_column(server_default="0")


class Posting(Base):
    """Money that moved from one account to another, once per reference; never edited."""

    __tablename__ = "postings"
    __table_args__ = (
        CheckConstraint("amount > 0", name="postings_amount"),
        CheckConstraint("source <> destination", name="postings_ends"),
        Index("postings_party", "party_id", "id"),
        Index("postings_source", "source"),
        Index("postings_destination", "destination"),
    )

    id: Mapped[Id]
    reference: Mapped[OutsideId] = mapped_column(unique=True)
    kind: Mapped[str]
    """deposit | hold | capture | release | refund | payable | clawback | reversal."""
    source: Mapped[str]
    destination: Mapped[str]
    amount: Mapped[Fen]
    party_id: Mapped[int | None]
    order_id: Mapped[int | None]
    at: Mapped[Utc] = mapped_column(server_default=NOW)


class Selection(Base):
    """A SKU that a leader has picked, with the leader's own price rule and code."""

    __tablename__ = "selections"
    __table_args__ = (
        Index(
            "selections_code",
            "party_id",
            "code",
            unique=True,
            postgresql_where=text("code IS NOT NULL"),
        ),
        Index("selections_sku", "sku_id"),
    )

    party_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sku_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    retail_price: Mapped[UnitPrice | None]
    markup_percent: Mapped[UnitPrice | None]
    code: Mapped[OutsideId | None]
    note: Mapped[str | None]
    updated_at: Mapped[Utc] = mapped_column(server_default=NOW)


class Recipient(Base):
    """A person who gets a parcel: a sealed envelope, a mask, and keyed hashes to find it by."""

    __tablename__ = "recipients"
    __table_args__ = (Index("recipients_mobile", "mobile_hash"),)

    id: Mapped[Id]
    party_id: Mapped[Ref]
    envelope: Mapped[bytes]
    mask: Mapped[dict[str, Any]] = mapped_column(JSONB)
    region: Mapped[str]
    mobile_hash: Mapped[bytes]
    address_hash: Mapped[bytes]
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)


class RecipientOpening(Base):
    """Who opened an envelope, and what for."""

    __tablename__ = "recipient_openings"
    __table_args__ = (Index("recipient_openings_recipient", "recipient_id"),)

    id: Mapped[Id]
    recipient_id: Mapped[Ref]
    party_id: Mapped[int | None]
    """Who opened it; null is the system."""
    purpose: Mapped[str]
    at: Mapped[Utc] = mapped_column(server_default=NOW)


class Quote(Base):
    """Prices, freight and promise for some lines to one address, until `expires_at`."""

    __tablename__ = "quotes"

    id: Mapped[Id]
    party_id: Mapped[Ref]
    recipient_id: Mapped[Ref]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What the leader was told: lines, freight, total, parcels, unsellable."""
    total: Mapped[Fen]
    signature: Mapped[str]
    expires_at: Mapped[Utc]
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)


class QuotePlan(Base):
    """What a quote rests on (offers and their costs); system scope only."""

    __tablename__ = "quote_plans"

    quote_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    plan: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Order(Base):
    """What a leader ordered. Its status is a pure function of its lines and purchases."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("party_id", "reference"),
        Index("orders_updated", "party_id", "updated_at", "id"),
    )

    id: Mapped[Id]
    party_id: Mapped[Ref]
    reference: Mapped[OutsideId]
    content_hash: Mapped[bytes]
    quote_id: Mapped[int | None]
    recipient_id: Mapped[Ref]
    buyer_note: Mapped[str | None]
    status: Mapped[str]
    freight: Mapped[Fen]
    total: Mapped[Fen]
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)
    updated_at: Mapped[Utc] = mapped_column(server_default=NOW)


class OrderLine(Base):
    """One SKU of an order; `unrouted` units wait for a source, the others are in purchases."""

    __tablename__ = "order_lines"
    __table_args__ = (
        UniqueConstraint("order_id", "line"),
        CheckConstraint("unrouted >= 0 AND shipped >= 0 AND cancelled >= 0", name="units"),
        CheckConstraint("unrouted + shipped + cancelled <= quantity", name="units_sum"),
        CheckConstraint("refunded >= 0 AND refunded <= amount", name="refunded"),
    )

    id: Mapped[Id]
    party_id: Mapped[Ref]
    order_id: Mapped[Ref]
    line: Mapped[int] = mapped_column(Integer)
    sku_id: Mapped[Ref]
    code: Mapped[OutsideId | None]
    quantity: Mapped[int]
    unit_price: Mapped[UnitPrice]
    amount: Mapped[Fen]
    retail_price: Mapped[UnitPrice | None]
    unrouted: Mapped[int]
    shipped: Mapped[int] = mapped_column(server_default="0")
    cancelled: Mapped[int] = mapped_column(server_default="0")
    refunded: Mapped[Fen] = mapped_column(server_default="0")
    """Fen already paid back for this line; never more than was captured."""
    held_reason: Mapped[str | None]


class Purchase(Base):
    """What we buy from one seller of one source for one order. Only it has states."""

    __tablename__ = "purchases"
    __table_args__ = (
        UniqueConstraint("our_ref"),
        Index("purchases_order", "order_id"),
        Index("purchases_supplier", "supplier_id", "updated_at", "id"),
        Index(
            "purchases_due",
            "source",
            "due_at",
            postgresql_where=text("state IN ('ready', 'submitting')"),
        ),
    )

    id: Mapped[Id]
    order_id: Mapped[Ref]
    party_id: Mapped[Ref]
    supplier_id: Mapped[int | None]
    source: Mapped[OutsideId]
    seller: Mapped[str | None]
    our_ref: Mapped[OutsideId]
    """What the source knows it by; fixed for its life."""
    recipient_id: Mapped[Ref]
    state: Mapped[str]
    due_at: Mapped[Utc] = mapped_column(server_default=NOW)
    """When the submit drain should look at it next."""
    lease: Mapped[str | None]
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    external_refs: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default="{}")
    cancel_reason: Mapped[str | None]
    """Set when a cancellation was asked of the supplier and is not yet answered."""
    note: Mapped[str | None]
    freight_price: Mapped[Fen]
    """What the leader pays for this parcel's freight."""
    freight_cost: Mapped[Fen]
    ship_by: Mapped[datetime | None]
    failure: Mapped[str | None]
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)
    updated_at: Mapped[Utc] = mapped_column(server_default=NOW)


class PurchaseLine(Base):
    """Some units of one order line, bought as one offer."""

    __tablename__ = "purchase_lines"
    __table_args__ = (
        UniqueConstraint("purchase_id", "line"),
        Index("purchase_lines_order_line", "order_line_id"),
        CheckConstraint("shipped >= 0 AND cancelled >= 0", name="units"),
        CheckConstraint("shipped + cancelled <= quantity", name="units_sum"),
    )

    id: Mapped[Id]
    purchase_id: Mapped[Ref]
    supplier_id: Mapped[int | None]
    order_line_id: Mapped[Ref]
    line: Mapped[int] = mapped_column(Integer)
    offer_id: Mapped[Ref]
    external_id: Mapped[OutsideId]
    title: Mapped[str]
    spec: Mapped[str | None]
    quantity: Mapped[int]
    unit_cost: Mapped[UnitPrice]
    cost: Mapped[Fen]
    shipped: Mapped[int] = mapped_column(server_default="0")
    cancelled: Mapped[int] = mapped_column(server_default="0")
    credited: Mapped[Fen] = mapped_column(server_default="0")
    """Fen of cost that the supplier gave back."""


class PurchaseMove(Base):
    """One change of a purchase's state; written once."""

    __tablename__ = "purchase_moves"
    __table_args__ = (Index("purchase_moves_purchase", "purchase_id", "id"),)

    id: Mapped[Id]
    purchase_id: Mapped[Ref]
    supplier_id: Mapped[int | None]
    was: Mapped[str]
    now: Mapped[str]
    event: Mapped[str]
    detail: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    at: Mapped[Utc] = mapped_column(server_default=NOW)


class OrderEvent(Base):
    """One line of an order's timeline, in words that name no source."""

    __tablename__ = "order_events"
    __table_args__ = (Index("order_events_order", "order_id", "id"),)

    id: Mapped[Id]
    order_id: Mapped[Ref]
    party_id: Mapped[Ref]
    kind: Mapped[str]
    detail: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    at: Mapped[Utc] = mapped_column(server_default=NOW)


class Parcel(Base):
    """What a carrier carries: carrier code and number, once per purchase."""

    __tablename__ = "parcels"
    __table_args__ = (
        UniqueConstraint("purchase_id", "carrier", "tracking_number"),
        Index("parcels_order", "order_id"),
    )

    id: Mapped[Id]
    purchase_id: Mapped[Ref]
    order_id: Mapped[Ref]
    party_id: Mapped[Ref]
    supplier_id: Mapped[int | None]
    carrier: Mapped[str]
    tracking_number: Mapped[OutsideId]
    shipped_at: Mapped[Utc]


class ParcelLine(Base):
    """How many units of an order line a parcel carries."""

    __tablename__ = "parcel_lines"

    parcel_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    purchase_line_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    order_line_id: Mapped[Ref]
    party_id: Mapped[Ref]
    supplier_id: Mapped[int | None]
    quantity: Mapped[int]


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


class Audit(Base):
    """Who did what that matters; written once."""

    __tablename__ = "audit"

    id: Mapped[Id]
    party_id: Mapped[int | None] = mapped_column(index=True)
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    at: Mapped[Utc] = mapped_column(server_default=NOW)
