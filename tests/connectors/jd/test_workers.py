"""Several workers at one JD account: one token, one budget, one ban."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from connectors.budgets import Budgets
from connectors.errors import TryLater
from connectors.jd_vop.source import VopSource
from connectors.surroundings import Surroundings
from connectors.tokens import Tokens
from kit.crypto import Keyring, new_key
from kit.db import Database
from kit.redis import connect
from tests.connectors.jd.conftest import Open
from tests.stage import Stage

SKU = "100000000000"


@pytest.fixture
def workers(database: Database, redis_url: str, opened: Open) -> Iterator[list[VopSource]]:
    """Two processes' worth of the same source."""
    ring = Keyring.from_text(new_key())
    clients = [connect(redis_url) for _ in range(2)]
    yield [opened(Surroundings(Budgets(client), Tokens(database, ring))) for client in clients]
    for client in clients:
        client.close()


def test_two_workers_with_one_expired_token_refresh_it_once(
    stage: Stage, workers: list[VopSource]
) -> None:
    for worker in workers:
        worker.prices([SKU])
    assert stage.act("jd", "grants") == 1
    stage.act("jd", "expire_tokens")
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda each: workers[each % 2].prices([SKU]), range(8)))
    assert all(facts[0].dropship for facts in done)
    assert stage.act("jd", "grants") == 2


def test_a_ban_of_30_s_stops_every_worker(stage: Stage, workers: list[VopSource]) -> None:
    for worker in workers:
        worker.prices([SKU])
    stage.fault("jd", "throttle", call="*getSellPrice")
    with pytest.raises(TryLater):
        workers[0].prices([SKU])
    asked = len(stage.calls("jd"))
    for worker in workers:
        for call in (worker.balance, worker.changes, lambda w=worker: w.prices([SKU])):
            with pytest.raises(TryLater) as caught:
                call()
            assert caught.value.wait is not None
            assert caught.value.wait > 30
    assert len(stage.calls("jd")) == asked
