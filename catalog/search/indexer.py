"""Keeps the index abreast of the catalogue: the one writer of a data directory.

It reads numbered changes, and marks beside them, and writes each product anew, with the last
numbers read in the same commit, so that it goes on where it stopped. Other prices make it write
again what they affect, some products a step, between one batch of changes and the next; where that
is everything, and where an index is missing, broken, of another schema or ahead of the database,
one is built beside the old one in the same manner, and takes its place when it is abreast too.
"""

import fcntl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import marks
from catalog.search import build as builds
from catalog.search import folder as folders
from catalog.search import gathering, lists
from catalog.search.build import PORTION, Build, Read
from catalog.shelf import Reader
from kit import log
from kit.db import Database
from kit.errors import Problem
from kit.memory import return_what_is_large

BATCH = 5_000
"""Rows of the feed that are read at once."""
BREATH_SECONDS = 0.2
"""So long the feed waits where products are only looked through."""
COMMIT_SECONDS = 1.0
"""What is written again need not be seen at once: a commit costs more than a portion."""

_log = log.get(__name__)

_CHANGED = text("""
    SELECT max(c.seq) AS seq, array_agg(DISTINCT s.product_id) AS products FROM (
        SELECT seq, sku_id FROM changes WHERE seq > :after ORDER BY seq LIMIT :limit
    ) c LEFT JOIN LATERAL (
        SELECT c.sku_id AS id UNION ALL SELECT sku_id FROM sku_parts WHERE part_id = c.sku_id
        UNION ALL SELECT b.sku_id FROM sku_redirects r JOIN sku_parts b ON b.part_id = r.from_sku
        WHERE r.to_sku = c.sku_id
    ) w ON true LEFT JOIN skus s ON s.id = w.id
""")
_HEAD = text("SELECT seq FROM feed_head")


@contextmanager
def open_indexer(
    database: Database, data_dir: Path, readers: Sequence[Reader]
) -> Iterator["Indexer"]:
    """The writer of the index under `data_dir`, for one reader per price list.

    Raises Problem 409 `indexer_running` while another process writes it.
    """
    return_what_is_large()  # the engine writes and merges in buffers, in several threads
    folder = folders.root(data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / folders.LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Problem(
                409,
                "indexer_running",
                f"another process writes the search index in {folder}; one is enough",
                retry_after=30,
            ) from error
        folders.sweep(folder)
        writer = Indexer(database, folder, readers)
        try:
            yield writer
        finally:
            writer.close()


def ask_rebuild(data_dir: Path) -> None:
    """Have the index built anew by the process that writes it, while searches go on."""
    folders.wish(folders.root(data_dir))


class Indexer:
    """Writes the index; made by `open_indexer`, which holds the lock."""

    def __init__(self, database: Database, folder: Path, readers: Sequence[Reader]) -> None:
        self._database = database
        self._folder = folder
        self._readers = readers
        self._current: Build | None = None
        self._next: Build | None = None
        self._built = 0
        """Up to this product the next build is written."""
        self._committed = 0.0

    def follow(self, readers: Sequence[Reader]) -> None:
        """Write for these readers from now on; what they see otherwise is written again."""
        self._readers = readers
        if self._current is not None:
            self._current.turn_to(readers)
        if self._next is not None and not self._next.turn_to(readers):
            self._give_up_next()

    def step(self) -> int:
        """Apply the next changes and marks, and do some of what is to be written again.

        Returns how much was done; 0: it is abreast. The first step opens the index, or begins to
        build it when it cannot be used. A new build that somebody asked for (`ask_rebuild`) is
        begun here.
        """
        if folders.take_wish(self._folder):
            self._give_up_next()
            self._begin()
        current = self._usable()
        if self._next is None and (current is None or self._outdated(current)):
            self._begin()
        done = 0 if current is None else self._apply(current)
        if self._next is not None:
            return done + self._build(self._next)
        return done if current is None else done + self._write_again(current)

    def rebuild(self) -> int:
        """Write a new index of the whole catalogue; searches go on in the old one meanwhile.

        Returns how many products it holds.
        """
        self._give_up_next()
        build = self._begin()
        while self._next is build:
            self.step()
        return build.products

    def close(self) -> None:
        """Let go of what was written last, and of a build that is not finished."""
        self._give_up_next()
        if self._current is not None:
            current, self._current = self._current, None
            current.close()

    def _usable(self) -> Build | None:
        """The current build, if it can be gone on with; opens it."""
        path = folders.current(self._folder)
        current = self._current
        if current is not None and current.path == path and current.there():
            return current
        if current is not None:
            self._current = None
            current.close()
        if path is None or folders.identity(path) != builds.identity(self._readers):
            return None
        try:
            current = builds.reopen(path, self._readers)
        except (ValueError, OSError) as error:
            _log.warning("search index cannot be read and is built again", error=str(error))
            return None
        with self._database.as_system() as session:
            newest = _newest(session)
        if current.read.seq > newest.seq or current.read.mark > newest.mark:
            _log.warning("search index is ahead of the database and is built again")
            current.close()
            return None
        self._current = current
        return current

    def _outdated(self, current: Build) -> bool:
        """Whether it takes a new build to show what the readers now see."""
        other = folders.identity(current.path) != builds.identity(self._readers)
        return other or lists.EVERYTHING in current.waiting

    def _apply(self, build: Build) -> int:
        """Write the products of the next changes and marks; returns how many were read."""
        with self._database.as_system() as session:
            found = session.execute(_CHANGED, {"after": build.read.seq, "limit": BATCH}).one()
            marked, mark = marks.following(session, build.read.mark, BATCH)
            now = Read(build.read.seq if found.seq is None else found.seq, mark)
            if now == build.read:
                return 0
            changed = (one for one in found.products or () if one is not None)
            read = now.seq - build.read.seq + len(marked)
            build.replace(session, list({*marked, *changed}))
        self._commit(build, now)
        return read

    def _begin(self) -> Build:
        """Begin a new build of the whole catalogue."""
        path = folders.new_build(self._folder, builds.identity(self._readers))
        with self._database.as_system() as session:
            newest = _newest(session)  # what comes later is applied again
        self._next, self._built = builds.begin(path, self._readers, newest), 0
        return self._next

    def _build(self, build: Build) -> int:
        """Write the next products of a new build; one that has all of them takes its place."""
        with self._database.as_system() as session:
            ids = gathering.following(session, self._built, PORTION)
            build.add(session, ids)
        if ids:
            self._built = ids[-1]
            return len(ids)
        done = self._apply(build)
        if self._current is None or build.read >= self._current.read:
            self._commit(build, build.read)
            self._switch(build)
        return done

    def _switch(self, build: Build) -> None:
        folders.switch(self._folder, build.path)
        former, self._current, self._next = self._current, build, None
        if former is not None:
            former.close()
        folders.sweep(self._folder)
        _log.info("search index built", products=build.products, seq=build.read.seq)

    def _write_again(self, build: Build) -> int:
        """Write some of the products that other prices affect; returns how many were looked at."""
        if not build.waiting:
            return 0
        until = time.monotonic() + BREATH_SECONDS
        looked, after = 0, build.after
        while True:
            with self._database.as_system() as session:
                ids = gathering.following(session, after, PORTION)
                named = gathering.offered(session, ids, build.waiting) if ids else []
                if named:
                    build.replace(session, named)
            looked, after = looked + len(ids), ids[-1] if ids else after
            if not ids or named or time.monotonic() > until:
                break
        build.after = after
        if not ids or time.monotonic() - self._committed > COMMIT_SECONDS:
            self._commit(build, build.read)
            build.note(build.waiting if ids else [], after if ids else 0)
        return max(looked, 1)

    def _commit(self, build: Build, read: Read) -> None:
        build.commit(read)
        self._committed = time.monotonic()

    def _give_up_next(self) -> None:
        if self._next is not None:
            build, self._next = self._next, None
            build.close()
            folders.sweep(self._folder)


def _newest(session: Session) -> Read:
    return Read(session.execute(_HEAD).scalar_one(), marks.highest(session))
