"""Text as people type it into sheets: full-width forms, stray spaces, thousands separators."""

import re
import unicodedata
from decimal import Decimal

NOTHING = frozenset(
    {"", "-", "--", "—", "——", "/", "\\", "n/a", "#n/a", "null", "none", "nan", "暂无"}
)
"""What a cell says when it says nothing (after `plain`, lower-cased)."""

_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_SPACED = re.compile(r"[+-]?\d{1,3}(?: \d{3})+(?:\.\d+)?")
_SIGN = re.compile(r"^([+-]) ")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)")
_EXPONENT = re.compile(r"[+-]?\d+(?:\.\d+)?[eE][+-]?\d+")
_MAX_DIGITS = 30


class Bad(ValueError):
    """A value that cannot be read; the message is the reason, for its author."""


def plain(text: str) -> str:
    """Half-width, without control or zero-width characters, inner white space single."""
    folded = unicodedata.normalize("NFKC", text)
    kept = "".join(c if unicodedata.category(c) not in ("Cc", "Cf") else " " for c in folded)
    return " ".join(kept.split())


def number(text: str) -> Decimal | None:
    """`1,280.00`, `１２.８`, `-3` exactly; None where it is no number. Raises Bad for 1.2E+13."""
    folded = _SIGN.sub(r"\1", plain(text))
    if _SPACED.fullmatch(folded):  # else spaces part two numbers
        folded = folded.replace(" ", "")
    if len(folded) > _MAX_DIGITS:
        return None
    if _EXPONENT.fullmatch(folded):
        raise Bad(f"“{text}” is in scientific notation: digits are lost; format the cell as text")
    if _GROUPED.fullmatch(folded):
        folded = folded.replace(",", "")
    if not _NUMBER.fullmatch(folded):
        return None
    return Decimal(folded)


def whole(text: str, what: str) -> int:
    """A whole number ≥ 0, such as `1,000` or `12.0`. Raises Bad with `what` in the reason."""
    value = number(text)
    if value is None:
        raise Bad(f"“{text}” is not {what}")
    if value != value.to_integral_value():
        raise Bad(f"“{text}” is not a whole number, as {what} must be")
    if value < 0:
        raise Bad(f"“{text}” is negative; {what} is 0 or more")
    if value > 10**12:
        raise Bad(f"“{text}” is too large for {what}")
    return int(value)
