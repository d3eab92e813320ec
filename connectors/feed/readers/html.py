"""Tables of a web page: what many shops' systems export, and call .xls."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
from lxml import etree

from connectors.errors import Unreadable

from .. import encoding
from ..table import BATCH, Options, Table

_LARGEST = 64 * 2**20
"""Bytes of a page, which is read as a whole."""
_EXACT = "x:num"
"""Where Excel's own pages keep a number of which only some digits are shown."""
_TALLEST = 100_000

Span = tuple[int, int, int, int]


def read(path: Path, name: str, options: Options) -> Iterator[Table]:
    """Every table of a page that has a header and a row. Raises Unreadable."""
    if path.stat().st_size > _LARGEST:
        raise Unreadable("too-large", f"{name} is too large for a web page; save it as XLSX or CSV")
    code = options.encoding or encoding.guess(path)
    with encoding.opened(path, name, code) as file:
        page = file.read().encode()
    found = [(rows, spans) for rows, spans in map(_grid, _tables(page)) if len(rows) > 1]
    if not found:
        raise Unreadable("no-list", f"{name} is a web page without a table; save it as XLSX or CSV")
    for number, (rows, spans) in enumerate(found, start=1):
        called = name if len(found) == 1 else f"{name} · {number}"
        width = max(map(len, rows))
        if width > options.max_columns:
            raise Unreadable("too-wide", f"{called} has more than {options.max_columns} columns")
        yield Table(called, _batches(rows, width), merged=tuple(spans), notes={"encoding": code})


def _tables(page: bytes) -> list[etree._Element]:
    """Those that hold no other one."""
    parser = etree.HTMLParser(encoding="utf-8", no_network=True)
    try:
        root = etree.fromstring(page, parser)
    except etree.XMLSyntaxError:
        return []
    return [] if root is None else [x for x in root.iter("table") if x.find(".//table") is None]


def _grid(table: etree._Element) -> tuple[list[list[str]], list[Span]]:
    """The cells of its rows, each in its column; those that reach down into other rows."""
    rows: list[list[str]] = []
    spans: list[Span] = []
    taken: dict[int, int] = {}
    """Columns whose cell came from above, and the last row of it."""
    for at, line in enumerate(table.iter("tr")):
        row: list[str] = []
        for cell in line.iterchildren("td", "th"):
            while taken.get(len(row), -1) >= at:
                row.append("")
            right, down = _reach(cell, "colspan", 100), _reach(cell, "rowspan", _TALLEST)
            first, last = len(row), at + down - 1
            row += [_text(cell), *[""] * (right - 1)]
            if down > 1:
                spans.append((at, first, last, first + right - 1))
                taken |= dict.fromkeys(range(first, first + right), last)
        rows.append(row)
    return rows, spans


def _reach(cell: etree._Element, name: str, most: int) -> int:
    said = (cell.get(name) or "1").strip()
    return min(max(int(said), 1), most) if said.isascii() and said.isdigit() else 1


def _text(cell: etree._Element) -> str:
    shown = "".join(str(part) for part in cell.itertext())
    return cell.get(_EXACT) or " ".join(shown.split())


def _batches(rows: list[list[str]], width: int) -> Iterator[pl.DataFrame]:
    for at in range(0, len(rows), BATCH):
        some = [row + [""] * (width - len(row)) for row in rows[at : at + BATCH]]
        numbers = pl.Series("line", range(at + 1, at + 1 + len(some)), pl.Int64)
        columns = zip(*some, strict=True)
        yield pl.DataFrame(
            [numbers, *(pl.Series(str(n), c, pl.String) for n, c in enumerate(columns))]
        )
