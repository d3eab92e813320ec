"""Rejected rows as a sheet that their author can open, correct and hand in again: CSV, UTF-8 with
BOM.

Each row has its own cells under its sheet's own words, then where it stood and what is wrong. Those
last columns tell a corrected sheet from any other: they are not read, and it is never a whole list.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

import orjson

from connectors.model import Reject

HEADER = ("文件 file", "行 line", "列 column", "值 value", "原因 reason")
_MARKS = frozenset({"行 line", "列 column", "原因 reason"})
_ACTIVE = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_CHANGED = re.compile(
    r"\s*(0\d+|\d{12,}|\d+(\.\d+)?[eE][+-]?\d+|\d{1,4}[-/.]\d{1,2}([-/.]\d{1,4})?)\s*"
)
"""What a spreadsheet takes for a number or a day, and does not give back as it was: 0007, 1-2."""


def rejects_csv(rejects: Iterable[Reject]) -> bytes:
    """The rejected rows in their order, each once with all that is wrong with it.

    A `'` disarms what a spreadsheet would run as a formula, and keeps what it would change.
    """
    rows: dict[tuple[str, int], list[Reject]] = {}
    for reject in rejects:
        rows.setdefault((reject.file, reject.line), []).append(reject)
    cells = {place: _cells(found) for place, found in rows.items()}
    heads = list(dict.fromkeys(head for said in cells.values() for head in said))
    table: list[Sequence[object]] = [(*(inert(head) for head in heads), *HEADER)]
    for (file, line), found in rows.items():
        said = cells[file, line]
        texts = ([one.column for one in found], [one.value for one in found])
        wrong = (*("；".join(x) for x in texts), "；".join(one.reason for one in found))
        own = (as_text(said.get(head, "")) for head in heads)
        table.append((*own, inert(file), line, *(inert(text) for text in wrong)))
    return written(table)


def written(rows: Iterable[Sequence[object]]) -> bytes:
    """Rows as CSV that spreadsheets open as what it is."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _cells(rejects: Sequence[Reject]) -> Mapping[str, str]:
    told = next((one.cells for one in rejects if one.cells), "")
    if told:
        found: dict[str, str] = orjson.loads(told)
        return found
    return {one.column: one.value for one in rejects if one.column}


def corrects(labels: Iterable[str]) -> bool:
    """Whether a header is that of rejected rows, which come back corrected."""
    return {" ".join(label.split()) for label in labels} >= _MARKS


def inert(text: str) -> str:
    """Text that no spreadsheet takes for a formula, without NUL."""
    text = text.replace("\0", "")
    return f"'{text}" if text.lstrip(" ").startswith(_ACTIVE) else text


def as_text(text: str) -> str:
    """Text that comes back from a spreadsheet as it went, but for a `'` before it."""
    return f"'{text}" if _CHANGED.fullmatch(text) else inert(text)
