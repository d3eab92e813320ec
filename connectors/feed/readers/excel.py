"""XLSX and XLS by calamine: visible sheets, values as shown, formulas by their cached value."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

import polars as pl
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from connectors.errors import Unreadable

from ..table import BATCH, Options, Table
from . import zipped

Cell = str | float | bool | date | datetime | time | timedelta


def read(path: Path, name: str, options: Options) -> Iterator[Table]:
    """A table for every visible sheet of a workbook. Raises Unreadable."""
    with path.open("rb") as file:
        inside = zipped.inspect(file, name) if file.read(2) == b"PK" else {}
    try:
        book = CalamineWorkbook.from_path(path)
        for title in _titles(book, name, options):
            seen = inside.get(title, zipped.Inside())
            if seen.columns > options.max_columns:
                raise _too_wide(f"{name} · {title}", options)
            yield _table(book, title, name, seen, options)
    except CalamineError as error:
        raise Unreadable("not-excel", f"{name} cannot be read as Excel: {error}") from error


def _titles(book: CalamineWorkbook, name: str, options: Options) -> list[str]:
    visible = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
    ]
    if options.sheet is None:
        return visible
    if options.sheet not in book.sheet_names:
        raise Unreadable(
            "no-such-sheet", f"{name} has no sheet {options.sheet}; it has {', '.join(visible)}"
        )
    return [options.sheet]


def _table(
    book: CalamineWorkbook, title: str, file: str, inside: zipped.Inside, options: Options
) -> Table:
    sheet = book.get_sheet_by_name(title)
    name = f"{file} · {title}"
    if sheet.width > options.max_columns:
        raise _too_wide(name, options)
    left = sheet.start[1] if sheet.start else 0
    merged = tuple(
        (top, first - left, bottom, last - left)
        for (top, first), (bottom, last) in sheet.merged_cell_ranges or ()
    )
    instead: dict[int, dict[int, str]] = {}
    for cell, words in inside.instead.items():
        row, column = zipped.place(cell)
        instead.setdefault(row, {})[column - left] = words
    rows = _with_words(sheet.iter_rows(), instead) if instead else sheet.iter_rows()
    return Table(name, _batches(rows), merged=merged, notes={"sheet": title})


def _too_wide(name: str, options: Options) -> Unreadable:
    return Unreadable("too-wide", f"{name} has more than {options.max_columns} columns")


def _with_words(
    rows: Iterator[list[Cell]], instead: dict[int, dict[int, str]]
) -> Iterator[list[Cell]]:
    """Rows in which a cell without a value says why."""
    for number, row in enumerate(rows):
        for column, words in instead.get(number, {}).items():
            if column < len(row) and row[column] == "":
                row[column] = words
        yield row


def _batches(rows: Iterator[list[Cell]]) -> Iterator[pl.DataFrame]:
    line = 1
    for some in _chunks(rows):
        numbers = pl.Series("line", range(line, line + len(some)), pl.Int64)
        line += len(some)
        columns = zip(*some, strict=True)
        yield pl.DataFrame([numbers, *(_column(str(at), c) for at, c in enumerate(columns))])


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
