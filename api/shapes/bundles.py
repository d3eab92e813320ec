"""Bundles, as operators and brands make them."""

from typing import Annotated

from pydantic import Field, StringConstraints

from api.shapes.base import In, Key, Out, Text, Whole
from kit.faults import form

Units = Annotated[Whole, Field(ge=1, le=1000)]
Address = Annotated[
    str,
    StringConstraints(
        pattern=form(
            r"^https?://[^\s\x00]{1,1990}$", "give an address that begins with https:// or http://"
        )
    ),
]


class PartIn(In):
    """So many units of a SKU in one bundle."""

    sku: Key
    units: Units = 1


Parts = Annotated[list[PartIn], Field(min_length=1, max_length=20)]


class BundleIn(In):
    """What a SKU is made of."""

    parts: Parts


class NewBundleIn(BundleIn):
    """A bundle that is a product of its own."""

    title: Text
    brand: Text | None = None
    category: Text | None = Field(None, description='Levels joined by " > ".')
    images: Annotated[list[Address], Field(max_length=20)] = []


class PartOut(Out):
    """So many units of a SKU in one bundle."""

    sku: str
    units: int


class BundleOut(Out):
    """A bundle; `source` null: the operators' own."""

    sku: str
    source: str | None
    parts: list[PartOut]
    updated_at: str
