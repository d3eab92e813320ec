"""After-sales: claims, their lines and moves, and what is asked of platforms for them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import NOW, Base, Fen, Id, OutsideId, Ref, Utc


class Claim(Base):
    """A leader asks for money, or for other goods, on units of one purchase."""

    __tablename__ = "claims"
    __table_args__ = (
        Index("claims_party", "party_id", "updated_at", "id"),
        Index("claims_supplier", "supplier_id", "updated_at", "id"),
        Index("claims_order", "order_id"),
        Index("claims_purchase", "purchase_id"),
        Index("claims_recalled", "id", postgresql_where=text("recall IN ('asked', 'sent')")),
        Index("claims_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index(
            "claims_freight",
            "purchase_id",
            unique=True,
            postgresql_where=text("freight_refunded > 0 OR freight_credited > 0"),
        ),
        CheckConstraint("advanced >= 0", name="claims_advanced"),
        CheckConstraint("postage_refunded IN (0, postage)", name="claims_postage"),
    )

    id: Mapped[Id]
    party_id: Mapped[Ref]
    order_id: Mapped[Ref]
    purchase_id: Mapped[Ref]
    supplier_id: Mapped[int | None]
    kind: Mapped[str]
    """refund | return | exchange | reissue."""
    cause: Mapped[str] = mapped_column(server_default="other")
    """What the reason speaks of, by the rules of `trade.after_sales.bearing`."""
    state: Mapped[str]
    """open | approved | returning | received | refunded | reissued | refused | cancelled."""
    reason: Mapped[str]
    evidence: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]")
    answer: Mapped[str | None]
    """Why the supplier refused."""
    approved: Mapped[int | None]
    """Fen that were agreed to be paid back; null before there is an answer."""
    approved_cost: Mapped[int | None]
    """Fen of its own price that the supplier gives back for that; null like `approved`."""
    advanced: Mapped[Fen] = mapped_column(server_default="0")
    """Fen that the operator paid the leader and that are not settled yet."""
    bearer: Mapped[str | None]
    """supplier | platform | house | leader: who bears what was paid; null while nothing was."""
    freight_refunded: Mapped[Fen] = mapped_column(server_default="0")
    """Fen of the purchase's freight that went back with this claim: all of it, or none."""
    freight_credited: Mapped[Fen] = mapped_column(server_default="0")
    """Fen by which what we owe for that freight fell."""
    postage: Mapped[Fen] = mapped_column(server_default="0")
    """Fen that sending the goods back has cost the leader, as shown by a proof."""
    postage_refunded: Mapped[Fen] = mapped_column(server_default="0")
    postage_credited: Mapped[Fen] = mapped_column(server_default="0")
    """Fen of `postage_refunded` that its supplier bears."""
    return_to: Mapped[bytes | None]
    """Where goods go back to, sealed: it names a person."""
    back_carrier: Mapped[str | None]
    back_number: Mapped[OutsideId | None]
    due_at: Mapped[datetime | None]
    """Until when whoever is to act next may take."""
    escalated_at: Mapped[datetime | None]
    """Since when it waits for the operator, because nobody acted in time."""
    recall: Mapped[str | None]
    """asked (a supplier whose sheet says to send goods is to keep them) | agreed | sent (they left
    nevertheless) | seen (an operator knows that); null where no sheet said so."""
    recalled_at: Mapped[datetime | None]
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
    asked_cost: Mapped[Fen] = mapped_column(server_default="0")
    """The part of `asked` that is the supplier's own price: all that a supplier sees of it."""
    refunded: Mapped[Fen] = mapped_column(server_default="0")
    """Fen paid to the leader, with what was advanced."""
    charged: Mapped[Fen] = mapped_column(server_default="0")
    """Fen of `refunded` that its supplier or platform bears."""
    credited: Mapped[Fen] = mapped_column(server_default="0")
    """Fen by which what we owe for the goods fell."""


class ClaimMove(Base):
    """One change of a claim's state; written once."""

    __tablename__ = "claim_moves"
    __table_args__ = (Index("claim_moves_claim", "claim_id", "id"),)

    id: Mapped[Id]
    claim_id: Mapped[Ref]
    supplier_id: Mapped[int | None]
    was: Mapped[str]
    """Empty for the first."""
    now: Mapped[str]
    event: Mapped[str]
    detail: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    at: Mapped[Utc] = mapped_column(server_default=NOW)


class PlatformClaim(Base):
    """What is asked of a platform about units of one SKU of one of its orders, for a claim."""

    __tablename__ = "platform_claims"
    __table_args__ = (
        Index("platform_claims_claim", "claim_id"),
        Index("platform_claims_ref", "source", "ref"),
        Index(
            "platform_claims_freight",
            "source",
            "purchase_id",
            postgresql_where=text("freight_state = 'open'"),
        ),
        Index(
            "platform_claims_known",
            "source",
            "claim_ref",
            unique=True,
            postgresql_where=text("claim_ref IS NOT NULL"),
        ),
        Index(
            "platform_claims_due",
            "source",
            "due_at",
            postgresql_where=text(
                "state IN ('new', 'asking', 'open', 'approved', 'returning', 'received',"
                " 'replacing')"
            ),
        ),
    )

    id: Mapped[Id]
    claim_id: Mapped[Ref]
    purchase_id: Mapped[Ref]
    purchase_line_id: Mapped[Ref]
    source: Mapped[OutsideId]
    external_id: Mapped[OutsideId]
    quantity: Mapped[int]
    ref: Mapped[OutsideId | None]
    """The platform's order, a leaf of its tree; null before it was looked up."""
    claim_ref: Mapped[OutsideId | None]
    """The platform's claim."""
    state: Mapped[str] = mapped_column(server_default="new")
    """new | asking (it may be asked for already) | open | approved | returning | received |
    replacing (a new order is on its way) | refunded | replaced | refused | cancelled | failed (the
    platform takes no such claim)."""
    refunded: Mapped[int | None]
    """Fen that the platform gave back, in all."""
    freight: Mapped[Fen] = mapped_column(server_default="0")
    """Fen of `refunded` that are freight, beyond the goods."""
    freight_state: Mapped[str | None]
    """open | accepted (posted) | dismissed (it was none); null where none came back."""
    replacement: Mapped[OutsideId | None]
    """The platform's new order, of an exchange."""
    replaced_number: Mapped[OutsideId | None]
    """The waybill by which that order's goods left."""
    known_as: Mapped[OutsideId | None]
    """What the platform's messages call the claim, where that is another name."""
    message: Mapped[str | None]
    told_number: Mapped[OutsideId | None]
    """The waybill of goods on their way back that the platform knows."""
    withdraw: Mapped[bool] = mapped_column(server_default=text("false"))
    """Our leader wants the claim no more."""
    settled_at: Mapped[datetime | None]
    """When a person settled that another amount came back than was due."""
    due_at: Mapped[Utc] = mapped_column(server_default=NOW)
    lease: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)
    updated_at: Mapped[Utc] = mapped_column(server_default=NOW)


class Evidence(Base):
    """A picture or document that was handed in, sealed; its claims' two sides may see it."""

    __tablename__ = "evidence"
    __table_args__ = (
        Index("evidence_party", "party_id", "created_at"),
        Index("evidence_expires", "expires_at"),
    )

    id: Mapped[Id]
    party_id: Mapped[Ref]
    """Who handed it in."""
    claim_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}")
    """The claims that name it."""
    media_type: Mapped[str]
    size: Mapped[int] = mapped_column(Integer)
    content: Mapped[bytes]
    created_at: Mapped[Utc] = mapped_column(server_default=NOW)
    expires_at: Mapped[Utc]
