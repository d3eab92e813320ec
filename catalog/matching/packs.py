"""How many pieces two offers sell at once: single, 6-pack and 12-pack never fit. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from catalog.matching.facts import Facts
from catalog.matching.observed import Evidence, amounts, veto


@dataclass(frozen=True)
class Pack:
    pieces: frozenset[int]
    inner: frozenset[int]
    outer: int
    counted: bool
    single: bool
    called: frozenset[int] = frozenset()
    """Counts that name the thing: 24色, 8件套."""


def packs(one: Facts) -> Pack:
    """The text's counts with the pack column, which may repeat or multiply them."""
    s = one.sizes
    if one.pack <= 1 or one.pack in s.pieces or one.pack == s.outer:
        return Pack(s.pieces, s.inner, s.outer, s.counted, s.single, _counts_by_name(one))
    if not s.counted:
        return Pack(frozenset({one.pack}), frozenset({1}), one.pack, counted=True, single=False)
    pieces = frozenset(count * one.pack for count in s.pieces)
    return Pack(pieces, s.inner, s.outer * one.pack, counted=True, single=s.single)


def _pack_fits(mine: Pack, theirs: Pack) -> bool:
    if not mine.counted and not theirs.counted:
        return True
    if _called(mine, theirs) or _called(theirs, mine):
        return True
    if mine.pieces & theirs.pieces and (mine.counted or theirs.counted):
        return True
    return mine.outer == theirs.outer and (_open(mine) or _open(theirs))


_CALLED = ("colours", "set")


def _counts_by_name(one: Facts) -> frozenset[int]:
    found = [n for kind in _CALLED if (counts := one.sizes.measures.get(kind)) for n in counts]
    return frozenset(map(int, found)) if found else _NO_COUNTS


_NO_COUNTS: frozenset[int] = frozenset()


def _called(one: Pack, other: Pack) -> bool:
    """Whether one counts by its name what the other counts by pieces: 24色 of pens are 24."""
    return not one.counted and bool(one.called & other.pieces)


def _open(pack: Pack) -> bool:
    """Whether it leaves open how many a packet holds."""
    return pack.inner == {1} and not pack.single


def pack_clear(left: Facts, right: Facts) -> bool:
    """Whether the packs agree without a choice between readings."""
    mine, theirs = packs(left), packs(right)
    if mine.outer == theirs.outer or not (mine.counted and theirs.counted):
        return True
    return len(mine.pieces) == len(theirs.pieces) == 1


def packed_apart(left: Facts, right: Facts) -> bool:
    """Whether one states several packets of several pieces, the other as many pieces and no
    packets: 2瓶 of 60粒 are perhaps not a bottle of 120粒.
    """
    mine, theirs = packs(left), packs(right)
    return any(
        one.outer > 1
        and one.pieces != {one.outer}
        and other.outer == 1
        and not other.inner.isdisjoint(one.pieces - {1})
        for one, other in ((mine, theirs), (theirs, mine))
    )


def contents(one: Facts, kind: str) -> set[Decimal]:
    """Total masses or volumes; those of a text without counts times the pack column."""
    found = {value for k, value in one.sizes.content if k == kind}
    if one.pack > 1 and one.pack != one.sizes.outer and one.pack not in one.sizes.pieces:
        return found | {(value * one.pack).normalize() for value in found}
    return found


def _shared(ours: set[Decimal], others: set[Decimal], *, alike: bool) -> bool:
    """Whether two contents may be one. Where both leave open whether the amount is of each piece
    or of all, they are read in the same way: 10kg of a pair are not 20kg of a pair.
    """
    if alike and len(ours) > 1 and len(others) > 1:
        return min(ours) == min(others)
    return any(abs(a - b) <= _ROUNDED * max(a, b) for a in ours for b in others)


_ROUNDED = Decimal("0.003")
"""Share by which sellers round: 2磅 are 907g, 908g or 0.908kg."""


def content_clear(left: Facts, right: Facts) -> bool:
    """Whether the contents agree without a choice between readings."""
    return (
        left.pack > 1
        or right.pack > 1
        or all(
            len(ours) == len(others) == 1 or min(ours) == min(others)
            for kind in ("mass", "volume")
            if (ours := contents(left, kind)) and (others := contents(right, kind))
        )
    )


def _several(left: Facts, right: Facts) -> bool:
    """Whether both state several amounts and each some that the other has not: crabs of 4两 and
    3两 are not those of 3两 and 2两, though both have some of 3两.
    """
    mine, theirs = left.sizes.alone, right.sizes.alone
    return min(len(mine), len(theirs)) > 1 and _missed(mine, theirs) and _missed(theirs, mine)


def _missed(ours: Iterable[tuple[str, Decimal]], others: Iterable[tuple[str, Decimal]]) -> bool:
    return any(
        not any(kind == other and abs(a - b) <= _NEARLY * max(a, b) for other, b in others)
        for kind, a in ours
    )


_NEARLY = Decimal("0.02")


_WATERY = Decimal("0.7"), Decimal("1.45")
"""Grams to a millilitre that goods in bottles and tubes have."""


def _weighed_apart(left: Facts, right: Facts) -> bool:
    """One states grams alone, the other millilitres alone, and no reading makes them one."""
    for one, other in ((left, right), (right, left)):
        grams, volumes = contents(one, "mass"), contents(other, "volume")
        if grams and volumes and not contents(one, "volume") and not contents(other, "mass"):
            low, high = _WATERY
            return not any(low <= g / v <= high for g in grams for v in volumes if v)
    return False


_CASES = frozenset(["箱", "提", "件", "组", "打", "套", "ctn", "case"])


def _unit_conflict(left: Facts, right: Facts) -> bool:
    """A case against a piece while nobody says how many the case holds."""
    units = (left.unit, right.unit)
    if None in units or (left.unit in _CASES) == (right.unit in _CASES):
        return False
    case = left if left.unit in _CASES else right
    return not (case.sizes.counted or case.pack > 1)


def _pack_words(one: Facts) -> str:
    pack = packs(one)
    return f"{'/'.join(str(n) for n in sorted(pack.pieces))} pieces in {pack.outer}"


def pack_vetoes(left: Facts, right: Facts) -> Iterable[Evidence]:
    mine, theirs = packs(left), packs(right)
    if not _pack_fits(mine, theirs):
        yield veto("pack", f"packs: {_pack_words(left)} and {_pack_words(right)}")
    elif left.sizes.content and right.sizes.content:
        for kind in ("mass", "volume"):
            ours, others = contents(left, kind), contents(right, kind)
            if ours and others and not _shared(ours, others, alike=mine.outer == theirs.outer):
                yield veto("content", f"contents: {amounts(ours)} and {amounts(others)}")
        if _several(left, right):
            yield veto("content", "contents of their parts")
        if _weighed_apart(left, right):
            yield veto("content", "contents: grams and millilitres far from one another")
    if _unit_conflict(left, right):
        yield veto("unit", f"units: {left.unit} and {right.unit}")
