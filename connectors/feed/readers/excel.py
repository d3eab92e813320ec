"""XLSX and XLS by calamine: visible sheets, values as shown, formulas by their cached value."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

import polars as pl
from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from connectors.errors import Unreadable

from ..table import BATCH, Options, Table

Cell = str | float | bool | date | datetime | time | timedelta


def read(path: Path, name: str, options: Options) -> Iterator[Table]:
    """A table for every visible sheet. Raises Unreadable."""
    try:
        book = CalamineWorkbook.from_path(path)
        visible = [s.name for s in book.sheets_metadata if s.visible == SheetVisibleEnum.Visible]
        if options.sheet is not None:
            if options.sheet not in book.sheet_names:
                raise Unreadable(
                    "no-such-sheet",
                    f"{name} has no sheet {options.sheet}; it has {', '.join(visible)}",
                )
            visible = [options.sheet]
        for title in visible:
            yield _table(book, title, f"{name} · {title}", options)
    except CalamineError as error:
        raise Unreadable("not-excel", f"{name} cannot be read as an Excel file: {error}") from error


def _table(book: CalamineWorkbook, title: str, name: str, options: Options) -> Table:
    sheet = book.get_sheet_by_name(title)
    if sheet.width > options.max_columns:
        raise Unreadable("too-wide", f"{name} has more than {options.max_columns} columns")
    left = sheet.start[1] if sheet.start else 0
    merged = tuple(
        (r1, c1 - left, r2, c2 - left) for (r1, c1), (r2, c2) in sheet.merged_cell_ranges or ()
    )
    return Table(name, _batches(sheet.iter_rows()), merged=merged, notes={"sheet": title})


def _batches(rows: Iterator[list[Cell]]) -> Iterator[pl.DataFrame]:
    line = 1
    for some in _chunks(rows):
        numbers = pl.Series("line", range(line, line + len(some)), pl.Int64)
        line += len(some)
        yield pl.DataFrame(
            [
                numbers,
                *(_column(str(at), cells) for at, cells in enumerate(zip(*some, strict=True))),
            ]
        )


def _chunks(rows: Iterator[list[Cell]]) -> Iterator[list[list[Cell]]]:
    chunk: list[list[Cell]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == BATCH:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _column(name: str, cells: Sequence[Cell]) -> pl.Series:
    return pl.Series(name, [cell if type(cell) is str else text(cell) for cell in cells], pl.String)


def text(cell: Cell) -> str:
    """A cell as Excel would show it with the format General: 15 digits, no `.0`, dates as ISO."""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float):
        shown = f"{cell:.15g}"
        return f"{int(cell)}" if "e" in shown and cell.is_integer() and abs(cell) < 1e15 else shown
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    if isinstance(cell, time):
        return cell.strftime("%H:%M")
    return str(cell)
