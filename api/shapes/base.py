"""The words that requests and answers are made of."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Path, Query
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from api.replies import MOMENT_CURSOR, NUMBER_CURSOR, SNAPSHOT_CURSOR
from kit.faults import FORMS

T = TypeVar("T")

NO_NUL = r"^[^\x00]*$"
SAID = r"^[^\x00]*[^\s\x00][^\x00]*$"

CATEGORY = (
    'With all below it: as its source words it, levels joined by " > ", or one of ours by its code'
    " (`food.tea`) or whole name."
)
OF_TODAY = (
    "What is not known of then and is that of now: `names` (which brand a word stands for),"
    " `sources` (their settings), `offers` (the brand, category, retail prices and areas that they"
    " state), and of what ended before it was kept `rules` (grants, price policies and levels),"
    " `parts` (of bundles) and `freight` (where templates send nothing)."
)
_MONEY = r"^[0-9]{1,10}(\.[0-9]{1,2})?$"
PRICE = r"^[0-9]{1,9}(\.[0-9]{1,4})?$"
_PERCENT = r"^[0-9]{1,5}(\.[0-9]{1,4})?$"
SIGNED = r"^-?[0-9]{1,5}(\.[0-9]{1,4})?$"
REGION = r"^([0-9]{6}|[0-9]{9}|[0-9]{12})$"
PLACE = r"^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12})$"
DIVISION = r"^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9})$"
GTIN = r"^[0-9]{8,14}$"
SHARE = r"^[0-9]{1,3}(\.[0-9]{1,2})?$"
SOURCE = r"^[A-Za-z0-9][A-Za-z0-9-]{0,63}$"
_ID = r"^[A-Za-z0-9_]+$"
_STRANGE = "this cursor is none that was given out here; start again without one"
FORMS |= {
    NO_NUL: "give it without NUL characters",
    SAID: "give some words, without NUL characters",
    _MONEY: 'give an amount in CNY as decimal text with at most two places, such as "128.00"',
    PRICE: 'give a price in CNY as decimal text with at most four places, such as "12.80"',
    _PERCENT: 'give a percentage as decimal text, such as "15" or "12.5"',
    SHARE: 'give a percentage as decimal text with at most two places, such as "30"',
    SIGNED: 'give a percentage as decimal text, such as "15" or "-2.5"',
    REGION: "give a division of GB/T 2260 by 6, 9 or 12 digits",
    PLACE: "give a division of GB/T 2260 by 2, 4, 6, 9 or 12 digits",
    DIVISION: "give a division of GB/T 2260 by 2, 4, 6 or 9 digits",
    GTIN: "a GTIN has 8 to 14 digits",
    SOURCE: "a source's code is made of letters, digits and -, at most 64, and begins with no -",
    _ID: "an id is made of letters, digits and _",
    MOMENT_CURSOR: _STRANGE,
    NUMBER_CURSOR: _STRANGE,
    SNAPSHOT_CURSOR: _STRANGE,
}

Text = Annotated[str, StringConstraints(pattern=SAID, min_length=1, max_length=200)]
"""Some words; not only spaces."""

LongText = Annotated[str, StringConstraints(pattern=SAID, min_length=1, max_length=2000)]
Note = Annotated[str, StringConstraints(pattern=NO_NUL, max_length=2000)]
"""Words that may be empty."""

Key = Annotated[str, StringConstraints(pattern=SAID, min_length=1, max_length=64)]
"""A name that programs use: an id, a code, a reference."""

Money = Annotated[str, StringConstraints(pattern=_MONEY), Field(examples=["128.00"])]
"""An amount in CNY as decimal text."""

PriceText = Annotated[str, StringConstraints(pattern=PRICE), Field(examples=["12.80"])]
"""A unit price in CNY as decimal text, at most four places."""

Percent = Annotated[str, StringConstraints(pattern=_PERCENT)]


def _whole(value: object) -> object:
    """JSON's 2.0 is 2; "2" and true are not."""
    if isinstance(value, bool | str):
        raise ValueError("give a whole number")
    return value


Whole = Annotated[int, BeforeValidator(_whole)]
Quantity = Annotated[Whole, Field(ge=1, le=100_000)]


def _near(moment: datetime) -> datetime:
    if not 2000 <= moment.year <= 2100:
        raise ValueError("give a moment between the years 2000 and 2100")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_near)]
"""RFC 3339 with an offset."""

Limit = Annotated[int, Query(ge=1, le=200, description="How many items a page has at most.")]
Cursor = Annotated[
    str | None, Query(pattern=MOMENT_CURSOR, description="`next` of the page before.")
]
NumberCursor = Annotated[
    str | None, Query(pattern=NUMBER_CURSOR, description="`next` of the page before.")
]
IdPath = Annotated[str, Path(min_length=1, max_length=64, pattern=_ID)]


class In(BaseModel):
    """A request; unknown fields are errors, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Out(BaseModel):
    """An answer."""


class Listed(Out, Generic[T]):
    """A page of a list."""

    items: list[T]
    next: str | None = Field(description="The cursor of the next page; null at the end.")


class FieldFault(Out):
    """What is wrong with one field."""

    field: str
    code: str
    message: str


class ProblemOut(Out):
    """RFC 9457: what went wrong, and what to do about it."""

    type: str
    title: str
    status: int
    code: str = Field(description="A stable word for programs.")
    detail: str = Field(description="A sentence for people.")
    errors: list[FieldFault]
    request_id: str
    snapshot: str | None = Field(None, description="Of `cursor_expired`: where to start again.")


class Trouble(Out):
    """What kept one item of a batch out."""

    status: int
    code: str
    detail: str
    errors: list[FieldFault]


class BatchItem(Out, Generic[T]):
    """What became of one item of a batch."""

    index: int
    status: int
    result: T | None
    problem: Trouble | None


class Batch(Out, Generic[T]):
    """What became of each item, in the order given."""

    items: list[BatchItem[T]]


def one_of(first: str, second: str) -> dict[str, Any]:
    """For the schema: exactly one of two fields is given."""
    there, away = {"not": {"type": "null"}}, {"type": "null"}
    return {
        "oneOf": [
            {"required": [first], "properties": {first: there, second: away}},
            {"required": [second], "properties": {second: there, first: away}},
        ]
    }


def decimal(text: str | None) -> Decimal | None:
    """A checked price as a number."""
    return None if text is None else Decimal(text)
