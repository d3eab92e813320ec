"""The words that every source is translated into, before anything of ours looks at it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable

import polars as pl

PRICE = pl.Decimal(14, 4)
"""A tax-inclusive unit price in CNY."""

LISTING: dict[str, pl.DataType] = {
    "file": pl.String(),  # where the row came from: file name, sheet or call
    "line": pl.Int64(),  # 1-based line or row in that file, as a person counts it
    "external_id": pl.String(),  # the source's SKU id, never empty, never a number
    "listing": pl.String(),  # the source's product id that groups SKUs
    "title": pl.String(),  # never empty
    "brand": pl.String(),
    "category": pl.String(),  # the source's words, levels joined by " > "
    "gtin": pl.String(),  # GTIN-14 with a valid check digit, else null
    "mpn": pl.String(),
    "seller": pl.String(),
    "unit": pl.String(),
    "pack": pl.Int32(),  # pieces in one selling unit, ≥ 1
    "attributes": pl.String(),  # JSON object of strings, keys sorted
    "images": pl.String(),  # JSON list of addresses
    "materials": pl.String(),  # JSON list of addresses
    "description": pl.String(),
    "dropship_price": PRICE,  # null: not sold by the piece
    "bulk_price": PRICE,  # null: not sold in bulk
    "tiers": pl.String(),  # JSON list of [quantity, "price"], quantities rising; bulk only
    "moq": pl.Int64(),  # ≥ 1; bulk only
    "multiple": pl.Int64(),  # ≥ 1
    "msrp": PRICE,
    "min_retail": PRICE,
    "max_retail": PRICE,
    "stock_state": pl.String(),  # in_stock | low | out; null: the source says nothing
    "stock_quantity": pl.Int64(),  # ≥ 0; null: no number stated
    "tax_rate": pl.Decimal(5, 4),  # 0.13
    "tax_code": pl.String(),
    "invoice": pl.String(),  # special | ordinary | none
    "freight": pl.String(),  # JSON, see Freight in catalog.freight; null: unknown
    "ships_within_hours": pl.Int32(),
    "cutoff": pl.String(),  # "16:00", Asia/Shanghai
    "presale_ship_by": pl.Date(),
    "valid_from": pl.Datetime("us", "UTC"),  # the prices count from then on
    "valid_until": pl.Datetime("us", "UTC"),
    "expires_on": pl.Date(),
    "returnable": pl.Boolean(),
    "weight_g": pl.Int64(),
    "ships_from": pl.String(),
    "not_delivered_to": pl.String(),  # JSON list of GB/T 2260 prefixes
    "state": pl.String(),  # live | off
}
"""Columns of a page of listings. Every page has all of them, in this order; null is unknown."""


@dataclass(frozen=True)
class Reject:
    """A row that could not be read, and why, in words that its author understands."""

    file: str
    line: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True)
class Page:
    """Some rows of a source's listing, in the shape of `LISTING`, and the rows that failed."""

    rows: pl.DataFrame
    rejects: list[Reject] = field(default_factory=list)


@dataclass(frozen=True)
class Listing:
    """One reading of a source.

    `as_of` is when its figures were true (a file's modification time, a reply's date), aware UTC.
    `complete`: what is absent here is no longer offered. `notes` are the guesses made (encoding,
    header row, columns), shown to people. `pages` is read once; a source that breaks off raises
    SupplierError from it, and then nothing is concluded from absence.
    """

    as_of: datetime
    complete: bool
    notes: dict[str, Any]
    pages: Iterator[Page]


@dataclass(frozen=True)
class ShipTo:
    """A recipient in clear, only on its way to a source. Never stored or logged."""

    name: str
    mobile: str
    region: str
    address: str

    def __repr__(self) -> str:
        return f"ShipTo(region={self.region!r})"


@dataclass(frozen=True)
class OrderLine:
    """One line of a purchase: `cost` is the highest unit price in CNY that we accept."""

    external_id: str
    quantity: int
    cost: Decimal


@dataclass(frozen=True)
class PurchaseOrder:
    """What a source is asked to sell under `our_ref`, which never changes for this purchase."""

    our_ref: str
    lines: tuple[OrderLine, ...]
    ship_to: ShipTo
    note: str = ""


@dataclass(frozen=True)
class Placed:
    """A source holds our purchase under `external_refs`.

    `awaits_supplier`: the supplier has yet to accept it by hand. `refused` are external ids of
    lines it declined while taking the others.
    """

    external_refs: tuple[str, ...]
    awaits_supplier: bool
    refused: tuple[str, ...] = ()


@runtime_checkable
class Lists(Protocol):
    """A source whose goods can be read as listings."""

    def items(self, since: str | None = None) -> Listing: ...


@runtime_checkable
class Sells(Protocol):
    """A source that takes purchases. `find` answers whether it already holds `our_ref`."""

    def place(self, order: PurchaseOrder) -> Placed: ...

    def find(self, our_ref: str) -> Placed | None: ...

    def cancel(self, our_ref: str, reason: str) -> None: ...


def page(rows: Iterable[dict[str, Any]]) -> Page:
    """A page from rows with any of the columns of `LISTING`; missing ones are null."""
    return Page(pl.DataFrame(list(rows), schema=LISTING, orient="row", strict=False))
