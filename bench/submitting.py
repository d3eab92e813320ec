"""Accepted orders submitted a second at suppliers that answer in 5 ms, beside a bare loop.

"bare" is the very same transactions, recorded once and sent by psycopg alone, with the same calls
between them and as many workers and threads. "Relay and queue" goes the whole way: outbox, Redis,
RQ, drain.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from sqlalchemy import event

from bench import bare, crowd
from bench.bare import Transaction
from bench.figures import Figure, record
from bench.orders import AIM, ORDERS, copied, market, request
from connectors.model import Placed, PurchaseOrder
from huopan.commands.worker import CONNECTIONS
from huopan.servers import hold
from kit import clock
from kit.db import Database, dsn
from kit.redis import connect
from kit.settings import Settings
from trade import orders, submit
from trade.desk import Desk, from_settings
from worker import relay, serve
from worker.queues import ORDERS as QUEUE
from worker.workshop import Workshop

TALK_SECONDS = 0.005
SOURCES = ("teahouse", "outlet")
_LOCK = b" FOR UPDATE SKIP LOCKED"
WORKERS = (1, 2, 4)
"""Processes, each of which submits in as many threads as a worker does."""


class Supplier:
    """Takes everything, in its own time."""

    def place(self, order: PurchaseOrder) -> Placed:
        time.sleep(TALK_SECONDS)
        return Placed((order.our_ref,), awaits_supplier=True)

    def find(self, our_ref: str) -> Placed | None:
        return None

    def cancel(self, our_ref: str, reason: str) -> None:
        return None


def run() -> None:
    """Print purchases a second: the drain alone, with relay and queue, and bare."""
    with TemporaryDirectory(prefix="huopan-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        settings = Settings(data={"dir": folder / "var"})
        settings.ensure_key()
        desk = from_settings(settings)
        with (
            hold(folder / "servers") as servers,
            market(servers.database_url) as goods,
            copied(goods) as accepted,
        ):
            _accept(accepted, desk)
            with copied(accepted) as url:
                transactions = _recorded(url, desk)
            with copied(accepted) as url:
                queued = _rate(url, _timed(lambda: _work(url, servers.redis_url, settings)))
            for workers in WORKERS:
                with copied(accepted) as url:
                    limit = _rate(url, _shared(workers, _replaying, url, workers, transactions))
                with copied(accepted) as url:
                    drained = _rate(url, _shared(workers, _draining, url, desk))
                name = f"by the drain, {workers} workers"
                record(Figure("submitting", name, drained, "purchases/s", limit, AIM))
                if workers == 1:
                    name = "with relay and queue"
                    record(Figure("submitting", name, queued, "purchases/s", limit, AIM))


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _shared(workers: int, opening: Callable[..., crowd.Opened], *given: Any) -> float:
    """Seconds that so many processes take for all of it together."""
    with crowd.hired(workers, 1, opening, *given) as work:
        return workers / work(range(workers)).rate


def _accept(url: str, desk: Desk) -> None:
    database = Database(url, connections=1)
    for number in range(ORDERS):
        party, asked = request(number)
        with database.as_system() as session:
            orders.place(session, desk, party, asked, clock.now())
    database.close()


def _rate(url: str, took: float) -> float:
    with psycopg.connect(dsn(url)) as connection:
        row = connection.execute(
            "SELECT count(*) FILTER (WHERE state = 'submitted'), count(*) FROM purchases"
        ).fetchone()
    assert row is not None
    assert row[0] == row[1] > 0
    return float(row[0]) / took


@contextmanager
def _draining(url: str, desk: Desk) -> Iterator[Callable[[int], None]]:
    """Worker after worker begins with another source; its connections are open, as the bare are."""
    database = Database(url, connections=CONNECTIONS)
    with ExitStack() as opened:
        for _ in range(CONNECTIONS):
            opened.enter_context(database.engine.connect())
    until = clock.now() + timedelta(hours=1)

    def drain(worker: int) -> None:
        for at in range(len(SOURCES)):
            source = SOURCES[(worker + at) % len(SOURCES)]
            submit.drain(database, desk, source, lambda _: Supplier(), until)

    yield drain
    database.close()


def _work(url: str, redis_url: str, settings: Settings) -> None:
    shop = Workshop(settings, Database(url, connections=CONNECTIONS), connect(redis_url))
    shop.seller = lambda _: Supplier()  # type: ignore[method-assign, assignment]
    while relay.relay(shop.db, shop.redis):
        continue
    serve.drain(shop, connect(redis_url, timeout=None), [QUEUE])
    shop.close()


def _recorded(url: str, desk: Desk) -> list[Transaction]:
    """Every transaction of the drains, in the order of their commits."""
    database = Database(url, connections=CONNECTIONS)
    done: list[Transaction] = []
    lock = threading.Lock()
    with bare.recording(database.engine) as sent:

        @event.listens_for(database.engine, "commit")
        def _(connection: Any) -> None:
            with lock:
                done.append(sent.pop(connection.connection.driver_connection, []))

        until = clock.now() + timedelta(hours=1)
        for source in SOURCES:
            submit.drain(database, desk, source, lambda _: Supplier(), until)
    database.close()
    return done


@contextmanager
def _replaying(
    url: str, workers: int, transactions: list[Transaction]
) -> Iterator[Callable[[int], None]]:
    """The transactions by psycopg alone: a claim, then its purchases with a call before each.

    A claim takes no lock on what it finds: which purchases it takes was recorded, and workers would
    lock one another's.
    """
    batches: list[list[Transaction]] = []
    for transaction in transactions:
        plain = [one._replace(query=_bytes(one.query).replace(_LOCK, b"")) for one in transaction]
        if any(_LOCK in _bytes(one.query) for one in transaction):
            batches.append([plain])
        else:
            batches[-1].append(plain)
    with (
        bare.replaying(url, submit.THREADS) as send,
        ThreadPoolExecutor(submit.THREADS) as pool,
    ):

        def talked(transaction: Transaction) -> None:
            time.sleep(TALK_SECONDS)
            send(transaction)

        def replay(worker: int) -> None:
            for claim, *purchases in batches[worker::workers]:
                send(claim)
                list(pool.map(talked, purchases))

        yield replay


def _bytes(query: str | bytes) -> bytes:
    return query.encode() if isinstance(query, str) else query
