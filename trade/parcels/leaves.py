"""What the leaves of a platform's tree say of the lines and parcels of a purchase. Pure.

The tree is read anew each time, in whatever order it is told: units are counted against what has
left already, so that a number is new goods, a further box, or takes the place of one that is gone.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from connectors.trading import Part, SourceParcel
from trade.models import PurchaseLine


@dataclass(frozen=True)
class Known:
    """A parcel that is written down, with its units by line number; whether it has arrived, and the
    units in it that count as cancelled."""

    number: str
    units: Mapping[int, int]
    arrived: bool = False
    strays: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Deed:
    """What is to be written down of a parcel: `units` by line number leave in it, it is one more
    `box` of goods that are counted in others, it takes the place of the number `was`, or what was
    under that number is `merged` into it."""

    parcel: SourceParcel
    what: Literal["units", "box", "was", "merged"]
    units: Mapping[int, int] = field(default_factory=dict)
    was: str = ""


@dataclass
class _Load:
    """A parcel as it is told, with its pieces by SKU; several leaves may be in one. Whether all of
    them have arrived."""

    parcel: SourceParcel
    goods: Counter[str]
    over: bool = True


def deeds(
    lines: Mapping[int, PurchaseLine], parts: Sequence[Part], known: Sequence[Known]
) -> list[Deed]:
    """What is new in the parcels of all leaves, whose numbers are as they are printed.

    Goods that a leaf tells of no parcel are in its first one. What platforms add of a SKU beyond
    what was ordered is no more of it, and a number is gone only where others tell of all goods.
    """
    goods, whole, named = _goods(lines, parts)
    written = {one.number: one for one in known}
    loads = _loads(parts, goods, written, lines)
    new = [one for number, one in loads.items() if number not in written]
    back = came_back(lines, parts, known)
    gone = [
        one
        for one in known
        if one.number not in loads and one not in back and (one.units or not one.strays)
    ]
    left = {number: _open(line) for number, line in lines.items()}
    if not whole:
        gone = []  # a leaf that is not told of may come back with its parcels
    room = _room(lines, loads.values(), back) if whole else None
    found = [
        Deed(one.parcel, "was", was=former.number)
        for one in new
        if (former := _former(gone, one.goods, lines, exactly=True))
    ]
    gone = [one for one in gone if not one.arrived]  # goods that arrived are where they arrived
    replaced = {id(deed.parcel) for deed in found}
    begun = any(line.shipped for line in lines.values())
    for one in loads.values():
        before = written.get(one.parcel.tracking_number)
        if id(one.parcel) in replaced:
            continue
        more = one.goods
        if before is not None:
            more = more - _skus(lines, before.units) - _skus(lines, before.strays)
        if units := _dealt(lines, more, room, left):
            found.append(Deed(one.parcel, "units", units))
            begun = True
        elif before is None and (former := _former(gone, one.goods, lines, exactly=False)):
            found.append(Deed(one.parcel, "was", was=former.number))
        elif before is None and begun:
            found.append(Deed(one.parcel, "box"))
    return found + (_merged(gone, loads, written, found, lines) if named else [])


def _merged(
    gone: Sequence[Known],
    loads: Mapping[str, _Load],
    written: Mapping[str, Known],
    found: Sequence[Deed],
    lines: Mapping[int, PurchaseLine],
) -> list[Deed]:
    """What was under numbers that are gone, and for which none came, is in the parcels that are
    told with more than is known of them after what was `found`; an empty box in any. Into one that
    has arrived goes nothing that its platform does not say has arrived."""
    held = {number: _skus(lines, one.units) for number, one in written.items()}
    for deed in found:
        number = deed.parcel.tracking_number
        before = held.get(deed.was or number, Counter[str]())
        held[number] = before + _skus(lines, deed.units)
    merged = []
    for one in gone:
        goods = _skus(lines, one.units)
        fits = {
            number: sum(((load.goods - held.get(number, Counter())) & goods).values())
            for number, load in loads.items()
            if load.over or number not in written or not written[number].arrived
        }
        best = max(fits, key=lambda number: fits[number], default=None)
        if best is None or (goods and not fits[best]):
            continue
        held[best] = held.get(best, Counter()) + goods
        merged.append(Deed(loads[best].parcel, "merged", was=one.number))
    return merged


def came_back(
    lines: Mapping[int, PurchaseLine], parts: Sequence[Part], known: Sequence[Known]
) -> list[Known]:
    """Parcels of leaves that were cancelled after they left: nothing is told of them any more."""
    numbers = {parcel.tracking_number for part in parts for parcel in part.parcels}
    spare = _told([part for part in parts if part.state == "cancelled"])
    for line in lines.values():
        spare[line.external_id] -= line.cancelled
    found = []
    for one in known:
        held = _skus(lines, one.units)
        if one.number not in numbers and held and not held - spare:
            spare -= held
            found.append(one)
    return found


def lost(
    lines: Collection[PurchaseLine], parts: Sequence[Part], known: Sequence[Known]
) -> list[tuple[PurchaseLine, int]]:
    """Open units that only cancelled leaves held, of each line; `known` are all parcels by now.

    A leaf that hides its goods may hold all but what cancelled leaves name; what these name was
    lost once, however often it is told, and not at all where it had left before.
    """
    gone = [part for part in parts if part.state == "cancelled"]
    if len(gone) == len(parts):
        return [(line, units) for line in lines if (units := _open(line))]
    staying = [part for part in parts if part not in gone]
    numbers = {parcel.tracking_number for part in staying for parcel in part.parcels}
    numbered = {line.line: line for line in lines}
    there: Counter[str] = Counter()
    for one in known:
        if one.number in numbers:
            there += _skus(numbered, one.units)
    named, alive = _told(gone), _told(staying)
    found = []
    for sku in sorted(named):
        own = [line for line in lines if line.external_id == sku]
        elsewhere = sum(line.shipped for line in own) - there[sku]
        stays = max(alive[sku] - there[sku], 0)
        left = min(
            named[sku] - sum(line.cancelled for line in own) - elsewhere,
            sum(map(_open, own)) - stays,
        )
        for line in own:
            if units := min(_open(line), max(left, 0)):
                found.append((line, units))
                left -= units
    return found


def astray(
    lines: Mapping[int, PurchaseLine],
    parts: Sequence[Part],
    known: Sequence[Known],
    before: Mapping[int, int],
) -> list[tuple[SourceParcel, dict[int, int]]]:
    """Units by line number that are in parcels of any leaf, and count as cancelled; those found
    `before` are not found again."""
    written = {one.number: one for one in known}
    loads = _all_loads(lines, parts, written)
    left = {number: line.cancelled - before.get(number, 0) for number, line in lines.items()}
    counted = _skus(lines, {n: line.shipped + before.get(n, 0) for n, line in lines.items()})
    back = sum((_skus(lines, one.units) for one in came_back(lines, parts, known)), Counter[str]())
    more = sum((one.goods for one in loads.values()), back) - counted
    found = []
    for number, load in sorted(loads.items(), key=lambda told: told[0] in written):
        inside = _skus(lines, written[number].units) if number in written else Counter[str]()
        units = _dealt(lines, load.goods - inside, more, left)
        if units:
            found.append((load.parcel, units))
    return found


def moved(
    lines: Mapping[int, PurchaseLine], parts: Sequence[Part], known: Sequence[Known]
) -> list[tuple[SourceParcel, str]]:
    """Parcels of any leaf that take the place of the number of one with nothing but cancelled
    units, which is told no more, and that number: the same goods are in them, of which nothing is
    still to be sent."""
    strays = [Known(one.number, one.strays) for one in known if one.strays and not one.units]
    if not strays:
        return []
    written = {one.number: one for one in known}
    loads = _all_loads(lines, parts, written)
    gone = [one for one in strays if one.number not in loads]
    due = {line.external_id for line in lines.values() if _open(line)}
    new = [one for number, one in loads.items() if number not in written]
    return [
        (one.parcel, former.number)
        for one in new
        if due.isdisjoint(one.goods) and (former := _former(gone, one.goods, lines, exactly=True))
    ]


def _all_loads(
    lines: Mapping[int, PurchaseLine], parts: Sequence[Part], written: Mapping[str, Known]
) -> dict[str, _Load]:
    """Each parcel of any leaf; where all is cancelled, one that hides its goods holds all."""
    goods, *_ = _goods(lines, parts)
    if all(line.cancelled == line.quantity for line in lines.values()) and len(parts) == 1:
        goods = [goods[0] or _skus(lines)]
    return _loads(parts, goods, written, lines)


def _goods(
    lines: Mapping[int, PurchaseLine], parts: Sequence[Part]
) -> tuple[list[Counter[str]], bool, bool]:
    """The pieces of each leaf by SKU, whether together they are all that is to be sent (one leaf
    that hides its goods holds what the others leave), and whether they are named."""
    ours = _skus(lines)
    goods = [_told([part], of=ours) for part in parts]
    hidden = [at for at, part in enumerate(parts) if not part.lines and not part.gifts]
    named = _told([part for part in parts if part.state == "cancelled"])
    due: Counter[str] = Counter()
    for sku, units in ours.items():
        off = sum(line.cancelled for line in lines.values() if line.external_id == sku)
        due[sku] = units - max(off, named[sku])
    alive = _told([part for part in parts if part.state != "cancelled"])
    if len(hidden) == 1:
        goods[hidden[0]] = due - alive
    sent, named_all = not any(_open(line) for line in lines.values()), not due - alive
    return goods, len(hidden) == 1 or named_all or bool(sent and hidden), named_all


def _loads(
    parts: Sequence[Part],
    goods: Sequence[Counter[str]],
    written: Mapping[str, Known],
    lines: Mapping[int, PurchaseLine],
) -> dict[str, _Load]:
    """Each parcel by its number, with what is in it."""
    ours = _skus(lines)
    found: dict[str, _Load] = {}
    for part, held in zip(parts, goods, strict=True):
        own = [_pieces(parcel.lines, ours) for parcel in part.parcels]
        rest = held - sum(own, Counter())
        silent = [at for at, parcel in enumerate(part.parcels) if not parcel.lines]
        if silent or part.state not in ("held", "open", "cancelled"):
            for at in sorted(silent, key=lambda at: _rank(part.parcels[at], written))[:1] or (
                [0] if own else []
            ):
                own[at] += rest
        for parcel, more in zip(part.parcels, own, strict=True):
            load = found.setdefault(parcel.tracking_number, _Load(parcel, Counter()))
            load.goods += more
            load.over &= part.state in ("delivered", "completed")
    return found


def _rank(parcel: SourceParcel, written: Mapping[str, Known]) -> int:
    """Goods that no parcel is told to carry are in the one that carries them already, else in one
    that is new."""
    before = written.get(parcel.tracking_number)
    return 1 if before is None else 2 - 2 * bool(before.units)


def _room(
    lines: Mapping[int, PurchaseLine], loads: Collection[_Load], back: Sequence[Known]
) -> Counter[str]:
    """Pieces of each SKU that left beyond those that are written down; of what came `back` nothing
    is told any more."""
    sent = _skus(lines, {number: line.shipped for number, line in lines.items()})
    held = [load.goods for load in loads] + [_skus(lines, one.units) for one in back]
    return sum(held, Counter[str]()) - sent


def _former(
    gone: list[Known], goods: Counter[str], lines: Mapping[int, PurchaseLine], *, exactly: bool
) -> Known | None:
    """The parcel with these goods, or some of them, that is gone; it is taken out of `gone`."""
    for one in gone:
        there = _skus(lines, one.units)
        if there == goods or (not exactly and (there & goods or not goods)):
            gone.remove(one)
            return one
    return None


def _dealt(
    lines: Mapping[int, PurchaseLine],
    goods: Counter[str],
    room: Counter[str] | None,
    left: dict[int, int],
) -> dict[int, int]:
    """Pieces by line number, as many to a line as are open, and of a SKU no more than there is room
    for (None: any number); what is dealt is taken off both."""
    units: dict[int, int] = {}
    wanted = goods if room is None else goods & room
    for number, line in sorted(lines.items()):
        sku = line.external_id
        if take := min(wanted[sku], left[number]):
            units[number] = take
            left[number] -= take
            wanted = wanted - Counter({sku: take})
            if room is not None:
                room[sku] -= take
    return units


def _skus(
    lines: Mapping[int, PurchaseLine], units: Mapping[int, int] | None = None
) -> Counter[str]:
    """Pieces by SKU of so many units by line number; None: of all that were bought."""
    found: Counter[str] = Counter()
    for number, line in lines.items():
        found[line.external_id] += line.quantity if units is None else units.get(number, 0)
    return +found


def _open(line: PurchaseLine) -> int:
    return line.quantity - line.shipped - line.cancelled


def _told(parts: Sequence[Part], of: Collection[str] | None = None) -> Counter[str]:
    """Pieces by SKU in all of these leaves, of these SKUs."""
    return sum((_pieces(part.lines, of) for part in parts), Counter[str]())


def _pieces(lines: Sequence[tuple[str, int]], of: Collection[str] | None = None) -> Counter[str]:
    found: Counter[str] = Counter()
    for sku, units in lines:
        if of is None or sku in of:
            found[sku] += units
    return found
