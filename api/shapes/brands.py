"""What brands allow, as they send and see it: retail prices, and who may sell what where."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from api.shapes.base import CATEGORY, DIVISION, In, Key, Moment, Out, PriceText, Quantity, Text
from trade import places


def _division(code: str) -> str:
    found = places.division(code)
    if found is None:
        raise ValueError(f"{code} is no division of GB/T 2260")
    return found


Region = Annotated[
    str,
    StringConstraints(pattern=DIVISION),
    AfterValidator(_division),
]
Regions = Annotated[
    list[Region],
    Field(max_length=400, description="GB/T 2260, whole provinces too (440000); none: everywhere."),
]
Since = Annotated[Moment | None, Field(alias="from")]
WHAT = "At most one of sku, brand and category; none: all goods."


class PricePolicyIn(In):
    """The retail prices that you allow for a SKU, a brand or a category; none: all your goods."""

    sku: Key | None = None
    brand: Text | None = None
    category: Text | None = Field(None, description=CATEGORY)
    min_retail: PriceText | None = Field(None, description="CNY a unit.")
    max_retail: PriceText | None = Field(None, description="CNY a unit.")
    regions: Regions = []
    since: Since = None
    until: Moment | None = None


class PricePolicyOut(Out):
    """A policy; `source` is whose goods it is for, null: everybody's."""

    id: str
    source: str | None
    sku: str | None
    brand: str | None
    category: str | None
    min_retail: str | None
    max_retail: str | None
    regions: list[str]
    since: str | None = Field(alias="from")
    until: str | None
    updated_at: str


class WhoIn(In):
    """A party with all that stand under it, or a reseller level; neither: everyone."""

    party: Key | None = None
    level: Key | None = None


class WhatIn(In):
    """A SKU, a brand or a category; none: all goods of the source."""

    source: Key | None = Field(None, description="Operators name it; a brand's is its own.")
    sku: Key | None = None
    brand: Text | None = None
    category: Text | None = Field(None, description=CATEGORY)


class GrantIn(In):
    """Leave to see and order goods. With your first grant, all others are shut out.

    The limits count units of one SKU: in an order, for a party in a day of China, and for a
    recipient in a day whoever orders. Of several grants the one for fewer readers decides, then
    the one for fewer goods, then the younger.
    """

    who: WhoIn = WhoIn()
    what: WhatIn = WhatIn()
    where: Regions = []
    since: Since = None
    until: Moment | None = None
    max_per_order: Quantity | None = None
    max_per_day: Quantity | None = None
    max_per_recipient: Quantity | None = None


class WhoOut(Out):
    """Whom a grant names."""

    party: str | None
    level: str | None


class WhatOut(Out):
    """Which goods a grant is for."""

    source: str
    sku: str | None
    brand: str | None
    category: str | None


class GrantOut(Out):
    """A grant."""

    id: str
    who: WhoOut
    what: WhatOut
    where: list[str]
    since: str | None = Field(alias="from")
    until: str | None
    max_per_order: int | None
    max_per_day: int | None
    max_per_recipient: int | None
    updated_at: str
