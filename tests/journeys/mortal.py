"""Workers that die where they are told to.

`python -m tests.journeys.mortal` is warm (everything is imported, nothing is open) and forks one
worker for each line of JSON on its standard input. The worker is the real one on real queues; it
counts every boundary that it crosses: each statement, each commit, each command to Redis, each
call of the supplier, before and after. At the one named by `die_at` it is killed (SIGKILL).
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import redis
from sqlalchemy import Engine

from connectors.model import Placed, PurchaseOrder
from kit import log
from kit.redis import connect
from kit.settings import Settings
from worker.jobs import ORDERS
from worker.serve import drain
from worker.workshop import Workshop, open_workshop


@dataclass
class Shipyard:
    """A supplier elsewhere: what it was asked to sell stands in a file, whoever dies here."""

    journal: Path
    boundary: Callable[[str], None]

    def place(self, order: PurchaseOrder) -> Placed:
        self.boundary("the supplier gets the order")
        with self.journal.open("a") as kept:
            kept.write(f"{order.our_ref}\n")
            kept.flush()
            os.fsync(kept.fileno())
        self.boundary("the supplier has the order")
        return Placed((f"X-{order.our_ref}",), awaits_supplier=True)

    def find(self, our_ref: str) -> Placed | None:
        self.boundary("the supplier is asked")
        if our_ref not in self.journal.read_text().split():
            return None
        return Placed((f"X-{our_ref}",), awaits_supplier=True)

    def cancel(self, our_ref: str, reason: str) -> None:
        self.boundary("the supplier is told to cancel")


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

    def _around(self, owner: Any, name: str, label: Callable[..., str]) -> None:
        inner = getattr(owner, name)

        def outer(*given: Any, **more: Any) -> Any:
            self(f"before {label(*given)}")
            done = inner(*given, **more)
            self(f"after {label(*given)}")
            return done

        setattr(owner, name, outer)


def _short(statement: object) -> str:
    text = statement.decode() if isinstance(statement, bytes) else str(statement)
    return " ".join(text.split()[:3])


def work(shop: Workshop, redis_url: str, order: dict[str, Any]) -> None:
    boundaries = Boundaries(order["die_at"], Path(order["trace"]))
    boundaries.watch(shop.db.engine)
    shipyard = Shipyard(Path(order["journal"]), boundaries)
    shop.seller = lambda _: shipyard  # type: ignore[method-assign, assignment]
    drain(shop, connect(redis_url, timeout=None), order.get("queues", [ORDERS]))
    boundaries.tell()


def main() -> None:
    log.configure()
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            settings = Settings(**order["settings"])
            url, redis_url = settings.database.url, settings.redis.url
            work(open_workshop(settings, url, redis_url, connections=6), redis_url, order)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
