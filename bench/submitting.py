"""Accepted orders submitted a second at suppliers that answer in 5 ms, beside a bare loop.

"bare" is the very same transactions, recorded once and sent by psycopg alone, with the same calls
between them and as many threads. "Relay and queue" goes the whole way: outbox, Redis, RQ, drain.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from sqlalchemy import event

from bench import bare
from bench.bare import Transaction
from bench.figures import Figure, record
from bench.orders import AIM, ORDERS, copied, market, request
from connectors.model import Placed, PurchaseOrder
from huopan.servers import hold
from kit import clock
from kit.db import Database, dsn
from kit.redis import connect
from kit.settings import Settings
from trade import orders, submit
from trade.desk import Desk, from_settings
from worker import relay, serve
from worker.jobs import ORDERS as QUEUE
from worker.workshop import Workshop

TALK_SECONDS = 0.005
SOURCES = ("teahouse", "outlet")
CONNECTIONS = serve.CONNECTIONS


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
                limit = _rate(url, lambda: _replay(url, transactions))
            with copied(accepted) as url:
                drained = _rate(url, lambda: _drain(url, desk))
            with copied(accepted) as url:
                queued = _rate(url, lambda: _work(url, servers.redis_url, settings))
    for name, ours in {"by the drain": drained, "with relay and queue": queued}.items():
        record(Figure("submitting", name, ours, "purchases/s", limit, AIM))


def _accept(url: str, desk: Desk) -> None:
    database = Database(url, connections=1)
    for number in range(ORDERS):
        party, asked = request(number)
        with database.as_system() as session:
            orders.place(session, desk, party, asked, clock.now())
    database.close()


def _rate(url: str, work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    took = time.perf_counter() - started
    with psycopg.connect(dsn(url)) as connection:
        row = connection.execute(
            "SELECT count(*) FILTER (WHERE state = 'submitted'), count(*) FROM purchases"
        ).fetchone()
    assert row is not None
    assert row[0] == row[1] > 0
    return float(row[0]) / took


def _drain(url: str, desk: Desk) -> None:
    database = Database(url, connections=CONNECTIONS)
    until = clock.now() + timedelta(hours=1)
    for source in SOURCES:
        submit.drain(database, desk, source, lambda _: Supplier(), until)
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


def _replay(url: str, transactions: list[Transaction]) -> None:
    """The transactions by psycopg alone: a claim, then its purchases with a call before each."""
    with (
        bare.replaying(url, submit.THREADS) as send,
        ThreadPoolExecutor(submit.THREADS) as pool,
    ):

        def talked(transaction: Transaction) -> None:
            time.sleep(TALK_SECONDS)
            send(transaction)

        batch: list[Transaction] = []
        for transaction in transactions:
            if any(b"SKIP LOCKED" in _bytes(one.query) for one in transaction):
                list(pool.map(talked, batch))
                batch.clear()
                send(transaction)
            else:
                batch.append(transaction)
        list(pool.map(talked, batch))


def _bytes(query: str | bytes) -> bytes:
    return query.encode() if isinstance(query, str) else query
