"""Words that goods are found by: Chinese split by jieba, letters apart from digits. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

import rjieba

_RUNS = re.compile(r"[a-z]+|[0-9]+|[^\W\d_a-z]+")
"""Letters, digits, and everything else that is written with: `iphone15` is `iphone` and `15`."""

LONGEST = 64
"""Characters of a query that count; what people paste beyond that narrows nothing."""


def plain(text: str) -> str:
    """Half-width and lower case, so that Ａ４ is a4."""
    return unicodedata.normalize("NFKC", text).lower()


def indexed(text: str) -> list[str]:
    """The words a text is found by, short ones inside long ones included."""
    return [word for run in _RUNS.findall(plain(text)) for word in _cut(run, finely=True)]


def asked(text: str) -> list[list[str]]:
    """What a query asks for: each item is words that must all be there.

    A long word is replaced by the short ones that it is made of: whatever holds 智能手机 as one
    word holds 智能 and 手机, and goods that hold the two apart are meant as well.
    """
    words = [word for run in _RUNS.findall(plain(text)[:LONGEST]) for word in _cut(run)]
    return [_made_of(word) for word in dict.fromkeys(words) if word != "的"]


def characters(text: str) -> list[str]:
    """A text as single Chinese characters, whole runs of letters and whole runs of digits."""
    return [
        piece
        for run in _RUNS.findall(plain(text)[:LONGEST])
        for piece in ([run] if run.isascii() else run)
    ]


def _cut(run: str, *, finely: bool = False) -> Iterable[str]:
    if run.isascii():
        return [run]
    words: list[str] = rjieba.cut_for_search(run) if finely else rjieba.cut(run)
    return words


def _made_of(word: str) -> list[str]:
    if word.isascii() or len(word) < 3:
        return [word]
    shorter = {part for part in rjieba.cut_for_search(word) if part != word}
    parts = list(_cover(word, shorter))
    return parts if "".join(parts) == word else [word]


def _cover(word: str, parts: set[str]) -> Iterator[str]:
    """Parts one after another from the start of `word`, the longest first, as far as they go."""
    at = 0
    while part := max((p for p in parts if word.startswith(p, at)), key=len, default=""):
        yield part
        at += len(part)
