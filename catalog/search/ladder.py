"""The ways in which a text is looked for, the strictest first.

Steps of one tier add to one another; a looser tier is tried only where all stricter ones found
nothing: what was typed as pinyin or by initials or with a character that sounds the same; what is
misspelt by a letter or two; what has most of the words; what has most of the characters.
"""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations

from tantivy import Occur, Query, Schema, Searcher

from catalog.search import words
from catalog.search.schema import sku_code
from catalog.search.thesaurus import Item, Thesaurus, Way
from kit import ids
from kit.errors import Problem

EXACT, SOUNDS, SLIP, SLIPS, MOST, REST = range(6)
"""The tiers."""

_SHORTEST = {1: 4, 2: 8}
"""So many letters must be typed before one slip, or two, are forgiven."""

_SOUND_OF = {"title": "title_sound", "words": "sound"}
"""Where the words of a field are found by how they are typed."""

_MOST_SPELT_OUT = 6
"""Up to so many words each choice of most of them is a condition of its own."""

_LONGEST_WORD = 6
"""Characters of a word that a stretch of Chinese is cut into by its sound."""


@dataclass(frozen=True)
class Step:
    """One way of looking; its query is made when its turn comes."""

    tier: int
    make: Callable[[], Query | None]

    @cached_property
    def query(self) -> Query | None:
        """What it finds; None: nothing that stricter tiers do not."""
        return self.make()


def ladder(searcher: Searcher, schema: Schema, text: str, thesaurus: Thesaurus) -> list[Step]:
    """The steps for a text; none for one that says nothing."""
    if not text.strip():
        return []
    ask = _Ask(searcher, schema, text, thesaurus)
    steps = [Step(EXACT, ask.code)]
    pieces = words.characters(text)
    if ask.items:
        steps.append(Step(EXACT, partial(ask.every, ask.written_in("title"))))
        steps.append(Step(EXACT, partial(ask.every, ask.written_in("words"))))
    if pieces:
        steps.append(Step(EXACT, partial(ask.in_order, pieces)))
    if ask.items:
        steps.append(Step(SOUNDS, partial(ask.every, ask.sounding_in("title"))))
        steps.append(Step(SOUNDS, partial(ask.every, ask.sounding_in("words"))))
        steps.append(Step(SOUNDS, ask.heard))
        for tier, slips in ((SLIP, 1), (SLIPS, 2)):
            for field in _SOUND_OF:
                steps.append(Step(tier, partial(ask.misspelt, field, slips)))
    if len(ask.items) > 1:
        steps.append(Step(MOST, ask.most_items))
    if len(pieces) > 2:
        steps.append(Step(REST, partial(ask.most_characters, pieces)))
    return steps


class _Ask:
    """One text, as queries of one state of the index."""

    def __init__(self, searcher: Searcher, schema: Schema, text: str, thesaurus: Thesaurus) -> None:
        self._searcher, self._schema = searcher, schema
        self._text, self._thesaurus = text, thesaurus
        self.items = thesaurus.items(text)

    def code(self) -> Query | None:
        """A GTIN or maker's number as written, or one of our SKU ids; None where there is none."""
        text = self._text.strip()
        codes = [words.plain(text)]
        if text.startswith("sku_"):
            with contextlib.suppress(Problem):  # it only looks like an id of ours
                codes.append(sku_code(ids.inside("sku", text)))
        known = [code for code in codes if self._searcher.doc_freq("code", code)]
        return _any([self._term("code", code) for code in known]) if known else None

    def every(self, made: Callable[[Item], Query]) -> Query:
        """Goods that answer every item."""
        return _all(made(item) for item in self.items)

    def written_in(self, field: str) -> Callable[[Item], Query]:
        """An item by its own words or a synonym's."""
        return lambda item: self._ways(field, item.ways)

    def in_order(self, pieces: Sequence[str]) -> Query:
        """Every pair of neighbouring characters, wherever the words were cut."""
        if len(pieces) == 1:
            return self._term("characters", pieces[0])
        return _all(self._term("characters", pair) for pair in dict.fromkeys(words.pairs(pieces)))

    def sounding_in(self, field: str) -> Callable[[Item], Query]:
        """An item as written, or typed by its sound."""

        def made(item: Item) -> Query:
            keys = _typed(item.said)
            spelt = [way for key in keys for way in self._thesaurus.spelt(key)]
            heard = [self._term(_SOUND_OF[field], key) for key in keys]
            return _any([self._ways(field, (*item.ways, *spelt)), *heard])

        return made

    def heard(self) -> Query:
        """Chinese cut into words by how it sounds, whatever characters it was written with."""
        return _all(query for run in words.runs(self._text) for query in self._by_ear(run))

    def misspelt(self, field: str, slips: int) -> Query | None:
        """Goods that answer every item, some with slips; None where nothing is long enough."""
        if not any(_may_slip(item, slips) for item in self.items):
            return None
        return self.every(self.misspelt_in(field, slips))

    def misspelt_in(self, field: str, slips: int) -> Callable[[Item], Query]:
        """An item as written, by its sound, or with some slips in letters that were typed."""

        def made(item: Item) -> Query:
            sounding = self.sounding_in(field)(item)
            if not _may_slip(item, slips):
                return sounding
            fuzzy = [
                Query.fuzzy_term_query(self._schema, one, item.said, distance=slips)
                for one in (field, _SOUND_OF[field])
            ]
            return _any([sounding, *fuzzy])

        return made

    def most_items(self) -> Query:
        """Goods that answer all items but one; of four or more, all but two."""
        wanted = [self._ways("words", item.ways) for item in self.items]
        least = max(len(wanted) - 1 - (len(wanted) > 3), 1)
        if len(wanted) > _MOST_SPELT_OUT:
            return Query.boolean_query([(Occur.Should, one) for one in wanted], least)
        # Every choice of so many: goods with only one of the words are not even looked at.
        return _any([_all(some) for some in combinations(wanted, least)])

    def most_characters(self, pieces: Sequence[str]) -> Query:
        """Goods with all characters but one; of six or more, all but two."""
        distinct = list(dict.fromkeys(pieces))
        wanted = [(Occur.Should, self._term("characters", piece)) for piece in distinct]
        return Query.boolean_query(wanted, max(len(wanted) - 1 - (len(wanted) > 5), 1))

    def _by_ear(self, run: str) -> Iterable[Query]:
        if run.isascii():
            yield self.sounding_in("words")(Item(run, ((run,),)))
            return
        at = 0
        while at < len(run):
            part = next(filter(self._known, _starts(run, at)), run[at])
            yield (
                self._term("sound", words.sounds(part)[0])
                if len(part) > 1
                else self._term("characters", part)
            )
            at += len(part)

    def _known(self, part: str) -> bool:
        """Whether some goods have a word that sounds like this."""
        heard = words.sounds(part)
        return bool(heard) and self._searcher.doc_freq("sound", heard[0]) > 0

    def _ways(self, field: str, ways: Iterable[Way]) -> Query:
        return _any([_all(self._term(field, word) for word in way) for way in ways if way])

    def _term(self, field: str, word: str) -> Query:
        return Query.term_query(self._schema, field, word)


def _may_slip(item: Item, slips: int) -> bool:
    return item.said.isascii() and len(item.said) >= _SHORTEST[slips]


def _typed(said: str) -> tuple[str, ...]:
    """The sounds that a word is looked up by: its own letters, or the pinyin of its characters."""
    if said.isascii():
        return (said,) if said.isalpha() and len(said) > 1 else ()
    return words.sounds(said)[:1]


def _starts(run: str, at: int) -> Iterable[str]:
    """What may be the next word, the longest first."""
    for end in range(min(len(run), at + _LONGEST_WORD), at + 1, -1):
        yield run[at:end]


def _all(queries: Iterable[Query]) -> Query:
    made = list(queries)
    return made[0] if len(made) == 1 else Query.boolean_query([(Occur.Must, one) for one in made])


def _any(queries: Sequence[Query]) -> Query:
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Should, one) for one in queries])
