"""PostgreSQL or Redis dies or is emptied in the middle of work, on servers of this test's own."""

import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from huopan.servers import hold
from kit.db import Database, dsn, migrate
from kit.redis import connect
from tests.journeys.chaos import Day
from tests.journeys.conftest import SECRETS, sources
from tests.journeys.test_chaos_day import agrees, finish
from tests.servers.conftest import Pair
from tests.servers.conftest import data as data
from tests.servers.conftest import pair as pair
from tests.soak import Soak
from tests.stage import Stage
from tests.worker.conftest import make_settings
from worker.workshop import Workshop

pytestmark = [pytest.mark.soak, pytest.mark.servers]

PATIENCE = 60.0
"""Seconds until servers must be back; nothing is decided by how long it takes below that."""

VICTIMS: dict[str, Callable[[Pair, Workshop], None]] = {
    "postgres": lambda pair, _: pair.postgres()[0].kill(),
    "redis": lambda pair, _: pair.redis()[0].kill(),
    "what redis holds": lambda _, shop: _emptied(shop),
}


def _emptied(shop: Workshop) -> None:
    shop.redis.flushall()


@pytest.fixture
def shop(
    pair: Pair, stage: Stage, soak: Soak, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workshop]:
    """A workshop on its own pair of servers."""
    if not soak.whole:
        pytest.skip("servers of its own are for the soak")
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    with hold(pair.data) as servers:
        migrate(servers.database_url)
        settings = make_settings(
            servers.database_url, servers.redis_url, tmp_path, sources=sources(stage.url)
        )
        db = Database(servers.database_url)
        opened = Workshop(settings, db, connect(servers.redis_url))
        yield opened
        opened.close()


def back(shop: Workshop) -> bool:
    """Whether both servers answer."""
    assert shop.given.database.url
    try:
        with psycopg.connect(dsn(shop.given.database.url), connect_timeout=3) as connection:
            connection.execute("SELECT 1")
        return bool(shop.redis.ping())
    except (psycopg.OperationalError, redis.ConnectionError):
        return False


@pytest.mark.parametrize("victim", sorted(VICTIMS))
def test_a_server_that_fails_in_the_middle_costs_no_order(
    shop: Workshop,
    pair: Pair,
    stage: Stage,
    forge: "subprocess.Popen[str]",
    tmp_path: Path,
    soak: Soak,
    victim: str,
) -> None:
    dice = random.Random(f"{soak.seed}{victim}")  # noqa: S311 - the same in every run
    day = Day(shop, stage, forge, tmp_path, dice)
    for _ in range(3):
        day.orders(30)
        day.starts()
        seen, many = len(stage.calls("jd")), dice.randint(1, 20)
        deadline = time.monotonic() + PATIENCE
        while len(stage.calls("jd")) < seen + many and time.monotonic() < deadline:
            time.sleep(0.01)  # the worker is somewhere in the middle
        VICTIMS[victim](pair, shop)
        day.ends()
        deadline = time.monotonic() + PATIENCE
        while not back(shop):
            assert time.monotonic() < deadline, "the server never came back"
            time.sleep(0.1)
        shop.db.engine.dispose()
        day.time_passes()
    finish(day)
    agrees(day)
