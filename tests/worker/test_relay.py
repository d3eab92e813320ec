"""Wake-ups may be lost, repeated or late; what they stand for is done once all the same."""

import json
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from sqlalchemy import text

from kit.outbox import say
from kit.redis import connect
from tests.worker.conftest import Works
from trade.buying import SUBMIT
from worker import relay
from worker.cron import perform
from worker.queues import ORDERS
from worker.workshop import Workshop


def outbox(works: Works) -> list[bool]:
    """Whether each wake-up was relayed, oldest first."""
    with works.shop.db.as_system() as session:
        return list(session.scalars(text("SELECT relayed_at IS NOT NULL FROM outbox ORDER BY id")))


def order(works: Works, source: str = "teahouse", count: int = 1) -> list[int]:
    leader = works.market.party(money=1_000_000)
    goods = works.market.offer(source=source)
    return [works.market.place(leader, (goods.sku, 1)) for _ in range(count)]


def all_due(works: Works) -> None:
    with works.shop.db.as_system() as session:
        session.execute(text("UPDATE purchases SET due_at = '2020-01-01Z'"))
        session.execute(text("UPDATE chores SET due_at = '2020-01-01Z'"))


def test_many_orders_at_one_source_are_one_job(works: Works) -> None:
    orders = order(works, count=5)
    assert works.relay() == 1
    order(works, source="manual")
    assert works.relay() == 1
    assert works.waiting() == [(SUBMIT, "teahouse"), (SUBMIT, "manual")]
    works.drain()
    assert [works.state(one) for one in orders] == [["submitted"]] * 5


def test_a_wake_up_that_comes_twice_finds_nothing(works: Works) -> None:
    (one,) = order(works)
    for _ in range(3):
        works.shop.redis.delete(relay.mark(SUBMIT, "teahouse"))
        relay.wake(works.shop.redis, [(SUBMIT, "teahouse")])
    assert len(works.waiting()) == 3
    works.drain()
    assert works.state(one) == ["submitted"]
    with works.shop.db.as_system() as session:
        claims = session.scalar(text("SELECT count(*) FROM purchase_moves WHERE event = 'claim'"))
    assert claims == 1


def test_what_is_committed_while_a_drain_works_wakes_again(works: Works) -> None:
    order(works)
    works.relay()
    relay.unmark(works.shop.redis, SUBMIT, "teahouse")  # as the drain does before it looks
    order(works)
    works.relay()
    assert works.waiting() == [(SUBMIT, "teahouse")] * 2


def test_a_wake_up_waits_in_the_outbox_while_redis_is_away(works: Works) -> None:
    (one,) = order(works)
    away = Workshop(works.shop.given, works.shop.db, connect("unix:///nowhere/at/all.sock"))
    with pytest.raises(redis.ConnectionError):
        relay.relay(away.db, away.redis)
    assert outbox(works) == [False]
    works.relay()
    works.drain()
    assert works.state(one) == ["submitted"]


def test_a_wiped_redis_loses_no_order(works: Works) -> None:
    (one,) = order(works)
    works.relay()
    works.shop.redis.flushdb()
    works.drain()
    assert works.state(one) == ["ready"]
    perform(works.shop, "sweep")
    works.drain()
    assert works.state(one) == ["submitted"]


def test_the_sweeper_wakes_for_leases_that_ran_out(works: Works) -> None:
    order(works, source="manual")
    with works.shop.db.as_system() as session:
        session.execute(text("UPDATE purchases SET state = 'submitting', lease = 'gone'"))
    all_due(works)
    perform(works.shop, "sweep")
    assert works.waiting() == [(SUBMIT, "manual")]


def test_nobody_works_so_the_queue_does_not_grow_without_end(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "LONGEST_QUEUE", 1)
    for key in "abcdef":
        relay.wake(works.shop.redis, [(SUBMIT, key)])
    assert relay.waiting(works.shop.redis, ORDERS) == 2


def test_a_topic_of_a_newer_version_is_passed_over(works: Works) -> None:
    with works.shop.db.as_system() as session:
        say(session, "from.the.future", "x")
    assert works.relay() == 1
    assert works.waiting() == []
    assert outbox(works) == [True]


def test_two_relays_at_once_relay_each_wake_up_once(works: Works) -> None:
    with works.shop.db.as_system() as session:
        for number in range(700):
            say(session, SUBMIT, f"s{number:03d}")
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: works.relay() + works.relay(), range(2)))
    assert sum(done) == 700
    assert sorted(works.waiting()) == [(SUBMIT, f"s{number:03d}") for number in range(700)]


def test_a_job_is_words_only_and_no_pickle(works: Works) -> None:
    order(works)
    works.relay()
    (key,) = works.shop.redis.keys("rq:job:*")
    data = json.loads(zlib.decompress(works.shop.redis.hget(key, "data")))
    assert data == ["worker.perform.perform", None, [SUBMIT, "teahouse"], {}]
