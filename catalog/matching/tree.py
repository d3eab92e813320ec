"""Our category tree, and where a product stands in it by what its sources call it. Pure.

A product has one place. What a person said of a source's category outweighs what was learnt, and
that what the name itself says. Goods that nothing of it places keep the last words of their
source's category, under which they are found until somebody maps it; a bare number is no word.
"""

import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from catalog.matching.text import short

BETWEEN = " > "
"""Between the levels of a category as it is shown."""

OURS = """(SELECT m.ours FROM category_mappings m
    WHERE m.source = o.source AND m.theirs = o.category)"""
"""What is written down of the category of offers `o`, in SQL: a code of ours, or null."""

_LEVELS = re.compile(r"\s*[>/|]\s*")


@dataclass(frozen=True)
class Node:
    """A category of ours: `food`, or `food.milk` below it; `name` has both levels."""

    code: str
    name: str
    names: frozenset[str]
    """What it and sources call it."""

    @property
    def parent(self) -> str | None:
        """The code of the category above."""
        return self.code.rpartition(".")[0] or None


class Said(NamedTuple):
    """What one source calls a product, and what that is of ours where it is written down."""

    theirs: str | None
    ours: str | None = None
    by_person: bool = False


class Place(NamedTuple):
    """`code` is None for goods that nothing places; `levels` are names, each with those above."""

    code: str | None
    levels: tuple[str, ...]

    @property
    def name(self) -> str | None:
        """As it is shown."""
        return self.levels[-1] if self.levels else None

    @property
    def codes(self) -> tuple[str, ...]:
        """Its own code and the one above."""
        return () if self.code is None else down_to(self.code)


@cache
def tree() -> dict[str, Node]:
    """Every category by its code, each branch before its leaves."""
    path = Path(__file__).parent / "data" / "categories.toml"
    nodes = {}
    for branch, content in tomllib.loads(path.read_text(encoding="utf-8")).items():
        name = content["name"]
        nodes[branch] = Node(branch, name, frozenset({name}))
        for leaf, words in content.items():
            if leaf != "name":
                names = words.split()
                code = f"{branch}.{leaf}"
                nodes[code] = Node(code, f"{name}{BETWEEN}{names[0]}", frozenset(names))
    return nodes


@cache
def _by_word() -> dict[str, str]:
    """Words that name one category and no other; a leaf before a branch of the same name."""
    found: dict[str, set[str]] = {}
    for node in tree().values():
        for word in node.names:
            found.setdefault(short(word), set()).add(node.code)
    said = {word: {c for c in codes if "." in c} or codes for word, codes in found.items()}
    return {word: next(iter(codes)) for word, codes in said.items() if len(codes) == 1}


@lru_cache(maxsize=50_000)
def named(theirs: str) -> str | None:
    """The category that a source's one names, by its deepest level that names one."""
    known = _by_word()
    return next((known[level] for level in reversed(parts(theirs)) if level in known), None)


@lru_cache(maxsize=50_000)
def parts(category: str) -> tuple[str, ...]:
    """The levels of anybody's category, simplified and in lower case, the widest first."""
    return tuple(level for level in _LEVELS.split(short(category)) if level)


def of(theirs: str | None, ours: str | None) -> str | None:
    """Where a source's category stands: what is written down of it, or what its name says."""
    if ours in tree():
        return ours
    return named(theirs) if theirs else None


def down_to(code: str) -> tuple[str, ...]:
    """The codes from the top to this one."""
    above = tree()[code].parent
    return (code,) if above is None else (above, code)


def within(code: str | None, other: str) -> bool:
    """Whether a category is another one of ours, or below it."""
    return code is not None and f"{code}.".startswith(f"{other}.")


@lru_cache(maxsize=50_000)
def meant(category: str) -> str | None:
    """The category of ours that is written by its code or its whole name."""
    return category if category in tree() else _by_name().get(parts(category))


def asked(category: str) -> str | None:
    """The category of ours that a reader means: also by the last word of its name alone."""
    return meant(category) or _by_last_word().get(parts(category))


@cache
def _by_name() -> dict[tuple[str, ...], str]:
    return {parts(node.name): node.code for node in tree().values()}


@cache
def _by_last_word() -> dict[tuple[str, ...], str]:
    last = Counter(levels[-1] for levels in _by_name())
    return {levels[-1:]: code for levels, code in _by_name().items() if last[levels[-1]] == 1}


@lru_cache(maxsize=50_000)
def placed(own: str | None, said: tuple[Said, ...]) -> Place:
    """Where a product stands: `own` is the category that it came with, `said` all that is said.

    Of equal words those of more offers count, then the first by code.
    """
    votes: Counter[tuple[int, str]] = Counter()
    for one in said:
        if one.ours is not None and one.ours in tree():
            votes[2 if one.by_person else 1, one.ours] += 1
        elif one.theirs and (code := named(one.theirs)):
            votes[0, code] += 1
    if not votes and own and (code := named(own)):
        votes[0, code] += 1
    if votes:
        _, code = min(votes, key=lambda key: (-key[0], -votes[key], key[1]))
        return _place(code)
    last = _LEVELS.split(own.strip())[-1] if own else ""
    return Place(None, (last,) if last and not last.isdecimal() else ())


@cache
def _place(code: str) -> Place:
    node = tree()[code]
    above = () if node.parent is None else (tree()[node.parent].name,)
    return Place(code, (*above, node.name))
