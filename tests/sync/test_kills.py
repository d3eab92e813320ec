"""A reader killed at any moment: the next one ends with the same catalogue and the same events."""

import multiprocessing
import random
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.model import Message
from kit.db import Database
from sync import batches, pull
from tests.sync.shops import Fuse, Shop, Teller, catalogue, expire_leases, shelf

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["sync.pull", "tests.sync.shops", "tests.sync.test_kills"])

BEFORE = shelf(20)
AFTER = shelf(24, seed=5)
Story = Callable[[Database, Fuse], None]


def listing(db: Database, fuse: Fuse) -> None:
    """Read a shop whose goods have changed, in pages with cursors."""
    batches.MOST_ROWS = 4
    pull.run(db, Shop(AFTER, spark=fuse), full=True, told=fuse)


def file(db: Database, fuse: Fuse) -> None:
    """Read the same from pages without cursors, as files have them."""
    batches.MOST_ROWS = 4

    class File(Shop):
        def _pages(self, rows: Any, start: int) -> Iterator[Any]:
            for one in super()._pages(rows, start):
                yield type(one)(one.rows)

    pull.run(db, File(AFTER, spark=fuse), full=True, told=fuse)


def first(db: Database, fuse: Fuse) -> None:
    """A source's first rows, each by itself: batches are prepared side by side."""
    batches.MOST_ROWS = 4
    goods = {name: row | {"listing": None} for name, row in AFTER.items()}
    pull.run(db, Shop(goods, code="new", spark=fuse), told=fuse)


def messages(db: Database, fuse: Fuse) -> None:
    """Read again what messages hint at, three of them twice."""
    names = sorted(BEFORE | AFTER)
    waiting = [Message(f"m{n}", "item", (name,)) for n, name in enumerate([*names, *names[:3]])]
    shop = Teller(AFTER, spark=fuse, waiting=waiting)
    pull.run(db, shop, "messages", told=fuse)


STORIES: dict[str, Story] = {"listing": listing, "file": file, "first": first, "messages": messages}


def _live(url: str, story: str, fuse_at: int) -> None:
    db = Database(url, connections=2)
    STORIES[story](db, Fuse(fuse_at))
    db.close()


def _run(url: str, story: str, fuse_at: int = 0) -> int:
    child = _FORKS.Process(target=_live, args=(url, story, fuse_at))
    child.start()
    child.join(60)
    assert child.exitcode is not None
    return child.exitcode


@pytest.mark.soak
@pytest.mark.parametrize("story", sorted(STORIES))
def test_a_kill_anywhere_changes_neither_catalogue_nor_events(
    story: str, databases: Callable[[], str], *, in_full: bool
) -> None:
    undisturbed = Database(databases())
    pull.run(undisturbed, Shop(BEFORE))
    fuse = Fuse()
    STORIES[story](undisturbed, fuse)
    right = catalogue(undisturbed)
    undisturbed.close()
    sparks = range(1, fuse.count + 1)
    chosen = sparks if in_full else random.Random(story).sample(sparks, 3)  # noqa: S311 - seeded
    for at in chosen:
        url = databases()
        db = Database(url)
        pull.run(db, Shop(BEFORE))
        assert _run(url, story, at) == -signal.SIGKILL
        expire_leases(db)
        STORIES[story](db, Fuse())
        got = catalogue(db)
        db.close()
        assert got == right, f"killed at spark {at}"
