"""Which of a platform's orders hold the units of a claim: the leaves of its tree. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.trading import Part

_FIRST = ("delivered", "completed", "shipped", "open", "held")
"""Leaves whose goods have arrived are claimed first: no other can be sent back."""


@dataclass(frozen=True)
class Take:
    """So many units of a leaf."""

    ref: str
    quantity: int


def allocate(
    external_id: str,
    quantity: int,
    parts: Sequence[Part],
    taken: Mapping[str, int],
    alone: Mapping[str, int],
) -> list[Take]:
    """Leaves for `quantity` units of a SKU; fewer units where there are no more.

    `taken` are units of the SKU by leaf under other claims. `alone` are the purchase's own lines:
    a leaf that is the only one holds all of them, where the platform leaves its lines out.
    """
    left, found = quantity, []
    alive = [part for part in parts if part.state in _FIRST]
    for part in sorted(alive, key=lambda one: (_FIRST.index(one.state), one.ref)):
        held = dict(part.lines) or (dict(alone) if len(alive) == 1 else {})
        units = min(left, held.get(external_id, 0) - taken.get(part.ref, 0))
        if units > 0:
            found.append(Take(part.ref, units))
            left -= units
    return found
