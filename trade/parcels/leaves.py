"""What the leaves of a platform's tree say of the lines of a purchase. Pure."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from connectors.trading import Part
from trade.models import PurchaseLine


def goods(part: Part, lines: Mapping[int, PurchaseLine], *, alone: bool) -> dict[int, int] | None:
    """Units by line number in a parcel, not known yet, that carries a leaf's goods; None: all that
    is open, which a leaf that is `alone` holds where it hides its goods.

    A SKU of several lines fills what is open of them in order. What does not fit into that is told
    as it is, for whoever writes it down to refuse.
    """
    wanted, left = _dealt(part, lines, _open)
    if any(left[line.external_id] for line in lines.values()):
        return _dealt(part, lines, lambda line: line.quantity)[0]
    if alone and (not wanted or all(wanted.get(n, 0) == _open(x) for n, x in lines.items())):
        return None
    return wanted


def lost(lines: Collection[PurchaseLine], parts: Sequence[Part]) -> list[tuple[PurchaseLine, int]]:
    """Open units that only cancelled leaves held, of each line.

    A leaf that hides its goods may hold all but what cancelled leaves name; and what these name was
    lost once, however often it is told.
    """
    gone = [part for part in parts if part.state == "cancelled"]
    if len(gone) == len(parts):
        return [(line, units) for line in lines if (units := _open(line))]
    named, alive = _units(gone), _units([part for part in parts if part not in gone])
    found = []
    for sku in sorted(named):
        own = [line for line in lines if line.external_id == sku]
        stays = max(alive[sku] - sum(line.shipped for line in own), 0)
        left = min(named[sku] - sum(line.cancelled for line in own), sum(map(_open, own)) - stays)
        for line in own:
            if units := min(_open(line), max(left, 0)):
                found.append((line, units))
                left -= units
    return found


def _dealt(
    part: Part, lines: Mapping[int, PurchaseLine], room: Callable[[PurchaseLine], int]
) -> tuple[dict[int, int], Counter[str]]:
    """A leaf's units by line number, as many to a line as there is room, and what is left of them
    by SKU."""
    left = _units([part])
    wanted: dict[int, int] = {}
    for number, line in sorted(lines.items()):
        if units := min(left[line.external_id], room(line)):
            wanted[number] = units
            left[line.external_id] -= units
    return wanted, left


def _open(line: PurchaseLine) -> int:
    return line.quantity - line.shipped - line.cancelled


def _units(parts: Sequence[Part]) -> Counter[str]:
    found: Counter[str] = Counter()
    for part in parts:
        for sku, units in part.lines:
            found[sku] += units
    return found
