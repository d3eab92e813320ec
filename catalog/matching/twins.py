"""Signs that two offers are twins of one seller's range rather than one thing. Pure.

They need no word list: two flavours that no list knows still differ by a word in the same place.
"""

import re

from rapidfuzz import fuzz

from catalog.matching.facts import Facts
from catalog.matching.observed import NOTHING, has_model, shared_models, telling, unexplained


def twins(left: Facts, right: Facts, mine: list[str], theirs: list[str]) -> bool:
    """Whether titles of one manner differ in a word: sellers so tell their own goods apart."""
    manner = _manner(left.text, right.text)
    mine = [*mine, *(left.soft - right.soft), *_traits_alone(left, right)]
    theirs = [*theirs, *(right.soft - left.soft), *_traits_alone(right, left)]
    if manner >= 70 and (mine or _aside(left, right)) and (theirs or _aside(right, left)):
        return True
    han = any(not word.isascii() for word in (*mine, *theirs))
    return han and manner >= 85


def _manner(left: str, right: str) -> float:
    """How alike two titles are word for word, in whatever order, 0 to 100."""
    return max(fuzz.ratio(left, right), fuzz.ratio("".join(sorted(left)), "".join(sorted(right))))


def _traits_alone(one: Facts, other: Facts) -> list[str]:
    alone = (one.traits[n] for n in DEFINING if n in one.traits and n not in other.traits)
    return [value for values in alone for value in values]


def _aside(one: Facts, other: Facts) -> list[str]:
    """What only one says besides Chinese words: standards and models."""
    models = [model[0] for model in one.models if not has_model(model, other)]
    return [*(one.standards - other.standards), *models]


ALONE = 0.35
"""Share of a title that the other one does not know; above it on both sides they may be twins."""


def share(words: list[str], one: Facts) -> float:
    return sum(map(len, words)) / max(len(one.core), 1)


def unsaid(one: Facts, other: Facts) -> list[str]:
    """Words of `one` with a character that the other title has nowhere."""
    return [word for word in one.words if not set(word) <= set(other.text)]


def each_alone(left: Facts, right: Facts) -> bool:
    """Whether both have something of their own; twins named by different features do."""
    if _lengths_unclear(left, right) or _lengths_unclear(right, left):
        return True
    if (left.gtin and left.gtin == right.gtin) or telling(shared_models(left, right)):
        return False
    return bool(_own(left, right)) and bool(_own(right, left))


def _lengths_unclear(one: Facts, other: Facts) -> bool:
    """115cm against a bare 125: a length that the other's loose number may contradict."""
    lengths = one.sizes.measures.get("length", NOTHING)
    return bool(lengths and "length" not in other.sizes.measures and unexplained(other, one))


_TELLING_KINDS = frozenset({"degree", "stage", "percent", "storage", "charge", "area"})


_YEAR = re.compile(r"20\d\d")


def _own(one: Facts, other: Facts) -> list[str]:
    """What tells twins apart and only `one` states."""
    own = [n for n in unexplained(one, other) if not _YEAR.fullmatch(n)]
    for kind, values in one.sizes.measures.items():
        known = other.sizes.numbers | other.sizes.raws
        if kind not in _TELLING_KINDS or kind in other.sizes.measures:
            continue
        lengths = one.sizes.measures.get("length", NOTHING)
        if kind == "area" and lengths <= other.sizes.measures.get("length", NOTHING):
            continue
        if not any(f"{v:f}" in known for v in values):
            own.append(kind)
    own += [n for n in DEFINING if n in one.traits and n not in other.traits]
    if share(unsaid(one, other), one) >= ALONE:
        own.append("words")
    return own


DEFINING = frozenset({"colour", "flavour", "gender", "stage", "actives", "spice"})
"""Traits that make another SKU; where one side is silent, there is doubt."""
