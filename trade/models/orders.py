"""The leader's side: selections, quotes, orders."""

from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy import TEXT, BigInteger, CheckConstraint, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import NOW, Base, Fen, Id, OutsideId, Ref, UnitPrice, Utc


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


class LiveAnswer(Base):
    """What a source said live about some units of its offers, sent together to a region; system
    scope only."""

    __tablename__ = "live_answers"
    __table_args__ = (Index("live_answers_region", "region", "at"),)

    id: Mapped[Id]
    source: Mapped[OutsideId]
    seller: Mapped[str | None]
    region: Mapped[str]
    at: Mapped[Utc]
    offers: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """`trade.live_answers.Said`, in the words of JSON."""
    freight: Mapped[Fen | None]
    parcels: Mapped[int | None] = mapped_column(Integer)
    incomplete: Mapped[bool] = mapped_column(server_default=text("false"))
    """The source would refuse an order to the address as it is written."""
    towns: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default="{}")
    """It is said of addresses that name one of these; none: of all."""
    address: Mapped[bytes | None]
    """A keyed hash of the one address that it is said of; null where it is said of others too."""


class OrderPlan(Base):
    """Why an order was routed as it was, and why each alternative lost; system scope only."""

    __tablename__ = "order_plans"

    id: Mapped[Id]
    order_id: Mapped[Ref] = mapped_column(index=True)
    plan: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[Utc] = mapped_column(server_default=NOW)


class Order(Base):
    """What a leader ordered. Its status is a pure function of its lines and purchases."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("party_id", "reference"),
        Index("orders_updated", "party_id", "updated_at", "id"),
        Index(
            "orders_to_complete",
            "delivered_at",
            postgresql_where=text("delivered_at IS NOT NULL AND completed_at IS NULL"),
        ),
        Index("orders_recipient", "recipient_id"),
        Index("orders_share", "share_id", postgresql_where=text("share_id IS NOT NULL")),
    )

    id: Mapped[Id]
    party_id: Mapped[Ref]
    reference: Mapped[OutsideId]
    content_hash: Mapped[bytes]
    """A hash of what was ordered, sealed; empty once its recipient is erased. Of an older Huopan a
    keyed hash."""
    quote_id: Mapped[int | None]
    share_id: Mapped[int | None]
    """The share that a helper ordered under, or the sharer herself."""
    recipient_id: Mapped[Ref]
    buyer_note: Mapped[str | None]
    status: Mapped[str]
    freight: Mapped[Fen]
    total: Mapped[Fen]
    held: Mapped[Fen]
    """Fen of `total` that are neither captured nor released yet."""
    repriced: Mapped[int] = mapped_column(Integer, server_default="0")
    """How often `total` was raised or lowered after it was agreed; names those postings."""
    delivered_at: Mapped[datetime | None]
    """Since when everything that was sent is known to have arrived."""
    completed_at: Mapped[datetime | None]
    """Since when nothing of it may be claimed any more."""
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)
    updated_at: Mapped[Utc] = mapped_column(server_default=NOW)


class Ordered(Protocol):
    """An order as the rows that are written with it name it."""

    @property
    def id(self) -> int: ...
    @property
    def party_id(self) -> int: ...
    @property
    def reference(self) -> str: ...
    @property
    def recipient_id(self) -> int: ...
    @property
    def buyer_note(self) -> str | None: ...
    @property
    def total(self) -> int: ...


class NewOrder(NamedTuple):
    """Those columns of an order that is written now; an `Order` takes longer to make."""

    id: int
    party_id: int
    reference: str
    recipient_id: int
    buyer_note: str | None
    total: int
    created_at: datetime


class OrderLine(Base):
    """One SKU of an order; `unrouted` units wait for a source, the others are in purchases."""

    __tablename__ = "order_lines"
    __table_args__ = (
        UniqueConstraint("order_id", "line"),
        Index("order_lines_unrouted", "order_id", postgresql_where=text("unrouted > 0")),
        CheckConstraint("unrouted >= 0 AND shipped >= 0 AND cancelled >= 0", name="units"),
        CheckConstraint("unrouted + shipped + cancelled <= quantity", name="units_sum"),
        CheckConstraint("refunded >= 0 AND refunded <= amount", name="refunded"),
        CheckConstraint("delivered >= 0 AND delivered <= shipped", name="delivered"),
        CheckConstraint("replaced >= 0 AND replaced <= cancelled", name="replaced"),
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
    delivered: Mapped[int] = mapped_column(server_default="0")
    """Units of `shipped` that arrived."""
    replaced: Mapped[int] = mapped_column(server_default="0")
    """Units of `cancelled` whose place another line took."""
    replaces: Mapped[int | None] = mapped_column(Integer)
    """The line whose units this one took the place of."""
    refunded: Mapped[Fen] = mapped_column(server_default="0")
    """Fen already paid back for this line; never more than was captured."""
    held_reason: Mapped[str | None]
    bundle_line: Mapped[int | None] = mapped_column(Integer)
    """Of a part: the line that its leader ordered."""
    bundle_sku: Mapped[int | None]
    bundle_units: Mapped[int | None]
    """Units of the part in one bundle."""


class DearerLine(Base):
    """An order line whose source asked more than was agreed; system scope only: it holds a cost."""

    __tablename__ = "dearer_lines"

    order_line_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    agreed_cost: Mapped[UnitPrice]
    """The most that a unit was bought at while its leader paid nothing more for it."""
    refused_at: Mapped[datetime | None]
    """Since when its units wait for that reason; null once they are bought or given up."""
    refusals: Mapped[int] = mapped_column(Integer, server_default="0")
    absorbed: Mapped[Fen] = mapped_column(server_default="0")
    """Fen of the line's amount that its leader pays more."""


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


class Proposal(Base):
    """What the leader of a held order may choose from, brought up to date as facts change."""

    __tablename__ = "proposals"
    __table_args__ = (
        Index("proposals_due", "deadline", postgresql_where=text("deadline IS NOT NULL")),
    )

    order_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    party_id: Mapped[Ref]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """As `trade.proposals` makes it."""
    deadline: Mapped[datetime | None]
    """When the stated rule acts by itself; null: it could not, and an operator decides."""
    held_since: Mapped[Utc]
