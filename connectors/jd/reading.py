"""JD's values read with patience: the same field is a number here and a text there. Pure."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors import jsontext
from connectors.errors import Unreadable
from kit.clock import SHANGHAI

_MILLIS = 10**11


def pick(row: Mapping[str, Any], *names: str) -> Any:
    """The first of several spellings of a field that holds something; None when none does."""
    for name in names:
        if (value := row.get(name)) not in (None, ""):
            return value
    return None


def text(value: Any) -> str:
    """A text without spaces around; ids keep every digit."""
    return "" if value is None else str(value).strip()


def money(value: Any) -> Decimal | None:
    """A price or an amount; None for what is empty, negative or no number."""
    try:
        number = Decimal(text(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and number >= 0 else None


def whole(value: Any) -> int | None:
    """A whole number, whichever way it is written; None when it is none."""
    try:
        return int(Decimal(text(value)))
    except (InvalidOperation, ValueError, OverflowError):
        return None


def yes(value: Any) -> bool:
    """true, "true" and 1 alike."""
    return text(value).lower() in ("true", "1")


def unpacked(value: Any) -> Any:
    """The value itself, parsed where it is JSON in a string, or even that in a string."""
    if isinstance(value, str) and value.lstrip().startswith(("[", "{", '"[', '"{')):
        return unpacked(jsontext.parse(value))
    return value


def rows(value: Any) -> list[dict[str, Any]]:
    """A list of objects, also when it is JSON text, one object, or missing."""
    found = unpacked(value)
    if found is None or found == "":
        return []
    if isinstance(found, dict):
        return [found]
    if isinstance(found, list):
        return [row for row in map(unpacked, found) if isinstance(row, dict)]
    raise Unreadable("shape", f"a list was expected and is {type(found).__name__}")


def table(value: Any) -> dict[str, Any]:
    """One object, also when it is JSON text or missing."""
    found = unpacked(value)
    if found is None or found == "":
        return {}
    if not isinstance(found, dict):
        raise Unreadable("shape", f"an object was expected and is {type(found).__name__}")
    return found


def ids(value: Any) -> list[str]:
    """Ids as a list, a comma string or a single number. Raises Unreadable for broken JSON."""
    found = unpacked(value)
    if isinstance(found, list):
        return [text(each) for each in found if text(each)]
    return [each for each in (part.strip() for part in text(found).split(",")) if each]


def moment(value: Any) -> datetime | None:
    """A moment told in ms since 1970 or in Beijing time; None when it is neither."""
    number = whole(value)
    try:
        if number is not None and number > _MILLIS:
            return datetime.fromtimestamp(number / 1000, UTC)
        told = datetime.fromisoformat(text(value))
        return (told if told.tzinfo else told.replace(tzinfo=SHANGHAI)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):  # no date, or none that any calendar has
        return None


def numbered(external_id: str) -> int | str:
    """An id as JD's JSON wants it: a number where it is one."""
    digits = external_id.isascii() and external_id.isdigit()
    plain = digits and (external_id == "0" or external_id[0] != "0")
    return int(external_id) if plain else external_id


def batches(items: list[str], size: int) -> Iterator[list[str]]:
    """`items` in groups of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
