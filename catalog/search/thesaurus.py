"""Other words for the same goods: 尿不湿 is 纸尿裤. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from catalog.search.words import asked, parts, plain, sounds

Way = tuple[str, ...]
"""Indexed words that goods must all have."""

_MOST_PIECES = 4
"""A synonym may be cut into so many words."""


@dataclass(frozen=True)
class Item:
    """One thing that a query asks for: as it was `said`, and the ways in which goods answer it."""

    said: str
    ways: tuple[Way, ...]


class Thesaurus:
    """Groups of words that mean the same; a word may stand in several groups."""

    def __init__(self, groups: Iterable[Sequence[str]] = ()) -> None:
        self._same: dict[str, dict[str, None]] = {}
        self._sounds: dict[str, dict[str, None]] = {}
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
            others = [word for word in self._same.get(said, ()) if word != said]
            ways = dict.fromkeys(tuple(parts(word)) for word in (said, *others))
            found.append(Item(said, tuple(way for way in ways if way)))
            at += size
        return found

    def spelt(self, sound: str) -> list[Way]:
        """The ways of all words that are typed like this, in pinyin or by initials."""
        return [tuple(parts(word)) for word in self._sounds.get(sound, ())]

    def _longest(self, pieces: list[str]) -> tuple[str, int]:
        for size in range(len(pieces), 1, -1):
            if (joined := "".join(pieces[:size])) in self._same:
                return joined, size
        return pieces[0], 1
