"""Claims, as leaders send and see them."""

from typing import Any, Literal

from pydantic import Field

from api.shapes.base import In, Key, Money, Out, Quantity, Text
from trade.after_sales.bearing import Cause


class WaybillOut(Out):
    """Carrier and number."""

    carrier: str
    tracking_number: str


class PostageOut(Out):
    """What sending goods back has cost, and what of it was paid back."""

    asked: str
    refunded: str


class ClaimLineOut(Out):
    """Units under a claim."""

    sku: str
    quantity: int
    amount: str
    refunded: str


class ClaimOut(Out):
    """A claim as its leader sees it."""

    id: str
    order: str
    kind: str
    status: str
    cause: str
    reason: str
    evidence: list[Any]
    answer: str | None
    approved: str | None
    freight_refunded: str = Field(description="Freight that went back with this claim.")
    postage: PostageOut | None
    sent_back: WaybillOut | None
    reissued: WaybillOut | None
    due_at: str | None = Field(description="Until when whoever is to act next may take.")
    escalated_at: str | None = Field(description="Since when it waits for an operator to decide.")
    return_to: str | None = Field(
        None, description="Where goods go back to; at /v1/claims only, once that was agreed."
    )
    lines: list[ClaimLineOut]
    created_at: str
    updated_at: str


class ClaimedLineIn(In):
    """Units of a SKU; without `amount` all that was paid for them."""

    sku: Key
    quantity: Quantity
    amount: Money | None = None


class ClaimIn(In):
    """A claim on what was shipped. Without `cause` the reason is read for one."""

    kind: Literal["refund", "return", "exchange", "reissue"]
    lines: list[ClaimedLineIn] = Field(min_length=1, max_length=200)
    reason: Text
    evidence: list[Text] = Field([], max_length=20)
    cause: Cause | None = None


class ClaimsOut(Out):
    """The claims that were opened: one for each sender concerned."""

    items: list[ClaimOut]


class ReasonOut(Out):
    """Why not."""

    code: str
    message: str


class ClaimOptionOut(Out):
    """What may be asked for one SKU: so many units, for so much, until then."""

    sku: str
    kind: str
    allowed: bool
    quantity: int
    amount: str
    until: str | None
    reasons: list[ReasonOut]


class ClaimOptionsOut(Out):
    """What may be asked for, SKU by SKU and kind by kind."""

    items: list[ClaimOptionOut]


class EvidenceOut(Out):
    """A piece of evidence: its id goes into a claim, before `expires_at`."""

    id: str
    media_type: str
    size: int
    expires_at: str


class SentBackIn(In):
    """The waybill of goods on their way back; where that is for a fault of theirs also what sending
    them has cost, with a `proof` of it."""

    carrier: Text
    tracking_number: Text
    postage: Money | None = None
    proof: list[Text] = Field([], max_length=5)
