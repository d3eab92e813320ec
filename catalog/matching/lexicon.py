"""The words of the trade as data, and a scanner that finds them in a text. Pure.

An alternation of a thousand words in one pattern took a quarter of a millisecond a title; looking
up pieces of the lengths that begin so takes a few microseconds, however many words there are.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

DATA = Path(__file__).parent / "data"

_CHINESE = re.compile(r"[一-鿿]")

T = TypeVar("T")


class Scanner(Generic[T]):
    """Finds terms from left to right, the longest first, each character used once."""

    def __init__(self, terms: Mapping[str, T]) -> None:
        lengths: dict[str, set[int]] = {}
        for term in terms:
            lengths.setdefault(term[0], set()).add(len(term))
        self._terms = dict(terms)
        self._lengths = {char: sorted(found, reverse=True) for char, found in lengths.items()}
        self._latin = {term for term in terms if term[0].isascii() or term[-1].isascii()}

    def find(self, text: str) -> Iterator[tuple[int, str, T]]:
        """(position, term, what it stands for). Latin terms match whole words only."""
        lengths, terms, latin, at = self._lengths, self._terms, self._latin, 0
        for start, char in enumerate(text):
            if (found := lengths.get(char)) is None or start < at:
                continue
            for length in found:
                term = text[start : start + length]
                if term in terms and (term not in latin or _whole(text, start, term)):
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
    """Words with which the table says nothing."""
    where: frozenset[str]
    """Words without any of which it says nothing; empty: it always speaks."""
    exact: bool
    """Whether all values must agree: pro max is not pro."""
    latin: bool
    """Whether it speaks only of texts without Chinese."""

    def speaks(self, text: str) -> bool:
        """Whether the table says anything of what `text` describes."""
        if self.latin and _CHINESE.search(text):
            return False
        if self.where and not _any_of(self.where).search(text):
            return False
        return not (self.unless and _any_of(self.unless).search(text))


@cache
def _any_of(words: frozenset[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(words))))


@dataclass(frozen=True)
class Lexicon:
    """All words of the trade, ready to use."""

    regional: Scanner[str]
    noise: frozenset[str]
    soft: frozenset[str]
    """Adjectives that tell twins of one seller apart, and `generic` ones."""
    generic: frozenset[str]
    """What sellers say of all goods."""
    sellers: Scanner[None]
    """Noise and such words of more than one character, to be found in a text."""
    opposites: Mapping[str, str]
    """有 → 无 and 无 → 有: of two things one has what the other has not."""
    sides: re.Pattern[str]
    """Finds an opposite and the character behind it, or one that stands alone. 制冷 and 散热 are of
    one thing.
    """
    shades: re.Pattern[str]
    """Finds a colour with the name that goes before it: 珍珠白."""
    kinds: Scanner[tuple[str, ...]]
    """What things are, by every name: 洗衣球 → 凝珠; a wide name is of several kinds."""
    brands: Mapping[str, str]
    """Names of brands that everybody knows → the brand."""
    traits: Mapping[str, Trait]
    values: Scanner[tuple[tuple[str, str], ...]]
    lone: Mapping[str, tuple[tuple[str, str], ...]]
    """Values of a single Chinese character, which count only where they stand by themselves."""


@cache
def lexicon() -> Lexicon:
    """The lexicon from its data files, read once a process."""
    words = _read("words.toml")
    tables = _read("traits.toml")
    regional = Scanner(words["regional"])
    terms: dict[str, tuple[tuple[str, str], ...]] = {}
    for name, table in tables.items():
        for value, term in _values(table["values"]):
            terms[term] = (*terms.get(term, ()), (name, value))
    for value, term in _shades():
        terms.setdefault(term, (("colour", value),))
    noise = words["noise"]
    return Lexicon(
        regional=regional,
        noise=frozenset(noise["words"].split()),
        soft=frozenset([*noise["soft"].split(), *noise["generic"].split()]),
        generic=frozenset(noise["generic"].split()) - frozenset(noise["soft"].split()),
        sellers=Scanner(dict.fromkeys(filter(_spoken, " ".join(noise.values()).split()))),
        opposites=(opposites := _opposites(words["opposites"]["pairs"])),
        sides=_sides("".join(opposites)),
        shades=_named(words["shades"]),
        kinds=Scanner(_kinds(regional)),
        brands=_brands(),
        traits={name: _trait(name, table) for name, table in tables.items()},
        values=Scanner({t: v for t, v in terms.items() if not _is_lone(t)}),
        lone={t: v for t, v in terms.items() if _is_lone(t)},
    )


def _spoken(word: str) -> bool:
    """Whether a word is Chinese and long enough to be found within others."""
    return len(word) > 1 and bool(_CHINESE.match(word))


def _opposites(pairs: str) -> dict[str, str]:
    return {pair[at]: pair[1 - at] for pair in pairs.split() for at in (0, 1)}


def _sides(opposites: str) -> re.Pattern[str]:
    alone = f"(?<![一-鿿])([{opposites}])(?![一-鿿])"
    return re.compile(f"(?<![制散加发导隔])([{opposites}])(?=([一-鿿]))|{alone}")


def _named(shades: Mapping[str, str]) -> re.Pattern[str]:
    names = sorted(shades["names"].split(), key=len, reverse=True)
    return re.compile(f"((?:{'|'.join(names)})[{shades['colours']}])(?:色|(?![一-鿿]))")


def _kinds(regional: Scanner[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for part in _read("kinds.toml").values():
        for kind, term in _values(part["kinds"]):
            name = replaced(term, regional)
            found[name] = (*found.get(name, ()), replaced(kind, regional))
    return found


def replaced(text: str, words: Scanner[str]) -> str:
    """The text with each term that `words` knows replaced by what it stands for."""
    parts, at = [], 0
    for start, term, word in words.find(text):
        parts += [text[at:start], word]
        at = start + len(term)
    return "".join((*parts, text[at:])) if parts else text


def _brands() -> dict[str, str]:
    lines = (DATA / "brands.txt").read_text(encoding="utf-8").split("\n")
    names = (line.split() for line in lines if line and not line.startswith("#"))
    return {name.replace("_", " "): own[0].replace("_", " ") for own in names for name in own}


def _shades() -> Iterable[tuple[str, str]]:
    """深棕, 灰黑 and 透明黑 are colours of their own: (value, term)."""
    for shade in (*"深浅淡暗灰枪", "透明", "磨砂"):
        for colour in "红粉橙黄绿蓝紫灰棕咖青黑白褐":
            if shade != colour:
                yield from ((f"{shade}{colour}色", f"{shade}{colour}{end}") for end in ("色", ""))


def _is_lone(term: str) -> bool:
    return len(term) == 1 and not term.isascii()


def _trait(name: str, table: Mapping[str, Any]) -> Trait:
    return Trait(
        name,
        bool(table.get("presence", False)),
        table.get("default"),
        frozenset(table.get("unless", "").split()),
        frozenset(table.get("where", "").split()),
        bool(table.get("exact", False)),
        bool(table.get("latin", False)),
    )


def _values(lines: str) -> Iterable[tuple[str, str]]:
    for line in lines.strip().split("\n"):
        names = [name.replace("_", " ") for name in line.split()]
        for term in names:
            yield names[0], term


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((DATA / name).read_text(encoding="utf-8"))
