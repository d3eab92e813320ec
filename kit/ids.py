"""Ids: bigint inside, opaque strings such as `ord_Xk3vQ9` outside."""

from functools import cache, lru_cache

from sqids import Sqids
from sqids.constants import DEFAULT_BLOCKLIST

from kit.errors import Problem, invalid

_ALPHABET = "mUk5Z1EqatyliD92vOwWsFCRV7QMrbNH6YohKXSJTp3ABfcnG4LxgI0edPzj8u"
_SHORTEST = 6
_SQIDS = Sqids(alphabet=_ALPHABET, min_length=_SHORTEST)
_FILLED = Sqids(alphabet=_ALPHABET, min_length=_SHORTEST, blocklist=[])
_BARE = Sqids(alphabet=_ALPHABET, min_length=0, blocklist=[])
_LETTERS = len(_ALPHABET)
_RUDE = frozenset(word[:3].lower() for word in DEFAULT_BLOCKLIST)
"""How words begin that no id has."""

_NOUNS = {
    "chg": "event",
    "clm": "claim",
    "dep": "deposit request",
    "dif": "difference",
    "evt": "event",
    "exc": "exception",
    "imp": "order sheet",
    "ltr": "dead letter",
    "mat": "match",
    "mem": "member",
    "ord": "order",
    "pay": "payout",
    "prd": "product",
    "pty": "party",
    "pur": "purchase",
    "quo": "quote",
    "sht": "sheet",
    "sig": "sign-up",
    "sku": "SKU",
    "stm": "statement",
    "syn": "synonym",
    "tok": "token",
    "whk": "webhook",
}
"""What ids with a prefix name, where that is no word itself."""

LARGEST = 2**63 - 1
"""The largest bigint."""


@lru_cache(maxsize=2**16)  # Sqids is pure Python, and goods are named again and again
def outside(prefix: str, number: int) -> str:
    """The outside form of our id `number`, for example `outside("ord", 7)`."""
    return f"{prefix}_{_encoded(number)}"


@lru_cache(maxsize=2**14)
def inside(prefix: str, text: str) -> int:
    """The number behind an outside id. Raises Problem 404 when it cannot be one of ours."""
    head, _, tail = text.partition("_")
    numbers = _SQIDS.decode(tail) if head == prefix else []
    if len(numbers) != 1 or numbers[0] > LARGEST or _encoded(numbers[0]) != tail:
        raise Problem(404, "not_found", f"there is no {_NOUNS.get(prefix, prefix)} {text!r}")
    return numbers[0]


def given(prefix: str, text: str, field: str, code: str = "unknown") -> int:
    """As `inside`, for a field of a request. Raises Problem 422 that names it."""
    try:
        return inside(prefix, text)
    except Problem as problem:
        raise invalid(field, problem.detail, code) from problem


def _encoded(number: int) -> str:
    """As `_SQIDS` encodes it, in a tenth of the time: pages name many goods."""
    if not 0 <= number <= LARGEST:
        return _SQIDS.encode([number])
    first, digits, filling = _form(number % _LETTERS)
    rest, text = number, ""
    while rest or not text:
        rest, last = divmod(rest, _LETTERS - 1)
        text = digits[last] + text
    text = first + text
    text += filling[: max(_SHORTEST - len(text), 0)]
    said = text.lower()
    if any(said[at : at + 3] in _RUDE for at in range(len(said) - 2)):
        return _SQIDS.encode([number])  # it knows whole words, and what is said instead
    return text


@cache
def _form(remainder: int) -> tuple[str, str, str]:
    """(first character, digits, what fills up short ones) of the ids of numbers with a remainder.

    Ids are the number in a base of one letter less than there are, so that for each last digit
    there is a number with this remainder.
    """
    numbers = (
        remainder + _LETTERS * ((last - remainder) % (_LETTERS - 1)) for last in range(_LETTERS - 1)
    )
    bare = _BARE.encode([remainder])
    digits = "".join(_BARE.encode([number])[-1] for number in numbers)
    return bare[0], digits, _FILLED.encode([remainder])[len(bare) :]
