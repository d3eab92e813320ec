"""Purchases, shipments and claims, as suppliers send and see them."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from api.batches import Each
from api.shapes.addresses import AddressAskedOut
from api.shapes.base import REGION, In, Key, Money, Out, Quantity, Text, Whole
from api.shapes.claims import WaybillOut
from api.shapes.orders import EventOut


class PurchaseLineOut(Out):
    """One line of a purchase."""

    line: int
    external_id: str
    title: str
    spec: str | None
    quantity: int
    shipped: int
    cancelled: int
    cost: str


class PurchaseOut(Out):
    """A purchase; `ship_to` only where one purchase is read, and that is written down."""

    id: str
    reference: str
    status: str
    cancel_asked: str | None
    ship_by: str | None
    ship_to: dict[str, Any] | None
    address_change: AddressAskedOut | None = Field(description="While an answer is awaited.")
    note: str | None
    lines: list[PurchaseLineOut]
    updated_at: str


class CutoffSheetOut(Out):
    """A sheet of purchases, and of goods sent again, that goes out at cut-off."""

    id: str
    cutoff_at: str
    status: str = Field(description="waiting | sent | failed")
    purchases: int
    replacements: int = Field(description="claims in it for which goods are sent again")
    may_have_left: bool = Field(description="from then on it is sent again as it was")
    attempts: int
    failure: str | None
    sent_at: str | None


class RefuseIn(In):
    """Why it will not be sent."""

    code: Key
    message: Text


class ShippedLineIn(In):
    """Units of one line of the purchase."""

    line: Annotated[Whole, Field(ge=1, le=1000)]
    quantity: Quantity


class ShipIn(In):
    """One parcel; without `lines` all that is open, with none a further box."""

    carrier: Key = Field(description="Any Chinese name or platform code of the carrier.")
    tracking_number: Key
    lines: list[ShippedLineIn] | None = Field(None, max_length=200)
    replaces: Key | None = Field(None, description="The former number, where one was wrong.")


class ShipItemIn(ShipIn):
    """A shipment in a batch."""

    purchase: Key


class ShipmentsIn(In):
    """Up to 500 shipments."""

    items: list[Each[ShipItemIn]] = Field(min_length=1, max_length=500)


class ShippedOut(Out):
    """The purchase that a shipment was for."""

    purchase: str


class RowFaultOut(Out):
    """A row of a sheet that could not be used."""

    row: int
    code: str
    message: str


class SheetOut(Out):
    """What became of a sheet of waybills."""

    rows: int
    without_number: int
    shipped: int
    unchanged: int
    hidden: list[int] = Field(
        description="Rows with a waybill that are hidden or filtered away in the sheet: nothing of"
        " them was shipped."
    )
    failed: list[RowFaultOut]


class SupplierClaimLineOut(Out):
    """Units under a claim."""

    line: int
    external_id: str
    title: str
    quantity: int
    amount: str = Field(description="What is asked of the supplier, of its own price.")
    credited: str = Field(description="What the supplier has given back of it.")


class LeaderSideOut(Out):
    """A claim's money as its leader sees it; for operators."""

    asked: str
    approved: str | None
    refunded: str
    advanced: str
    freight_refunded: str


class PostageBorneOut(Out):
    """What sending goods back has cost their buyer, and what of it the supplier bears."""

    asked: str
    credited: str


class SupplierClaimOut(Out):
    """A claim as the supplier sees it."""

    id: str
    purchase: str
    kind: str
    cause: str
    status: str
    reason: str
    evidence: list[Any]
    answer: str | None
    approved: str | None
    bearer: str | None
    freight_credited: str = Field(description="What you give back of the freight to the buyer.")
    postage: PostageBorneOut | None
    return_to: str | None
    sent_back: WaybillOut | None
    reissued: WaybillOut | None
    recall: str | None = Field(
        description="asked: keep what your sheet says to send for it, and `refuse`; agreed | sent"
    )
    due_at: str | None
    then: str | None = Field(
        description="What happens at `due_at` if nobody acts: agreed | received (both pay the buyer"
        " back) | cancelled | operator, who decides; without `due_at` that is due already."
    )
    lines: list[SupplierClaimLineOut]
    timeline: list[EventOut]
    leader: LeaderSideOut | None = Field(None, description="For operators only.")
    created_at: str
    updated_at: str


class ReturnToIn(In):
    """Where goods go back to, in the fields of a `ship_to`."""

    name: Text
    mobile: Key
    region: Annotated[str, StringConstraints(pattern=REGION)] | None = None
    address: Text


class ApproveIn(In):
    """Agree to `amount` of the supplier's own price, and the leader gets the same part of hers;
    without it to all that was asked. Where the house bears it, `amount` is hers. Goods go back to
    `return_to`: name, telephone and address, in fields or as one text; without it to the last one
    given."""

    amount: Money | None = None
    return_to: Text | ReturnToIn | None = None
    bearer: Literal["supplier", "house"] = Field(
        "supplier", description="house: an operator agrees in the supplier's place and bears it."
    )


class AdvanceIn(In):
    """Pay `amount` before there is an answer; without it as much as is allowed."""

    amount: Money | None = None


class ReissueIn(In):
    """The waybill of the parcel that takes the place of the goods."""

    carrier: Text
    tracking_number: Text


class RefuseClaimIn(In):
    """Why nothing is paid back; the leader reads it."""

    reason: Text
    evidence: list[Text] = Field([], max_length=20)


class SoldOut(Out):
    """What was sold: purchases, units that were not cancelled, and money of goods in CNY."""

    purchases: int
    units: int
    shipped: int
    returned: int
    amount: str
    refunds: str


class SalesGroupOut(SoldOut):
    """One group; only the words it is grouped by are there."""

    day: str | None = None
    month: str | None = None
    sku: str | None = None
    external_id: str | None = None
    title: str | None = None
    brand: str | None = None
    category: str | None = None
    region: str | None = Field(None, description="The province, as GB/T 2260 has it.")
    region_name: str | None = None


class SalesOut(Out):
    """A page of groups; `total` is of all of them."""

    items: list[SalesGroupOut]
    next: str | None = Field(description="The cursor of the next page; null at the end.")
    total: SoldOut
    since: str = Field(alias="from")
    until: str = Field(alias="to")
