"""What a platform's answers mean for our claim, once all of them are in. Pure.

A claim may be asked for as several of the platform's: one for each SKU of each of its orders.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Word = Literal[
    "wait", "approved", "returning", "received", "refunded", "replaced", "refused", "cancelled"
]
_STEPS: tuple[Word, ...] = ("approved", "returning", "received")
"""How far goods have come; a claim has come as far as its slowest part."""


@dataclass(frozen=True)
class Answered:
    """One of the platform's claims: how it stands, fen that came back, and fen that should."""

    state: str
    refunded: int
    expected: int


def verdict(parts: Sequence[Answered]) -> Word:
    """Where the claim as a whole stands at the platform. A part that the platform takes no claim
    about (failed) leaves the whole to a person."""
    states = [part.state for part in parts]
    if "failed" in states or {"new", "asking", "open"} & set(states):
        return "wait"
    for step in _STEPS:
        if step in states:
            return step
    if "refunded" in states:
        return "refunded"
    if {"replacing", "replaced"} & set(states):
        return "replaced"
    return "cancelled" if set(states) == {"cancelled"} else "refused"


def paid(asked: int, parts: Sequence[Answered]) -> int:
    """Fen for the leader out of `asked`, in the proportion in which the platform gave back."""
    expected = sum(part.expected for part in parts)
    came = min(sum(part.refunded for part in parts), expected)
    return asked if came == expected else asked * came // expected
