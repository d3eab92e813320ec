"""Freight templates, as brands send and see them."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from api.shapes.base import In, Money, Out
from api.shapes.brands import Region
from kit.faults import form

Size = Annotated[
    str,
    StringConstraints(
        pattern=form(
            r"^[0-9]{1,9}(\.[0-9]{1,3})?$",
            'give a size as decimal text with at most three places, such as "0.5"',
        )
    ),
]
Regions = Annotated[list[Region], Field(max_length=400)]


class StepIn(In):
    """A fee for so much: pieces, kilograms, or CNY of goods."""

    size: Size = Field(examples=["1"])
    fee: Money


Step = Money | StepIn
"""A fee alone is for one piece or one kilogram; for amounts it is for any."""


class RateIn(In):
    """What a parcel costs: `first`, then `next` for each further step begun."""

    first: Step
    next: Step | None = Field(None, description="None: `first` is all that a parcel costs.")
    free_from: Money | None = Field(None, description="From so much of goods on it costs nothing.")


class ZoneIn(RateIn):
    """A rate of its own for some regions."""

    regions: Annotated[list[Region], Field(min_length=1, max_length=400)]


class FreightTemplateIn(In):
    """`first`, `next` and `free_from` count everywhere, or only in the regions that `regions` names
    by code; an item with rates is for its own regions. Of several the smallest region counts."""

    by: Literal["piece", "weight", "amount"]
    regions: Annotated[list[Region | ZoneIn], Field(max_length=500)] = []
    first: Step | None = None
    next: Step | None = None
    free_from: Money | None = None
    not_delivered: Regions = []


class FreightTemplateOut(Out):
    """A template as it was given; `id` is the name that price lists and listings mention in
    `freight`."""

    id: str
    source: str
    by: str
    regions: list[str | dict[str, Any]]
    first: str | dict[str, Any] | None
    next: str | dict[str, Any] | None
    free_from: str | None
    not_delivered: list[str]
    updated_at: str
