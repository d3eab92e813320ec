"""Records with names of their own (JSON objects, XML elements) as batches of text columns."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import polars as pl

from ..table import BATCH

Numbered = tuple[int, Mapping[str, Any]]
"""A record and its place in the file: line or number, 1-based."""


def batches(records: Iterable[Numbered]) -> Iterator[pl.DataFrame]:
    """Batches with a column for every name that occurs in them."""
    some: list[Numbered] = []
    for record in records:
        some.append(record)
        if len(some) == BATCH:
            yield _frame(some)
            some = []
    if some:
        yield _frame(some)


def _frame(some: list[Numbered]) -> pl.DataFrame:
    records = [_as_text(record) for _, record in some]
    names = dict.fromkeys(name for record in records for name in record if name != "line")
    try:
        rows = pl.DataFrame(records, schema=dict.fromkeys(names, pl.String))
    except UnicodeEncodeError:  # half of a character, as in "\\ud83d"
        records = [
            {_sound(name): text and _sound(text) for name, text in r.items()} for r in records
        ]
        rows = pl.DataFrame(records, schema={_sound(name): pl.String for name in names})
    return rows.select(pl.Series("line", [line for line, _ in some], pl.Int64), pl.all())


def _sound(text: str) -> str:
    return text.encode(errors="replace").decode()


def _as_text(record: Mapping[str, Any]) -> Mapping[str, str | None]:
    if all(type(value) is str for value in record.values()):
        return record
    return {name: text(value) for name, value in record.items()}


def text(value: Any) -> str | None:
    """A JSON value as a cell: lists and objects as JSON, numbers are text already."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "是" if value else "否"
    return json.dumps(value, ensure_ascii=False)
