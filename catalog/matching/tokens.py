"""What is left of a title after sizes and traits: models, numbers, letters, words. Pure."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from catalog import dictionaries
from catalog.matching.lexicon import lexicon
from catalog.matching.text import normalise

_ALNUM = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")
_SUFFIX = re.compile(r"(?<![a-z0-9])([a-z0-9-]*\d[a-z0-9]*)/([a-z]{1,4})(?![a-z0-9])")
"""dvpfx820/w is the model dvpfx820w."""
_WORD_RUNS = re.compile(r"[一-鿿]+|(?<![a-z0-9])[a-z]{2,}(?![a-z0-9])")
_EDITION = re.compile(r"(?<=[0-9])(pro|max|plus|lite|mini|ultra)$")
_NAMED_MODEL = re.compile(r"^([a-z]{4,})(\d{1,2})$")
_LETTERS = frozenset(["xs", "s", "m", "l", "xl", "xxl", "xxxl", "2xl", "3xl", "4xl", "nb"])
_ALIKE = {"2xl": "xxl", "3xl": "xxxl"}
_NAPPY_SIZES = {"特大号": "xxl", "加大号": "xl", "大号": "l", "中号": "m", "小号": "s"}


class Tokens(NamedTuple):
    models: frozenset[tuple[str, ...]]
    numbers: frozenset[str]
    letters: frozenset[str]
    editions: frozenset[str]
    words: tuple[str, ...]
    """Words in their order, without seller's noise."""
    soft: frozenset[str]
    """Those of them that sellers add at will, and Latin ones."""


def read(rest: str, mpn: str | None, *, nappy: bool = False) -> Tokens:
    """The tokens of what `sizes.read` left, and of a model column."""
    models: set[tuple[str, ...]] = set()
    numbers, letters, editions = set(), set(), set()
    series: list[str] = []
    written = _ALNUM.findall(_SUFFIX.sub(r"\1\2", rest))
    if mpn:
        written += _ALNUM.findall(normalise(mpn).replace(" ", ""))
    for token in written:
        if token in _LETTERS:
            letters.add(_ALIKE.get(token, token))
        elif token.isdigit():
            numbers.add(token)
        elif any(c.isdigit() for c in token):
            if edition := _EDITION.search(token):
                editions.add(edition.group(1))
                token = token[: edition.start()]
            if named := _NAMED_MODEL.match(token):
                numbers.add(named.group(2))
                series.append(named.group(1))
            else:
                models.add(_tails(token))
    if nappy and not letters:
        letters |= {next((v for k, v in _NAPPY_SIZES.items() if k in rest), "")} - {""}
    words = (*_words(rest), *series)
    return Tokens(
        frozenset(model for model in models if model),
        frozenset(n.lstrip("0") or "0" for n in numbers),
        frozenset(letters),
        frozenset(editions),
        words,
        frozenset(word for word in words if word.isascii() or word in lexicon().soft),
    )


def _tails(token: str) -> tuple[str, ...]:
    parts = token.replace(".", "").split("-")
    tails = ("".join(parts[i:]) for i in range(len(parts)))
    return tuple(tail for tail in tails if _mixed(tail))


def _mixed(token: str) -> bool:
    return any(c.isdigit() for c in token) and any(c.isalpha() for c in token)


def _stem(word: str) -> str:
    """清爽型 is 清爽, 抽绳式 is 抽绳."""
    return word[:-1] if len(word) > 2 and word[-1] in "型款版式装" else word


def _words(rest: str) -> Iterable[str]:
    noise = lexicon().noise
    for run in _WORD_RUNS.findall(rest):
        for word in (run,) if run.isascii() else _cut(run):
            if word not in noise and word not in _LETTERS:
                yield word


def _cut(run: str) -> Iterable[str]:
    """The words of a run of Chinese. What sellers say of all goods is taken out first: 懒人家用 is
    懒人 and 家用, where a cutter finds 人家.
    """
    at = 0
    for start, term, _ in lexicon().sellers.find(run):
        if start > at:
            yield from map(_stem, dictionaries.words(run[at:start]))
        yield term
        at = start + len(term)
    if at < len(run):
        yield from map(_stem, dictionaries.words(run[at:]))
