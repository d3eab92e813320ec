"""The words of the trade as data, and a scanner that finds them in a text. Pure.

An alternation of a thousand words in one pattern took a quarter of a millisecond a title; looking
up pieces of the lengths that begin so takes a few microseconds, however many words there are.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

_DATA = Path(__file__).parent / "data"

T = TypeVar("T")


class Scanner(Generic[T]):
    """Finds terms from left to right, the longest first, each character used once."""

    def __init__(self, terms: Mapping[str, T]) -> None:
        lengths: dict[str, set[int]] = {}
        for term in terms:
            lengths.setdefault(term[0], set()).add(len(term))
        self._terms = dict(terms)
        self._lengths = {char: sorted(found, reverse=True) for char, found in lengths.items()}

    def find(self, text: str) -> Iterator[tuple[int, str, T]]:
        """(position, term, what it stands for). Latin terms match whole words only."""
        lengths, terms, at = self._lengths, self._terms, 0
        for start, char in enumerate(text):
            if start < at or char not in lengths:
                continue
            for length in lengths[char]:
                term = text[start : start + length]
                if term in terms and _whole(text, start, term):
                    yield start, term, terms[term]
                    at = start + length
                    break


def _whole(text: str, at: int, term: str) -> bool:
    first, last = term[0], term[-1]
    if first.isascii() and first.isalnum() and at and _latin(text[at - 1]):
        return False
    after = at + len(term)
    return not (last.isascii() and last.isalnum() and after < len(text) and _latin(text[after]))


def _latin(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char in ".")


@dataclass(frozen=True)
class Trait:
    """One table of values that exclude one another."""

    name: str
    presence: bool
    default: str | None
    unless: frozenset[str]


@dataclass(frozen=True)
class Lexicon:
    """All words of the trade, ready to use."""

    regional: Scanner[str]
    noise: frozenset[str]
    soft: frozenset[str]
    traits: Mapping[str, Trait]
    values: Scanner[tuple[tuple[str, str], ...]]
    lone: Mapping[str, tuple[tuple[str, str], ...]]
    """Values of a single Chinese character, which count only where they stand by themselves."""


@cache
def lexicon() -> Lexicon:
    """The lexicon from its data files, read once a process."""
    words = _read("words.toml")
    tables = _read("traits.toml")
    terms: dict[str, tuple[tuple[str, str], ...]] = {}
    for name, table in tables.items():
        for value, term in _values(table["values"]):
            terms[term] = (*terms.get(term, ()), (name, value))
    return Lexicon(
        regional=Scanner(words["regional"]),
        noise=frozenset(words["noise"]["words"].split()),
        soft=frozenset(words["noise"]["soft"].split()),
        traits={name: _trait(name, table) for name, table in tables.items()},
        values=Scanner({t: v for t, v in terms.items() if not _is_lone(t)}),
        lone={t: v for t, v in terms.items() if _is_lone(t)},
    )


def _is_lone(term: str) -> bool:
    return len(term) == 1 and not term.isascii()


def _trait(name: str, table: Mapping[str, Any]) -> Trait:
    return Trait(
        name,
        bool(table.get("presence", False)),
        table.get("default"),
        frozenset(table.get("unless", "").split()),
    )


def _values(lines: str) -> Iterable[tuple[str, str]]:
    for line in lines.split("\n"):
        names = [name.replace("_", " ") for name in line.split()]
        for term in names:
            yield names[0], term


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((_DATA / name).read_text(encoding="utf-8"))
