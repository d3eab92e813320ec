"""JSON and JSONL in a stream: numbers keep the digits they were written with.

In a JSON document the goods are the list of objects, under whatever key, whose first objects look
most like goods; they are read one by one, so that memory stays bounded.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from connectors.errors import Unreadable
from connectors.model import Reject

from .. import encoding
from ..columns import guess
from ..table import Options, Table, refuse
from . import records

_BLOCK = 1 << 20
_TOGETHER = 2_000
_LONGEST = 4 << 20
_LIST = re.compile(r"\[\s*(?=\{)")
_SPACE = re.compile(r"[\s,]*")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_no_constant)


def read_lines(path: Path, name: str, options: Options) -> Iterator[Table]:
    """The one table of a JSONL file; a line that is no object is a reject. Raises Unreadable."""
    code = options.encoding or encoding.guess(path)
    rejects: list[Reject] = []
    rows = records.batches(_lines(path, name, code, rejects))
    yield Table(name, rows, named=True, notes={"encoding": code}, rejects=rejects)


def _lines(path: Path, name: str, code: str, rejects: list[Reject]) -> Iterator[records.Numbered]:
    with encoding.opened(path, name, code) as file:
        number = 0
        while lines := [
            line for line in (file.readline(_LONGEST) for _ in range(_TOGETHER)) if line
        ]:
            if any(len(line) >= _LONGEST for line in lines):
                raise Unreadable("long-line", f"{name} has a line over {_LONGEST:,} characters")
            values = _together(lines)
            for at, line in enumerate(lines):
                number += 1
                value = values[at] if values is not None else _alone(line)
                if isinstance(value, dict):
                    yield number, _flat(value)
                elif line.strip():
                    why = value.args[0] if isinstance(value, ValueError) else "it is no object"
                    reason = f"the line is not a JSON object: {why}"
                    refuse(rejects, Reject(name, number, "", line.strip()[:200], reason))


def _together(lines: list[str]) -> list[Any] | None:
    """The values of lines that are sound, in one go; None where any is not."""
    try:
        values, _ = _decoded(f"[{','.join(lines)}]")
    except ValueError:
        return None
    return values if isinstance(values, list) and len(values) == len(lines) else None


def _alone(line: str) -> Any:
    """The value of one line, or the ValueError that says why it has none."""
    try:
        value, end = _decoded(line.strip())
    except ValueError as error:
        return error
    return value if end == len(line.strip()) else ValueError("more follows behind the object")


def read(path: Path, name: str, options: Options) -> Iterator[Table]:
    """The list of goods in a JSON document. Raises Unreadable."""
    code = options.encoding or encoding.guess(path)
    with encoding.opened(path, name, code) as file:
        start, notes = _best_list(file.read(_BLOCK), options)
    if start is None:
        raise Unreadable("no-list", f"{name} holds no list of objects; give one, or JSONL")
    rows = records.batches(_objects(path, name, code, start))
    yield Table(name, rows, named=True, notes={"encoding": code} | notes)


def _best_list(head: str, options: Options) -> tuple[int | None, dict[str, Any]]:
    """Where the list of goods starts: the one whose first object has the most columns we know."""
    best: tuple[int, int] | None = None
    for found in list(_LIST.finditer(head))[:200]:
        try:
            record = _decoded(head, found.end())[0]
        except ValueError:
            continue
        known = len(guess(list(_flat(record)), {}).chosen)
        if best is None or known > best[0]:
            best = (known, found.end())
    return (None, {}) if best is None else (best[1], {"starts_at_character": best[1]})


def _objects(path: Path, name: str, code: str, start: int) -> Iterator[records.Numbered]:
    with encoding.opened(path, name, code) as file:
        buffer = file.read(start + _BLOCK)[start:]
        number = at = 0
        while True:
            at = _end_of(_SPACE, buffer, at)
            if at >= len(buffer) - _LONGEST // 4 and (more := file.read(_BLOCK)):
                buffer, at = buffer[at:] + more, 0
                continue
            if buffer.startswith("]", at):
                _check_tail(buffer[at + 1 :], file, name)
                return
            number += 1
            try:
                record, at = _decoded(buffer, at)
            except ValueError as error:
                raise Unreadable(
                    "not-json", f"{name}: object {number} is not JSON: {error}"
                ) from error
            if not isinstance(record, dict):
                raise Unreadable("not-json", f"{name}: item {number} of the list is not an object")
            yield number, _flat(record)


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _check_tail(tail: str, file: TextIO, name: str) -> None:
    """A document that stops after the list was cut off on its way: nothing follows from it."""
    last = tail.strip()[-1:]
    while block := file.read(_BLOCK):
        last = block.strip()[-1:] or last
    if last and last not in "]}":
        raise Unreadable("not-json", f"{name} breaks off after its list of goods")


def _decoded(text: str, at: int = 0) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _flat(record: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    """Objects within the record also under `outer/inner` names."""
    nested = [name for name, value in record.items() if type(value) is dict]
    if not nested or depth > 2:
        return record
    flat = dict(record)
    for name in nested:
        for inner, value in _flat(record[name], depth + 1).items():
            flat.setdefault(f"{name}/{inner}", value)
    return flat
