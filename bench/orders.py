"""Orders accepted and routed a second, beside the bare transactions that they need.

One leader in fifty orders two of a thousand SKUs, each offered by two sources with stated stock.
"bare" is the very same statements with the same values, recorded once and sent by psycopg alone,
one transaction an order, to the same database as it was before. PostgreSQL is durable in both.
"""

import itertools
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import event, make_url, text

from bench.figures import Figure, record
from connectors.model import ShipTo
from huopan.servers import hold
from kit import clock
from kit.crypto import Keyring
from kit.db import APP_ROLE, Database, dsn, migrate
from kit.ids import outside
from trade import orders
from trade.desk import Desk
from trade.orders import OrderRequest
from trade.planning import LineRequest

ORDERS = int(os.environ.get("BENCH_ORDERS", "1000"))
SKUS = 1000
LEADERS = 50
AIM = 0.6
"""Ours is at least so much of the bare transactions."""
HOME = ShipTo("张三", "13800138000", "440305", "粤海街道科技园 1 号")
DESK = Desk(Keyring(b"k" * 32))

Statement = tuple[str, Any, bool]
Order = list[Statement]


def run() -> None:
    """Print orders a second, ours and bare, with one thread and with eight."""
    with tempfile.TemporaryDirectory(prefix="huopan-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with hold(folder / "servers") as servers, market(servers.database_url) as goods:
            with copied(goods) as url:
                recorded = _recorded(url)
            print(f"{sum(map(len, recorded)) / len(recorded):.0f} statements an order")
            for threads in (1, 8):
                with copied(goods) as url, _placing(url, threads) as place:
                    ours = _rate(threads, place)
                with copied(goods) as url, _replaying(url, threads, recorded) as replay:
                    bare = _rate(threads, replay)
                name = f"accepted and routed, {threads} threads"
                record(Figure("orders", name, ours, "orders/s", bare, AIM))


def _rate(threads: int, work: Callable[[int], None]) -> float:
    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, range(ORDERS)):
            pass
    return ORDERS / (time.perf_counter() - started)


@contextmanager
def _placing(url: str, threads: int) -> Iterator[Callable[[int], None]]:
    database = Database(url, connections=threads)

    def place(number: int) -> None:
        party, asked = request(number)
        with database.as_system() as session:
            orders.place(session, DESK, party, asked, clock.now())

    yield place
    database.close()


@contextmanager
def _replaying(
    url: str, threads: int, recorded: Sequence[Order]
) -> Iterator[Callable[[int], None]]:
    options = f"-c role={APP_ROLE} -c timezone=UTC"
    idle: SimpleQueue[psycopg.Connection] = SimpleQueue()
    with ExitStack() as open_connections:
        for _ in range(threads):
            connection = psycopg.connect(dsn(url), options=options)
            idle.put(open_connections.enter_context(connection))

        def replay(number: int) -> None:
            connection = idle.get()
            with connection.transaction(), connection.cursor() as cursor:
                for statement, values, many in recorded[number]:
                    (cursor.executemany if many else cursor.execute)(statement, values)
            idle.put(connection)

        yield replay


def _recorded(url: str) -> list[Order]:
    """What `place` sends for each order."""
    database = Database(url, connections=1)
    sent: Order = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def _(_: Any, __: Any, statement: str, values: Any, ___: Any, many: bool) -> None:  # noqa: FBT001
        sent.append((statement, values, many and isinstance(values, list)))

    found = []
    for number in range(ORDERS):
        sent.clear()
        party, asked = request(number)
        with database.as_system() as session:
            orders.place(session, DESK, party, asked, clock.now())
        found.append(list(sent))
    database.close()
    return found


def request(number: int) -> tuple[int, OrderRequest]:
    """The leader and the content of one order, the same in every run."""
    dice = random.Random(number)  # noqa: S311 - the same orders in every run
    skus = dice.sample(range(1, SKUS + 1), 2)
    lines = tuple(LineRequest(dice.randint(1, 3), outside("sku", sku)) for sku in skus)
    return 1 + number % LEADERS, OrderRequest(f"B{number}", lines, HOME, max_total=10**9)


_copies = itertools.count()


@contextmanager
def market(servers: str) -> Iterator[str]:
    """A migrated database with goods and leaders that have money."""
    url = _renamed(servers, "bench_market")
    with psycopg.connect(dsn(servers), autocommit=True) as connection:
        connection.execute("CREATE DATABASE bench_market")
    migrate(url)
    database = Database(url, connections=1)
    with database.as_system() as session:
        for statement in _GOODS:
            session.execute(text(statement), {"skus": SKUS, "leaders": LEADERS})
    database.close()
    yield url


@contextmanager
def copied(url: str) -> Iterator[str]:
    """The database at `url`, which nobody may use now, as one of its own."""
    name = f"bench_orders_{next(_copies)}"
    with psycopg.connect(dsn(_renamed(url, "postgres")), autocommit=True) as connection:
        clone = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        former = sql.Identifier(make_url(url).database or "")
        connection.execute(clone.format(sql.Identifier(name), former))
        yield _renamed(url, name)
        drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
        connection.execute(drop.format(sql.Identifier(name)))


def _renamed(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


_GOODS = [
    "INSERT INTO products (title) SELECT '茉莉花茶 ' || n FROM generate_series(1, :skus) n",
    "INSERT INTO skus (product_id) SELECT id FROM products ORDER BY id",
    """INSERT INTO offers (source, external_id, sku_id, title, content_hash, seen_at)
       SELECT source, source || '-' || id, id, '茉莉花茶', '', now()
       FROM skus, unnest(ARRAY['teahouse', 'outlet']) AS source""",
    """INSERT INTO prices (offer_id, mode, price, as_of)
       SELECT id, 'dropship', 5 + id % 97, now() FROM offers""",
    """INSERT INTO terms (offer_id, mode, freight, ships_within_hours)
       SELECT id, 'dropship', '{"kind": "flat", "fee": "6.00", "free_from": "99.00"}', 48
       FROM offers""",
    """INSERT INTO stocks (offer_id, state, quantity, as_of)
       SELECT id, 'in_stock', 1000000, now() FROM offers""",
    """INSERT INTO parties (role, name)
       SELECT 'leader', 'L' || n FROM generate_series(1, :leaders) n""",
    """INSERT INTO balances (account, party_id, amount)
       SELECT 'wallet:' || id, id, 1000000000 FROM parties""",
    "INSERT INTO balances (account, party_id) SELECT 'held:' || id, id FROM parties",
]
