"""What every reader hands over: one table of text, in batches."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from connectors.errors import Unreadable
from connectors.model import Reject

BATCH = 25_000
"""Rows of a batch at most."""
DEPTH = 60
"""Rows looked at from the top in search of the header."""


MOST_UNCUT = 50_000
"""Rows that could not be cut into cells, within one batch: beyond it the form is another one."""


@dataclass(frozen=True)
class Table:
    """One file, sheet or list.

    `batches` have `line` (as a person counts) and text columns. In a grid they are named "0", "1",
    … and the header is among the rows; with `named` they bear the names that the file gives them.
    `merged` are (first row, first column, last row, last column) of merged cells, 0-based.
    `widths` are how many cells the first rows of a delimited text have; else empty.
    `rejects` fills while batches are read: rows that could not even be cut into cells.
    """

    name: str
    batches: Iterator[pl.DataFrame]
    named: bool = False
    merged: tuple[tuple[int, int, int, int], ...] = ()
    widths: tuple[int, ...] = ()
    notes: dict[str, Any] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)


@dataclass(frozen=True)
class Options:
    """What the settings say of a file's form; None is guessed."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    max_bytes: int = 2 * 1024**3
    max_columns: int = 512


def refuse(rejects: list[Reject], reject: Reject) -> None:
    """Note one more row that could not be cut. Raises Unreadable when hardly any could."""
    if len(rejects) >= MOST_UNCUT:
        raise Unreadable(
            "not-this-form",
            f"{reject.file}: over {MOST_UNCUT:,} rows cannot be read as this format; "
            f"line {reject.line}: {reject.reason}",
        )
    rejects.append(reject)
