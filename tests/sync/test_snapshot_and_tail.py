"""Whoever takes the snapshot page by page and then follows the feed holds what everybody holds,
whatever was written meanwhile by real runs, merges and splits."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from catalog import reads
from catalog.changes import Item
from catalog.matching import joining
from catalog.pricing import price_lists
from catalog.sequencer import number_changes
from catalog.shelf import Reader
from connectors.model import Listing, page
from kit import clock
from kit.db import Database
from kit.errors import Problem
from kit.ids import inside
from sync.guard import GuardLimits
from sync.importer import run_listing

READERS = {
    role: Reader(role, price_lists(Decimal(10))["resale"]) for role in ("leader", "operator")
}
LOOSE = GuardLimits(vanish=1, zero=1, move=1)
SOURCES = ("hill", "lake")


@dataclass
class Follower:
    """Does what docs/api.md says, a page at a time."""

    database: Database
    reader: Reader
    held: dict[Any, dict[str, Any]] = field(default_factory=dict)
    seq: int | None = None
    after: int | None = 0
    """The SKU after which the next page of the snapshot starts; None: it follows the feed."""

    def read(self, limit: int) -> bool:
        """One page; whether there is more."""
        now = clock.now()
        with self.database.as_nobody() as session:
            if self.after is not None:
                found = reads.snapshot(
                    session, self.reader, now, limit, seq=self.seq, after=self.after
                )
                self.seq, self.after, more = found.seq, found.next, True
                items = found.items
            else:
                told = reads.changes(session, self.seq or 0, limit, self.reader, now)
                self.seq, items, more = told.next, told.items, told.more
        for item in items:
            self.apply(item)
        return more

    def apply(self, item: Item) -> None:
        key = item.sku_id if item.source is None else (item.source, item.external_id)
        now = item.now or {}
        match item.kind:
            case "listed":
                self.held[key] = dict(now)
            case "gone":
                self.held.pop(key, None)
            case "price" | "stock" if key not in self.held:
                pass  # the page was read when it had gone, and the feed will come to that
            case "price" | "stock" if item.source is None:
                self.held[key].update(now)
            case "price" | "stock":
                self.held[key][item.kind] = item.now
            case "rule" if item.source is None and "merge" in now["affects"]["match"]:
                self.held.pop(inside("sku", now["affects"]["match"]["merge"][0]), None)


@dataclass
class World:
    """Goods of two sources that live through what chance says."""

    database: Database
    dice: random.Random

    def list_goods(self) -> None:
        """One source lists some of its goods at new figures; the others are gone."""
        rows = [
            {
                "external_id": f"s{number}",
                "title": f"茶 {number}",
                "dropship_price": Decimal(self.dice.randint(1, 3)),
                "bulk_price": self.dice.choice([None, Decimal(2)]),
                "moq": 1,
                "stock_state": self.dice.choice(["in_stock", "out", None]),
                "stock_quantity": self.dice.choice([None, 4, 7]),
                "brand": self.dice.choice([None, "云岭"]),
            }
            for number in range(5)
            if self.dice.random() < 0.8
        ]
        for row in rows:
            if row["stock_state"] != "in_stock":
                row["stock_quantity"] = 0 if row["stock_state"] == "out" else None
        listing = Listing(clock.now(), complete=True, notes={}, pages=iter([page(rows)]))
        run_listing(self.database, self.dice.choice(SOURCES), listing, guard=LOOSE)

    def regroup(self) -> None:
        """Two SKUs become one, or an offer leaves the others of its SKU."""
        with self.database.as_system() as session:
            skus = sorted(set(session.scalars(text("SELECT sku_id FROM offers"))))
            if len(skus) > 1 and self.dice.random() < 0.5:
                joining.merge(session, *self.dice.sample(skus, 2), "test")
                return
            sku = self.dice.choice(skus)
            offers = list(
                session.scalars(text("SELECT id FROM offers WHERE sku_id = :sku"), {"sku": sku})
            )
            if len(offers) > 1:
                joining.split(session, sku, self.dice.sample(offers, 1), "test")

    def number(self) -> None:
        with self.database.as_system() as session:
            number_changes(session, self.dice.choice([1, 2, 10]))

    def number_all(self) -> None:
        numbered = 1
        while numbered:
            with self.database.as_system() as session:
                numbered = number_changes(session)


def in_the_end(database: Database, reader: Reader) -> dict[Any, dict[str, Any]]:
    """What a snapshot alone tells."""
    follower = Follower(database, reader)
    while follower.after is not None:
        follower.read(100)
    return follower.held


@pytest.mark.soak
def test_a_snapshot_and_the_feed_behind_it_end_with_what_is(
    database: Database, soak: Any, *, in_full: bool
) -> None:
    world = World(database, random.Random(soak.seed))  # noqa: S311 - the same world every time
    world.list_goods()
    deeds: list[Callable[[], None]] = [world.list_goods, world.regroup, world.number, world.number]
    for _ in range(400 if in_full else 6):
        followers = [Follower(database, reader) for reader in READERS.values()]
        for _ in range(9):
            world.dice.choice(deeds)()
            for follower in followers:
                follower.read(world.dice.choice([1, 3, 20]))
        world.number_all()
        for follower in followers:
            while follower.after is not None or follower.read(world.dice.choice([2, 50])):
                if follower.after is not None:
                    follower.read(2)
            assert follower.held == in_the_end(database, follower.reader)


def test_a_reader_that_is_too_late_or_ahead_of_a_restored_feed_is_told_where_to_start(
    database: Database,
) -> None:
    world = World(database, random.Random(1))  # noqa: S311 - any
    world.list_goods()
    world.number_all()
    late = clock.now() + timedelta(days=31)
    for after, now in ((0, late), (10**6, clock.now())):
        with database.as_nobody() as session, pytest.raises(Problem) as refused:
            reads.changes(session, after, 10, READERS["leader"], now)
        assert (refused.value.status, refused.value.code) == (410, "cursor_expired")
        assert refused.value.more == {"snapshot": "/v1/changes/snapshot"}
        assert "GET /v1/changes/snapshot" in refused.value.detail
