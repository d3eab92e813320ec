"""A drain works what is due, gives others their turn, and ends in order."""

import json
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from catalog import media
from kit import clock, outbox, tally
from kit.ids import outside
from sync import gallery
from sync.wake import PULL
from tests.worker.conftest import Works, make_settings
from trade import purchases
from trade import submit as submitting
from trade.buying import SUBMIT
from trade.events import HOOK
from trade.purchases import Supplier
from trade.refusal import HELD, REROUTE
from worker import drains, perform, relay, turns
from worker.cron import perform as perform_chore
from worker.jobs import JOBS, Job
from worker.queues import ORDERS
from worker.turns import Turn
from worker.workshop import Workshop


@pytest.fixture
def order(works: Works) -> int:
    leader = works.market.party(money=10_000)
    return works.market.place(leader, (works.market.offer().sku, 1))


def test_what_a_source_refused_is_bought_elsewhere_by_the_next_wake_up(works: Works) -> None:
    market = works.market
    first = market.offer(source="manual", cost="8.00")
    market.offer(source="teahouse", cost="8.00", sku_id=first.sku_id)
    leader = market.party(money=10_000)
    order_id = market.place(leader, (first.sku, 1))
    works.relay()
    works.drain()
    with works.shop.db.as_system() as session:
        (bought,) = market.purchases(order_id)
        name = outside("pur", bought.id)
        purchases.refuse(session, Supplier(bought.source), name, "out", "没货了", clock.now())
    works.relay()
    works.drain()  # finds the other source
    works.relay()
    works.drain()  # and buys there
    assert works.state(order_id) == ["refused", "submitted"]


def test_a_turn_ends_when_others_wait() -> None:
    waiting = iter([False, False, True])
    turn = Turn(threading.Event(), lambda: next(waiting))
    assert len(list(turn.slices())) == 3


def test_a_turn_ends_when_the_process_is_told_to_end() -> None:
    stopping = threading.Event()
    slices = Turn(stopping).slices()
    next(slices)
    stopping.set()
    assert next(slices, None) is None


def test_a_turn_ends_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LONGEST", timedelta(0))
    assert len(list(Turn(threading.Event()).slices())) == 1


def test_a_drain_whose_turn_is_up_goes_to_the_end_of_the_queue(
    works: Works, order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> bool:
        return True

    monkeypatch.setitem(perform.JOBS, SUBMIT, Job(busy, ORDERS, 180))
    perform.RUNNING.set(works.shop)
    perform.perform(SUBMIT, "teahouse")
    assert works.waiting() == [(SUBMIT, "teahouse")]


def test_a_job_that_fails_is_damped_and_its_rows_stay_due(
    works: Works, order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(submitting, "drain", broken)
        works.relay()
        works.drain()
    assert relay.wake(works.shop.redis, [(SUBMIT, "teahouse")]) == 0
    assert works.shop.redis.ttl(relay.mark(SUBMIT, "teahouse")) > relay.MARK_SECONDS
    assert tally.read(works.shop.redis, "jobs")[f"{SUBMIT}:failed"] == 1
    relay.unmark(works.shop.redis, SUBMIT, "teahouse")
    relay.wake(works.shop.redis, [(SUBMIT, "teahouse")])
    works.drain()
    assert works.state(order) == ["submitted"]
    assert tally.read(works.shop.redis, "jobs")[f"{SUBMIT}:done"] == 1


def test_purchases_of_a_source_that_is_set_wrongly_wait_without_a_traceback(
    works: Works,
    order: int,
    database_url: str,
    redis_url: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrong = {"teahouse": {"kind": "feed", "locaton": "x.csv"}}
    settings = make_settings(database_url, redis_url, tmp_path, sources=wrong)
    perform.RUNNING.set(Workshop(settings, works.shop.db, works.shop.redis))
    perform.perform(SUBMIT, "teahouse")
    told = capsys.readouterr().out
    assert "sources.teahouse.locaton: there is no such key" in told
    assert "Traceback" not in told
    assert works.state(order) == ["ready"]
    assert relay.wake(works.shop.redis, [(SUBMIT, "teahouse")]) == 0  # damped


def test_a_job_without_a_database_ends_quietly(
    works: Works, order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("connection refused"))

    monkeypatch.setattr(perform, "DATABASE_SECONDS", 0)
    with monkeypatch.context() as patch:
        patch.setattr(submitting, "drain", away)
        works.relay()
        works.drain()
    assert relay.wake(works.shop.redis, [(SUBMIT, "teahouse")]) == 1  # not damped
    assert tally.read(works.shop.redis, "jobs")[f"{SUBMIT}:no_database"] == 1


def test_a_source_that_is_recorded_later_is_known_without_a_restart(works: Works) -> None:
    assert works.shop.desk.terms("late").accept == "on_export"
    with works.shop.db.as_system() as session:
        session.execute(
            text("""INSERT INTO sources (code, kind, config)
                    VALUES ('late', 'feed', '{"kind": "feed", "accept": "manual"}')""")
        )
    works.shop.refresh()
    assert works.shop.desk.terms("late").accept == "manual"
    with works.shop.db.as_system() as session:
        session.execute(text("DELETE FROM sources"))
    works.shop.refresh()
    assert works.shop.desk.terms("late").accept == "on_export"


def test_a_pull_loads_what_its_source_lists(works: Works, tmp_path: Path) -> None:
    listing = tmp_path / "list.csv"
    listing.write_text("货号,品名,供货价\nA1,茉莉花茶,12.80\n")
    config = json.dumps({"kind": "feed", "location": str(listing)})
    with works.shop.db.as_system() as session:
        session.execute(
            text("INSERT INTO sources (code, kind, config) VALUES ('late', 'feed', :c)"),
            {"c": config},
        )
    relay.wake(works.shop.redis, [(PULL, "late/listing")])
    works.drain()
    with works.shop.db.as_system() as session:
        assert session.scalars(text("SELECT title FROM offers")).all() == ["茉莉花茶"]
        assert session.scalars(text("SELECT state FROM runs")).all() == ["done"]


def test_redis_that_goes_while_a_job_runs_is_the_workers_to_wait_for(
    works: Works, order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise redis.ConnectionError("gone")

    monkeypatch.setattr(submitting, "drain", away)
    perform.RUNNING.set(works.shop)
    with pytest.raises(redis.ConnectionError):
        perform.perform(SUBMIT, "teahouse")


def test_rerouting_has_a_job(works: Works) -> None:
    perform.RUNNING.set(works.shop)
    perform.perform(REROUTE, HELD)
    perform.perform(REROUTE, "all")
    assert tally.read(works.shop.redis, "jobs")[f"{REROUTE}:done"] == 2


def test_a_reading_that_fails_is_the_sources_matter_and_no_fault_of_ours(works: Works) -> None:
    with works.shop.db.as_system() as session:
        session.execute(
            text("""INSERT INTO sources (code, kind, config) VALUES
                    ('late', 'feed', '{"kind": "feed", "location": "/nowhere.csv"}')""")
        )
    relay.wake(works.shop.redis, [(PULL, "late/listing")])
    works.drain()
    assert tally.read(works.shop.redis, "jobs")[f"{PULL}:done"] == 1
    perform_chore(works.shop, "sources_due")
    assert works.waiting() == []  # it waits as long as its failures ask for


def test_a_reading_ends_at_a_commit_when_the_process_is_told_to_end(
    works: Works, tmp_path: Path
) -> None:
    listing = tmp_path / "list.csv"
    listing.write_text("货号,品名,供货价\nA1,茉莉花茶,12.80\n")
    config = json.dumps({"kind": "feed", "location": str(listing)})
    with works.shop.db.as_system() as session:
        session.execute(
            text("INSERT INTO sources (code, kind, config) VALUES ('late', 'feed', :c)"),
            {"c": config},
        )
    works.shop.refresh()
    works.shop.stopping.set()
    assert drains.pull(works.shop, "late/listing", Turn(works.shop.stopping))
    works.shop.stopping.clear()
    assert not drains.pull(works.shop, "late/listing", Turn(works.shop.stopping))
    with works.shop.db.as_system() as session:
        assert session.scalars(text("SELECT title FROM offers")).all() == ["茉莉花茶"]


def test_a_source_that_cannot_be_read_stops_no_other(works: Works, tmp_path: Path) -> None:
    config = {"kind": "feed", "location": "inbox/*.csv"}
    rows = {"good": config, "bad": config | {"password": "env:NOT_SET_ANYWHERE"}}
    with works.shop.db.as_system() as session:
        for code, each in rows.items():
            session.execute(
                text("INSERT INTO sources (code, kind, config) VALUES (:code, 'feed', :c)"),
                {"code": code, "c": json.dumps(each)},
            )
    works.shop.refresh()
    codes = ["bad", "good", "manual", "teahouse"]
    assert sorted(works.shop.settings.sources) == codes
    assert [source.code for source in works.shop.sources(codes)] == codes[1:]
    assert "resell" not in works.shop.desk.terms("bad").policy.serves
    perform_chore(works.shop, "sweep")
    perform_chore(works.shop, "sources_due")
    with works.shop.db.as_system() as session:
        assert session.scalars(text("SELECT failure FROM chores")).all() == [None, None]


def test_a_drain_for_endpoints_gives_way_to_orders(works: Works, order: int) -> None:
    hook = JOBS[HOOK]
    assert not perform._others_wait(works.shop, hook)
    works.relay()
    assert works.waiting() == [(SUBMIT, "teahouse")]
    assert perform._others_wait(works.shop, hook)
    works.shop.redis.flushdb()
    relay.wake(works.shop.redis, [(HOOK, "1")])
    assert not perform._others_wait(works.shop, JOBS[SUBMIT])


def test_a_picture_that_somebody_wants_is_fetched_by_its_own_queue(works: Works) -> None:
    name = bytes(16)
    with works.shop.db.as_system() as session:
        media.want(session, name, "http://127.0.0.1:9/a.jpg")
        outbox.say(session, gallery.MEDIA, gallery.ALL)
    works.relay()
    assert (gallery.MEDIA, gallery.ALL) in works.waiting()
    works.drain()
    with works.shop.db.as_system() as session:
        row = media.find(session, name)
        assert row is not None
        assert (row.state, row.tries) == ("failed", 1)
        assert "not on the public internet" in (row.why or "")
