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


def packs(one: Facts) -> Pack:
    """The text's counts with the pack column, which may repeat or multiply them."""
    s = one.sizes
    if one.pack <= 1 or one.pack in s.pieces or one.pack == s.outer:
        return Pack(s.pieces, s.inner, s.outer, s.counted)
    if not s.counted:
        return Pack(frozenset({one.pack}), frozenset({1}), one.pack, counted=True)
    pieces = frozenset(count * one.pack for count in s.pieces)
    return Pack(pieces, s.inner, s.outer * one.pack, counted=True)


def _pack_fits(mine: Pack, theirs: Pack) -> bool:
    if not mine.counted and not theirs.counted:
        return True
    if len(mine.pieces) == 1 and mine.pieces == theirs.pieces:
        return True
    if mine.outer != theirs.outer:
        return False
    silent = mine.inner == {1} or theirs.inner == {1}
    return silent or bool(mine.pieces & theirs.pieces)


def contents(one: Facts, kind: str) -> set[Decimal]:
    """Total masses or volumes; those of a text without counts times the pack column."""
    found = {value for k, value in one.sizes.content if k == kind}
    if one.pack > 1 and one.pack != one.sizes.outer and one.pack not in one.sizes.pieces:
        return found | {(value * one.pack).normalize() for value in found}
    return found


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
            ours = contents(left, kind)
            others = contents(right, kind)
            if ours and others and not ours & others:
                yield veto("content", f"contents: {amounts(ours)} and {amounts(others)}")
    if _unit_conflict(left, right):
        yield veto("unit", f"units: {left.unit} and {right.unit}")
