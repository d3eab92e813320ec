"""A table of text with its header found: unified columns, without notes, totals and blank rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import polars as pl

from . import header
from .columns import Columns, guess
from .normalise import VARIANT
from .table import Table

_TOTAL = r"^\s*(?:合\s*计|总\s*计|小\s*计|共\s*计|本页合计|total|subtotal|grand total)"


@dataclass
class Sheet:
    """Rows ready to be normalised: `file`, `line`, unified and `variant:` columns of text."""

    name: str
    columns: Columns
    batches: Iterator[pl.DataFrame]
    notes: dict[str, Any] = field(default_factory=dict)


def open_sheet(table: Table, override: Mapping[str, str], header_row: int | None) -> Sheet | None:
    """The sheet of a table; None where it is wholly empty. Raises Unreadable without a header."""
    first = next((batch for batch in table.batches if _has_text(batch)), None)
    if first is None:
        return None
    batches = chain([first], table.batches)
    if table.named:
        labels = [name for name in first.columns if name != "line"]
        columns = guess(labels, override)
        header.refuse_incomplete(columns, override, labels, table.name)
        names, last = labels, 0
    else:
        names = [name for name in first.columns if name != "line"]
        grid = first.select(names).head(header.DEPTH).fill_null("").rows()
        index, columns = header.find(grid, override, header_row, table.name)
        last = int(first["line"][index])
    notes = (
        {"name": table.name}
        | table.notes
        | {
            "columns": columns.shown(),
            "ignored": columns.ignored,
            "skipped_rows": 0,
        }
    )
    if not table.named:
        notes["header_row"] = last
    return Sheet(table.name, columns, _goods(table, batches, names, columns, last, notes), notes)


def _has_text(batch: pl.DataFrame) -> bool:
    texts = batch.drop("line")
    return bool(
        texts.select(pl.any_horizontal(pl.all().str.strip_chars().str.len_bytes().max() > 0)).item()
    )


def _goods(
    table: Table,
    batches: Iterator[pl.DataFrame],
    names: list[str],
    columns: Columns,
    last: int,
    notes: dict[str, Any],
) -> Iterator[pl.DataFrame]:
    wanted = {name: names[at] for name, at in columns.chosen.items()} | {
        f"{VARIANT}{label}": names[at] for label, at in columns.variant.items()
    }
    fill = _Merged(table, names)
    for batch in batches:
        filled = fill(_complete(batch, names))
        rows = filled.filter((pl.col("line") > last) & _any_text(names))
        goods = rows.filter(~_aside(names, columns))
        notes["skipped_rows"] += len(rows) - len(goods)
        yield goods.select(
            pl.lit(table.name).alias("file"),
            "line",
            *(pl.col(raw).alias(name) for name, raw in wanted.items()),
        )


def _complete(batch: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """A later batch of a keyed file may lack keys that the first one had."""
    absent = [name for name in names if name not in batch.columns]
    return batch.with_columns(pl.lit(None, pl.String).alias(name) for name in absent)


def _any_text(names: list[str]) -> pl.Expr:
    return pl.any_horizontal(pl.col(name).str.contains(r"\S") for name in names).fill_null(
        value=False
    )


def _aside(names: list[str], columns: Columns) -> pl.Expr:
    """Totals, section titles and notes between the goods, and the header printed once more."""
    filled = pl.sum_horizontal(
        pl.col(name).str.contains(r"\S").fill_null(value=False).cast(pl.UInt32) for name in names
    )
    priced = pl.any_horizontal(
        pl.col(names[columns.chosen[name]]).str.contains(r"\S").fill_null(value=False)
        for name in ("price", "dropship_price", "tiers")
        if name in columns.chosen
    )
    first = pl.coalesce(
        pl.when(pl.col(name).str.contains(r"\S")).then(pl.col(name)) for name in names
    )
    total = first.str.to_lowercase().str.contains(_TOTAL)
    lone = (filled == 1) & ~priced & (len(names) > 2)
    again = pl.all_horizontal(
        pl.col(names[columns.chosen[name]]).str.strip_chars() == columns.labels[name]
        for name in ("sku", "title")
    )
    return (total | lone | again).fill_null(value=False)


class _Merged:
    """Gives every row of a cell merged downwards its text, across batches."""

    def __init__(self, table: Table, names: list[str]) -> None:
        self._down = {
            (row, column): last
            for row, column, last, right in table.merged
            if last > row and right == column and column < len(names)
        }
        self._names = names
        self._open: dict[int, tuple[int, str]] = {}

    def __call__(self, batch: pl.DataFrame) -> pl.DataFrame:
        if not self._down or batch.is_empty():
            return batch
        begin, end = int(batch["line"][0]) - 1, int(batch["line"][-1]) - 1
        changed: dict[int, list[str | None]] = {}
        for (row, column), last in self._down.items():
            if last < begin or row > end:
                continue
            cells = changed.setdefault(column, batch[self._names[column]].to_list())
            if row >= begin:
                self._open[column] = (last, cells[row - begin] or "")
            text = self._open[column][1]
            for at in range(max(row, begin), min(last, end) + 1):
                cells[at - begin] = text
        return batch.with_columns(
            pl.Series(self._names[column], cells, pl.String) for column, cells in changed.items()
        )
