"""What somebody who is still typing may mean."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from tantivy import Query, Searcher

from catalog.search.thesaurus import Thesaurus
from catalog.search.words import asked, plain, sounds

_BETWEEN = "\t"
"""Between what is typed and the word that is meant; it is in neither."""

_CANDIDATES = 40


@dataclass(frozen=True)
class Suggestion:
    """A whole text to search for, and how many products its last word is in."""

    text: str
    products: int


def keys(text: str) -> Iterable[str]:
    """The terms under which the words of a title, brand or category are suggested."""
    for word in asked(text):
        yield from _keys_of(word)


@lru_cache(maxsize=50_000)
def _keys_of(word: str) -> tuple[str, ...]:
    if len(word) < 2 or word.isdecimal():
        return ()
    return tuple(f"{typed}{_BETWEEN}{word}" for typed in (word, *sounds(word)))


def suggest(
    searcher: Searcher, visible: Query, typed: str, thesaurus: Thesaurus, limit: int
) -> list[Suggestion]:
    """Up to `limit` completions of the last word typed, in characters or by its sound.

    Those in most of the goods that match `visible` come first.
    """
    head, last = _parted(plain(typed).rstrip())
    if not last or (last.isascii() and len(last) < 2):
        return []
    found: dict[str, int] = {}
    terms = searcher.terms_with_prefix("suggest", last, visible, _CANDIDATES)
    for term, products in terms:
        word = term.partition(_BETWEEN)[2]
        found[word] = max(found.get(word, 0), products)
    for word in thesaurus.beginning(last):
        if word not in found and (products := _held(searcher, visible, thesaurus, word)):
            found[word] = products
    best = sorted(found, key=lambda word: (-found[word], word))
    return [Suggestion(f"{head}{word}", found[word]) for word in best[:limit]]


def _held(searcher: Searcher, visible: Query, thesaurus: Thesaurus, word: str) -> int:
    """How many products a word stands for that is in no title itself."""
    others = thesaurus.same(word)
    counts = [
        products
        for other in others
        for term, products in searcher.terms_with_prefix(
            "suggest", f"{other}{_BETWEEN}", visible, 1
        )
    ]
    return max(counts, default=0)


def _parted(text: str) -> tuple[str, str]:
    """What is typed already and what is being typed: `云岭 lvch` is `云岭 ` and `lvch`."""
    at = len(text)
    while at and not text[at - 1].isspace():
        at -= 1
        if at and text[at].isascii() != text[at - 1].isascii():
            break
    return text[:at].lstrip(), text[at:]
