"""Orders accepted and routed a second, beside the bare transactions that they need.

One leader in fifty orders two of a thousand SKUs, each offered by two sources with stated stock.
"bare" is the very same statements with the same values, recorded once and sent by psycopg alone,
in the same transactions and round trips, to the same database as it was before. PostgreSQL is
durable in both.
"""

import itertools
import os
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url, text

from bench import bare, crowd, processor
from bench.bare import Transaction
from bench.crowd import Measured
from bench.figures import Figure, record
from connectors.model import ShipTo
from huopan.servers import hold
from huopan.serving import settle
from kit import clock
from kit.crypto import Keyring
from kit.db import Database, dsn, migrate
from kit.ids import outside
from tests.databases import drop
from trade import orders
from trade.desk import Desk
from trade.orders import OrderRequest
from trade.planning import LineRequest

ORDERS = int(os.environ.get("BENCH_ORDERS", "1000"))
SKUS = 1000
LEADERS = 50
AIM = 0.6
"""Ours is at least so much of the bare transactions."""
SLOWEST = 3
"""The slowest hundredth takes at most so many times that of the bare transactions."""
HOME = ShipTo("张三", "13800138000", "440305", "粤海街道科技园 1 号")
DESK = Desk(Keyring(b"k" * 32))

TURNS = 5
WARM = 15
"""So many orders of each connection are placed before the clock runs."""
CLIENTS = 8
CROWDS = ((1, 1), (1, 8), (2, 4), (4, 2))
"""Processes and threads of each; threads of one process share one interpreter lock."""


def run() -> None:
    """Print orders a second, ours and bare, and the slowest hundredth at eight clients."""
    with tempfile.TemporaryDirectory(prefix="huopan-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with hold(folder / "servers") as servers, market(servers.database_url) as goods:
            with copied(goods) as url:
                recorded = _recorded(url)
            statements = sum(map(len, recorded)) / len(recorded)
            trips = sum(len({one.trip for one in order}) for order in recorded) / len(recorded)
            print(f"{statements:.0f} statements an order in {trips:.0f} round trips")
            for processes, threads in CROWDS:
                ours, limit = _in_turn(processes, threads, goods, recorded)
                who = f"{processes} processes x {threads} threads"
                record(Figure("orders", f"accepted, {who}", ours.rate, "orders/s", limit.rate, AIM))
                cpu = (ours.cpu / ORDERS * 1000, "ms", limit.cpu / ORDERS * 1000)
                most = round(1 / AIM, 2)
                record(Figure("orders", f"CPU, {who}", *cpu, most, less_is_better=True))
                if processes * threads == CLIENTS:
                    p99 = (ours.p99 * 1000, "ms", limit.p99 * 1000)
                    record(Figure("orders", f"p99, {who}", *p99, SLOWEST, less_is_better=True))


def _in_turn(
    processes: int, threads: int, goods: str, recorded: Sequence[Transaction]
) -> tuple[Measured, Measured]:
    """Ours and the bare transactions, by turns, with the CPU of PostgreSQL. Connections are warm:
    PostgreSQL reads the catalogue and plans a statement for the first orders of each."""
    crew = (processes, threads)
    server = processor.of_server(_renamed(goods, "postgres"))

    def turn(work: Callable[[range], Measured], items: range) -> Measured:
        before = server()
        done = work(items)
        return replace(done, cpu=done.cpu + server() - before)

    with (
        copied(goods) as placed,
        copied(goods) as replayed,
        crowd.hired(*crew, _placing, placed, threads) as place,
        crowd.hired(*crew, _replaying, replayed, threads, recorded) as replay,
    ):
        warm = WARM * processes * threads
        place(range(warm))
        replay(range(warm))
        ours, limit = [], []
        for first in range(TURNS):
            items = range(warm + first * ORDERS // TURNS, warm + (first + 1) * ORDERS // TURNS)
            ours.append(turn(place, items))
            limit.append(turn(replay, items))
    return crowd.together(ours), crowd.together(limit)


@contextmanager
def _placing(url: str, threads: int) -> Iterator[Callable[[int], None]]:
    database = Database(url, connections=threads)
    requests = [request(number) for number in range(ORDERS + WARM * CLIENTS)]
    settle()  # as a process of the API does
    yield lambda number: _place(database, *requests[number])
    database.close()


def _place(database: Database, party: int, asked: OrderRequest) -> None:
    with database.as_system() as session:
        orders.place(session, DESK, party, asked, clock.now())


@contextmanager
def _replaying(
    url: str, threads: int, recorded: Sequence[Transaction]
) -> Iterator[Callable[[int], None]]:
    with bare.replaying(url, threads) as replay:
        settle()
        yield lambda number: replay(recorded[number])


def _recorded(url: str) -> list[Transaction]:
    """What `place` sends for each order."""
    database = Database(url, connections=1)
    found = []
    with bare.recording(database.engine) as sent:
        for number in range(ORDERS + WARM * CLIENTS):
            sent.clear()
            _place(database, *request(number))
            found.append(next(iter(sent.values())))
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
    """A migrated database with goods and leaders that have money, of which PostgreSQL knows how
    much there is, as it does a minute after an import."""
    url = _renamed(servers, "bench_market")
    with psycopg.connect(dsn(servers), autocommit=True) as connection:
        connection.execute("CREATE DATABASE bench_market")
    migrate(url)
    database = Database(url, connections=1)
    with database.as_system() as session:
        for statement in _GOODS:
            session.execute(text(statement), {"skus": SKUS, "leaders": LEADERS})
    database.close()
    with psycopg.connect(dsn(url), autocommit=True) as connection:
        connection.execute("ANALYZE")
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
        drop(connection, name)


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
