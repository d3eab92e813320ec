"""The index as those who search it hold it: the newest committed state of the current build."""

import contextlib
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import tantivy
from tantivy import Query

from catalog import synonyms
from catalog.search import cursor as cursors
from catalog.search import folder as folders
from catalog.search.cursor import FIRST, Cursor
from catalog.search.facets import Facets, Shelf, Value, every, facets, shelves
from catalog.search.ladder import Tiers
from catalog.search.query import Asked
from catalog.search.suggest import Suggestion, suggest
from catalog.search.thesaurus import Thesaurus
from catalog.search.walk import NO_WORDS, State, Walk
from catalog.shelf import Reader
from kit.errors import Problem
from kit.statements import Ask

DEEPEST = 1_000
"""A search ends after so many answers."""

THESAURUS_SECONDS = 5.0
"""An edited synonym counts after so long at the latest."""

NAMED_SECONDS = 0.5
"""Which build counts is looked up so often. When it changes the former one is removed, which is
seen at once."""

NO_SYNONYMS = Thesaurus()


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
        self._index: tantivy.Index | None = None
        self._build: Path | None = None
        self._meta = ""
        self._seen: tuple[int, int] | None = None
        self._named_until = 0.0
        self._state: State | None = None
        self._groups: list[list[str]] = []
        self._thesaurus = NO_SYNONYMS
        self._thesaurus_until = 0.0

    def thesaurus(self, ask: Ask) -> Thesaurus:
        """The synonyms as of a few seconds ago."""
        now = time.monotonic()
        if now >= self._thesaurus_until:
            groups = [group.words for group in synonyms.every(ask)]
            if groups != self._groups:  # what texts were taken apart by is kept otherwise
                self._groups, self._thesaurus = groups, Thesaurus(groups)
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
        asked.checked()
        cursor = cursors.read(after, asked.mark(reader)) if after is not None else FIRST
        state = self._newest()
        limit = min(limit, DEEPEST - cursor.given)
        if limit < 1:
            return Hits([], None)
        walk = Walk(state, asked, state.served(reader), thesaurus or NO_SYNONYMS)
        found = walk.after(cursor, limit + 1)
        ids = [walk.product(number) for number, _ in found[:limit]]
        given = cursor.given + len(ids)
        if len(found) <= limit or given >= DEEPEST or not ids:
            return Hits(ids, None)
        key, level = found[limit - 1]
        return Hits(ids, Cursor(asked.mark(reader), level, key, given).text())

    def facets(self, asked: Asked, reader: Reader, thesaurus: Thesaurus | None = None) -> Facets:
        """By what a search can be narrowed further. Raises Problem 422 or 503 as `search` does."""
        state = self._newest()
        reader = state.served(reader)
        ladder = state.ladder(asked.text, thesaurus or NO_SYNONYMS)
        words = ladder if ladder is NO_WORDS else Tiers(ladder)
        return facets(state, asked.checked(), reader, words)

    def categories(self, reader: Reader) -> list[Shelf]:
        """Categories of what `reader` sees, as our tree goes. Raises Problem 503."""
        return shelves(every(self._newest(), reader, "category"))

    def brands(self, reader: Reader) -> list[Value]:
        """Brands of what `reader` sees, by name. Raises Problem 503."""
        return every(self._newest(), reader, "brand")

    def suggest(
        self, typed: str, reader: Reader, limit: int, thesaurus: Thesaurus | None = None
    ) -> list[Suggestion]:
        """Up to `limit` texts that `typed` may become. Raises Problem 503 without an index."""
        state = self._newest()
        reader = state.served(reader)
        visible = Query.boolean_query(state.conditions(Asked(), reader, worded=False))
        return suggest(state.searcher, visible, typed, thesaurus or NO_SYNONYMS, limit)

    def _newest(self) -> State:
        """The current build as last committed; opened again only when files have changed."""
        state = self._state
        if state is not None and time.monotonic() < self._named_until:
            with contextlib.suppress(FileNotFoundError):  # replaced: another build counts now
                if _version(self._meta) == self._seen:
                    return state  # nobody waits for another's look at the files
        with self._lock:
            for _ in range(3):  # a build may be replaced between reading its name and opening it
                try:
                    return self._open()
                except (FileNotFoundError, ValueError):
                    self._index = None
        raise Problem(
            503,
            "search_not_ready",
            "the search index is being built; try again in a few seconds",
            retry_after=5,
        )

    def _open(self) -> State:
        if self._index is None or time.monotonic() >= self._named_until:
            build = folders.current(self._folder)
            if build is None:
                raise FileNotFoundError(self._folder)
            if self._index is None or build != self._build:
                self._index = tantivy.Index.open(str(build))
                self._index.config_reader("manual")
                self._build, self._meta, self._seen = build, str(build / "meta.json"), None
            self._named_until = time.monotonic() + NAMED_SECONDS
        seen = _version(self._meta)  # not there: another build has taken its place
        if self._state is None or self._seen != seen:
            self._index.reload()
            self._state = State.of(self._index, self._state)
            self._seen = seen
        return self._state


def _version(path: str) -> tuple[int, int]:
    """Names what a file holds: a new one is put in its place for every change."""
    found = os.stat(path)
    return found.st_ino, found.st_mtime_ns
