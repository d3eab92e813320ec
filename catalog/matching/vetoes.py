"""What keeps two offers apart, however alike they are otherwise. Pure."""

import re
from collections.abc import Iterable
from decimal import Decimal
from itertools import product

from rapidfuzz import fuzz

from catalog.matching.facts import Facts
from catalog.matching.lexicon import lexicon
from catalog.matching.observed import (
    NONE,
    STYLE,
    Evidence,
    amounts,
    apart,
    listed,
    model_names,
    prices_near,
    shade,
    shared_models,
    telling,
    unexplained,
    veto,
)
from catalog.matching.packs import pack_vetoes


def vetoes(left: Facts, right: Facts) -> Iterable[Evidence]:
    yield from pack_vetoes(left, right)
    yield from _measure_vetoes(left, right)
    yield from _trait_vetoes(left, right)
    for name in left.stated.keys() & right.stated.keys():
        if name in _VARIANT and _other(left.stated[name], right.stated[name]):
            yield veto("attribute", f"{name}: {left.stated[name]} and {right.stated[name]}")
    denied = (left.denied - right.denied, right.denied - left.denied)
    for words, other in zip(denied, (right.text, left.text), strict=True):
        if found := [word for word in words if word in other]:
            yield veto("denied", f"only one is without {listed(found)}")
    if thing := _lacking(left.text, right.text) or _lacking(right.text, left.text):
        yield veto("denied", f"only one comes with {thing}")
    if turn := _successor(left.text, right.text):
        yield veto("series", turn)
    if side := _opposed(left, right) or _opposed(right, left):
        yield veto("opposite", f"sides: only one is {side}")
    for sort in {mark[1] for mark in left.marks} & {mark[1] for mark in right.marks}:
        ours, others = ({m for m in one.marks if m[1] == sort} for one in (left, right))
        if not ours & others:
            yield veto("mark", f"{listed(ours)} and {listed(others)}")
    if left.letters and right.letters and not left.letters & right.letters:
        yield veto("size", f"sizes {listed(left.letters)} and {listed(right.letters)}")
    if left.standards - right.standards and right.standards - left.standards:
        yield veto("standard", f"{listed(left.standards)} and {listed(right.standards)}")
    if left.models and right.models and not _same_models(left, right):
        yield veto("model", f"models {model_names(left)} and {model_names(right)}")
    if left.brands and right.brands and not left.brands & right.brands:
        yield veto("brand", f"brands {listed(left.brands)} and {listed(right.brands)}")


_NOT = frozenset("不未无")
_WITHOUT = re.compile(r"(不[含带配]|[未无])([一-鿿]{1,4})")
_WITH = "(?<![不未])[含带配有](?:[^,，;；)）]{{0,12}}?)(?:{})"


def _lacking(text: str, other: str) -> str | None:
    """What one text says it is without and the other that it comes along: 无盖 and 带盖,
    不含电池充电器 and 含4.0ah电池1块.
    """
    if _NOT.isdisjoint(text):
        return None
    for said, thing in _WITHOUT.findall(text):
        named = thing[:2]
        if (said[0] == "不" or named not in _CLAIMED) and re.search(_WITH.format(named), other):
            return str(named)
    return None


_CLAIMED = frozenset({"糖", "添加", "线", "味", "香", "毒", "水", "油", "尘", "痕", "忧", "需"})
"""What goods are without by nature or by claim: 无线, 无痕."""


_TURN = re.compile(r"([一-鿿]{2})(\d{1,2})(?:代|(?![\d.]*[a-z一-鿿%\"'°*×/+\-]|[.\d]))")
_BARGAINS = frozenset({"立减", "直降", "满减", "到手", "仅需", "只要", "券后", "优惠"})


def _successor(text: str, other: str) -> str | None:
    """A name with other numbers behind it: 疾风5 and 疾风4代."""
    ours, others = _turns(text), _turns(other)
    for name in ours.keys() & others.keys():
        if not ours[name] & others[name]:
            return f"{name}{listed(ours[name])} and {name}{listed(others[name])}"
    return None


def _turns(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, number in _TURN.findall(text):
        if name not in _BARGAINS:
            found.setdefault(name, set()).add(number.lstrip("0"))
    return found


def _opposed(one: Facts, other: Facts) -> str | None:
    """A word of `one` whose opposite the other has instead; 前 by itself is that of any 后轮."""
    opposites = lexicon().opposites
    for side in one.sides - other.sides:
        opposite = opposites[side[0]]
        if len(side) > 1:
            if opposite + side[1] in other.sides - one.sides:
                return side
        elif opposite in (found := {word[0] for word in other.sides}) and side not in found:
            return side
    return None


_VARIANT = (
    *("颜色", "颜色分类", "色号", "尺码", "鞋码", "尺寸", "规格", "口味", "味道", "香型", "香味"),
    *("款式", "型号", "版本", "容量", "段位", "度数", "配方", "套餐"),
)
"""Attributes by which sellers tell the SKUs of a listing apart."""


def _other(mine: str, theirs: str) -> bool:
    """Whether two values share no more than a character in four."""
    if mine in theirs or theirs in mine:
        return False
    return fuzz.ratio(mine, theirs) < 25 or (len(mine) == len(theirs) and mine != theirs)


def _measure_vetoes(left: Facts, right: Facts) -> Iterable[Evidence]:
    for kind in left.sizes.measures.keys() & right.sizes.measures.keys():
        ours, others = left.sizes.measures[kind], right.sizes.measures[kind]
        if not (ours <= others or others <= ours):
            yield veto(kind, f"{kind}: {amounts(ours)} and {amounts(others)}")
    for kind in left.sizes.spans.keys() & right.sizes.spans.keys():
        if not any(
            _overlap(*pair) for pair in product(left.sizes.spans[kind], right.sizes.spans[kind])
        ):
            yield veto("range", f"ranges of {kind}")
    mine, theirs = unexplained(left, right), unexplained(right, left)
    if mine and theirs:
        yield veto("number", f"numbers {listed(mine)} and {listed(theirs)}")


def _overlap(one: tuple[Decimal, Decimal], other: tuple[Decimal, Decimal]) -> bool:
    """Whether two ranges have more than an end in common: 70-80 and 80-90 are neighbours."""
    return max(one[0], other[0]) < min(one[1], other[1])


_PRICED = frozenset({"accessory", "gift_box"})
"""What sellers add at will, and what makes another thing where it costs another price."""

_TOLD_BY_MODEL = frozenset({"device_extra", "edition", "rechargeable", "control"})


def _trait_vetoes(left: Facts, right: Facts) -> Iterable[Evidence]:
    tables, both = lexicon().traits, f"{left.text} {right.text}"
    for name in left.traits.keys() | right.traits.keys():
        table = tables[name]
        ours, others = left.traits.get(name, NONE), right.traits.get(name, NONE)
        if ours == others or name == STYLE or not table.speaks(both):
            continue
        if table.presence:
            if name in _PRICED and prices_near(left, right):
                continue
            if name in _TOLD_BY_MODEL and _told(name, shared_models(left, right)):
                continue
            usual = frozenset({table.default}) if table.default else NONE
            mine, theirs = ours or usual, others or usual
            if mine != theirs and (table.exact or not mine & theirs):
                yield veto(name, _trait_words(name, ours, others))
        elif name == "colour" and shade(ours, others):
            continue
        elif apart(ours - others, right) and apart(others - ours, left):
            yield veto(name, _trait_words(name, ours, others))


def _told(name: str, models: set[str]) -> bool:
    """Whether a shared model number says it already: S3M is the S3 Mini, but PB12 is no Pro."""
    return telling(models) and (name != "edition" or any(not m[-1].isdigit() for m in models))


def _trait_words(name: str, ours: frozenset[str], others: frozenset[str]) -> str:
    if ours and others:
        return f"{name}: {listed(ours)} and {listed(others)}"
    return f"only one is {listed(ours or others)}"


def _same_models(left: Facts, right: Facts) -> bool:
    """Whether they share a model number, and not only a short one beside two long ones."""
    shared = shared_models(left, right)
    return telling(shared) or (bool(shared) and not (_long(left, shared) and _long(right, shared)))


def _long(one: Facts, shared: set[str]) -> bool:
    return telling({model[0] for model in one.models if shared.isdisjoint(model)})
