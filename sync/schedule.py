"""Where a source's calls are worth most. Pure.

An offer stands in a class of worth. A class of weight w is read so often that the ages of all
figures, each weighted by its worth, are as small as the budget allows: that is when the span
between two readings is proportional to 1 / √w.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

CLASSES = 8
"""Classes of worth, 0 (nobody wants it) to 7; each weighs four times the one below."""
SHORTEST = 60.0
LONGEST = 7 * 86400.0
"""Seconds between two readings of one figure, whatever the budget."""


@dataclass(frozen=True)
class Outlook:
    """Ages in seconds that half, and nineteen of twenty, of the figures stay below."""

    p50: float
    p95: float


def worth(picked: int, sold: int, moves: int) -> int:
    """The class of an offer: leaders who picked its SKU, units sold in 30 days, changes in 7."""
    wanted = math.log10(1 + picked) + 1.5 * math.log10(1 + sold)
    volatile = math.log2(1 + moves) / 2
    return min(CLASSES - 1, math.floor(wanted + (volatile if wanted else volatile / 2)))


def spans(counts: Mapping[int, int], per_second: float) -> dict[int, float]:
    """Seconds between two readings for every class, with figures in it and `per_second` to spend.

    No class is read more often than every `SHORTEST` seconds, and what that saves goes to the
    others; none is left alone longer than `LONGEST`.
    """
    found: dict[int, float] = {}
    rest = {one: n for one, n in counts.items() if n > 0}
    left = per_second
    while rest:
        if left <= 0:
            return found | dict.fromkeys(rest, LONGEST)
        pull = sum(n * _root(one) for one, n in rest.items())
        ideal = {one: pull / (left * _root(one)) for one in rest}
        often = [one for one, span in ideal.items() if span < SHORTEST]
        if not often:
            return found | {one: min(LONGEST, span) for one, span in ideal.items()}
        for one in often:
            found[one] = SHORTEST
            left -= rest.pop(one) / SHORTEST
    return found


def outlook(counts: Mapping[int, int], per_second: float) -> Outlook | None:
    """The ages to expect once every class is read in its turn; None without figures."""
    read = spans(counts, per_second)
    if not read:
        return None
    return Outlook(_quantile(counts, read, 0.5), _quantile(counts, read, 0.95))


def _root(one: int) -> float:
    return math.sqrt(4.0**one)


def _quantile(counts: Mapping[int, int], read: Mapping[int, float], share: float) -> float:
    """An age below which `share` lies, where ages within a class are spread evenly."""
    total = sum(counts[one] for one in read)
    low, high = 0.0, max(read.values())
    for _ in range(60):
        middle = (low + high) / 2
        below = sum(counts[one] * min(1.0, middle / span) for one, span in read.items())
        low, high = (middle, high) if below < share * total else (low, middle)
    return high
