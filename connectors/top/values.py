"""Single values of TOP replies and parameters: ids, money, moments and flags. Pure.

A missing key, null and an empty string are unknown and read as None; a value in another form than
any that TOP is known to send raises Bad. Numbers and text drift: `"5"` and `5` are the same.
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from kit.clock import SHANGHAI

FORM = "%Y-%m-%d %H:%M:%S"
Node = Mapping[str, Any]

_WHOLE = re.compile(r"[+-]?\d+")
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


class Bad(ValueError):
    """A value that cannot be read; `column` and `value` say which."""

    def __init__(self, column: str, value: object, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.value = str(value)[:200]
        self.reason = reason


def text(node: Node, key: str) -> str | None:
    """Text without surrounding space; ids sent as numbers become their digits."""
    value = node.get(key)
    if value is None or isinstance(value, bool | dict | list):
        if value is None:
            return None
        raise Bad(key, value, "text was expected")
    return str(value).strip() or None


def needed(node: Node, key: str) -> str:
    """Text that must be there. Raises Bad."""
    value = text(node, key)
    if value is None:
        raise Bad(key, "", "the platform sent no value")
    return value


def whole(node: Node, key: str) -> int | None:
    """A whole number; never by way of a float, so ids above 2^53 keep all digits."""
    value = text(node, key)
    if value is None:
        return None
    if not _WHOLE.fullmatch(value):
        raise Bad(key, value, "a whole number was expected")
    return int(value)


def quantity(node: Node, key: str) -> int | None:
    """Pieces in stock. Negative figures are no quantities: unknown."""
    value = whole(node, key)
    return value if value is not None and value >= 0 else None


def number(node: Node, key: str) -> Decimal | None:
    """A decimal number in plain digits."""
    value = text(node, key)
    if value is None:
        return None
    if not _PLAIN_NUMBER.fullmatch(value):
        raise Bad(key, value, "a number was expected")
    return Decimal(value)


def yuan(node: Node, key: str) -> Decimal | None:
    """A price in CNY from yuan."""
    return _price(key, number(node, key))


def fen(node: Node, key: str) -> Decimal | None:
    """A price in CNY from fen."""
    value = number(node, key)
    return None if value is None else _price(key, value / 100)


def _price(key: str, value: Decimal | None) -> Decimal | None:
    if value is not None and not 0 <= value < 10**10:
        raise Bad(key, value, "this is no price")
    return value


def flag(node: Node, key: str) -> bool | None:
    """true and false, also as text or 1 and 0."""
    value = node.get(key)
    if value is None or value == "":
        return None
    known = {"true": True, "1": True, "false": False, "0": False}
    read = known.get(str(value).strip().lower())
    if read is None:
        raise Bad(key, value, "true or false was expected")
    return read


def moment(node: Node, key: str) -> datetime | None:
    """`2024-01-02 03:04:05` as the platform's zone means it, aware, in UTC."""
    value = text(node, key)
    if value is None or value.startswith("0000"):
        return None
    try:
        return datetime.strptime(value[:19], FORM).replace(tzinfo=SHANGHAI).astimezone(UTC)
    except ValueError as error:
        raise Bad(key, value, "a date such as 2024-01-02 03:04:05 was expected") from error


def stamp(when: datetime) -> str:
    """A moment as TOP wants it: GMT+8, whatever the zone of this machine."""
    return when.astimezone(SHANGHAI).strftime(FORM)


def picture(address: str | None) -> str | None:
    """An absolute address; `//img…` is protocol-relative."""
    if address is None:
        return None
    return f"https:{address}" if address.startswith("//") else address


def told(params: Mapping[str, object]) -> dict[str, str]:
    """Business parameters as TOP wants them; what is empty is not sent at all.

    Booleans are `true` and `false`, moments GMT+8, plain lists joined by commas, objects and
    lists of objects compact JSON.
    """
    spelled = {key: _spelled(value) for key, value in params.items()}
    return {key: value for key, value in spelled.items() if value != ""}


def _spelled(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, Mapping):
        return _json(value) if value else ""
    if isinstance(value, list | tuple):
        return _json(value) if _of_objects(value) else ",".join(_spelled(one) for one in value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def _of_objects(values: Iterable[object]) -> bool:
    return any(isinstance(one, Mapping) for one in values)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
