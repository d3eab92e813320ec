"""Signs that two offers are twins of one seller's range rather than one thing. Pure.

They need no word list: two flavours that no list knows still differ by a word in the same place.
"""

import re

from rapidfuzz import fuzz
from rapidfuzz.distance import Postfix, Prefix

from catalog.matching.facts import Facts
from catalog.matching.lexicon import lexicon
from catalog.matching.observed import (
    NONE,
    NOTHING,
    STYLE,
    apart,
    has_model,
    shared_models,
    telling,
    unexplained,
)


def twins(left: Facts, right: Facts, mine: list[str], theirs: list[str]) -> bool:
    """Whether titles of one manner differ in a word: sellers so tell their own goods apart."""
    alike, latin = manner(left, right), left.latin and right.latin
    if alike < 70 or not (latin or _alike(*map(_wording, (left.text, right.text))) >= _WORDED):
        return False
    mine, theirs = [*mine, *_aside(left, right)], [*theirs, *_aside(right, left)]
    if telling(shared_models(left, right)) and left.brands & right.brands:
        return bool(mine) and bool(theirs)
    ours, others = left.soft - right.soft, right.soft - left.soft
    mine = [*mine, *(ours - lexicon().generic), *_traits_alone(left, right)]
    theirs = [*theirs, *(others - lexicon().generic), *_traits_alone(right, left)]
    generic = lexicon().generic
    if (mine and (theirs or others - generic)) or (theirs and ours - generic):
        return True
    said = (*mine, *theirs, *ours, *others)
    return alike >= _ALIKE and any(not word.isascii() for word in said)


def substituted(left: Facts, right: Facts) -> bool:
    """Whether two titles of one wording differ in a single place, where each has a word.

    However usual the two words are (修身 and 直筒, C调 and G调), whoever words a title alike and
    changes one thing in it sells two things.
    """
    one, other = left.text, right.text
    ahead = Prefix.similarity(one, other)
    behind = Postfix.similarity(one[ahead:], other[ahead:])
    mine, theirs = one[ahead : len(one) - behind], other[ahead : len(other) - behind]
    if not mine.strip() or not theirs.strip() or max(len(mine), len(theirs)) > _WORD:
        return False
    if any(c.isdigit() for c in mine + theirs) or ahead + behind < len(mine + theirs) + _WORDING:
        return False
    return not (mine in theirs or theirs in mine)


_WORD = 9
"""Characters that a changed word has at most."""

_WORDING = 2
"""Characters that the titles share beyond as many as they differ in."""


def styled(left: Facts, right: Facts) -> bool:
    """Whether they are two of a range by name: 小鹿款 and 小象款."""
    ours, others = (one.traits.get(STYLE, NONE) for one in (left, right))
    return apart(ours - others, right) and apart(others - ours, left)


def coded(left: Facts, right: Facts) -> bool:
    """Whether each has a short code of its own: JJ and JJJ, EF and F, GT and RS."""
    codes = [
        {w for w in one.soft if w.isascii() and len(w) <= _CODE} - {*other.soft, *_INITIALS}
        for one, other in ((left, right), (right, left))
    ]
    return all(codes) and not telling(shared_models(left, right))


_CODE = 3
_INITIALS = frozenset(
    (
        *("led", "usb", "diy", "ins", "app", "nfc", "pvc", "tpu", "abs", "pet", "pe", "pp", "pu"),
        *("hd", "uv", "ip", "cm", "mm"),
    )
)
"""What every seller may write of such goods."""


SIGNS = (substituted, styled, coded)
"""Each tells twins, however alike the rest is."""


def one_sided_extras(left: Facts, right: Facts) -> bool:
    """Whether only one says that something comes along: +64g, 含琴架套餐."""
    if bool(left.extras) == bool(right.extras):
        return False
    one, other = (left, right) if left.extras else (right, left)
    return not all(_heard(extra, other.text) for extra in one.extras)


_WORDED = 60
"""How alike they are without amounts at least: of a short title amounts are most of the text."""

_ALIKE = 85
"""From here on a title is another one with a word more or less."""


def manner(left: Facts, right: Facts) -> float:
    """How alike two titles are word for word, in whatever order, 0 to 100."""
    return _alike(left.text, right.text)


_AMOUNT = re.compile(
    r"\d[\d.]*\s?(?:[a-z]{1,3}(?![a-z])|[克升斤米寸片包袋瓶罐听盒箱支条个只卷双枚粒抽杯桶件套本装号码度段]{0,2})"
    r"|[^a-z一-鿿]"
)


def _wording(text: str) -> str:
    """The text without amounts and signs: what a seller words alike for all of a range."""
    return _AMOUNT.sub("", text)


def _alike(one: str, other: str) -> float:
    return max(fuzz.ratio(one, other), fuzz.ratio("".join(sorted(one)), "".join(sorted(other))))


def _traits_alone(one: Facts, other: Facts) -> list[str]:
    alone = (one.traits[n] for n in DEFINING if n in one.traits and n not in other.traits)
    return [value for values in alone for value in values]


def _aside(one: Facts, other: Facts) -> list[str]:
    """What only one says besides Chinese words: standards, models, Latin words."""
    models = [model[0] for model in one.models if not has_model(model, other)]
    latin = [word for word in one.soft - other.soft if word.isascii()]
    return [*(one.standards - other.standards), *models, *latin]


ALONE = 0.3
"""Share of a title that the other one does not know; above it on both sides they may be twins."""


def share(words: list[str], one: Facts, other: Facts) -> float:
    return sum(map(len, words)) / max(sum(map(len, own_words(one, other))), 1)


def unsaid(one: Facts, other: Facts) -> list[str]:
    """Words of `one` with a character that the other title has nowhere."""
    telling = own_words(one, other)
    return [word for word in one.words if word in telling and not _heard(word, other.text)]


def _heard(word: str, text: str) -> bool:
    """Whether a text has a word, in whatever order its characters stand."""
    return word in text or (not word.isascii() and set(word) <= set(text))


def own_words(one: Facts, other: Facts) -> list[str]:
    """Words of `one` in their order but for those that name a kind that the other is too."""
    said = [
        term
        for kind, terms in one.kinds.items()
        if kind in other.kinds or not other.kinds
        for term in terms
    ]
    if not said:
        return [*one.said]
    named = "\n".join(said)
    return [word for word in one.said if word not in named]


def each_alone(left: Facts, right: Facts) -> bool:
    """Whether both have something of their own; twins named by different features do."""
    if (left.gtin and left.gtin == right.gtin) or telling(shared_models(left, right)):
        return False
    return bool(_own(left, right)) and bool(_own(right, left))


def lengths_unclear(one: Facts, other: Facts) -> bool:
    """115cm against a bare 125: a length that the other's loose number may contradict."""
    lengths = one.sizes.measures.get("length", NOTHING)
    return bool(lengths and "length" not in other.sizes.measures and unexplained(other, one))


_TELLING_KINDS = frozenset({"degree", "stage", "percent", "storage", "charge", "area"})


YEAR = re.compile(r"20\d\d")
"""Goods of a year are many."""


def _own(one: Facts, other: Facts) -> list[str]:
    """What tells twins apart and only `one` states."""
    own = [n for n in unexplained(one, other) if not YEAR.fullmatch(n)]
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
    if share(unsaid(one, other), one, other) >= ALONE:
        own.append("words")
    return own


DEFINING = frozenset({"colour", "flavour", "stage", "actives", "spice", "chocolate"})
"""Traits that make another SKU; where one side is silent, there is doubt."""
