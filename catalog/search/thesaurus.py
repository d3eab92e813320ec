"""Other words for the same goods: 尿不湿 is 纸尿裤. Pure."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from catalog.search.words import asked, made_of, plain, sounds

Way = tuple[str, ...]
"""Indexed words that goods must all have."""

_MOST_PIECES = 4
"""A synonym may be cut into so many words."""


UNITS = (
    ("ml", "毫升"),
    ("l", "升", "公升"),
    ("g", "克"),
    ("kg", "公斤", "千克"),
    ("mm", "毫米"),
    ("cm", "厘米", "公分"),
)
"""Units as they are written: no words that an operator edits, and nobody is suggested one."""

_UNITS = {unit: group for group in UNITS for unit in group}

_REMEMBERED = 20_000
"""Of so many words it is remembered what answers them."""


class Item(NamedTuple):
    """One thing that a query asks for: as it was `said`, and the ways in which goods answer it."""

    said: str
    ways: tuple[Way, ...]

    @property
    def counts(self) -> bool:
        """Whether it is a number, a unit, or a single letter: alone it says nothing of goods."""
        return (
            self.said.isdecimal()
            or self.said in _UNITS
            or (self.said.isascii() and len(self.said) == 1)
        )


class Thesaurus:
    """Groups of words that mean the same; a word may stand in several groups."""

    def __init__(self, groups: Iterable[Sequence[str]] = ()) -> None:
        self._same: dict[str, dict[str, None]] = {}
        self._sounds: dict[str, dict[str, None]] = {}
        self._item = lru_cache(_REMEMBERED)(self._answers)
        for group in groups:
            folded = ["".join(plain(word).split()) for word in group]
            for word in folded:
                self._same.setdefault(word, {}).update(dict.fromkeys(folded))
                for sound in sounds(word):
                    self._sounds.setdefault(sound, {}).update(dict.fromkeys(folded))

    def items(self, text: str) -> list[Item]:
        """What a query asks for; neighbouring words that are one entry together count as one."""
        pieces = asked(text)
        found: list[Item] = []
        at = 0
        while at < len(pieces):
            said, size = self._longest(pieces[at : at + _MOST_PIECES])
            found.append(self._item(said, *pieces[at : at + size]))
            at += size
        return found

    def spelt(self, sound: str) -> list[Way]:
        """The ways of all words that are typed like this, in pinyin or by initials."""
        return [_way(asked(word)) for word in self._sounds.get(sound, ())]

    def same(self, word: str) -> list[str]:
        """The other words of its groups."""
        return [other for other in self._same.get(word, ()) if other != word]

    def beginning(self, typed: str) -> list[str]:
        """The words that begin like this, in characters, in pinyin or as initials."""
        found = [word for word in self._same if word.startswith(typed)]
        if typed.isascii():
            heard = (words for sound, words in self._sounds.items() if sound.startswith(typed))
            found += [word for words in heard for word in words if _typed_so(word, typed)]
        return list(dict.fromkeys(found))

    def _answers(self, said: str, *pieces: str) -> Item:
        same = (*_UNITS.get(said, ()), *self.same(said))
        others = [_way(asked(word)) for word in same]
        return Item(said, tuple(dict.fromkeys((_way(pieces), *others))))

    def _longest(self, pieces: list[str]) -> tuple[str, int]:
        for size in range(len(pieces), 1, -1):
            if (joined := "".join(pieces[:size])) in self._same:
                return joined, size
        return pieces[0], 1


def _way(pieces: Iterable[str]) -> Way:
    return tuple(part for piece in pieces for part in made_of(piece))


def _typed_so(word: str, typed: str) -> bool:
    return any(sound.startswith(typed) for sound in sounds(word))
