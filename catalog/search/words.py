"""Words that goods are found by: Chinese split by jieba, letters apart from digits. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from catalog import dictionaries
from kit.hanzi import simplified

_RUNS = re.compile(r"[a-z]+|[0-9]+|[^\W\d_a-z]+")
"""Letters, digits, and everything else that is written with: `iphone15` is `iphone` and `15`."""

_HANZI = re.compile(r"[\u3400-\u9fff]{2,8}")

LONGEST = 64
"""Characters of a query that count; what people paste beyond that narrows nothing."""


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """Half-width, lower case and simplified, so that Ａ４ is a4 and 紙尿褲 is 纸尿裤."""
    return simplified(unicodedata.normalize("NFKC", text).lower())


def indexed(text: str) -> list[str]:
    """The words a text is found by, short ones inside long ones included."""
    return [word for run in _RUNS.findall(plain(text)) for word in _cut(run, finely=True)]


def asked(text: str) -> list[str]:
    """The words of a query as jieba cuts them, each once, in order; what says nothing is left out.

    Only the first `LONGEST` characters count.
    """
    return list(dict.fromkeys(word for run in runs(text) for word in _cut(run) if word != "的"))


def runs(text: str) -> list[str]:
    """The stretches of a query that are letters, digits, or something else that is written with."""
    return _RUNS.findall(plain(text)[:LONGEST])


@lru_cache(maxsize=20_000)
def made_of(word: str) -> tuple[str, ...]:
    """The indexed words that goods must all have to be what one word of `asked` asks for.

    A long word is replaced by the short ones that it is made of: whatever holds 智能手机 as one
    word holds 智能 and 手机, and goods that hold the two apart are meant as well.
    """
    if word.isascii() or len(word) < 3:
        return (word,)
    fine = dictionaries.words_within(word)
    if word not in fine:  # guessed by jieba from its neighbours, and cut otherwise alone
        return (word,)
    parts = tuple(_cover(word, {part for part in fine if part != word}))
    return parts if "".join(parts) == word else (word,)


@lru_cache(maxsize=200_000)
def sounds(word: str) -> tuple[str, ...]:
    """How a Chinese word of 2 to 8 characters is typed: its pinyin without tones, its initials."""
    if not _HANZI.fullmatch(word):
        return ()
    said = syllables(word)
    return "".join(said), "".join(one[:1] for one in said)


def syllables(run: str) -> Sequence[str]:
    """The pinyin without tones of each character; what has none stands for itself.

    Only characters that are a phrase together need be looked at together, which takes long.
    """
    known, ends = dictionaries.phrases(), range(2, len(run) + 1)
    if len(run) > 8 or any(run[at:end] in known for end in ends for at in range(end - 1)):
        return _spoken(run)
    return [_spoken(one)[0] for one in run]


@lru_cache(maxsize=50_000)
def _spoken(text: str) -> Sequence[str]:
    return tuple(dictionaries.said(text, v_to_u=False, errors=list))


def characters(text: str, longest: int | None = LONGEST) -> list[str]:
    """A text as single Chinese characters, whole runs of letters and whole runs of digits."""
    found = _RUNS.findall(plain(text)[:longest])
    return [piece for run in found for piece in ([run] if run.isascii() else run)]


def pairs(pieces: Sequence[str]) -> Iterator[str]:
    """Neighbours of `characters` as one term: 绿茶叶 is 绿茶 and 茶叶."""
    return (f"{first}+{second}" for first, second in pairwise(pieces))


def _cut(run: str, *, finely: bool = False) -> Iterable[str]:
    if run.isascii():
        return [run]
    return dictionaries.words_within(run) if finely else dictionaries.words(run)


def _cover(word: str, parts: set[str]) -> Iterator[str]:
    """Parts one after another from the start of `word`, the longest first, as far as they go."""
    at = 0
    while part := max((p for p in parts if word.startswith(p, at)), key=len, default=""):
        yield part
        at += len(part)
