"""JSON of other people's machines, read exactly: decimals stay decimal, long ids keep every digit.

The standard library's reader is used because orjson turns `105.84` into a float on the way. A BOM
and stray control characters are dropped: real platforms send both.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from .errors import Unreadable

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SHOWN = 60


def parse(raw: bytes | str) -> Any:
    """The value of a JSON text; every number with a point or exponent is a Decimal.

    Raises Unreadable with code `empty`, `html` or `json`.
    """
    text = raw if isinstance(raw, str) else _decoded(raw)
    text = _CONTROL.sub("", text.removeprefix("\ufeff")).strip()
    if not text:
        raise Unreadable("empty", "the reply is empty")
    if text.startswith("<"):
        raise Unreadable("html", f"the reply is a page and no JSON: {text[:_SHOWN]!r}")
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_number, strict=False)
    except (ValueError, InvalidOperation, RecursionError) as error:
        raise Unreadable("json", f"the reply is no JSON: {text[:_SHOWN]!r}") from error


def dumps(value: Any) -> str:
    """Compact JSON as platforms get it: Decimals as exact numbers, Chinese as it is."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return (
            "{" + ",".join(f"{dumps(str(key))}:{dumps(each)}" for key, each in value.items()) + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ",".join(dumps(each) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("gb18030", "replace")


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")
