"""A sheet that somebody sent, read in memory: it may name people, so it is never put on a disk."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from connectors.errors import Unreadable
from connectors.feed import encoding
from connectors.feed.readers import biff, excel, is_page, refuse_strange, zipped
from connectors.feed.readers import csv as delimited

NAME = "the file"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(frozen=True)
class Limits:
    """How much is read. `rows` counts every row of a sheet, empty ones below the last left out."""

    bytes: int = 20 * 1024**2
    rows: int = 50_000
    columns: int = 200
    cells: int = 4_000_000
    """Rows × columns as the sheet spans them, stray cells included."""


@dataclass(frozen=True)
class Grid:
    """One visible sheet: `rows[0]` is row 1 as a person counts; every cell is text.

    `merged` are (first row, column, last row) of cells merged downwards, 0-based: only the first
    has the text. `hidden` are the numbers of rows that nobody sees, as a person counts: by hand, in
    a closed group, or filtered away.
    """

    title: str
    rows: list[list[str]]
    merged: tuple[tuple[int, int, int], ...] = ()
    hidden: frozenset[int] = frozenset()


def read(content: bytes, limits: Limits, *, hidden: bool = False) -> list[Grid]:
    """The visible sheets of an XLSX or XLS workbook, or all of them, or the one table of a CSV.

    A formula is its last value. Raises Unreadable, whose code and message say what is wrong.
    """
    if not content.strip(b" \t\r\n\x00"):
        raise Unreadable("empty", f"{NAME} is empty")
    if len(content) > limits.bytes:
        most = limits.bytes // 1024**2
        raise Unreadable("too-large", f"{NAME} is larger than {most} MB; send it in parts")
    refuse_strange(content[:8], NAME)
    if is_page(content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").decode("ascii", "ignore")):
        raise Unreadable(
            "web-page", f"{NAME} is a web page in spite of its name; open it and save it as XLSX"
        )
    try:
        if content.startswith((b"PK", _OLE)):
            return list(_workbook(content, limits, hidden=hidden))
        return [_text(content, limits)]
    except CalamineError as error:
        raise Unreadable("not-excel", f"{NAME} cannot be read as Excel: {error}") from error


def _workbook(content: bytes, limits: Limits, *, hidden: bool) -> Iterator[Grid]:
    file = BytesIO(content)
    packed = content.startswith(b"PK")
    inside = zipped.inspect(file, NAME, limits.cells) if packed else {}
    file.seek(0)
    book = CalamineWorkbook.from_filelike(file)
    if not packed:
        inside = {title: zipped.Inside(hidden=x) for title, x in biff.hidden_rows(content).items()}
    for about in book.sheets_metadata:
        shown = hidden or about.visible == SheetVisibleEnum.Visible
        if shown and about.typ == SheetTypeEnum.WorkSheet:
            yield _sheet(book, about.name, inside.get(about.name, zipped.Inside()), limits)


def _sheet(book: CalamineWorkbook, title: str, inside: zipped.Inside, limits: Limits) -> Grid:
    sheet = book.get_sheet_by_name(title)
    if sheet.width > limits.columns:
        raise Unreadable("too-wide", f"{NAME} has more than {limits.columns} columns")
    if 0 in inside.hidden:
        raise Unreadable(
            "hidden-rows",
            f"{NAME} has hidden rows and does not number them; open it in a spreadsheet program and"
            " save it anew",
        )
    top, left = sheet.start or (0, 0)
    rows: list[list[str]] = [[] for _ in range(top)]
    filled = top
    for row in sheet.to_python(skip_empty_area=True):
        cells = [""] * left + [excel.text(cell) for cell in row]
        rows.append(cells)
        filled = len(rows) if any(cells) else filled
        if filled > limits.rows:
            raise _too_long(limits)
    del rows[filled:]
    for cell, text in inside.instead.items():
        at, column = zipped.place(cell)
        if at < len(rows) and column < len(rows[at]) and not rows[at][column]:
            rows[at][column] = text
    merged = tuple(
        (first, column, min(last, len(rows) - 1))
        for (first, column), (last, right) in sheet.merged_cell_ranges or ()
        if last > first and right == column and first < len(rows)
    )
    return Grid(title, rows, merged, frozenset(inside.hidden))


def _text(content: bytes, limits: Limits) -> Grid:
    code = encoding.of(content, NAME)
    try:
        text = content.decode(code)
    except UnicodeDecodeError as error:
        raise Unreadable("encoding", f"{NAME} is cut off within a character") from error
    if "\0" in text:
        raise Unreadable("not-text", f"{NAME} is neither a workbook nor text")
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimited.delimiter_of(text[: 256 * 1024])
    )
    rows: list[list[str]] = []
    filled = 0
    try:
        for row in reader:
            if len(row) > limits.columns:
                raise Unreadable("too-wide", f"{NAME} has more than {limits.columns} columns")
            rows.append(row)
            filled = len(rows) if any(cell.strip() for cell in row) else filled
            if filled > limits.rows:
                raise _too_long(limits)
    except csv.Error as error:
        raise Unreadable("not-text", f"{NAME} cannot be cut into rows: {error}") from error
    return Grid("", rows[:filled])


def _too_long(limits: Limits) -> Unreadable:
    return Unreadable(
        "too-many-rows", f"{NAME} has more than {limits.rows:,} rows; send it in parts"
    )
