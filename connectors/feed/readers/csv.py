"""CSV, TSV and the like: any delimiter, quoted new lines, in blocks of bounded size.

A block in which no field is quoted is cut by Polars; from the first quoted field on, the standard
library's reader takes over, which gets every form of quoting right.
"""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import polars as pl

from connectors.errors import Unreadable
from connectors.model import Reject

from .. import encoding
from ..table import BATCH, DEPTH, Options, Table, refuse

_BLOCK = 4 * 1024 * 1024
_DELIMITERS = (",", "\t", ";", "|")
_MOST_LINES = 200
"""Lines of one record: a longer one has lost a quotation mark."""
_LONGEST_LINE = 4 * 1024 * 1024


def read(path: Path, name: str, options: Options) -> Iterator[Table]:
    """The one table of a delimited text file. Raises Unreadable."""
    code = options.encoding or encoding.guess(path)
    with encoding.opened(path, name, code) as file:
        head = file.read(256 * 1024)
    delimiter = options.delimiter or delimiter_of(head)
    widths = [len(row) for row in _sample(head, delimiter)]
    width = max(widths, default=1)
    if width > options.max_columns:
        raise Unreadable("too-wide", f"{name} has more than {options.max_columns} columns")
    rejects: list[Reject] = []
    yield Table(
        name,
        _batches(path, name, _Form(code, delimiter, width + 1), rejects),
        widths=tuple(widths[:DEPTH]),
        notes={"encoding": code, "delimiter": delimiter},
        rejects=rejects,
    )


@dataclass(frozen=True)
class _Form:
    """How the text is cut. `width` has one column more than any of the first rows."""

    code: str
    delimiter: str
    width: int


def _sample(head: str, delimiter: str) -> list[list[str]]:
    """The first rows, as far as they can be cut."""
    rows: list[list[str]] = []
    try:
        rows.extend(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter))
    except csv.Error:
        return rows
    return rows


def delimiter_of(head: str) -> str:
    """The one that cuts the most of the first lines into the same number of fields."""

    def evenness(delimiter: str) -> tuple[int, int]:
        counts = [len(row) for row in _sample(head, delimiter)[:200] if len(row) > 1]
        if not counts:
            return (0, 0)
        usual = max(set(counts), key=lambda n: (counts.count(n), n))
        return (counts.count(usual), usual)

    return max(_DELIMITERS, key=evenness)


def _batches(path: Path, name: str, form: _Form, rejects: list[Reject]) -> Iterator[pl.DataFrame]:
    line = 1
    with encoding.opened(path, name, form.code) as file:
        for block in _blocks(file, name):
            if _quoted(block, form.delimiter):
                lines = _Lines(block, file, name)
                yield from _carefully(lines, name, form, line, rejects)
                return
            frame = _cut(block, form, line)
            line += len(frame)
            yield from (frame.slice(at, BATCH) for at in range(0, len(frame), BATCH))


def _blocks(file: TextIO, name: str) -> Iterator[str]:
    """Whole lines, about `_BLOCK` characters at a time."""
    while block := file.read(_BLOCK):
        if block[-1] != "\n":
            rest = file.readline(_LONGEST_LINE)
            if len(rest) == _LONGEST_LINE:
                raise _long_line(name)
            block += rest
        yield block


def _long_line(name: str) -> Unreadable:
    return Unreadable("long-line", f"{name} has a line of over {_LONGEST_LINE:,} characters")


def _quoted(block: str, delimiter: str) -> bool:
    """Whether any field begins with a quotation mark (or any line ends in a lone CR)."""
    lone = block.count("\r") != block.count("\r\n")
    return lone or (
        '"' in block and bool(re.search(rf'(?:^|[\r\n{re.escape(delimiter)}])"', block))
    )


def _cut(block: str, form: _Form, line: int) -> pl.DataFrame:
    frame = pl.read_csv(
        io.BytesIO(block.encode()),
        separator=form.delimiter,
        has_header=False,
        quote_char=None,
        schema={str(at): pl.String for at in range(form.width)},
        truncate_ragged_lines=True,
        missing_columns="insert",
        extra_columns="ignore",  # one column beyond the widest shows that there were more
    )
    return frame.with_row_index("line", line).with_columns(pl.col("line").cast(pl.Int64))


class _Unclosed(Exception):
    """A quotation mark was opened and never closed."""


class _Lines:
    """Lines one by one; those of the record under way can be given back."""

    def __init__(self, block: str, file: TextIO, name: str) -> None:
        self._near, self._far, self._name = io.StringIO(block, newline=""), file, name
        self._again: deque[str] = deque()
        self.record: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if len(self.record) == _MOST_LINES:
            raise _Unclosed("a quotation mark is opened and not closed")
        line = self._again.popleft() if self._again else self._read()
        if not line:
            raise StopIteration
        if len(line) >= _LONGEST_LINE:
            raise _long_line(self._name)
        self.record.append(line)
        return line

    def _read(self) -> str:
        return self._near.readline(_LONGEST_LINE) or self._far.readline(_LONGEST_LINE)

    def give_back(self) -> None:
        """All but the first line of the record will come again."""
        self._again.extendleft(reversed(self.record[1:]))


def _carefully(
    lines: _Lines, name: str, form: _Form, line: int, rejects: list[Reject]
) -> Iterator[pl.DataFrame]:
    reader = csv.reader(lines, delimiter=form.delimiter, strict=True)
    rows: list[list[str]] = []
    numbers: list[int] = []
    while True:
        lines.record = []
        try:
            row = next(reader)
        except StopIteration:
            break
        except (csv.Error, _Unclosed) as error:
            reason = f"the row cannot be cut into cells, look at its quotation mark: {error}"
            refuse(rejects, Reject(name, line, "", lines.record[0].strip()[:200], reason))
            lines.give_back()
            reader = csv.reader(lines, delimiter=form.delimiter, strict=True)
            line += 1
            continue
        rows.append((row + [""] * (form.width - len(row)))[: form.width])
        numbers.append(line)
        line += len(lines.record)
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
