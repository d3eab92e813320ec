"""Products, SKUs and changes."""

from typing import Any, Self

from pydantic import ConfigDict, Field, model_validator

from api.shapes.base import OF_TODAY, REGION, In, Key, Out

FREIGHT = "By what the delivery costs, null where that is not known."


class StockOut(Out):
    """`quantity` is null where no number is known."""

    state: str = Field(description="in_stock | low | out | unknown")
    quantity: int | None


class CorridorOut(Out):
    """The retail prices that the brand allows."""

    min: str | None
    max: str | None


class TierOut(Out):
    """From `quantity` pieces on a piece costs `price`."""

    quantity: int
    price: str


class CardOut(Out):
    """A product in a list."""

    id: str
    title: str
    brand: str | None
    category: str | None
    images: list[str] = Field(description="Addresses under /media/, the main picture first.")
    originals: list[str] | None = Field(
        None, description="Where the pictures lie; for operators and buyers only."
    )
    price_from: str | None
    msrp: str | None
    margin_percent: str | None
    stock: StockOut
    modes: list[str]
    as_of: str | None


class TermsOut(Out):
    """On what terms a source sells; operators and buyers only."""

    mode: str
    cost: str
    tiers: list[TierOut] | None
    valid_until: str | None
    moq: int
    multiple: int
    freight: dict[str, Any] | None
    ships_within: int | None
    cutoff: str | None
    presale_ship_by: str | None


class OfferOut(Out):
    """What one source offers; operators and buyers only."""

    source: str
    seller: str | None
    external_id: str
    state: str
    terms: list[TermsOut]
    stock: StockOut
    tax: dict[str, Any]
    invoice: str | None
    as_of: str


class SkuOut(Out):
    """One variant as this reader sees it."""

    id: str
    product: str
    attributes: dict[str, Any]
    gtin: str | None
    pack: int
    unit: str | None
    msrp: str | None
    price: str | None
    tiers: list[TierOut] | None
    moq: int
    multiple: int
    stock: StockOut
    freight: dict[str, Any] | None = Field(description=FREIGHT)
    ships_within: int | None = Field(description="Hours from the order to the parcel.")
    corridor: CorridorOut
    modes: list[str]
    as_of: str | None
    offers: list[OfferOut] | None = Field(None, description="For operators and buyers only.")


class ProductOut(CardOut):
    """A product with its SKUs."""

    description: str | None
    skus: list[SkuOut]


_LISTS = ("skus", "gtins", "codes")


def _any(name: str) -> dict[str, Any]:
    return {"required": [name], "properties": {name: {"minItems": 1}}}


class LookupIn(In):
    """One of the three lists, or several; up to 500 items in all."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [_any(one) for one in _LISTS]})

    skus: list[Key] = Field([], max_length=500)
    gtins: list[Key] = Field([], max_length=500)
    codes: list[Key] = Field([], max_length=500, description="Your own 商家编码.")
    region: str | None = Field(None, pattern=REGION)

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not 0 < len(self.skus) + len(self.gtins) + len(self.codes) <= 500:
            raise ValueError("give between 1 and 500 skus, gtins and codes")
        return self


class FoundOut(Out):
    """What one asked item stands for: no SKU, one, or several that share a GTIN."""

    kind: str = Field(description="sku | gtin | code")
    asked: str
    found: bool
    skus: list[SkuOut]


class LookupOut(Out):
    """One answer for each item asked, in order."""

    items: list[FoundOut]


class PointOut(Out):
    """From `at` on the price was `price`."""

    at: str
    mode: str
    price: str
    source: str | None = Field(None, description="For operators and buyers only.")
    external_id: str | None = None


class HistoryOut(Out):
    """Prices, the oldest first, beginning with the one that stood at `from`."""

    items: list[PointOut]
    of_today: list[str] = Field(description=OF_TODAY)


class OfferThenOut(Out):
    """What one source offered; operators and buyers only."""

    source: str
    external_id: str
    listed: bool | None
    costs: dict[str, str] = Field(description="What the source asked, by mode.")
    stock: StockOut | None


class ThenOut(Out):
    """A SKU as this reader would have seen it at `moment`."""

    sku: str
    moment: str
    rules: int = Field(description="The version of the price rules that was in force.")
    listed: bool | None = Field(description="Whether it could be bought; null is not known.")
    granted: bool | None = Field(
        description="Whether brands had opened it to this reader, there; null: nothing was offered."
    )
    delivered: bool | None = Field(description="Whether it was sent to `region`; null without one.")
    corridor: CorridorOut
    price: str | None
    stock: StockOut | None = Field(
        description="As stated, less what we had reserved; null is not known, also for a region"
        " where sources state it by regions."
    )
    modes: list[str]
    of_today: list[str] = Field(description=OF_TODAY)
    offers: list[OfferThenOut] | None = Field(None, description="For operators and buyers only.")


class ReasonOut(Out):
    """Why something cannot be sold."""

    code: str
    message: str
    until: str | None


class SellableOut(Out):
    """Whether so many can be sold to that region."""

    sellable: bool
    reasons: list[ReasonOut]
    price: str | None
    freight: dict[str, Any] | None = Field(description=FREIGHT)
    freight_amount: str | None = Field(
        description="What so many cost to send there; for those who order, with a region."
    )
    as_of: str | None


class CategoryOut(Out):
    """A category, and how many products are in it and below it."""

    code: str | None = Field(description="null: what a source calls goods that we have not mapped")
    name: str = Field(description="With the category above: 食品饮料 > 咖啡")
    parent: str | None = Field(description="The code of the category above.")
    products: int


class CategoriesOut(Out):
    """Every category with goods in it."""

    items: list[CategoryOut]


class FacetOut(Out):
    """A brand, and how many products it has."""

    name: str
    products: int


class FacetsOut(Out):
    """Every brand, by name."""

    items: list[FacetOut]


class ChangeOut(Out):
    """One change as this reader sees it."""

    seq: int
    kind: str
    sku: str | None = Field(description="Null: a changed rule that affects more than one.")
    was: dict[str, Any] | None
    now: dict[str, Any] | None
    at: str
    affects: dict[str, Any] | None = Field(None, description="Of kind `rule`: what it concerns.")
    source: str | None = Field(None, description="For operators and buyers only.")
    external_id: str | None = None


class SnapshotOut(Out):
    """What there is, and `seq`: where `GET /v1/changes?after=` goes on once `next` is null."""

    items: list[ChangeOut]
    seq: str
    next: str | None


class ChangesOut(Out):
    """Changes, and the cursor to go on from; ask again at once while `more`."""

    items: list[ChangeOut]
    next: str
    more: bool
