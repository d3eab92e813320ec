"""The index as those who search it hold it: the newest committed state of the current build."""

import os
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import tantivy
from sqlalchemy.orm import Session
from tantivy import FieldType, Occur, Order, Query

from catalog import synonyms
from catalog.search import cursor as cursors
from catalog.search import folder as folders
from catalog.search import query as queries
from catalog.search import schema as fields
from catalog.search.cursor import Cursor
from catalog.search.facets import Facets, Shelf, Value, every, facets, shelves
from catalog.search.ladder import Step, ladder
from catalog.search.query import Asked
from catalog.search.suggest import Suggestion, suggest
from catalog.search.thesaurus import Thesaurus
from catalog.shelf import Reader
from kit.errors import Problem

DEEPEST = 1_000
"""A search ends after so many answers."""

THESAURUS_SECONDS = 5.0
"""An edited synonym counts after so long at the latest."""

TOP = 5_000
"""Without words every product matches: then so many of the first ones are looked at first."""


@dataclass(frozen=True)
class Hits:
    """Product ids in order, and the cursor to go on from (None: that was all)."""

    ids: list[int]
    next: str | None


class SearchIndex:
    """Reads the index under a data directory; many threads may share one."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = folders.root(data_dir)
        self._lock = threading.Lock()
        self._opened: tuple[Path, int, int] | None = None
        self._index: tantivy.Index | None = None
        self._tops: dict[tuple[str, bool], int] = {}
        self._thesaurus = Thesaurus()
        self._thesaurus_until = 0.0

    def thesaurus(self, session: Session) -> Thesaurus:
        """The synonyms as of a few seconds ago."""
        now = time.monotonic()
        if now >= self._thesaurus_until:
            self._thesaurus = Thesaurus(group.words for group in synonyms.every(session))
            self._thesaurus_until = now + THESAURUS_SECONDS
        return self._thesaurus

    def search(
        self,
        asked: Asked,
        reader: Reader,
        limit: int,
        after: str | None = None,
        thesaurus: Thesaurus | None = None,
    ) -> Hits:
        """Up to `limit` products that `reader` may see, after the cursor `after`.

        A cursor neither skips nor repeats a product that did not change meanwhile; a search ends
        after 1,000. Raises Problem 422 for a malformed search, 503 while there is no index.
        """
        mark = asked.checked().mark(reader)
        cursor = cursors.read(after, mark)
        index = self._newest()
        limit = min(limit, DEEPEST - cursor.given)
        if limit < 1:
            return Hits([], None)
        reader = queries.served(index.schema, reader)
        walk = _Walk(index, asked, reader, self._tops, thesaurus or Thesaurus())
        found = walk.after(cursor, limit + 1)
        ids = [walk.product(number) for number, _ in found[:limit]]
        given = cursor.given + len(ids)
        if len(found) <= limit or given >= DEEPEST or not ids:
            return Hits(ids, None)
        key, level = found[limit - 1]
        return Hits(ids, Cursor(mark, level, key, given).text())

    def facets(self, asked: Asked, reader: Reader, thesaurus: Thesaurus | None = None) -> Facets:
        """By what a search can be narrowed further. Raises Problem 422 or 503 as `search` does."""
        index = self._newest()
        searcher, schema = index.searcher(), index.schema
        reader = queries.served(schema, reader)
        steps = _tiers(ladder(searcher, schema, asked.text, thesaurus or Thesaurus()))
        narrowed = queries.narrowed(searcher, schema, asked.checked(), reader)
        for step in steps:
            found = Query.boolean_query([*narrowed, (Occur.Must, step.query)])
            if step is steps[-1] or searcher.search(found, 1).hits:
                return facets(searcher, schema, asked, reader, step.query)
        return facets(searcher, schema, asked, reader, None)

    def categories(self, reader: Reader) -> list[Shelf]:
        """Categories of what `reader` sees, as our tree goes. Raises Problem 503."""
        index = self._newest()
        return shelves(every(index.searcher(), index.schema, reader, "category"))

    def brands(self, reader: Reader) -> list[Value]:
        """Brands of what `reader` sees, by name. Raises Problem 503."""
        index = self._newest()
        return every(index.searcher(), index.schema, reader, "brand")

    def suggest(
        self, typed: str, reader: Reader, limit: int, thesaurus: Thesaurus | None = None
    ) -> list[Suggestion]:
        """Up to `limit` texts that `typed` may become. Raises Problem 503 without an index."""
        index = self._newest()
        reader = queries.served(index.schema, reader)
        narrowed = queries.narrowed(index.searcher(), index.schema, Asked(), reader)
        visible = Query.boolean_query(narrowed)
        return suggest(index.searcher(), visible, typed, thesaurus or Thesaurus(), limit)

    def _newest(self) -> tantivy.Index:
        """The current build as last committed; opened again only when files have changed."""
        with self._lock:
            for _ in range(3):  # a build may be replaced between reading its name and opening it
                build = folders.current(self._folder)
                if build is None:
                    break
                try:
                    return self._open(build)
                except (FileNotFoundError, ValueError):
                    self._opened = None
        raise Problem(
            503,
            "search_not_ready",
            "the search index is being built; try again in a few seconds",
            retry_after=5,
        )

    def _open(self, build: Path) -> tantivy.Index:
        meta = os.stat(build / "meta.json")  # a commit puts a new file in its place
        state = (build, meta.st_ino, meta.st_mtime_ns)
        if self._index is None or self._opened is None or self._opened[0] != build:
            self._index = tantivy.Index.open(str(build))
            self._index.config_reader("manual")
            self._index.reload()
        elif self._opened != state:
            self._index.reload()
        self._opened = state
        return self._index


class _Walk:
    """One search through one state of the index."""

    def __init__(
        self,
        index: tantivy.Index,
        asked: Asked,
        reader: Reader,
        tops: dict[tuple[str, bool], int],
        thesaurus: Thesaurus,
    ) -> None:
        self._schema = index.schema
        self._searcher = index.searcher()
        one = reader.prices.id
        self._conditions = queries.narrowed(self._searcher, self._schema, asked, reader)
        self._steps = ladder(self._searcher, self._schema, asked.text, thesaurus)
        sort = asked.sort
        if sort == "relevance" and not self._steps:
            sort = "worth"
        if sort != "relevance":
            self._steps = _tiers(self._steps)
        self._field, self._order = {
            "relevance": (f"rank_{one}", Order.Asc),
            "worth": (f"worth_{one}", Order.Asc),
            "price": (f"by_price_{one}", Order.Asc),
            "-price": (f"by_price_{one}", Order.Desc),
            "-margin": (f"by_margin_{one}", Order.Desc),
            "-sales": ("by_sales", Order.Desc),
            "newest": ("id", Order.Desc),
        }[sort]
        self._rising = self._order == Order.Asc
        self._top = None if asked.text.strip() else self._top_of_all(reader, tops)

    def after(self, cursor: Cursor, limit: int) -> list[tuple[int, int]]:
        """Up to `limit` (sort number, level) that come after the cursor.

        A looser tier is gone on to only while nothing was found or given before.
        """
        found: list[tuple[int, int]] = []
        level, key = cursor.level, cursor.key
        while len(found) < limit and level < max(len(self._steps), 1):
            if (found or cursor.given) and self._begins_tier(level) and level > cursor.level:
                break
            wanted = limit - len(found)
            numbers = self._first(self._query(level, key, self._top), wanted)
            if self._top is not None and len(numbers) < wanted:
                numbers = self._first(self._query(level, key, None), wanted)
            found += [(number, level) for number in numbers]
            level, key = level + 1, None
        return found

    def _begins_tier(self, level: int) -> bool:
        return level > 0 and self._steps[level].tier != self._steps[level - 1].tier

    def product(self, number: int) -> int:
        """The product that a sort number stands for."""
        if self._field == "id":
            return number
        if self._field.startswith(("rank_", "worth_")):
            return fields.product_of_rank(number)
        return fields.product_of_key(number)

    def _top_of_all(self, reader: Reader, tops: dict[tuple[str, bool], int]) -> int | None:
        """The sort number that about `TOP` of all products come before.

        Remembered in `tops`. It may be old: what is found before it comes first in any case, and
        where that is too little the search is done again without it.
        """
        order = (self._field, self._rising)
        if order not in tops:
            everything = queries.narrowed(self._searcher, self._schema, Asked(), reader)
            numbers = self._first(Query.boolean_query(everything), TOP)
            if len(numbers) < TOP:
                return None
            tops[order] = numbers[-1]
        return tops[order]

    def _first(self, query: Query, limit: int) -> list[int]:
        """The first sort numbers of what matches."""
        found = self._searcher.search(
            query, limit, count=False, order_by_field=self._field, order=self._order
        )
        return [number for number, _ in found.hits]

    def _query(self, level: int, key: int | None, top: int | None) -> Query:
        """What matches at a level, comes after `key`, and not after `top`."""
        conditions = list(self._conditions)
        if self._steps:
            step = self._steps[level]
            stricter = [s for s in self._steps[:level] if s.tier == step.tier]
            conditions.append((Occur.Must, step.query))
            conditions += [(Occur.MustNot, better.query) for better in stricter]
        if key is not None or top is not None:
            low, high = (key, top) if self._rising else (top, key)
            between = Query.range_query(
                self._schema,
                self._field,
                FieldType.Unsigned,
                lower_bound=low,
                upper_bound=high,
                include_lower=not self._rising or low is None,
                include_upper=self._rising or high is None,
            )
            conditions.append((Occur.Must, between))
        return Query.boolean_query(conditions)


def _tiers(steps: list[Step]) -> list[Step]:
    """One step a tier, for orders in which all that a tier finds is mixed."""
    by_tier: dict[int, list[Step]] = {}
    for step in steps:
        by_tier.setdefault(step.tier, []).append(step)
    return [Step(tier, partial(_any_of, group)) for tier, group in by_tier.items()]


def _any_of(steps: list[Step]) -> Query:
    return Query.boolean_query([(Occur.Should, step.query) for step in steps])
