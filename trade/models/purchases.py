"""The supplier's side: purchases, their moves, and the parcels both sides see."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import NOW, Base, Fen, Id, OutsideId, Ref, UnitPrice, Utc


class Purchase(Base):
    """What we buy from one seller of one source for one order. Only it has states."""

    __tablename__ = "purchases"
    __table_args__ = (
        UniqueConstraint("our_ref"),
        Index("purchases_order", "order_id"),
        Index("purchases_source", "source", "updated_at", "id"),
        Index("purchases_sold", "source", "created_at"),
        Index("purchases_recipient", "recipient_id"),
        Index("purchases_reference", "source", "order_reference"),
        Index(
            "purchases_due",
            "source",
            "due_at",
            postgresql_where=text("state IN ('ready', 'submitting')"),
        ),
        Index(
            "purchases_followed",
            "source",
            "due_at",
            postgresql_where=text(
                "state IN ('submitted', 'accepted', 'partly_shipped', 'shipped')"
            ),
        ),
        Index(
            "purchases_short",
            "source",
            postgresql_where=text("short_since IS NOT NULL"),
        ),
        Index(
            "purchases_watched",
            "source",
            "due_at",
            postgresql_where=text("watched_until IS NOT NULL"),
        ),
        Index("purchases_refs", "external_refs", postgresql_using="gin"),
        Index("purchases_overcharged", "id", postgresql_where=text("overcharged > 0")),
        Index("purchases_unpaid", "id", postgresql_where=text("held_since IS NOT NULL")),
    )

    id: Mapped[Id]
    order_id: Mapped[Ref]
    party_id: Mapped[Ref]
    supplier_id: Mapped[int | None]
    source: Mapped[OutsideId]
    seller: Mapped[str | None]
    our_ref: Mapped[OutsideId]
    """What the source knows it by; fixed for its life."""
    order_reference: Mapped[OutsideId]
    """The leader's own reference, which suppliers write on their sheets."""
    recipient_id: Mapped[Ref]
    state: Mapped[str]
    due_at: Mapped[Utc] = mapped_column(server_default=NOW)
    """When the submit drain should look at it next; later, when the platform is asked about it."""
    lease: Mapped[str | None]
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    external_refs: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default="{}")
    cancel_reason: Mapped[str | None]
    """Set when a cancellation was asked of the supplier and is not yet answered."""
    unwanted: Mapped[bool] = mapped_column(server_default=text("false"))
    """A cancellation was asked, whatever the answer: what its source declines later is cancelled,
    and not bought elsewhere."""
    note: Mapped[str | None]
    freight_price: Mapped[Fen]
    """What the leader pays for this parcel's freight."""
    freight_cost: Mapped[Fen]
    overcharged: Mapped[Fen] = mapped_column(server_default="0")
    """Fen that its platform asks beyond what was agreed, until they are accepted."""
    asked_freight: Mapped[int | None]
    """Fen of freight in what its platform asked last; null where it does not say."""
    held_since: Mapped[datetime | None]
    """Since when its platform holds it unpaid because it costs more, or does not say what."""
    held_word: Mapped[str | None]
    """buy | give_up: what was decided about it then, and is to be done at the platform."""
    absorbed: Mapped[Fen] = mapped_column(server_default="0")
    """Fen of `freight_price` that its leader pays because its platform became dearer."""
    ship_by: Mapped[datetime | None]
    failure: Mapped[str | None]
    watched_until: Mapped[datetime | None]
    """Until when its source, which took it back, is asked whether it left all the same."""
    short_since: Mapped[datetime | None]
    """Since when our account at the source does not cover it; counts while it is not placed."""
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
        CheckConstraint("refunded >= 0 AND refunded <= captured", name="refunded"),
        CheckConstraint("credited >= 0 AND credited <= owed", name="credited"),
        CheckConstraint("charged >= 0 AND charged <= refunded", name="charged"),
        CheckConstraint("returned >= 0 AND returned <= shipped", name="returned"),
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
    captured: Mapped[Fen] = mapped_column(server_default="0")
    """Fen of goods that the leader paid for the units shipped so far."""
    owed: Mapped[Fen] = mapped_column(server_default="0")
    """Fen of goods that we owe the supplier for them."""
    refunded: Mapped[Fen] = mapped_column(server_default="0")
    """Fen of `captured` paid back to the leader."""
    charged: Mapped[Fen] = mapped_column(server_default="0")
    """Fen of `refunded` that the supplier bears."""
    credited: Mapped[Fen] = mapped_column(server_default="0")
    """Fen of `owed` that the supplier gave back."""
    returned: Mapped[int] = mapped_column(server_default="0")
    """Units of `shipped` that came back for good."""


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


class Parcel(Base):
    """What a carrier carries: carrier code and number, once per purchase.

    One with a claim carries goods in the place of others: it moves no money, and its units are not
    among those that were ordered.
    """

    __tablename__ = "parcels"
    __table_args__ = (
        UniqueConstraint("purchase_id", "carrier", "tracking_number"),
        Index("parcels_order", "order_id"),
        Index("parcels_on_their_way", "shipped_at", postgresql_where=text("delivered_at IS NULL")),
    )

    id: Mapped[Id]
    purchase_id: Mapped[Ref]
    order_id: Mapped[Ref]
    party_id: Mapped[Ref]
    supplier_id: Mapped[int | None]
    carrier: Mapped[str]
    tracking_number: Mapped[OutsideId]
    claim_id: Mapped[int | None]
    shipped_at: Mapped[Utc]
    state: Mapped[str] = mapped_column(server_default="shipped")
    """shipped | collected | in_transit | out_for_delivery | problem | returned | delivered."""
    last_event_at: Mapped[datetime | None]
    """When its carrier last told anything; null where nobody tells."""
    delivered_at: Mapped[datetime | None]
    """When it arrived: as its source or carrier says, else so long after it left."""
    stuck_at: Mapped[datetime | None]
    """Since when it is known to be stuck; null again once there is news."""
    also: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}")
    """Rows of parcels whose goods were merged into it, and which are no more: money that moved when
    they left is posted under their numbers."""


class ParcelEvent(Base):
    """One step of a parcel, as its carrier tells it, without names of people and platforms."""

    __tablename__ = "parcel_events"
    __table_args__ = (UniqueConstraint("parcel_id", "at", "text"),)

    id: Mapped[Id]
    parcel_id: Mapped[Ref]
    party_id: Mapped[Ref]
    supplier_id: Mapped[int | None]
    at: Mapped[Utc]
    state: Mapped[str]
    text: Mapped[str]


class ParcelLine(Base):
    """How many units of an order line a parcel carries."""

    __tablename__ = "parcel_lines"

    parcel_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    purchase_line_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    order_line_id: Mapped[Ref]
    party_id: Mapped[Ref]
    supplier_id: Mapped[int | None]
    quantity: Mapped[int]
