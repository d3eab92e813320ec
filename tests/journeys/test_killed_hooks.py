"""A worker killed anywhere while it tells: nothing is lost, at most what was out is repeated."""

import json
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from kit import clock
from kit.db import Database
from kit.redis import connect
from tests.soak import Soak
from tests.trade.market import Market
from tests.trade.receiver import Receiver, receiving
from tests.worker.conftest import make_settings
from trade import events, hooks, telling
from trade.lanes import OF_ENDPOINT
from worker import relay
from worker.cron import perform
from worker.queues import HOOKS
from worker.workshop import Workshop

OPEN = {"allow_private_hosts": True, "allow_http": True}
ORDERS = 6


@pytest.fixture
def shop(
    database: Database, database_url: str, redis_url: str, tmp_path: Path
) -> Iterator[Workshop]:
    settings = make_settings(database_url, redis_url, tmp_path, webhooks=OPEN)
    opened = Workshop(settings, database, connect(redis_url))
    yield opened
    opened.redis.close()


def _worker(
    shop: Workshop, forge: "subprocess.Popen[str]", folder: Path, die_at: int | None
) -> list[str] | None:
    """What a worker crossed, or None when it was killed."""
    line = {
        "settings": shop.given.model_dump(mode="json"),
        "die_at": die_at,
        "trace": str(folder / "trace"),
        "queues": [HOOKS],
    }
    assert forge.stdin
    assert forge.stdout
    forge.stdin.write(json.dumps(line) + "\n")
    forge.stdin.flush()
    if int(forge.stdout.readline()) != 0:
        return None
    return list(json.loads((folder / "trace").read_text()))


def _told(shop: Workshop, receiver: Receiver) -> None:
    """An endpoint, and orders that it is to hear of."""
    market = Market(shop.db, shop.desk)
    leader = market.party(money=1_000_000)
    with shop.db.as_system() as session:
        session.execute(text("DELETE FROM webhooks"))
        hooks.create(session, shop.desk, leader, receiver.url, ["order.*"])
    goods = market.offer()
    for _ in range(ORDERS):
        market.place(leader, (goods.sku, 1), now=clock.now())
    with shop.db.as_system() as session:
        events.number(session)
    relay.relay(shop.db, shop.redis)


def _later(shop: Workshop) -> None:
    """The lease has run out, Redis was wiped, and cron sweeps."""
    shop.redis.flushdb()
    with shop.db.as_system() as session:
        session.execute(
            text("UPDATE deliveries SET leased_until = leased_until - :span"),
            {"span": telling.LEASE},
        )
        session.execute(text("UPDATE chores SET due_at = clock_timestamp()"))
    perform(shop, "sweep")


def test_a_worker_killed_anywhere_repeats_at_most_what_was_out(
    shop: Workshop, forge: "subprocess.Popen[str]", tmp_path: Path, soak: Soak
) -> None:
    with receiving() as receiver:
        _told(shop, receiver)
        crossed = _worker(shop, forge, tmp_path, None)
        assert crossed is not None
        assert len(receiver.heard) == ORDERS
        places = range(1, len(crossed) + 1)
        picked = list(places) if soak.whole else random.Random(soak.seed).sample(places, 8)  # noqa: S311
        for die_at in picked:
            receiver.heard.clear()
            _told(shop, receiver)
            _worker(shop, forge, tmp_path, die_at)
            _later(shop)
            assert _worker(shop, forge, tmp_path, None) is not None, die_at
            ids = [one.id for one in receiver.heard]
            assert len(set(ids)) == ORDERS, (die_at, crossed[die_at - 1])
            assert len(ids) - len(set(ids)) <= OF_ENDPOINT, (die_at, crossed[die_at - 1])
            with shop.db.as_system() as session:
                assert session.execute(text("SELECT count(*) FROM deliveries")).scalar_one() == 0


def test_a_wiped_redis_loses_no_message(
    shop: Workshop, forge: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    with receiving() as receiver:
        _told(shop, receiver)
        _later(shop)
        assert _worker(shop, forge, tmp_path, None) is not None
        assert len(receiver.heard) == ORDERS
