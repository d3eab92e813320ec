"""Call budgets: shared by all workers, fair, with a share for orders, safe without Redis."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from redis import Redis

from connectors.budgets import ALONE_SHARE, Budgets
from connectors.calls import Limit
from kit import clock
from kit.redis import connect

LIMIT = Limit(10, reserve=0.3)
LONG = 1000.0


@pytest.fixture
def client(redis_url: str) -> Iterator[Redis]:
    with connect(redis_url) as opened:
        yield opened


def test_workers_share_one_queue_in_order_of_arrival(client: Redis) -> None:
    one, two = Budgets(client), Budgets(client)
    waits = [
        worker.take("jd", "read", LIMIT, urgent=False, most=LONG).wait
        for _ in range(10)
        for worker in (one, two)
    ]
    assert waits == sorted(waits)
    # 20 calls at 10 a second: the last but one slot behind the first two is 1.8 s away, less what
    # the test itself took
    assert 1.0 < waits[-1] <= 1.8


def test_a_call_that_would_wait_too_long_spends_nothing(client: Redis) -> None:
    budgets = Budgets(client)
    while budgets.take("jd", "read", Limit(0.01), urgent=False, most=1).granted:
        pass
    refused = budgets.take("jd", "read", Limit(0.01), urgent=False, most=1)
    assert not refused.granted
    assert 50 < refused.wait <= 100
    assert budgets.take("jd", "other", Limit(0.01), urgent=False, most=1).granted
    assert budgets.take("jd2", "read", Limit(0.01), urgent=False, most=1).granted


def test_orders_take_the_reserved_share_before_bulk_calls_that_wait(client: Redis) -> None:
    slow = Limit(0.1, reserve=0.3)
    budgets = Budgets(client)
    for _ in range(5):
        budgets.take("jd", "read", slow, urgent=False, most=LONG)
    before = budgets.take("jd", "read", slow, urgent=False, most=0).wait
    order = budgets.take("jd", "read", slow, urgent=True, most=1)
    assert order == type(order)(granted=True, wait=0)
    after = budgets.take("jd", "read", slow, urgent=False, most=0).wait
    assert after - before == pytest.approx(10, abs=3)  # the queue moved back by one slot of 10 s
    assert not budgets.take("jd", "read", slow, urgent=True, most=1).granted


def test_a_ban_holds_for_every_worker_and_never_shortens(client: Redis) -> None:
    one, two = Budgets(client), Budgets(client)
    one.ban("jd", "read", 500)
    one.ban("jd", "read", 5)
    for worker in (one, two):
        slot = worker.take("jd", "read", LIMIT, urgent=True, most=LONG)
        assert not slot.granted
        assert slot.ban
        assert slot.wait == pytest.approx(500, abs=20)
        assert worker.banned_for("jd", "read") == pytest.approx(500, abs=20)
    assert two.take("jd", "order", LIMIT, urgent=True, most=LONG).granted


def test_a_ban_outlives_a_wiped_redis_in_the_worker_that_met_it(client: Redis) -> None:
    budgets = Budgets(client)
    budgets.ban("jd", "read", 500)
    client.flushdb()
    assert budgets.take("jd", "read", LIMIT, urgent=True, most=LONG).ban


def test_a_restarted_redis_is_told_the_script_again(client: Redis) -> None:
    budgets = Budgets(client)
    assert budgets.take("jd", "read", LIMIT, urgent=False, most=LONG).granted
    client.script_flush()
    client.flushdb()
    assert budgets.take("jd", "read", LIMIT, urgent=False, most=LONG).granted
    assert client.keys("*:queue") != []  # Redis gave it, not the process by itself


def test_a_days_calls_are_counted_and_end(client: Redis) -> None:
    budgets, daily = Budgets(client), Limit(1000, per_day=3)
    taken = [budgets.take("ali", "read", daily, urgent=False, most=LONG) for _ in range(4)]
    assert [slot.granted for slot in taken] == [True, True, True, False]
    assert 0 < taken[-1].wait <= 86400
    day = int((clock.now() + timedelta(hours=8)).timestamp() // 86400)
    assert 3 in (budgets.used_today("ali", "read", each) for each in (day - 1, day))


def test_without_redis_each_process_keeps_to_a_cautious_share() -> None:
    now = [0.0]
    away = connect("redis://127.0.0.1:1/0")
    budgets = Budgets(away, monotonic=lambda: now[0])
    waits = [budgets.take("jd", "read", LIMIT, urgent=False, most=LONG).wait for _ in range(4)]
    every = 1 / (10 * ALONE_SHARE)
    assert waits == pytest.approx([0, 0, every, 2 * every])
    budgets.ban("jd", "read", 30)
    assert budgets.take("jd", "read", LIMIT, urgent=True, most=LONG).ban
    now[0] = 31
    assert budgets.take("jd", "read", LIMIT, urgent=True, most=LONG).granted


def test_a_process_by_itself_has_the_whole_budget() -> None:
    budgets = Budgets(monotonic=lambda: 0.0)
    waits = [budgets.take("jd", "read", LIMIT, urgent=False, most=LONG).wait for _ in range(4)]
    assert waits == pytest.approx([0, 0, 0.1, 0.2])
