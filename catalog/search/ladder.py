"""The ways in which a text is looked for, the strictest first.

Steps of one tier add to one another; a looser tier is tried only where all stricter ones found
nothing: what was typed as pinyin or by initials or with a character that sounds the same; what is
misspelt by a letter or two; what has most of the words; what has most of the characters, and two
of them together; what has most of the characters.
"""

import contextlib
import math
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import combinations, groupby
from operator import itemgetter

from tantivy import Occur, Query, Schema

from catalog.search import words
from catalog.search.schema import GOODS, sku_code
from catalog.search.thesaurus import Item, Thesaurus, Way
from kit import ids
from kit.errors import Problem

Known = Callable[[str, str], int]
"""How many goods have a word in a field."""

EXACT, SOUNDS, SLIP, SLIPS, MOST, REST, LAST = range(7)
"""The tiers."""

_SHORTEST = {1: 4, 2: 8}
"""So many letters must be typed before one slip, or two, are forgiven."""

_SOUND_OF = {"title": "title_sound", "words": "sound"}
"""Where the words of a field are found by how they are typed."""

_MOST_SPELT_OUT = 6
"""Up to so many words each choice of most of them is a condition of its own."""

_LONGEST_WORD = 6
"""Characters of a word that a stretch of Chinese is cut into by its sound."""


class Ladder:
    """Ways of looking for one text in one state of the index; levels are numbered from 0."""

    tiers: Sequence[int] = ()
    """The tier of each level."""

    def __init__(self) -> None:
        self._made: dict[int, Query | None] = {}

    def query(self, level: int) -> Query | None:
        """What is found at a level, made when its turn comes; None: nothing that stricter ones of
        its tier, or stricter tiers, do not find."""
        if level not in self._made:
            self._made[level] = self._make(level)
        return self._made[level]

    def likely(self, level: int) -> float:
        """About so many goods are found at a level, where that can be told beforehand; else 0."""
        return 0

    def _make(self, level: int) -> Query | None:
        raise NotImplementedError


class Tiers(Ladder):
    """A whole tier a level, for orders in which all that a tier finds is mixed."""

    def __init__(self, ways: Ladder) -> None:
        super().__init__()
        self._ways = ways
        numbered = [*enumerate(ways.tiers)]
        self._levels = [[*group] for _, group in groupby(numbered, itemgetter(1))]
        self.tiers = [group[0][1] for group in self._levels]

    def _make(self, level: int) -> Query | None:
        queries = (self._ways.query(number) for number, _ in self._levels[level])
        found = [(Occur.Should, query) for query in queries if query is not None]
        return Query.boolean_query(found) if found else None


class Ways(Ladder):
    """All the ways for a text, the strictest first.

    A query costs ten times as much as asking how many goods have a word: so a way that can be seen
    to find nothing new by these numbers is not tried.
    """

    def __init__(self, known: Known, schema: Schema, text: str, thesaurus: Thesaurus) -> None:
        super().__init__()
        self.tiers = _TIERS
        self._known, self._schema = known, schema
        self._text, self._thesaurus = text, thesaurus

    def likely(self, level: int) -> float:
        """Between what the rarest word alone finds and what chance would leave of that: words that
        are typed together are found together more often than by chance."""
        field = _WRITTEN_IN.get(level)
        if field is None or not self.items:
            return 0
        rarest, *others = sorted(self._goods(item, field) for item in self.items)
        goods = max(self._known("flag", GOODS), 1)
        return rarest * math.sqrt(math.prod(one / goods for one in others))

    def _make(self, level: int) -> Query | None:
        return _WAYS[level][1](self)

    @cached_property
    def items(self) -> Sequence[Item]:
        """What the text asks for."""
        return self._thesaurus.items(self._text)

    @cached_property
    def pieces(self) -> Sequence[str]:
        """Its characters, and its runs of letters and of digits."""
        return words.characters(self._text)

    def code(self) -> Query | None:
        """A GTIN or maker's number as written, or one of our SKU ids; None where there is none."""
        text = self._text.strip()
        plain = words.plain(text)
        codes = [plain, *_numbers(plain)]
        if text.startswith("sku_"):
            with contextlib.suppress(Problem):  # it only looks like an id of ours
                codes.append(sku_code(ids.inside("sku", text)))
        known = [code for code in dict.fromkeys(codes) if self._known("code", code)]
        return _any([self._term("code", code) for code in known]) if known else None

    def written(self, field: str) -> Query | None:
        """Goods that answer every item by its own words or a synonym's."""
        if not self.items or (field == "words" and self._all_in_titles()):
            return None
        return _all(self._ways(field, item.ways) for item in self.items)

    def in_order(self) -> Query | None:
        """Every pair of neighbouring characters, wherever the words were cut."""
        if len(self.pieces) < 2:
            return self._term("characters", self.pieces[0]) if self.pieces else None
        pairs = dict.fromkeys(words.pairs(self.pieces))
        return _all(self._term("characters", pair) for pair in pairs)

    def sounding(self, field: str) -> Query | None:
        """Goods that answer every item as written or typed by its sound."""
        if field == "words" and self._all_heard_in_titles():
            return None
        if not any(self._sounds_otherwise(field, item) for item in self.items):
            return None
        return _all(self._sounding(field, item) for item in self.items)

    def heard(self) -> Query | None:
        """Chinese cut into words by how it sounds, whatever characters it was written with."""
        if not self.items:
            return None
        return _all(query for run in words.runs(self._text) for query in self._by_ear(run))

    def together(self) -> Query | None:
        """Letters that were typed apart, as one word or its sound: `zhi niao ku`, `i phone`."""
        runs = words.runs(self._text)
        if len(runs) < 2 or not all(run.isascii() and run.isalpha() for run in runs):
            return None
        said = "".join(runs)
        if not (self._known("sound", said) or self._known("words", said)):
            return None
        return self._sounding("words", Item(said, ((said,),)))

    def misspelt(self, field: str, slips: int) -> Query | None:
        """Goods that answer every item, some with slips; None where nothing is long enough."""
        if not any(_may_slip(item, slips) for item in self.items):
            return None
        return _all(self._misspelt(field, slips, item) for item in self.items)

    def most_items(self, *, with_rarest: bool) -> Query | None:
        """Goods that answer all items but one; of four or more, all but two. What no goods have
        says nothing, as long as that is not most of it.

        `with_rarest`: they answer the item that says most, which fewest goods have; else some item
        of more than a character. Numbers and units alone are no goods.
        """
        known = [item for item in self.items if self._goods(item)]
        telling = [item for item in known if not item.counts]
        least = max(len(self.items) - 1 - (len(self.items) > 3), 1)
        few = len(known) < least and 2 * len(known) < len(self.items)
        if len(self.items) < 2 or not telling or few:
            return None
        rarest = min(telling, key=lambda item: (self._goods(item).bit_length(), -len(item.said)))
        size = min(least, len(known))
        if with_rarest:
            return self._most(known, size, [rarest])
        others = [item for item in known if item is not rarest]
        among = others if size <= len(others) else known  # with the rarest as many were looked for
        keep = [item for item in among if not item.counts and len(item.said) > 1]
        return self._most(among, min(size, len(others)), keep)

    def _most(self, items: Sequence[Item], size: int, keep: Sequence[Item]) -> Query | None:
        """So many of the items, one of those to `keep` among them."""
        if not size or not keep:
            return None
        if len(items) > _MOST_SPELT_OUT:
            wanted = [(Occur.Should, self._answers(item)) for item in items]
            kept = _any([self._answers(item) for item in keep])
            return _all([Query.boolean_query(wanted, size), kept])
        # Every choice of so many: goods with only one of the words are not even looked at.
        choices = [some for some in combinations(items, size) if set(keep) & set(some)]
        return _any([_all(self._answers(item) for item in some) for some in choices])

    def _answers(self, item: Item) -> Query:
        return self._ways("words", item.ways)

    def _goods(self, item: Item, field: str = "words") -> int:
        """How many goods, at most, answer an item by its words or a synonym's."""
        return max(min(self._known(field, word) for word in way) for way in item.ways if way)

    def most_characters(self) -> Query | None:
        """Goods with all characters but one; of six or more, all but two; of two, both."""
        distinct = list(dict.fromkeys(self.pieces))
        if len(distinct) < 2 or all(piece.isascii() for piece in distinct):
            return None
        wanted = [(Occur.Should, self._term("characters", piece)) for piece in distinct]
        return Query.boolean_query(wanted, max(len(wanted) - 1 - (len(wanted) > 5), 2))

    def neighbours(self) -> Query | None:
        """The same, of which two stand together as they were typed."""
        most = self.most_characters()
        pairs = [pair for pair in words.pairs(self.pieces) if self._known("characters", pair)]
        if most is None or not pairs:
            return None
        return _all([most, _any([self._term("characters", pair) for pair in pairs])])

    def _all_in_titles(self) -> bool:
        """Whether no goods have one of the words elsewhere than in their titles."""
        asked = {word for item in self.items for way in item.ways for word in way}
        return self._alike("title", "words", asked)

    def _all_heard_in_titles(self) -> bool:
        """Whether what is found by its sound is found by that of words in titles alone."""
        keys = {key for item in self.items for key in _typed(item.said)}
        spelt = {word for key in keys for way in self._thesaurus.spelt(key) for word in way}
        return (
            self._all_in_titles()
            and self._alike("title", "words", spelt)
            and self._alike("title_sound", "sound", keys)
        )

    def _alike(self, title: str, whole: str, asked: set[str]) -> bool:
        """Whether goods that have these words have them in their titles."""
        return all(self._known(whole, word) == self._known(title, word) for word in asked)

    def _sounds_otherwise(self, field: str, item: Item) -> bool:
        """Whether goods may answer an item by its sound that do not by its words."""
        keys = _typed(item.said)
        if any(self._thesaurus.spelt(key) for key in keys):
            return True
        known = self._known
        # What has a Chinese word has its sound too; letters are no word's sound but by chance.
        own = 0 if item.said.isascii() else known(field, item.said)
        return any(known(_SOUND_OF[field], key) != own for key in keys)

    def _sounding(self, field: str, item: Item) -> Query:
        keys = _typed(item.said)
        spelt = [way for key in keys for way in self._thesaurus.spelt(key)]
        heard = [self._term(_SOUND_OF[field], key) for key in keys]
        # What has a Chinese word has its sound too.
        own = () if item.said.isascii() or not heard else ((item.said,),)
        ways = [way for way in (*item.ways, *spelt) if way not in own]
        return _any([*([self._ways(field, ways)] if ways else ()), *heard])

    def _misspelt(self, field: str, slips: int, item: Item) -> Query:
        sounding = self._sounding(field, item)
        if not _may_slip(item, slips):
            return sounding
        fuzzy = [
            Query.fuzzy_term_query(self._schema, one, item.said, distance=slips)
            for one in (field, _SOUND_OF[field])
        ]
        return _any([sounding, *fuzzy])

    def _by_ear(self, run: str) -> Iterable[Query]:
        """Of each stretch the longest that sounds like a word of some goods."""
        if run.isascii():
            yield self._sounding("words", Item(run, ((run,),)))
            return
        said, at = words.syllables(run), 0
        while at < len(run):
            longest = range(min(_LONGEST_WORD, len(said) - at), 1, -1)
            size = next((size for size in longest if self._sounds_known(said[at : at + size])), 1)
            yield (
                self._term("sound", "".join(said[at : at + size]))
                if size > 1
                else self._term("characters", run[at])
            )
            at += size

    def _sounds_known(self, said: Sequence[str]) -> bool:
        """Whether some goods have a word of these syllables."""
        return self._known("sound", "".join(said)) > 0

    def _ways(self, field: str, ways: Iterable[Way]) -> Query:
        return _any([_all(self._term(field, word) for word in way) for way in ways if way])

    def _term(self, field: str, word: str) -> Query:
        return Query.term_query(self._schema, field, word)


_WAYS: Sequence[tuple[int, Callable[[Ways], Query | None]]] = (
    (EXACT, Ways.code),
    (EXACT, lambda ways: ways.written("title")),
    (EXACT, lambda ways: ways.written("words")),
    (EXACT, Ways.in_order),
    (SOUNDS, lambda ways: ways.sounding("title")),
    (SOUNDS, lambda ways: ways.sounding("words")),
    (SOUNDS, Ways.together),
    (SOUNDS, Ways.heard),
    (SLIP, lambda ways: ways.misspelt("title", 1)),
    (SLIP, lambda ways: ways.misspelt("words", 1)),
    (SLIPS, lambda ways: ways.misspelt("title", 2)),
    (SLIPS, lambda ways: ways.misspelt("words", 2)),
    (MOST, lambda ways: ways.most_items(with_rarest=True)),
    (MOST, lambda ways: ways.most_items(with_rarest=False)),
    (REST, Ways.neighbours),
    (LAST, Ways.most_characters),
)
_TIERS = [tier for tier, _ in _WAYS]
_WRITTEN_IN = {1: "title", 2: "words"}
"""The levels at which goods have the words themselves, and where."""


_NUMBER = re.compile(r"(?<!\d)\d{8,14}(?!\d)")
_GROUPED = re.compile(r"\d[\d\s-]{7,20}\d")
"""A GTIN as it is printed under its bars: 6 901234 567892."""


def _numbers(text: str) -> Iterable[str]:
    """Article numbers in a text, with whatever stands around or between their digits."""
    grouped = ["".join(re.findall(r"\d", one)) for one in _GROUPED.findall(text)]
    for number in (*_NUMBER.findall(text), *grouped):
        if 8 <= len(number) <= 14:
            yield from (number, number.zfill(14), number.lstrip("0"))


def _may_slip(item: Item, slips: int) -> bool:
    return item.said.isascii() and len(item.said) >= _SHORTEST[slips]


def _typed(said: str) -> tuple[str, ...]:
    """The sounds that a word is looked up by: its own letters, or the pinyin of its characters."""
    if said.isascii():
        return (said,) if said.isalpha() and len(said) > 1 else ()
    return words.sounds(said)[:1]


def _all(queries: Iterable[Query]) -> Query:
    made = list(queries)
    return made[0] if len(made) == 1 else Query.boolean_query([(Occur.Must, one) for one in made])


def _any(queries: Sequence[Query]) -> Query:
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Should, one) for one in queries])
