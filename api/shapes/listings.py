"""What a supplier offers, in the unified fields of a feed."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from api.shapes.base import NO_NUL, In, Out, PriceText, Text, Whole
from api.shapes.catalog import StockOut, TierOut

Word = Annotated[str, StringConstraints(pattern=NO_NUL, max_length=500)]
Long = Annotated[str, StringConstraints(pattern=NO_NUL, max_length=20_000)]


class ListingIn(In):
    """As a row of a price list; values are read as people write them (`包邮`, `10:9.5;100:8.8`)."""

    sku: Word | None = Field(None, description="Your own number of it, as in the address.")
    title: Text
    price: Word
    brand: Word | None = None
    category: Word | None = None
    gtin: Word | None = None
    mpn: Word | None = None
    seller: Word | None = None
    listing: Word | None = None
    dropship_price: Word | None = None
    msrp: Word | None = None
    min_retail: Word | None = None
    max_retail: Word | None = None
    stock: Word | Whole | None = None
    unit: Word | None = None
    pack: Word | Whole | None = None
    moq: Word | Whole | None = None
    multiple: Word | Whole | None = None
    tiers: Word | None = None
    tax_rate: Word | None = None
    tax_code: Word | None = None
    tax_included: Word | None = None
    invoice: Word | None = None
    freight: Word | None = None
    ships_within: Word | None = None
    cutoff: Word | None = None
    presale_ship_by: Word | None = None
    valid_from: Word | None = None
    valid_until: Word | None = None
    expires_on: Word | None = None
    returnable: Word | None = None
    weight: Word | None = None
    images: Long | None = None
    description: Long | None = None
    attributes: Word | None = None
    materials: Long | None = None
    state: Word | None = None
    ships_from: Word | None = None
    not_delivered_to: Word | None = None


class StockIn(In):
    """`quantity` where there is a number, else `state` alone; or `stock`, as price lists say it."""

    state: Literal["in_stock", "low", "out"] | None = None
    quantity: Annotated[Whole, Field(ge=0, le=1_000_000_000)] | None = None
    stock: Word | Whole | None = Field(None, description="In place of both: `30`, `有货`, `0`.")


class PriceIn(In):
    """What a piece costs, tax included."""

    price: PriceText


class ListingOut(Out):
    """A listing as its supplier sees it."""

    external_id: str
    sku: str
    title: str
    brand: str | None
    category: str | None
    gtin: str | None
    state: str = Field(
        description="live | draft (not offered) | gone (absent from a whole price list)"
    )
    price: str | None
    bulk_price: str | None
    tiers: list[TierOut] | None
    freight: dict[str, Any] | None
    stock: StockOut
    seen_at: str


class ListingImportOut(Out):
    """What became of a price list that was handed in."""

    id: str
    state: str = Field(
        description="draft (being read or applied) | review (an operator decides) | live | refused"
    )
    rows: int = Field(description="Good rows of it.")
    changed: int
    withdrawn: int = Field(description="Listings that were absent from a whole list.")
    rejected: int
    reason: str | None = Field(description="Why it waits for a review, or was refused.")
    guess: list[dict[str, Any]] = Field(description="How each sheet was read.")
    started_at: str
    ended_at: str | None
