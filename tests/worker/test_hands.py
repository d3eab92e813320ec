"""Processes lend a hand with webhooks: whoever is due is told, whoever else is slow."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kit import clock
from kit.db import Database
from kit.redis import connect
from tests.trade.market import Market
from tests.trade.receiver import Gate, Receiver, receiving
from tests.worker.conftest import Works, make_settings
from trade import events, hooks
from worker.workshop import Workshop

OPEN = {"allow_private_hosts": True, "allow_http": True}


@pytest.fixture
def open_works(
    database: Database, database_url: str, redis_url: str, tmp_path: Path
) -> Iterator[Works]:
    settings = make_settings(database_url, redis_url, tmp_path, webhooks=OPEN)
    shop = Workshop(settings, database, connect(redis_url))
    yield Works(shop, Market(database, shop.desk))
    shop.lanes.close()
    shop.redis.close()


def test_an_endpoint_that_is_slow_to_answer_keeps_no_other_waiting(open_works: Works) -> None:
    shop, market, gate = open_works.shop, open_works.market, Gate()
    parties = [market.party(money=1_000_000) for _ in range(3)]
    goods = market.offer()
    with ExitStack() as doors:

        def listen(party: int) -> Receiver:
            receiver = doors.enter_context(receiving())
            with shop.db.as_system() as session:
                hooks.create(session, shop.desk, party, receiver.url, ["order.*"])
            return receiver

        slow, *quick = [listen(party) for party in (parties[0], *parties)]
        for party in parties:
            for _ in range(4):
                market.place(party, (goods.sku, 1), now=clock.now())
        slow.answer, others = gate, gate.opened_by(len(quick) * 4)
        for one in quick:
            one.answer = others
        with shop.db.as_system() as session:
            events.number(session)
        open_works.relay()
        open_works.drain()
        assert gate.stood == [True] * 4  # all others had theirs while it kept us waiting
        assert [len(one.heard) for one in (slow, *quick)] == [4] * 4
