"""Workers that die where they are told to.

`python -m tests.journeys.mortal` is warm (everything is imported, nothing is open) and forks one
worker for each line of JSON on its standard input. The worker is the real one on real queues, or
does one deed of DEEDS as an API process or cron would; it counts every boundary that it crosses:
each statement, each commit, each command to Redis, each call of a platform or a mail server,
before and after. At the one named by `die_at` it is killed (SIGKILL).
"""

import gc
import json
import os
import signal
import smtplib
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import psycopg
import redis
from sqlalchemy import Engine
from sqlalchemy.orm import configure_mappers

from connectors.budgets import Budgets
from connectors.registry import KINDS, can
from kit import clock, log
from kit.redis import connect
from kit.settings import Settings
from sync.opening import OpenSources
from tests.trade.market import ordered
from trade import cancelling, events
from trade import orders as ordering
from trade.after_sales import claim_answers, claims
from trade.after_sales.claims import ClaimedLine, ClaimRequest
from trade.order_sheets import imports
from trade.parcels import shipping
from trade.parcels.shipping import Shipment
from trade.purchases import Supplier
from worker import relay
from worker.cron import perform
from worker.queues import ORDERS
from worker.serve import drain
from worker.workshop import Workshop, open_workshop

Given = dict[str, Any]


@dataclass
class Boundaries:
    """Counts what is crossed, and dies at `die_at`."""

    die_at: int | None
    trace: Path
    crossed: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, name: str) -> None:
        with self.lock:
            self.crossed.append(name)
            if len(self.crossed) == self.die_at:
                os.kill(os.getpid(), signal.SIGKILL)

    def tell(self) -> None:
        self.trace.write_text(json.dumps(self.crossed))

    def watch(self, engine: Engine) -> None:
        """Every statement and transaction of the database, every command to Redis."""
        for name in ("execute", "executemany"):  # under SQLAlchemy, which some statements pass by
            self._around(psycopg.Cursor, name, lambda *a, **_: _short(a[1]))
        self._around(psycopg.Pipeline, "__exit__", lambda *_: "round trip")
        self._around(engine.dialect, "do_commit", lambda *_: "COMMIT")
        self._around(engine.dialect, "do_rollback", lambda *_: "ROLLBACK")
        self._around(redis.Redis, "execute_command", lambda *a: f"redis {a[1]}")
        self._around(redis.client.Pipeline, "execute", lambda *_: "redis pipeline")
        self._around(httpx.Client, "send", lambda *a, **_: f"call of {a[1].url.path}")
        for name in ("connect", "mail", "rcpt", "data"):
            self._around(smtplib.SMTP, name, lambda *_, name=name, **__: f"smtp {name}")

    def _around(self, owner: Any, name: str, label: Callable[..., str]) -> None:
        inner = getattr(owner, name)

        def outer(*given: Any, **more: Any) -> Any:
            self(f"before {label(*given)}")
            try:
                return inner(*given, **more)
            finally:
                self(f"after {label(*given)}")

        setattr(owner, name, outer)


def _short(statement: object) -> str:
    text = statement.decode() if isinstance(statement, bytes) else str(statement)
    return " ".join(text.split()[:3])


def _queues(shop: Workshop, given: Given) -> None:
    """A worker works what waits."""
    url = shop.given.redis.url
    assert url
    drain(shop, connect(url, timeout=None), given.get("queues", [ORDERS]))


def _accept(shop: Workshop, given: Given) -> None:
    """The API accepts an order; a client that hears nothing sends the same reference again."""
    request = ordered((given["sku"], given["units"]), reference=given["reference"])
    with shop.db.as_system() as session:
        ordering.place(session, shop.desk, given["party"], request, clock.now())


def _cancel(shop: Workshop, given: Given) -> None:
    """The leader cancels her order."""
    with shop.db.as_system() as session:
        cancelling.cancel(session, given["party"], given["order"], "不要了", clock.now())


def _relay(shop: Workshop, _given: Given) -> None:
    """Cron's pulse: events get their numbers, wake-ups go to the queues, due rows wake."""
    with shop.db.as_system() as session:
        events.number(session)
    relay.relay(shop.db, shop.redis)
    perform(shop, "sweep")


def _ship(shop: Workshop, given: Given) -> None:
    """A supplier at our own door ships what she was sold."""
    parcel = Shipment(given["purchase"], "SF", given["number"])
    with shop.db.as_system() as session:
        shipping.ship(session, Supplier(given["source"]), parcel, clock.now())


def _claim(shop: Workshop, given: Given) -> None:
    """The leader opens a claim."""
    line = ClaimedLine(given["sku"], given["units"], given["amount"])
    request = ClaimRequest(given["kind"], (line,), "收到破损")
    with shop.db.as_system() as session:
        claims.open_claim(session, shop.desk, given["party"], given["order"], request, clock.now())


def _approve(shop: Workshop, given: Given) -> None:
    """A supplier at our own door agrees to a claim: the refund is posted."""
    door = Supplier(given["source"])
    with shop.db.as_system() as session:
        claim_answers.approve(session, shop.desk, door, given["claim"], clock.now())


def _confirm_sheet(shop: Workshop, given: Given) -> None:
    """The leader confirms a sheet of orders."""
    with shop.db.as_system() as session:
        imports.confirm(session, given["party"], given["sheet"], 10**9, "skip", clock.now())


def _cut_off(shop: Workshop, _given: Given) -> None:
    """Cron makes the sheets whose cut-off has come."""
    perform(shop, "cutoff_sheets")


DEEDS: dict[str, Callable[[Workshop, Given], None]] = {
    "queues": _queues,
    "accept": _accept,
    "cancel": _cancel,
    "relay": _relay,
    "ship": _ship,
    "claim": _claim,
    "approve": _approve,
    "confirm sheet": _confirm_sheet,
    "cut off": _cut_off,
}
"""What somebody does, in processes that may die of it."""


def work(shop: Workshop, given: Given) -> None:
    boundaries = Boundaries(given["die_at"], Path(given["trace"]))
    boundaries.watch(shop.db.engine)
    hurry(shop)
    DEEDS[given.get("deed", "queues")](shop, given)
    boundaries.tell()


def hurry(shop: Workshop) -> None:
    """Calls that are repeated are repeated without waiting, and no ban is remembered."""
    around = replace(shop._sources.around, sleep=lambda _: None, budgets=Budgets(shop.redis))
    shop._sources.close()
    shop._sources = OpenSources(around)


def live(given: Given) -> None:
    """The forked process: it ends with 0 once its work is done, and with 1 where that failed."""
    try:
        settings = Settings(**given["settings"])
        url, redis_url = settings.database.url, settings.redis.url
        work(open_workshop(settings, url, redis_url, connections=6), given)
    except Exception as error:
        log.get(__name__).warning("a_worker_failed", why=repr(error))
        os._exit(1)
    os._exit(0)


def main() -> None:
    log.configure()
    configure_mappers()
    for kind in KINDS:
        can({"kind": kind}, object)
    gc.freeze()
    for line in sys.stdin:
        given = json.loads(line)
        child = os.fork()
        if child == 0:
            live(given)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
