"""CSV, TSV and the like: any delimiter, quoted new lines, in blocks of bounded size.

A block in which no field is quoted is cut by Polars; from the first quoted field on, the standard
library's reader takes over, which gets every form of quoting right.
"""

import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

import polars as pl

from connectors.errors import Unreadable
from connectors.model import Reject

from .. import encoding
from ..table import BATCH, Options, Table

_BLOCK = 8 * 1024 * 1024
_DELIMITERS = (",", "\t", ";", "|")
_MOST_REJECTS = 50_000
_SPILLED = (
    "the row has more cells than the header has columns; put cells that contain the delimiter "
    "into quotation marks"
)
_LONGEST_LINE = 4 * 1024 * 1024


def read(path: Path, name: str, options: Options) -> Iterator[Table]:
    """The one table of a delimited text file. Raises Unreadable."""
    code = options.encoding or encoding.guess(path)
    with encoding.opened(path, name, code) as file:
        head = file.read(256 * 1024)
    delimiter = options.delimiter or _delimiter(head)
    width = min(_width(head, delimiter), options.max_columns) + 1
    if width > options.max_columns:
        raise Unreadable("too-wide", f"{name} has more than {options.max_columns} columns")
    rejects: list[Reject] = []
    batches = _batches(path, name, code, delimiter, width)
    yield Table(
        name,
        (_whole(batch, name, rejects) for batch in batches),
        notes={"encoding": code, "delimiter": delimiter},
        rejects=rejects,
    )


def _whole(batch: pl.DataFrame, name: str, rejects: list[Reject]) -> pl.DataFrame:
    """The rows that have no more cells than the widest of the first rows; the rest is refused."""
    *columns, beyond = [column for column in batch.columns if column != "line"]
    spilled = batch.filter(pl.col(beyond).str.contains(r"\S"))
    for line, *cells in spilled.head(_MOST_REJECTS).iter_rows():
        text = " | ".join(cell or "" for cell in cells)
        rejects.append(Reject(name, line, "", text[:200], _SPILLED))
    return batch.filter(~pl.col(beyond).str.contains(r"\S").fill_null(value=False)).select(
        "line", *columns
    )


def _delimiter(head: str) -> str:
    """The one that cuts the most of the first lines into the same number of fields."""
    lines = [line for line in head.splitlines()[:200] if line.strip()]

    def evenness(delimiter: str) -> tuple[int, int]:
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter) if len(row) > 1]
        if not counts:
            return (0, 0)
        usual = max(set(counts), key=lambda n: (counts.count(n), n))
        return (counts.count(usual), usual)

    return max(_DELIMITERS, key=evenness)


def _width(head: str, delimiter: str) -> int:
    return max(
        (len(row) for row in csv.reader(head.splitlines(keepends=True), delimiter=delimiter)),
        default=1,
    )


def _batches(
    path: Path, name: str, code: str, delimiter: str, width: int
) -> Iterator[pl.DataFrame]:
    line = 1
    with encoding.opened(path, name, code) as file:
        for block in _blocks(file, name):
            if _quoted(block, delimiter):
                rest = itertools.chain(io.StringIO(block, newline=""), file)
                yield from _carefully(rest, delimiter, width, line)
                return
            frame = _cut(block, delimiter, width, line)
            line += len(frame)
            yield from (frame.slice(at, BATCH) for at in range(0, len(frame), BATCH))


def _blocks(file: TextIO, name: str) -> Iterator[str]:
    """Whole lines, about `_BLOCK` characters at a time."""
    while block := file.read(_BLOCK):
        if block[-1] != "\n":
            rest = file.readline(_LONGEST_LINE)
            if len(rest) == _LONGEST_LINE:
                raise Unreadable(
                    "long-line", f"{name} has a line of over {_LONGEST_LINE:,} characters"
                )
            block += rest
        yield block


def _quoted(block: str, delimiter: str) -> bool:
    """Whether any field begins with a quotation mark (or the lines end in a lone CR)."""
    lone = "\r" in block and "\n" not in block
    return lone or (
        '"' in block and bool(re.search(rf'(?:^|[\r\n{re.escape(delimiter)}])"', block))
    )


def _cut(block: str, delimiter: str, width: int, line: int) -> pl.DataFrame:
    names = [str(at) for at in range(width)]
    frame = pl.read_csv(
        io.BytesIO(block.encode()),
        separator=delimiter,
        has_header=False,
        quote_char=None,
        schema=dict.fromkeys(names, pl.String),
        truncate_ragged_lines=True,
        missing_columns="insert",
    )
    return frame.with_row_index("line", line).with_columns(pl.col("line").cast(pl.Int64))


def _carefully(
    lines: Iterable[str], delimiter: str, width: int, first: int
) -> Iterator[pl.DataFrame]:
    reader = csv.reader(lines, delimiter=delimiter)
    start, rows, numbers = first, [], []
    for row in reader:
        row.extend([""] * (width - len(row)))
        rows.append(row[:width])
        numbers.append(start)
        start = first + reader.line_num
        if len(rows) == BATCH:
            yield _frame(rows, numbers)
            rows, numbers = [], []
    if rows:
        yield _frame(rows, numbers)


def _frame(rows: list[list[str]], numbers: list[int]) -> pl.DataFrame:
    columns = [
        pl.Series(str(at), values, pl.String) for at, values in enumerate(zip(*rows, strict=True))
    ]
    return pl.DataFrame([pl.Series("line", numbers, pl.Int64), *columns])
