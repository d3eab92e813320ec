"""Selections, quotes and orders, as leaders send and see them."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from api.batches import Each
from api.shapes.addresses import AddressChangeOut
from api.shapes.base import (
    NO_NUL,
    SAID,
    In,
    Key,
    LongText,
    Money,
    Note,
    Out,
    Percent,
    PriceText,
    Quantity,
    Text,
    one_of,
)
from api.shapes.catalog import ReasonOut
from api.shapes.claims import ClaimOut


class SelectionIn(In):
    """Your own price: either `retail_price`, or `markup_percent` on top of what you pay."""

    model_config = ConfigDict(json_schema_extra=one_of("retail_price", "markup_percent"))

    retail_price: PriceText | None = None
    markup_percent: Percent | None = None
    code: Key | None = Field(None, description="Your own 商家编码; unique among your selections.")
    note: Note | None = None


class SelectionItemIn(SelectionIn):
    """A selection in a batch; one with both prices or none is told so among the results."""

    model_config = ConfigDict(json_schema_extra={})

    sku: Key


class SelectionsIn(In):
    """Up to 500 selections."""

    items: list[Each[SelectionItemIn]] = Field(min_length=1, max_length=500)


class CorridorRange(Out):
    """The retail prices that the brand allows."""

    min: str | None
    max: str | None


class SelectionOut(Out):
    """A SKU that you picked; prices are computed as you read."""

    sku: str
    title: str
    images: list[str]
    price: str | None
    retail_price: str | None
    markup_percent: str | None
    corridor: CorridorRange
    sellable: bool = Field(description="Whether some of it can be ordered, wherever it goes.")
    reasons: list[ReasonOut]
    code: str | None
    note: str | None
    updated_at: str


_FIELDS = ("name", "mobile", "address")
_NEVER = {"type": "null"}
_EITHER: dict[str, Any] = {
    "oneOf": [
        {
            "required": ["text"],
            "properties": dict.fromkeys((*_FIELDS, "region"), _NEVER)
            | {"text": {"type": "string"}},
        },
        {
            "required": list(_FIELDS),
            "properties": {name: {"type": "string"} for name in _FIELDS} | {"text": _NEVER},
        },
    ]
}


class ShipToIn(In):
    """In fields, or pasted whole as `text` (name, telephone and address in any order)."""

    model_config = ConfigDict(json_schema_extra=_EITHER)

    text: LongText | None = None
    name: Annotated[str, StringConstraints(pattern=SAID, max_length=50)] | None = None
    mobile: Annotated[str, StringConstraints(pattern=NO_NUL, max_length=40)] | None = Field(
        None,
        description="A mobile, a landline, or a virtual number with its extension.",
        examples=["13800138000", "0755-26001234", "13800138000-1234"],
    )
    region: Annotated[str, StringConstraints(pattern=NO_NUL, max_length=60)] | None = Field(
        None,
        description="GB/T 2260 of 6, 9 or 12 digits, or names; left out: read from `address`.",
        examples=["440305"],
    )
    address: Annotated[str, StringConstraints(pattern=SAID, max_length=300)] | None = None


class LineIn(In):
    """A SKU by our id or by your own code."""

    model_config = ConfigDict(json_schema_extra=one_of("sku", "code"))

    sku: Key | None = None
    code: Key | None = None
    quantity: Quantity

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.sku is None) == (self.code is None):
            raise ValueError("give either sku or code")
        return self


class OrderLineIn(LineIn):
    """A line of an order."""

    retail_price: PriceText | None = None


class QuoteIn(In):
    """What is to be priced, and where it goes."""

    lines: list[LineIn] = Field(min_length=1, max_length=200)
    ship_to: ShipToIn
    share: Key | None = Field(None, description="The code of a share that you order under.")


class OrderIn(In):
    """An order; `quote` or `max_total` is your consent to the price."""

    reference: Key = Field(description="Your own order number; used once.")
    quote: Key | None = None
    max_total: Money | None = None
    share: Key | None = Field(
        None, description="The code of a share: you pay its retail price less your commission."
    )
    lines: list[OrderLineIn] = Field(min_length=1, max_length=200)
    ship_to: ShipToIn
    buyer_note: Annotated[str, StringConstraints(pattern=NO_NUL, max_length=500)] | None = None


class OrdersIn(In):
    """Up to 100 orders, each placed or refused on its own."""

    items: list[Each[OrderIn]] = Field(min_length=1, max_length=100)


class UnitsOut(Out):
    """Units of a SKU in a parcel."""

    sku: str
    quantity: int


class QuotedPartOut(Out):
    """Units of one part in all bundles of a line."""

    sku: str
    quantity: int


class QuotedLineOut(Out):
    """A line that can be bought."""

    sku: str
    code: str | None
    quantity: int
    unit_price: str
    amount: str
    as_of: str | None = Field(
        None, description="When price and stock were last confirmed by whoever sells it."
    )
    parts: list[QuotedPartOut] | None = Field(None, description="Of a bundle.")


class QuotedParcelOut(Out):
    """A parcel as promised."""

    lines: list[UnitsOut]
    freight: str
    ships_by: str | None
    parcels: int | None = Field(None, description="Into how many it goes, if more than one.")


class UnsellableOut(Out):
    """A line that cannot be bought, and why."""

    sku: str | None
    line: int
    code: str
    message: str
    until: str | None = Field(None, description="The earliest moment at which that may change.")


class QuoteOut(Out):
    """Prices, freight and promises, good until `expires_at`."""

    id: str
    expires_at: str
    lines: list[QuotedLineOut]
    freight: str
    total: str
    parcels: list[QuotedParcelOut]
    unsellable: list[UnsellableOut]
    signature: str


class OrderPartOut(Out):
    """A part of a bundle, and where its units are."""

    sku: str
    quantity: int
    shipped: int
    delivered: int
    cancelled: int
    cancelling: int = Field(description="Units that its sender is asked to cancel.")
    refunded: str
    amount: str


class OrderLineOut(Out):
    """A line, and where its units are. A bundle is shipped when all of its parts are."""

    line: int
    sku: str
    code: str | None
    quantity: int
    shipped: int
    delivered: int
    cancelled: int
    cancelling: int = Field(description="Units that a sender is asked to cancel.")
    refunded: str
    unit_price: str
    amount: str
    retail_price: str | None
    replaced: int = Field(description="Cancelled units whose place another line took.")
    replaces: int | None = Field(description="The line whose units this one took the place of.")
    held_reason: str | None
    parts: list[OrderPartOut] | None = Field(
        None, description="Of a bundle; parcels and claims name them."
    )


class EventOut(Out):
    """Something that happened."""

    kind: str
    at: str
    detail: dict[str, Any] | None = None


class ParcelOut(Out):
    """A parcel on its way."""

    carrier: str
    tracking_number: str
    lines: list[UnitsOut]
    claim: str | None = Field(description="The claim in answer to which it was sent again.")
    status: str
    delivered_at: str | None
    events: list[EventOut]


class PriceOptionOut(Out):
    """The same units bought at another price; `total` is what the order costs then."""

    unit_price: str
    amount: str
    freight: str
    ships_by: str | None
    total: str


class SubstituteOut(PriceOptionOut):
    """Another SKU of the same product, with the same pack and unit."""

    sku: str
    attributes: dict[str, Any]


class HeldLineOut(Out):
    """Held units of a line, and what may become of them alone."""

    line: int
    sku: str
    quantity: int
    new_price: PriceOptionOut | None
    substitutes: list[SubstituteOut]


class TotalOut(Out):
    """What the order costs then."""

    total: str


class AmountOut(Out):
    """What is paid back."""

    amount: str


class ProposalOut(Out):
    """What may become of units that no source has as agreed; see POST /v1/orders/{id}/proposal."""

    deadline: str | None = Field(description="Then `then` happens; null: an operator decides.")
    then: str = Field(description="refund | wait")
    refund: AmountOut = Field(description="What all held units bring back.")
    new_price: TotalOut | None = Field(description="All of the lines bought anew, together.")
    lines: list[HeldLineOut]


class ProposalIn(In):
    """What you choose. `max_total` is your consent to a price: the most that the order may cost."""

    take: Literal["new_price", "substitute", "refund"]
    lines: list[Annotated[int, Field(ge=1, le=999)]] | None = Field(
        None, min_length=1, max_length=200, description="Numbers of held lines; all when left out."
    )
    sku: Key | None = Field(None, description="substitute: the other SKU, for one line.")
    max_total: Money | None = Field(None, description="new_price, substitute: required.")


class CancellingOut(Out):
    """A cancellation that waits for the senders' answer: they agree, or the parcel leaves."""

    units: int
    asked_at: str | None


class OrderOut(Out):
    """An order; `ship_to` is masked, see reveal."""

    id: str
    reference: str
    status: str
    lines: list[OrderLineOut]
    cancelling: CancellingOut | None = Field(
        description="What was asked to be cancelled while its senders have not answered."
    )
    freight: str
    total: str
    held: str
    proposal: ProposalOut | None = Field(description="While it is held.")
    ship_to: dict[str, Any]
    address_change: AddressChangeOut | None = Field(description="The last that was asked.")
    buyer_note: str | None
    parcels: list[ParcelOut]
    timeline: list[EventOut]
    claims: list[ClaimOut]
    created_at: str
    updated_at: str


class CancelLineIn(In):
    """Units of a SKU."""

    sku: Key
    quantity: Quantity | None = Field(
        None, description="How many are not wanted in all; without it every one."
    )


class CancelIn(In):
    """Why, and which goods; without `lines` the whole order."""

    reason: Text
    lines: list[Key | CancelLineIn] | None = Field(
        None, min_length=1, max_length=200, description="SKU ids, or SKUs with quantities."
    )


class AddressIn(In):
    """Where it should go instead."""

    ship_to: ShipToIn
