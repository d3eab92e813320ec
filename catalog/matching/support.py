"""What speaks for and against two offers being one thing, with weights. Pure."""

from collections.abc import Iterable

from rapidfuzz import fuzz

from catalog.matching import foreign
from catalog.matching import gtin as gtins
from catalog.matching.facts import Facts
from catalog.matching.lexicon import lexicon
from catalog.matching.observed import (
    FAR,
    NEAR,
    NONE,
    Evidence,
    apart,
    has_model,
    listed,
    price_ratio,
    prices_near,
    shade,
    shared_models,
    telling,
    unexplained,
)
from catalog.matching.packs import content_clear, contents, pack_clear, packed_apart, packs
from catalog.matching.twins import (
    DEFINING,
    SIGNS,
    YEAR,
    each_alone,
    lengths_unclear,
    manner,
    one_sided_extras,
    own_words,
    twins,
    unsaid,
)
from catalog.matching.weights import weights


def support(left: Facts, right: Facts) -> Iterable[Evidence]:
    yield from _gtin_evidence(left, right)
    if left.brands & right.brands:
        yield _seen("brand_same", f"both are {listed(left.brands & right.brands)}")
    elif called := left.names & right.names:
        yield _seen("name_same", f"both are called {listed(called)}")
    if shared := shared_models(left, right):
        code = "model_same" if telling(shared) else "model_short"
        yield _seen(code, f"both are model {listed(shared)}")
        mine, theirs = _shapes(left, right), _shapes(right, left)
        if mine.keys() & theirs.keys():
            words = f"besides, one has {listed(mine.values())}, the other {listed(theirs.values())}"
            yield _seen("models_unclear", words)
    if shared_kinds := left.kinds.keys() & right.kinds.keys():
        yield _seen("kind_same", f"both are {listed(shared_kinds)}")
    elif left.kinds and right.kinds and not shared:
        yield _seen("kind_differs", f"{listed(left.kinds)} and {listed(right.kinds)}")
    if foreign.both(left, right) and (why := foreign.unclear(left, right)):
        yield _seen("foreign_unclear", why)
    yield from _title_evidence(left, right)
    yield from _size_evidence(left, right)
    yield from _trait_evidence(left, right)
    if left.category and right.category:
        alike = fuzz.token_set_ratio(left.category, right.category) >= 60
        words = "categories agree" if alike else "categories differ"
        yield _seen("category", words, 1.0 if alike else -1.0)
    yield from _price_evidence(left, right)


def _seen(code: str, words: str, amount: float = 1.0) -> Evidence:
    return Evidence(code, round(weights().of[code] * amount, 2), words, amount)


def _shapes(one: Facts, other: Facts) -> dict[str, str]:
    """Models that only `one` has, by their form: 75b and 80b are of one form."""
    alone = (model[0] for model in one.models if not has_model(model, other))
    return {"".join("0" if c.isdigit() else "a" for c in model): model for model in alone}


def _gtin_evidence(left: Facts, right: Facts) -> Iterable[Evidence]:
    if left.gtin is None or right.gtin is None:
        return
    if left.gtin == right.gtin:
        yield _seen("gtin_same", f"both have GTIN {left.gtin}")
    elif gtins.article(left.gtin) == gtins.article(right.gtin):
        yield _seen("gtin_case", "one has the GTIN of the other's case")
    else:
        yield _seen("gtin_differs", f"GTINs {left.gtin} and {right.gtin} differ")


def _title_evidence(left: Facts, right: Facts) -> Iterable[Evidence]:
    said = own_words(left, right), own_words(right, left)
    own = "".join(said[0]), "".join(said[1])
    if min(map(len, own)) >= 2:
        if (alike := similarity(*own)) < 1:
            alike = max(alike, _heard_in(own[0], right.text), _heard_in(own[1], left.text))
        sure = min(1.0, min(map(len, own)) / 3)
        yield _seen("title", f"titles are {alike:.0%} alike", (alike - 0.4) * sure)
    mine, theirs = unsaid(left, right), unsaid(right, left)
    if not (mine or theirs or left.traits or right.traits) and not (left.said and right.said):
        yield _seen("nothing_else", "one says no more than its brand, the other what that is")
    known = left.brands & right.brands and telling(shared_models(left, right))
    words = f"one says {listed(mine) or 'no more'}, the other {listed(theirs) or 'no more'}"
    if not known and (apart := min(_missing(said[0], right), _missing(said[1], left))):
        yield _seen("words_apart", words, apart)
    if (mine or theirs or left.soft != right.soft) and (alike := manner(left, right)) > 50:
        yield _seen("manner", "titles of one manner differ in words", (alike - 50) / 10)
    if twins(left, right, mine, theirs) or any(sign(left, right) for sign in SIGNS):
        yield _seen("words_differ", words)


def _heard_in(own: str, text: str) -> float:
    """How much of a title's own words stands anywhere in the other text, 0 to 1."""
    chars, pairs = set(own), _bigrams(own)
    heard = sum(pair in text for pair in pairs) / len(pairs)
    return (len(chars.intersection(text)) / len(chars) + heard) / 2


def _missing(own: list[str], other: Facts) -> float:
    """Share of the characters of a title's own words that the other title has nowhere."""
    alone = sum(
        len(word) * (word not in other.text)
        if word.isascii()
        else sum(char not in other.text for char in word)
        for word in own
    )
    return alone / max(sum(map(len, own)), _LITTLE)


_LITTLE = 2
"""Characters below which a title's own words say little, whether the other has them or not."""


def similarity(left: str, right: str) -> float:
    """How much of the shorter text stands in the longer one, by characters and pairs, 0 to 1."""
    if min(len(left), len(right)) < 2:
        return 0.4  # too little to say anything
    return (_held(set(left), set(right)) + _held(_bigrams(left), _bigrams(right))) / 2


def _held(mine: set[str], theirs: set[str]) -> float:
    return len(mine & theirs) / min(len(mine), len(theirs)) if mine and theirs else 1.0


def _bigrams(text: str) -> set[str]:
    return {text[i : i + 2] for i in range(len(text) - 1)}


def _size_evidence(left: Facts, right: Facts) -> Iterable[Evidence]:
    if any(contents(left, kind) & contents(right, kind) for kind in ("mass", "volume")):
        yield _seen("content_same", "the same content in all")
        if not content_clear(left, right) and not prices_near(left, right):
            yield _seen("content_unclear", "of each piece, or of all: they do not say")
    elif bool(left.sizes.content) != bool(right.sizes.content) and not _memory(left, right):
        yield _seen("content_unstated", "only one states its content")
    mine, theirs = packs(left), packs(right)
    if mine.counted and theirs.counted:
        code = "pieces_same" if mine.pieces & theirs.pieces - {1} else "pack_same"
        yield _seen(code, "the same number of pieces")
    if one_sided_extras(left, right):
        yield _seen("extras_unstated", "only one says what comes along")
    if ("set" in left.sizes.measures) != ("set" in right.sizes.measures):
        yield _seen("set_unstated", "only one is a set of so many")
    if packed_apart(left, right):
        yield _seen("pack_unclear", "one is in several packets, the other may be in one")
    elif not pack_clear(left, right) and not prices_near(left, right):
        yield _seen("pack_unclear", "how many pieces there are can be read in two ways")
    if lengths_unclear(left, right) or lengths_unclear(right, left):
        yield _seen("lengths_unclear", "one states a length, the other a number")
    if each_alone(left, right):
        yield _seen("each_alone", "each states what the other leaves out")
    shared = [
        kind
        for kind in left.sizes.measures.keys() & right.sizes.measures.keys()
        if left.sizes.measures[kind] & right.sizes.measures[kind]
    ]
    if shared or left.letters & right.letters or _memory(left, right):
        yield _seen("size_same", f"the same {listed(shared) or 'size'}")
    if left.standards & right.standards:
        yield _seen("standard_same", f"both are {listed(left.standards & right.standards)}")
    one, two = left.sizes, right.sizes
    both = (one.numbers & (two.numbers | two.raws)) | (two.numbers & one.raws)
    if any(not YEAR.fullmatch(number) for number in both):
        yield _seen("numbers_same", "the same numbers")
    lonely = sum(bool(unexplained(*pair)) for pair in ((left, right), (right, left)))
    if lonely:
        yield _seen("numbers_unstated", "only one states some number")
    if bool(left.letters) != bool(right.letters):
        yield _seen("size_unstated", "only one states a size")


def _memory(left: Facts, right: Facts) -> bool:
    """Whether one states gigabytes and the other, it seems, as many grams: 16GB and 16G."""
    for one, other in ((left, right), (right, left)):
        grams = {value for kind, value in other.sizes.content if kind == "mass"}
        if grams and grams == set(one.sizes.measures.get("storage", ())):
            return True
    return False


def _trait_evidence(left: Facts, right: Facts) -> Iterable[Evidence]:
    both = f"{left.text} {right.text}"
    tables = lexicon().traits
    names = [n for n in left.traits.keys() | right.traits.keys() if tables[n].speaks(both)]
    apt = [n for n in names if n not in _COMMON]
    same = [n for n in apt if left.traits.get(n, NONE) & right.traits.get(n, NONE)]
    if (
        shade(left.traits.get("colour", NONE), right.traits.get("colour", NONE))
        and "colour" not in same
    ):
        yield _seen("colour_unclear", "one colour may be a shade of the other")
    elif _assorted(left, right) or _assorted(right, left):
        yield _seen("colour_unclear", "one is of several colours, the other of one")
    alone = [n for n in names if n in DEFINING and _unstated(n, left, right)]
    if same:
        yield _seen("traits_same", f"the same {listed(same)}", min(3, len(same)))
    if alone:
        words = f"only one states {listed(alone)}"
        yield _seen("traits_unstated", words, len(alone))


_COMMON = frozenset({"material"})
"""Traits that most goods of a range have in common."""


def _assorted(one: Facts, other: Facts) -> bool:
    """Whether only `one` is of several colours: four of them, or yellow alone."""
    several = any(n > 1 for n in one.sizes.measures.get("colours", ()))
    return several and "colours" not in other.sizes.measures and "colour" in other.traits


def _unstated(name: str, left: Facts, right: Facts) -> bool:
    ours, others = left.traits.get(name, NONE), right.traits.get(name, NONE)
    if bool(ours) == bool(others) or (ours | others) <= _USUAL:
        return False
    return apart(ours, right) or apart(others, left)


_USUAL = frozenset({"成人", "原味", "透明", "婴儿"})
"""Values that sellers leave out as a matter of course."""


def _price_evidence(left: Facts, right: Facts) -> Iterable[Evidence]:
    ratio = price_ratio(left, right)
    if ratio is None:
        return
    if ratio <= NEAR:
        yield _seen("price_near", "prices are near")
    elif ratio < FAR:
        yield _seen("price_apart", f"one costs {ratio:.1f} times as much")
    else:
        yield _seen("price_far", f"one costs {ratio:.1f} times as much")
