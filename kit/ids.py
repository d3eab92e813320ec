"""Ids: bigint inside, opaque strings such as `ord_Xk3vQ9` outside."""

from functools import lru_cache

from sqids import Sqids

from kit.errors import Problem

_SQIDS = Sqids(
    alphabet="mUk5Z1EqatyliD92vOwWsFCRV7QMrbNH6YohKXSJTp3ABfcnG4LxgI0edPzj8u", min_length=6
)

LARGEST = 2**63 - 1
"""The largest bigint."""


@lru_cache(maxsize=2**16)  # Sqids is pure Python, and goods are named again and again
def outside(prefix: str, number: int) -> str:
    """The outside form of our id `number`, for example `outside("ord", 7)`."""
    return f"{prefix}_{_SQIDS.encode([number])}"


@lru_cache(maxsize=2**14)
def inside(prefix: str, text: str) -> int:
    """The number behind an outside id. Raises Problem 404 when it cannot be one of ours."""
    head, _, tail = text.partition("_")
    numbers = _SQIDS.decode(tail) if head == prefix else []
    if len(numbers) != 1 or numbers[0] > LARGEST or _SQIDS.encode(numbers) != tail:
        raise Problem(404, "not_found", f"there is no {prefix} {text!r}")
    return numbers[0]
