"""Fields of 1688's replies: numbers as texts and texts as numbers, keys that are missing. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from kit.money import yuan as yuan_text

Record = Mapping[str, Any]


class Bad(Exception):
    """A field that cannot be read: its name, its value, and why."""

    def __init__(self, column: str, value: object, reason: str) -> None:
        super().__init__(f"{column}: {reason}")
        self.column = column
        self.value = str(value)[:200]
        self.reason = reason


def text(record: Record, *keys: str) -> str | None:
    """The first of `keys` that says something, as text without outer white space."""
    for key in keys:
        value = record.get(key)
        if value is None or isinstance(value, bool | dict | list):
            continue
        if said := str(value).strip():
            return said
    return None


def needed(record: Record, *keys: str) -> str:
    """The same; raises Bad where none says anything."""
    if (said := text(record, *keys)) is None:
        raise Bad(keys[0], "", "1688 sent none")
    return said


def part(record: Record, *keys: str) -> Record:
    """The first of `keys` that is an object; an empty one where none is."""
    return next((record[key] for key in keys if isinstance(record.get(key), dict)), {})


def parts(record: Record, *keys: str) -> list[Record]:
    """The objects of the first of `keys` that is a list; a lone object counts as a list of one."""
    for key in keys:
        value = record.get(key)
        if isinstance(value, dict):
            return [value]
        if isinstance(value, list):
            return [one for one in value if isinstance(one, dict)]
    return []


def number(record: Record, *keys: str) -> Decimal | None:
    """A finite number; None where nothing is said. Raises Bad."""
    said = text(record, *keys)
    if said is None:
        return None
    try:
        value = Decimal(said)
    except ArithmeticError as error:
        raise Bad(keys[0], said, "this is no number") from error
    if not value.is_finite() or abs(value) >= Decimal(10**15):
        raise Bad(keys[0], said, "this is no number")
    return value


def whole(record: Record, *keys: str) -> int | None:
    """A whole number, also when written 5.0. Raises Bad."""
    value = number(record, *keys)
    if value is None:
        return None
    if value != value.to_integral_value():
        raise Bad(keys[0], value, "this is no whole number")
    return int(value)


def price(record: Record, *keys: str) -> Decimal | None:
    """A price in yuan above zero; zero is no price. Raises Bad."""
    value = number(record, *keys)
    if value is None or value == 0:
        return None
    if value < 0 or value >= Decimal(10**9):
        raise Bad(keys[0], value, "this is no price")
    return value


def fen(record: Record, *keys: str) -> int | None:
    """An amount in fen. Raises Bad."""
    return whole(record, *keys)


def from_fen(amount: int) -> Decimal:
    """Fen as CNY."""
    return Decimal(yuan_text(amount))
