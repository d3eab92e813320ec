"""Chores come due, are done once however many offer, and say what came of them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from kit import chores, clock
from kit.db import Database
from kit.errors import Problem
from sync import states
from sync.wake import PULL
from tests.trade.market import Market
from tests.worker.conftest import SOURCES, Works, make_settings
from worker.chores import CHORES, Kind
from worker.cron import perform
from worker.workshop import Workshop


def row(works: Works, name: str) -> chores.Chore:
    with works.shop.db.as_system() as session:
        return session.get_one(chores.Chore, name)


def due_now(works: Works) -> None:
    with works.shop.db.as_system() as session:
        session.execute(text("UPDATE chores SET due_at = '2020-01-01Z'"))


@pytest.mark.parametrize("name", CHORES)
def test_every_chore_can_be_done_with_nothing_to_do(works: Works, name: str) -> None:
    assert not perform(works.shop, name)
    done = row(works, name)
    assert done.failure is None
    assert done.ran_at is not None
    assert done.due_at > done.ran_at


def test_a_chore_is_due_until_it_is_done_and_again_when_its_time_has_come(works: Works) -> None:
    def due() -> list[str]:
        with works.shop.db.as_system() as session:
            return chores.due(session, ["sweep", "invariants"])

    assert due() == ["sweep", "invariants"]
    perform(works.shop, "sweep")
    assert due() == ["invariants"]
    due_now(works)
    assert due() == ["sweep", "invariants"]


def test_a_chore_is_done_once_when_two_crons_come_at_once(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []
    both = threading.Barrier(2)

    def work(_shop: Workshop, _session: Session, _last: dict[str, Any]) -> dict[str, Any]:
        done.append(1)
        return {}

    def offer(_: int) -> None:
        both.wait()
        perform(works.shop, "probe")

    monkeypatch.setitem(CHORES, "probe", Kind(60.0, work))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(offer, range(2)))
    assert done == [1]


def test_a_chore_that_was_killed_is_due_as_before(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> dict[str, Any]:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setitem(CHORES, "probe", Kind(60.0, killed))
        with pytest.raises(Killed):
            perform(works.shop, "probe")
    monkeypatch.setitem(CHORES, "probe", Kind(60.0, lambda *_: {"done": True}))
    perform(works.shop, "probe")
    assert row(works, "probe").result == {"done": True}


def test_a_chore_that_fails_says_so_and_waits(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CHORES, "probe", Kind(60.0, lambda *_: {"turn": 1}))
    perform(works.shop, "probe")
    monkeypatch.setitem(CHORES, "probe", Kind(60.0, lambda *_: {"turn": 1 // 0}))
    due_now(works)
    assert not perform(works.shop, "probe")
    failed = row(works, "probe")
    assert (failed.failure, failed.result) == ("ZeroDivisionError", {"turn": 1})
    assert failed.due_at > clock.now()


def test_broken_books_are_written_down_and_nothing_is_changed(works: Works) -> None:
    leader = works.market.party(money=10_000)
    works.market.place(leader, (works.market.offer().sku, 1))
    with works.shop.db.as_system() as session:
        session.execute(text("UPDATE balances SET amount = amount + 1 WHERE account ~ 'wallet'"))
    perform(works.shop, "invariants")
    result = row(works, "invariants").result
    assert result is not None
    assert result["violations"] == 1
    assert result["first"][0]["rule"] == "every kept balance = its postings"
    assert works.market.balance(f"wallet:{leader}") == 9_001


def test_sources_are_read_when_their_time_has_come(
    database: Database, database_url: str, redis_url: str, tmp_path: Path, works: Works
) -> None:
    listed = {"kind": "feed", "location": "inbox/*.csv", "every": "1h"}
    settings = make_settings(
        database_url, redis_url, tmp_path, sources=SOURCES | {"a": listed, "b": listed}
    )
    shop = Workshop(settings, database, works.shop.redis)
    with database.as_system() as session:
        states.begun(session, "a", listed_at=clock.now() - timedelta(hours=2))
        states.begun(session, "b", listed_at=clock.now() - timedelta(minutes=20))
    perform(shop, "sources_due")
    assert works.waiting() == [(PULL, "a/listing")]


def test_a_source_that_is_set_wrongly_stops_no_other(
    database: Database, database_url: str, redis_url: str, tmp_path: Path, works: Works
) -> None:
    listed = {"kind": "feed", "location": "inbox/*.csv", "every": "1h"}
    wrong = {"a": listed | {"evry": "1h"}, "b": listed, "c": {"kind": "jd"}}
    settings = make_settings(database_url, redis_url, tmp_path, sources=wrong)
    shop = Workshop(settings, database, works.shop.redis)
    for chore in ("sources_due", "worth"):
        assert not perform(shop, chore)
    assert works.waiting() == [(PULL, "b/listing")]
    leader, goods = works.market.party(money=10_000), works.market.offer(source="a")
    market = Market(database, shop.desk)
    with pytest.raises(Problem, match="some lines cannot be bought"):
        market.place(leader, (goods.sku, 1))
    market.place(leader, (works.market.offer(source="b").sku, 1))
    assert [shop.desk.terms(code).platform for code in "abc"] == [False, False, True]


def test_months_are_made_ahead_and_old_ones_asked_for(works: Works) -> None:
    assert not perform(works.shop, "months_ahead")
    assert row(works, "months_ahead").result == {"made": 6}
    for name in ("prune_feed", "prune_events"):
        assert not perform(works.shop, name)
        assert row(works, name).result == {"months": 0}


def test_what_is_ordered_counts_as_sold_within_a_minute_and_in_full_by_the_hour(
    works: Works,
) -> None:
    goods = works.market.offer(stock=100)
    leader = works.market.party(money=100_000)
    assert not perform(works.shop, "sales")
    works.market.place(leader, (goods.sku, 3), now=clock.now())
    due_now(works)
    perform(works.shop, "sales")
    first = row(works, "sales").result
    due_now(works)
    perform(works.shop, "sales")
    again = row(works, "sales").result
    with works.shop.db.as_system() as session:
        sold = session.execute(text("SELECT sold FROM product_marks")).scalar_one()
        session.execute(text("UPDATE order_lines SET cancelled = 1"))
        session.execute(text("UPDATE chores SET result = '{}', due_at = '2020-01-01Z'"))
    assert sold == 3
    assert first is not None
    assert again is not None
    assert (first["skus"], first["ranked"], again["skus"]) == (1, 1, 0)
    perform(works.shop, "sales")
    with works.shop.db.as_system() as session:
        assert session.execute(text("SELECT sold FROM product_marks")).scalar_one() == 2
