"""A workshop on the test's own servers, and what runs in it."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rq import Queue

from kit.db import Database
from kit.redis import connect
from kit.settings import Settings
from tests.trade.market import Market
from worker import relay
from worker.queues import QUEUES
from worker.serve import drain
from worker.workshop import Workshop

SOURCES = {"teahouse": {"kind": "feed"}, "manual": {"kind": "feed", "accept": "manual"}}


@dataclass(frozen=True)
class Works:
    """A market whose orders are worked by real queues."""

    shop: Workshop
    market: Market

    def waiting(self) -> list[tuple[str, str]]:
        """The wake-ups in the queues, as (topic, key)."""
        found = []
        for name in QUEUES:
            queue = Queue(name, connection=self.shop.redis, serializer="json")
            found += [tuple(job.args) for job in queue.jobs]
        return found

    def relay(self) -> int:
        return relay.relay(self.shop.db, self.shop.redis)

    def drain(self) -> None:
        """Work what waits, as a worker process does."""
        drain(self.shop, self.shop.redis, QUEUES)

    def state(self, order_id: int) -> list[str]:
        return [purchase.state for purchase in self.market.purchases(order_id)]


def make_settings(database_url: str, redis_url: str, folder: Path, **more: object) -> Settings:
    settings = Settings(
        database={"url": database_url},
        redis={"url": redis_url},
        data={"dir": folder / "var"},
        **{"sources": SOURCES} | more,
    )
    settings.ensure_key()
    return settings


@pytest.fixture
def works(database: Database, database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Works]:
    settings = make_settings(database_url, redis_url, tmp_path)
    shop = Workshop(settings, database, connect(redis_url), threading.Event())
    yield Works(shop, Market(database, shop.desk))
    shop.redis.close()
