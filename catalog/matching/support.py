"""What speaks for and against two offers being one thing, with weights. Pure."""

from collections.abc import Iterable

from rapidfuzz import fuzz

from catalog.matching import gtin as gtins
from catalog.matching.facts import Facts
from catalog.matching.observed import (
    NONE,
    Evidence,
    has_model,
    listed,
    shared_models,
    telling,
    unexplained,
)
from catalog.matching.packs import contents, packs
from catalog.matching.twins import ALONE, DEFINING, each_alone, share, twins, unsaid


def support(left: Facts, right: Facts) -> Iterable[Evidence]:
    yield from _gtin_evidence(left, right)
    if left.brands & right.brands:
        yield Evidence("brand_same", 1.0, f"both are {listed(left.brands & right.brands)}")
    if shared := shared_models(left, right):
        weight = 2.5 if telling(shared) else 1.5
        yield Evidence("model_same", weight, f"both are model {listed(shared)}")
        mine, theirs = _shapes(left, right), _shapes(right, left)
        if mine.keys() & theirs.keys():
            words = f"besides, one has {listed(mine.values())}, the other {listed(theirs.values())}"
            yield Evidence("models_unclear", -1.0, words)
    yield from _title_evidence(left, right)
    yield from _size_evidence(left, right)
    yield from _trait_evidence(left, right)
    if left.category and right.category:
        alike = fuzz.token_set_ratio(left.category, right.category) >= 60
        words = "categories agree" if alike else "categories differ"
        yield Evidence("category", 0.4 if alike else -0.4, words)
    yield from _price_evidence(left, right)


def _shapes(one: Facts, other: Facts) -> dict[str, str]:
    """Models that only `one` has, by their form: 75b and 80b are of one form."""
    alone = (model[0] for model in one.models if not has_model(model, other))
    return {"".join("0" if c.isdigit() else "a" for c in model): model for model in alone}


def _gtin_evidence(left: Facts, right: Facts) -> Iterable[Evidence]:
    if left.gtin is None or right.gtin is None:
        return
    if left.gtin == right.gtin:
        yield Evidence("gtin_same", 3.0, f"both have GTIN {left.gtin}")
    elif gtins.article(left.gtin) == gtins.article(right.gtin):
        yield Evidence("gtin_case", 0.0, "one has the GTIN of the other's case")
    else:
        yield Evidence("gtin_differs", -1.5, f"GTINs {left.gtin} and {right.gtin} differ")


def _title_evidence(left: Facts, right: Facts) -> Iterable[Evidence]:
    alike = similarity(left.core, right.core)
    weight = (alike - 0.4) * 5
    if left.brands & right.brands and shared_models(left, right):
        weight = max(weight, -0.3)  # brand and model say it; the words around them are free
    yield Evidence("title", round(weight, 2), f"titles are {alike:.0%} alike")
    mine, theirs = unsaid(left, right), unsaid(right, left)
    models = shared_models(left, right) if left.brands & right.brands else set()
    known = bool(models) or (left.gtin is not None and left.gtin == right.gtin)
    apart = min(share(mine, left), share(theirs, right)) >= ALONE and not (known and alike >= 0.4)
    if apart or twins(left, right, mine, theirs):
        words = f"one says {listed(mine) or 'no more'}, the other {listed(theirs) or 'no more'}"
        yield Evidence("words_differ", -1.0, words)


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
        yield Evidence("content_same", 1.0, "the same content in all")
    elif bool(left.sizes.content) != bool(right.sizes.content):
        yield Evidence("content_unstated", -0.5, "only one states its content")
    mine, theirs = packs(left), packs(right)
    if mine.counted and theirs.counted:
        code = "pieces_same" if mine.pieces & theirs.pieces - {1} else "pack_same"
        yield Evidence(code, 0.6, "the same number of pieces")
    if each_alone(left, right):
        yield Evidence("each_alone", -0.6, "each states what the other leaves out")
    shared = [
        kind
        for kind in left.sizes.measures.keys() & right.sizes.measures.keys()
        if left.sizes.measures[kind] & right.sizes.measures[kind]
    ]
    if shared or left.letters & right.letters:
        yield Evidence("size_same", 0.7, f"the same {listed(shared) or 'size'}")
    if left.standards & right.standards:
        yield Evidence("standard_same", 0.7, f"both are {listed(left.standards & right.standards)}")
    one, two = left.sizes, right.sizes
    if one.numbers & (two.numbers | two.raws) or two.numbers & one.raws:
        yield Evidence("numbers_same", 0.4, "the same numbers")
    lonely = sum(bool(unexplained(*pair)) for pair in ((left, right), (right, left)))
    if lonely:
        yield Evidence("numbers_unstated", -0.6, "only one states some number")
    if bool(left.letters) != bool(right.letters):
        yield Evidence("size_unstated", -1.0, "only one states a size")


def _trait_evidence(left: Facts, right: Facts) -> Iterable[Evidence]:
    names = left.traits.keys() | right.traits.keys()
    same = [n for n in names if left.traits.get(n, NONE) & right.traits.get(n, NONE)]
    alone = [n for n in names if n in DEFINING and _unstated(n, left, right)]
    if same:
        yield Evidence("traits_same", min(1.5, 0.5 * len(same)), f"the same {listed(same)}")
    if alone:
        words = f"only one states {listed(alone)}"
        yield Evidence("traits_unstated", -0.7 * len(alone), words)


def _unstated(name: str, left: Facts, right: Facts) -> bool:
    ours, others = left.traits.get(name, NONE), right.traits.get(name, NONE)
    return bool(ours) != bool(others) and not (ours | others) <= _USUAL


_USUAL = frozenset({"成人", "原味"})
"""Values that sellers leave out as a matter of course."""


def _price_evidence(left: Facts, right: Facts) -> Iterable[Evidence]:
    if not left.price or not right.price:
        return
    ratio = float(max(left.price, right.price) / min(left.price, right.price))
    if ratio <= 1.4:
        yield Evidence("price_near", 0.4, "prices are near")
    elif ratio >= 2.2:
        yield Evidence("price_far", -1.5, f"one costs {ratio:.1f} times as much")
