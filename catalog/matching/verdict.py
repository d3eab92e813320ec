"""Are two offers for the same SKU? Evidence, vetoes, and one of join, review, apart. Pure.

A veto is never outweighed: single, 6-pack and 12-pack, 500 ml and 1 L, two colours, two models
stay apart however alike the titles are and whatever the GTINs say.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from catalog.matching.facts import Facts
from catalog.matching.observed import Evidence
from catalog.matching.support import support
from catalog.matching.vetoes import vetoes
from catalog.matching.weights import weights


@dataclass(frozen=True)
class Verdict:
    """What becomes of a pair. `vetoes` are codes of evidence that forbids joining."""

    decision: Literal["join", "review", "apart"]
    score: float
    evidence: tuple[Evidence, ...]
    vetoes: tuple[str, ...]


def compare(left: Facts, right: Facts) -> Verdict:
    """The verdict on a pair; the order of the two does not matter."""
    against = tuple(vetoes(left, right))
    evidence = against or tuple(support(left, right))
    score = round(sum(one.weight for one in evidence), 3)
    if against:
        decision: Literal["join", "review", "apart"] = "apart"
    elif score >= weights().join and not doubtful(evidence):
        decision = "join"
    else:
        asked = score >= weights().review or any(one.code == "gtin_same" for one in evidence)
        decision = "review" if asked else "apart"
    return Verdict(decision, score, evidence, tuple(one.code for one in against))


_DOUBTS = frozenset(
    {
        "price_far",
        "words_differ",
        "models_unclear",
        "foreign_unclear",
        "content_unclear",
        "pack_unclear",
        "extras_unstated",
        "lengths_unclear",
        "colour_unclear",
    }
)
"""Evidence with which no pair is joined without a person."""


_NAMES = frozenset({"gtin_same", "brand_same", "model_same", "model_short", "name_same"})
"""Without any of them nothing says whose goods these are: a person decides."""

_TANGIBLE = frozenset(
    {
        "gtin_same",
        "model_same",
        "model_short",
        "content_same",
        "size_same",
        "numbers_same",
        "pieces_same",
        "standard_same",
    }
)
"""What identifies besides words; without any of it the words must agree closely."""


def _said(seen: Mapping[str, float]) -> bool:
    """Whether anything but sizes says what the thing is: two sorts of eggs are thirty each."""
    if said := seen.keys() & _SAID:
        return seen.get("title", 0) > _FAR or "model_same" in seen or len(said) > 1
    return seen.get("title", 0) > 0


_SAID = frozenset(
    ["gtin_same", "model_same", "model_short", "kind_same", "traits_same", "nothing_else"]
)

_FAR = -0.355
"""How alike titles are that have hardly a character in common."""


_CLOSE = 0.387
"""How alike titles are that agree closely."""


_APART = 0.6
"""Share of a title's words that the other has nowhere, on both sides, of perhaps two things."""

_TELLING = frozenset({"gtin_same", "model_same", "model_short", "standard_same", "numbers_same"})
"""With any of them titles may be worded in whatever way."""


def doubtful(evidence: Iterable[Evidence]) -> bool:
    seen = {one.code: one.amount for one in evidence}
    if seen.keys() & _DOUBTS:
        return True
    if seen.get("words_apart", 0) >= _APART and not seen.keys() & _TELLING:
        return True
    if not seen.keys() & _NAMES or not _said(seen):
        return True
    return not seen.keys() & _TANGIBLE and seen.get("title", 0) < _CLOSE
