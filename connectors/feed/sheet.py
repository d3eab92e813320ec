"""A table of text with its header found: unified columns, without notes, totals and blank rows."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import polars as pl

from connectors.model import Reject

from . import header, rejects
from .columns import REQUIRED, SYNONYMS, Columns, guess
from .normalise import VARIANT
from .table import DEPTH, Table

_LONGEST_CELL = 100_000
_SPILLED = (
    "the row has more cells than the header has columns; put cells that contain the delimiter "
    "into quotation marks"
)
_TOTAL = r"^\s*(?:合\s*计|总\s*计|小\s*计|共\s*计|本页合计|total|subtotal|grand total)"


@dataclass
class Sheet:
    """Rows ready to be normalised: `file`, `line`, unified and `variant:` columns of text.

    `rejects` fills while batches are read: rows that could not even be cut into cells.
    """

    name: str
    columns: Columns
    batches: Iterator[pl.DataFrame]
    notes: dict[str, Any]
    rejects: list[Reject]


def open_sheet(table: Table, override: Mapping[str, str], header_row: int | None) -> Sheet | None:
    """The sheet of a table; None where it is wholly empty. Raises Unreadable without a header."""
    batches: Iterator[pl.DataFrame] = (_sized(batch, table) for batch in table.batches)
    first = next((batch for batch in batches if _has_text(batch)), None)
    if first is None:
        return None
    batches = chain([first], batches)
    notes = {"name": table.name} | table.notes
    if table.named:
        labels = _names(first)
        columns = guess(labels, override)
        header.refuse_incomplete(columns, override, labels, table.name)
    else:
        grid = first.select(_names(first)).head(DEPTH).fill_null("").rows()
        index, columns = header.find(grid, override, header_row, table.name)
        notes["header_row"] = int(first["line"][index])
        width = max(table.widths[index : index + 1], default=len(grid[0]))
        batches = (_within(batch, width, table) for batch in batches)
    if rejects.corrects(columns.ignored):
        notes["corrections"] = True
        batches = (_corrected(batch) for batch in batches)
    notes |= {"columns": columns.shown(), "ignored": columns.ignored, "skipped_rows": 0}
    goods = (
        _named_goods(table, batches, columns, override)
        if table.named
        else _grid_goods(table, batches, columns, notes)
    )
    return Sheet(table.name, columns, goods, notes, table.rejects)


def _corrected(batch: pl.DataFrame) -> pl.DataFrame:
    """Cells without the `'` that kept them as they were."""
    return batch.with_columns(pl.col(name).str.strip_prefix("'") for name in _names(batch))


def _names(batch: pl.DataFrame) -> list[str]:
    return [name for name in batch.columns if name != "line"]


def _has_text(batch: pl.DataFrame) -> bool:
    texts = batch.drop("line")
    return bool(
        texts.select(pl.any_horizontal(pl.all().str.strip_chars().str.len_bytes().max() > 0)).item()
    )


def _named_goods(
    table: Table, batches: Iterable[pl.DataFrame], columns: Columns, override: Mapping[str, str]
) -> Iterator[pl.DataFrame]:
    """Records may come with other keys later in the file: every batch is guessed anew."""
    steady = {name for name in columns.chosen if name in (*REQUIRED, "dropship_price")}
    for batch in batches:
        names = _names(batch)
        here = guess(names, override)
        columns.labels.update(here.labels)
        rows = batch.filter(_any_text(names))
        absent = [name for name in steady if name not in here.chosen]
        yield _unified(table, rows, names, here).with_columns(
            pl.lit(None, pl.String).alias(name) for name in absent
        )


def _grid_goods(
    table: Table, batches: Iterable[pl.DataFrame], columns: Columns, notes: dict[str, Any]
) -> Iterator[pl.DataFrame]:
    fill = _Merged(table)
    for batch in batches:
        names = _names(batch)
        below = pl.col("line") > notes["header_row"]
        rows = fill(batch).filter(below & _any_text(names))
        odd = rows.filter(_odd(names, columns)).filter(_aside(names, columns))
        goods = rows.filter(~pl.col("line").is_in(odd["line"].to_list())) if len(odd) else rows
        notes["skipped_rows"] += len(rows) - len(goods)
        yield _unified(table, goods, names, columns)


def _sized(batch: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The rows without a monstrous cell, before anything reads into it."""
    names = _names(batch)
    monstrous = pl.any_horizontal(pl.col(name).str.len_bytes() > _LONGEST_CELL for name in names)
    monstrous = monstrous.fill_null(value=False)
    lines = batch.filter(monstrous)["line"].to_list()
    if not lines:
        return batch
    reason = f"a cell of the row is longer than {_LONGEST_CELL:,} bytes"
    table.rejects.extend(Reject(table.name, line, "", "", reason) for line in lines)
    return batch.filter(~monstrous)


def _within(batch: pl.DataFrame, width: int, table: Table) -> pl.DataFrame:
    """The rows with no more cells than the header has; a delimiter inside a cell makes more."""
    beyond = _names(batch)[width:]
    if not beyond:
        return batch
    spilled = _any_text(beyond)
    for line, *cells in batch.filter(spilled).iter_rows():
        text = " | ".join(cell or "" for cell in cells)
        table.rejects.append(Reject(table.name, line, "", text[:200], _SPILLED))
    return batch.filter(~spilled)


def _unified(table: Table, rows: pl.DataFrame, names: list[str], columns: Columns) -> pl.DataFrame:
    wanted = {name: names[at] for name, at in columns.chosen.items()} | {
        f"{VARIANT}{label}": names[at] for label, at in columns.variant.items()
    }
    return rows.select(
        pl.lit(table.name).alias("file"),
        "line",
        *(pl.col(raw).alias(name) for name, raw in wanted.items()),
    )


def _any_text(names: list[str]) -> pl.Expr:
    return pl.any_horizontal(pl.col(name).str.contains(r"\S") for name in names).fill_null(
        value=False
    )


def _odd(names: list[str], columns: Columns) -> pl.Expr:
    """A cheap look that passes everything that `_aside` may mean, and few goods."""
    no_figure = pl.all_horizontal(
        ~pl.col(names[columns.chosen[name]]).str.contains(r"\d").fill_null(value=False)
        for name in ("price", "dropship_price", "tiers")
        if name in columns.chosen
    )
    heads = {names[0], names[columns.chosen["sku"]], names[columns.chosen["title"]]}
    summed = pl.any_horizontal(
        pl.col(name).str.contains(r"计|(?i)total").fill_null(value=False) for name in heads
    )
    return no_figure | summed


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
        _is_header(names[columns.chosen[name]], name, columns) for name in ("sku", "title")
    )
    return (total | lone | again).fill_null(value=False)


def _is_header(raw: str, name: str, columns: Columns) -> pl.Expr:
    """Whether a cell is its own column's name, in the sheet's words or others."""
    cell = pl.col(raw).str.strip_chars()
    bare = cell.str.to_lowercase().str.replace_all(r"[*.:：]", "").str.replace_all(r"\s+", "_")
    return (cell == columns.labels[name]) | bare.is_in(SYNONYMS[name])


class _Merged:
    """Gives every row of a cell merged downwards its text, across batches."""

    def __init__(self, table: Table) -> None:
        self._down = {
            (row, column): last
            for row, column, last, right in table.merged
            if last > row and right == column
        }
        self._open: dict[int, tuple[int, str]] = {}

    def __call__(self, batch: pl.DataFrame) -> pl.DataFrame:
        if not self._down or batch.is_empty():
            return batch
        begin, end = int(batch["line"][0]) - 1, int(batch["line"][-1]) - 1
        changed: dict[int, list[str | None]] = {}
        for (row, column), last in self._down.items():
            if last < begin or row > end or str(column) not in batch.columns:
                continue
            cells = changed.setdefault(column, batch[str(column)].to_list())
            if row >= begin:
                self._open[column] = (last, cells[row - begin] or "")
            text = self._open[column][1]
            for at in range(max(row, begin), min(last, end) + 1):
                cells[at - begin] = text
        return batch.with_columns(
            pl.Series(str(column), cells, pl.String) for column, cells in changed.items()
        )
