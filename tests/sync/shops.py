"""A shop in memory that speaks the protocols of sources: goods and messages as data."""

import os
import random
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from connectors.errors import SupplierError
from connectors.model import (
    Cursor,
    Listing,
    Message,
    Page,
    PriceFact,
    StockFact,
    Watched,
    page,
)
from connectors.settings import SourceSettings
from kit import clock
from kit.db import Database

Row = dict[str, Any]


def good(number: int, price: str = "9", **more: Any) -> Row:
    """One SKU of the shop."""
    return {
        "external_id": f"s{number}",
        "listing": f"l{number // 2}",
        "title": f"茶 {number}",
        "dropship_price": Decimal(price),
        "stock_state": "in_stock",
        "stock_quantity": 5 + number,
    } | more


@dataclass
class Fuse:
    """Kills this process at its `at`-th spark; counts them where it is not to burn."""

    at: int = 0
    count: int = 0

    def __call__(self, _: object = None) -> None:
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Shop:
    """Lists in pages with cursors."""

    goods: dict[str, Row]
    code: str = "shop"
    size: int = 3
    settings: SourceSettings = field(default_factory=lambda: SourceSettings(kind="shop"))
    spark: Callable[[], None] = lambda: None
    asked: list[Any] = field(default_factory=list)
    breaks_at: int | None = None

    def items(self, since: Cursor | None = None, *, after: Cursor | None = None) -> Listing:
        """All goods, or those whose `changed` is not older than the watermark's."""
        self.asked.append((since, after))
        first = since["changed"] if since else 0
        rows = [row for row in self.goods.values() if row.get("changed", 0) >= first]
        newest = max((row.get("changed", 0) for row in self.goods.values()), default=0)
        start = after["next"] if after else 0
        return Listing(
            clock.now(), since is None, {}, self._pages(rows, start), {"changed": newest}
        )

    def _pages(self, rows: list[Row], start: int) -> Iterator[Page]:
        for at in range(start, len(rows), self.size):
            if self.breaks_at is not None and at >= self.breaks_at:
                raise SupplierError("broken", "the platform broke off")
            self.spark()
            some = [
                {key: value for key, value in row.items() if key != "changed"}
                for row in rows[at : at + self.size]
            ]
            yield page(some, cursor={"next": at + self.size})


@dataclass
class Teller(Shop):
    """Reads single items again, and sends messages about them."""

    read_batch: int = 2
    waiting: list[Message] = field(default_factory=list)
    at_once: int = 4
    acknowledged: list[str] = field(default_factory=list)
    refuses: frozenset[str] = frozenset()

    def read(self, external_ids: Sequence[str]) -> Page:
        """Items as they are now; unknown ones are gone."""
        self.asked.append(tuple(external_ids))
        self.spark()
        for one in external_ids:
            if one in self.refuses:
                from connectors.errors import Refused

                raise Refused("bad", f"{one} cannot be read")
        rows = [self.goods[one] for one in external_ids if one in self.goods]
        gone = tuple(one for one in external_ids if one not in self.goods)
        return page(rows, gone=gone)

    def changes(self) -> Sequence[Message]:
        """The first that wait; they come again until they are acknowledged."""
        self.spark()
        return self.waiting[: self.at_once]

    def ack(self, messages: Sequence[Message]) -> None:
        """These need not come again."""
        self.spark()
        ids = {one.id for one in messages}
        self.acknowledged += sorted(ids)
        self.waiting = [one for one in self.waiting if one.id not in ids]


@dataclass
class Quoter(Shop):
    """Answers for prices and stock by calls of their own; its listing says nothing of them."""

    price_batch: int = 4
    stock_batch: int = 3
    calls: list[tuple[str, ...]] = field(default_factory=list)
    prices_now: dict[str, str] = field(default_factory=dict)
    stock_now: dict[tuple[str, str], int | None] = field(default_factory=dict)
    refuses: frozenset[str] = frozenset()
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def prices(self, external_ids: Sequence[str]) -> Sequence[PriceFact]:
        """What is on the price tags."""
        with self._lock:
            self.calls.append(tuple(external_ids))
        self._refuse(external_ids)
        return [
            PriceFact(one, dropship=Decimal(self.prices_now[one]))
            for one in external_ids
            if one in self.prices_now
        ]

    def stock(self, external_ids: Sequence[str], region: str = "") -> Sequence[StockFact]:
        """What lies in the region's house."""
        with self._lock:
            self.calls.append((region, *external_ids))
        self._refuse(external_ids)
        return [
            StockFact(one, "out" if left == 0 else "in_stock", left)
            for one in external_ids
            if (one, region) in self.stock_now
            for left in [self.stock_now[one, region]]
        ]

    def _refuse(self, external_ids: Iterable[str]) -> None:
        from connectors.errors import Refused

        if bad := sorted(self.refuses.intersection(external_ids)):
            raise Refused("0010", f"{bad[0]} is not in the pool")


@dataclass
class Follower(Shop):
    """Lists nothing by itself."""

    items: Any = None

    def follow(self, watched: Sequence[Watched], *, after: Cursor | None = None) -> Listing:
        """The goods that are asked for by id."""
        self.asked.append((tuple(watched), after))
        rows = [self.goods[one.value] for one in watched if one.value in self.goods]
        start = after["next"] if after else 0
        return Listing(clock.now(), complete=True, notes={}, pages=self._pages(rows, start))

    def id_of(self, watched: Watched) -> str | None:
        """Whatever it is called is its id."""
        return watched.value


def shelf(count: int, seed: int | None = None, **more: Any) -> dict[str, Row]:
    """So many goods; with a seed, some cheaper, sold out or missing."""
    goods = {f"s{n}": good(n, **more) for n in range(count)}
    if seed is not None:
        dice = random.Random(seed)  # noqa: S311 - the same goods in every run
        for name in list(goods):
            match dice.randrange(8):
                case 0:
                    goods[name]["dropship_price"] = Decimal("8.5")
                case 1:
                    goods[name]["stock_state"], goods[name]["stock_quantity"] = "out", 0
                case 2:
                    goods[name]["title"] += " 新包装"
                case 3 if dice.random() < 0.3:
                    del goods[name]
    return goods


_EVERYTHING = {
    "offers": """SELECT external_id, state, version, title, brand, listing, content_hash
        FROM offers""",
    "prices": """SELECT external_id, mode, price, tiers::text FROM prices
        JOIN offers o ON o.id = offer_id""",
    "stocks": """SELECT external_id, k.region, k.state, k.quantity FROM stocks k
        JOIN offers o ON o.id = offer_id""",
    "terms": """SELECT external_id, t.mode, t.moq, t.freight::text FROM terms t
        JOIN offers o ON o.id = offer_id""",
    "points": """SELECT external_id, p.mode, p.version, p.price FROM price_points p
        JOIN offers o ON o.id = offer_id""",
    "events": """SELECT external_id, c.version, c.kind, c.was::text, c.now::text FROM changes c
        JOIN offers o ON o.id = offer_id""",
    "products": """SELECT p.title, array_agg(o.external_id ORDER BY o.external_id)
        FROM products p JOIN skus k ON k.product_id = p.id JOIN offers o ON o.sku_id = k.id
        GROUP BY p.id, p.title""",
}


def catalogue(db: Database, *names: str) -> dict[str, list[str]]:
    """All that a source's readings have written, without our own ids and moments."""
    with db.as_system() as session:
        return {
            name: sorted(str(tuple(row)) for row in session.execute(text(sql)))
            for name, sql in _EVERYTHING.items()
            if not names or name in names
        }


def count(db: Database, sql: str, **facts: Any) -> Any:
    """One figure."""
    with db.as_system() as session:
        return session.execute(text(sql), facts).scalar_one()


def expire_leases(db: Database) -> None:
    """As if the killed reader's lease had run out."""
    with db.as_system() as session:
        session.execute(text("UPDATE source_leases SET until = clock_timestamp() - interval '1 s'"))
