"""One search through one state of the index: level after level, as far as a page needs."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

from tantivy import FieldType, Index, Occur, Order, Query, Schema, Searcher

from catalog.search import query as queries
from catalog.search import schema as fields
from catalog.search.cursor import Cursor
from catalog.search.ladder import Ladder, Tiers, Ways
from catalog.search.query import Asked
from catalog.search.thesaurus import Thesaurus
from catalog.shelf import Reader

TOP = 5_000
"""Without words every product matches: then so many of the first ones are looked at first."""

FORE = 100
"""Words that very many goods have are looked for among about one in so many, the first ones of all,
before they are among all: what takes long is to look at the place of each that matches."""

ALIKE = 4
"""Goods of one step are first ones together, unless that makes so many times as many."""

SPARE = 3
"""So many times the answers that are wanted must be expected there."""

REMEMBERED = 1_000
"""So many texts are taken apart once for each state of the index."""


KNOWN = 20_000
"""Of so many words it is known how many goods have them, for each state of the index."""


class _Sort(NamedTuple):
    field: str
    """`{}` stands for the price list."""
    rising: bool
    product: Callable[[int], int]
    """The product that a sort number stands for."""


_SORTS: Mapping[str, _Sort] = {
    "relevance": _Sort("rank_{}", True, fields.product_of_rank),  # noqa: FBT003
    "worth": _Sort("worth_{}", True, fields.product_of_rank),  # noqa: FBT003
    "price": _Sort("by_price_{}", True, fields.product_of_key),  # noqa: FBT003
    "-price": _Sort("by_price_{}", False, fields.product_of_key),  # noqa: FBT003
    "-margin": _Sort("by_margin_{}", False, fields.product_of_key),  # noqa: FBT003
    "-sales": _Sort("by_sales", False, fields.product_of_key),  # noqa: FBT003
    "newest": _Sort("id", False, int),  # noqa: FBT003
}

NO_WORDS = Ladder()
"""Where nothing is typed there is only one way."""


class Fore(NamedTuple):
    """The goods that come before all others for the readers of a price list: those up to a step,
    and their share of all goods."""

    step: int
    share: float


@dataclass
class State:
    """One committed state of the index, and what was worked out about it."""

    schema: Schema
    searcher: Searcher
    tops: dict[tuple[str, bool], int] = field(default_factory=dict)
    fores: dict[tuple[str, int], Fore | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ladder = lru_cache(REMEMBERED)(self._ladder)
        self._known = lru_cache(KNOWN)(self.searcher.doc_freq)
        self._all: dict[str, bool] = {}
        self._served: dict[str, str] = {}

    @classmethod
    def of(cls, index: Index, former: "State | None") -> "State":
        """The state that `index` has now; where goods begin is known from a former one."""
        if former is None:
            return cls(index.schema, index.searcher())
        return cls(index.schema, index.searcher(), former.tops, former.fores)

    def _ladder(self, text: str, thesaurus: Thesaurus) -> Ladder:
        return Ways(self._known, self.schema, text, thesaurus) if text.strip() else NO_WORDS

    def served(self, reader: Reader) -> Reader:
        """The reader by a price list that the index has."""
        one = reader.prices.id
        if one not in self._served:
            self._served[one] = queries.served(self.schema, reader).prices.id
        if self._served[one] == one:
            return reader
        return replace(reader, prices=replace(reader.prices, id=self._served[one]))

    def fore(self, one: str) -> Fore | None:
        """The first goods of all; None: there are few, or too many are alike.

        Remembered until there are twice as many goods. It may be old: all goods up to a step come
        before all others in any state.
        """
        key = one, self.searcher.num_docs.bit_length()
        if key not in self.fores:
            self.fores[key] = self._fore(one)
        return self.fores[key]

    def _fore(self, one: str) -> Fore | None:
        seen = Query.term_query(self.schema, "flag", f"for:{one}")
        wanted = max(self.searcher.num_docs // FORE, 1)
        found = self.searcher.search(
            seen, wanted, count=False, order_by_field=f"rank_{one}", order=Order.Asc
        )
        if len(found.hits) < wanted:
            return None
        last = fields.step(found.hits[-1][0])
        for step in range(last, max(last - 2, -1), -1):
            both = [(Occur.Must, seen), (Occur.Must, self.up_to(one, step))]
            goods = self.searcher.search(Query.boolean_query(both), 1).count  # type: ignore[attr-defined]
            if 0 < goods <= ALIKE * wanted:
                return Fore(step, goods / self.searcher.num_docs)
        return None

    def up_to(self, one: str, step: int) -> Query:
        """What readers of a price list see first: the goods up to a step."""
        return Query.range_query(self.schema, f"step_{one}", FieldType.Unsigned, 0, step)

    def conditions(
        self, asked: Asked, reader: Reader, *, worded: bool
    ) -> list[tuple[Occur, Query]]:
        """What every answer meets. `worded`: words are asked for, too, so that only products match,
        and a condition that every product meets can be left out."""
        one = reader.prices.id
        if one not in self._all:
            seen, goods = (
                self.searcher.doc_freq("flag", flag) for flag in (f"for:{one}", fields.GOODS)
            )
            self._all[one] = seen == goods
        return queries.narrowed(
            self.searcher, self.schema, asked, reader, sees_all=worded and self._all[one]
        )


class Walk:
    """Finds the answers to one search in their order."""

    def __init__(self, state: State, asked: Asked, reader: Reader, thesaurus: Thesaurus) -> None:
        self._state = state
        self._reader = reader
        self._ladder = state.ladder(asked.text, thesaurus)
        self._worded = self._ladder is not NO_WORDS
        self._conditions = state.conditions(asked, reader, worded=self._worded)
        sort = asked.sort if self._worded or asked.sort != "relevance" else "worth"
        if self._worded and sort != "relevance":
            self._ladder = Tiers(self._ladder)
        field, self._rising, self.product = _SORTS[sort]
        self._field = field.format(reader.prices.id)
        self._top = None if self._worded else self._top_of_all()

    def after(self, cursor: Cursor, limit: int) -> list[tuple[int, int]]:
        """Up to `limit` (sort number, level) that come after the cursor.

        A looser tier is gone on to only while nothing was found or given before.
        """
        found: list[tuple[int, int]] = []
        level, key, tiers = cursor.level, cursor.key, self._ladder.tiers
        whole: dict[int, list[int]] = {}
        while len(found) < limit and level < max(len(tiers), 1):
            begins = level > cursor.level and tiers[level] != tiers[level - 1]
            if begins and (found or cursor.given):
                break
            wanted = limit - len(found)
            numbers = self._numbers(level, key, whole, wanted)
            if key is None and len(numbers) < wanted:
                whole[level] = numbers
            found += [(number, level) for number in numbers]
            level, key = level + 1, None
        return found

    def _numbers(
        self, level: int, key: int | None, whole: Mapping[int, Sequence[int]], wanted: int
    ) -> list[int]:
        """The first sort numbers of a level after `key`: of goods that come before all, where
        these may be enough; else of all. Of stricter levels `whole` is all that they find."""
        tiers = self._ladder.tiers
        known = {one for number in whole if tiers[number] == tiers[level] for one in whole[number]}

        def first(part: Query | None) -> list[int]:
            numbers = self._first(self._query(level, whole, part), wanted + len(known))
            return [number for number in numbers if number not in known][:wanted]

        narrow = self._narrow(level, key, wanted)
        if narrow is not None and len(numbers := first(narrow)) == wanted:
            return numbers
        return first(None if key is None else self._between(key, None))

    def _narrow(self, level: int, key: int | None, wanted: int) -> Query | None:
        """What only goods after `key` meet that come before all others; None: not worth it."""
        if self._top is not None:
            return self._between(key, self._top)
        one, many = self._reader.prices.id, self._ladder.likely(level)
        if key is not None or not many or self._field != f"rank_{one}":
            return None
        fore = self._state.fore(one)
        if fore is None or many * fore.share < SPARE * wanted:
            return None
        return self._state.up_to(one, fore.step)

    def _top_of_all(self) -> int | None:
        """The sort number that about `TOP` of all products come before.

        Remembered. It may be old: what is found before it comes first in any case, and where that
        is too little the search is done again without it.
        """
        order, tops = (self._field, self._rising), self._state.tops
        if order not in tops:
            everything = self._state.conditions(Asked(), self._reader, worded=False)
            numbers = self._first(Query.boolean_query(everything), TOP)
            if len(numbers) < TOP:
                return None
            tops[order] = numbers[-1]
        return tops[order]

    def _first(self, query: Query | None, limit: int) -> list[int]:
        """The first sort numbers of what matches."""
        if query is None:
            return []
        order = Order.Asc if self._rising else Order.Desc
        found = self._state.searcher.search(
            query, limit, count=False, order_by_field=self._field, order=order
        )
        return [number for number, _ in found.hits]

    def _query(self, level: int, whole: Container[int], part: Query | None) -> Query | None:
        """What matches at a level, within a part of all goods; None: nothing can.

        Stricter levels of its tier are kept out, but for those whose `whole` is known: to look for
        them with every answer takes longer than to look for the answers.
        """
        conditions = list(self._conditions)
        if self._worded:
            query = self._ladder.query(level)
            if query is None:
                return None
            conditions.append((Occur.Must, query))
            tiers = self._ladder.tiers
            conditions += [
                (Occur.MustNot, better)
                for number in range(level)
                if number not in whole
                and tiers[number] == tiers[level]
                and (better := self._ladder.query(number)) is not None
            ]
        if part is not None:
            conditions.append((Occur.Must, part))
        return conditions[0][1] if len(conditions) == 1 else Query.boolean_query(conditions)

    def _between(self, key: int | None, top: int | None) -> Query:
        """Sort numbers after a cursor's, which is left out, as far as a top, which is not."""
        low, high = (key, top) if self._rising else (top, key)
        return Query.range_query(
            self._state.schema,
            self._field,
            FieldType.Unsigned,
            lower_bound=low,
            upper_bound=high,
            include_lower=not self._rising or low is None,
            include_upper=self._rising or high is None,
        )
