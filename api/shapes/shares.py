"""Shares and sign-ups, as leaders send and see them."""

from typing import Annotated, Any

from pydantic import Field

from api.shapes.base import In, Key, Moment, Money, Out, PriceText, Whole
from api.shapes.orders import ShipToIn


class ShareIn(In):
    """Goods that others may help to sell; `to` are parties' ids, none: everybody."""

    skus: list[Key] = Field(min_length=1, max_length=50)
    retail_price: PriceText
    commission_ppm: Annotated[Whole, Field(ge=0, le=1_000_000)] = Field(
        description="The helper's part of the goods at retail, in millionths: 100000 is 10 %."
    )
    to: list[Key] = Field([], max_length=500)
    since: Moment | None = Field(None, alias="from")
    until: Moment | None = None


class ShareOut(Out):
    """A share; `to` and `sales` are for its sharer only."""

    code: str
    page: str
    under: str | None = Field(description="The share that was joined; null for one's own.")
    sharer: str
    mine: bool
    skus: list[str]
    retail_price: str
    commission_ppm: int
    commission: str = Field(description="What a helper keeps of one piece.")
    you_pay: str = Field(description="What a helper's wallet pays for one piece.")
    since: str | None = Field(alias="from")
    until: str | None
    status: str = Field(description="open | scheduled | ended | closed")
    plan: str
    created_at: str
    to: list[str] | None = None
    sales: dict[str, Any] | None = None


class SignupOut(Out):
    """Somebody who wants goods of your page."""

    id: str
    share: str
    sku: str
    quantity: int
    customer: dict[str, Any]
    has_address: bool
    note: str
    order: str | None
    created_at: str


class SignupsOrderIn(In):
    """Order for these; together they may cost `max_total`. `ship_to` sends all of it there, as
    where customers come to fetch it."""

    ids: list[Key] = Field(min_length=1, max_length=200)
    max_total: Money
    ship_to: ShipToIn | None = None


class KitOut(Out):
    """What to share of a SKU that you picked."""

    sku: str
    title: str
    points: list[str]
    text: str = Field(description="Ready to be sent in a chat.")
    images: list[str]
    materials: list[str] = Field(description="Pictures for sellers, and those of its description.")
    link: str | None = Field(description="Your own page, where an open share of yours has it.")
    price: str | None = Field(description="What customers are asked; null: none may be named.")
    withheld: str | None = Field(description="Why no price is named.")
