"""Sheets of orders, as leaders answer and see them."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.shapes.base import NO_NUL, REGION, SAID, In, Key, Money, Out
from kit.faults import form


class ImportIdOut(Out):
    """The sheet is kept and will be read."""

    id: str


class RejectOut(Out):
    """A row that cannot be used."""

    row: int = Field(description="As a person counts in the sheet.")
    column: str
    value: str
    reason: str


class SuggestionOut(Out):
    """A SKU that may be meant."""

    sku: str
    title: str
    attributes: dict[str, str]
    price: str | None


class AskedOut(Out):
    """Goods whose SKU nobody has told yet."""

    code: str = Field(description="What the sheet calls them: the code, or name and 规格.")
    rows: int
    first_row: int
    suggestions: list[SuggestionOut]


class PossibleDuplicateOut(Out):
    """An order that looks like a recent one, or repeats a row."""

    reference: str
    rows: list[int]
    total: str
    why: str | None = Field(description="recent_order | repeated_row")
    order: str | None
    order_reference: str | None
    placed_at: str | None


class CandidateOut(Out):
    """A place that may be meant."""

    region: str
    name: str


class AmbiguousOut(Out):
    """A row whose address fits several places."""

    row: int
    address: str
    candidates: list[CandidateOut]


class NotPlacedOut(Out):
    """An order that was not placed, or cannot be."""

    reference: str
    rows: list[int]
    code: str
    message: str


class WhyOut(Out):
    """Why nothing was placed."""

    code: str
    detail: str


class ImportOut(Out):
    """What became of a sheet so far."""

    id: str
    status: str = Field(description="reading | ready | placing | done | failed | expired")
    rows: int = Field(description="Rows of goods that the sheet shows.")
    hidden: list[int] = Field(
        description="Rows of goods that are hidden or filtered away in the sheet, as a person"
        " counts. They are not ordered: unhide them and upload the sheet again."
    )
    orders: int | None = Field(description="Orders that were found; null while it is read.")
    total: str | None = Field(description="What those that are ready or placed cost.")
    max_total: str | None
    placed: int
    known: int = Field(description="Orders that had been placed before this sheet.")
    rejected: list[RejectOut]
    needs_mapping: list[AskedOut]
    possible_duplicates: list[PossibleDuplicateOut]
    ambiguous_addresses: list[AmbiguousOut]
    failed: list[NotPlacedOut]
    failure: WhyOut | None
    created_at: str
    updated_at: str


Name = Annotated[str, StringConstraints(pattern=SAID, min_length=1, max_length=200)]
Line = Annotated[
    str,
    StringConstraints(
        pattern=form(r"^[0-9]{1,6}$", 'name a row of the sheet by its number, such as "7"')
    ),
]
Region = Annotated[str, StringConstraints(pattern=REGION)]


class MappingsIn(In):
    """Answers: which SKU each `code` of needs_mapping is, and in which place a row's address is."""

    mappings: dict[Name, Key] = Field({}, max_length=1000)
    regions: dict[Line, Region] = Field({}, max_length=10_000)


class ConfirmIn(In):
    """Consent to what all orders of the sheet may cost together."""

    max_total: Money
    duplicates: (
        Literal["skip", "order"]
        | Annotated[
            list[Annotated[str, StringConstraints(pattern=NO_NUL, max_length=64)]],
            Field(max_length=10_000),
        ]
    ) = Field("skip", description="Possible duplicates: skip, order, or the references meant.")
