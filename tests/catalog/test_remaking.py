"""Keys of an older version are made anew behind everything else, once."""

from typing import Any

import pytest
from sqlalchemy import event, text

from catalog.matching import queue, remaking, run, settling
from catalog.matching.keys import current
from kit.db import Database
from tests.sync.test_importer import WHEN, count
from tests.sync.test_importer import load as imported
from tests.sync.test_matching_runs import BEANS, OTHER_ROAST, SAME, UNSURE, load, offer

OLD = "UPDATE match_keys SET key = key + (2::bigint << 60) * sign(offer_id - 1.5)::int"
"""Keys of the first offer are of a version below, those of others of one above."""
STRAY = "SELECT count(*) FROM match_keys WHERE key NOT BETWEEN :lowest AND :highest"


@pytest.fixture
def unmet(database: Database) -> Database:
    """Two offers of one thing that did not meet, since their keys were of other versions."""
    imported(database, offer("a", **BEANS), source="one")
    aged(database)
    imported(database, offer("b", "70", **SAME), source="two")
    assert count(database, "SELECT count(DISTINCT sku_id) FROM offers") == 2
    aged(database)
    return database


def aged(database: Database) -> None:
    with database.as_system() as session:
        session.execute(text(OLD))


def turns(database: Database, most: int = 30) -> dict[str, Any]:
    """Take turns until nothing is left; returns the last result."""
    last: dict[str, Any] = {}
    for _ in range(most):
        with database.as_system() as session:
            last = remaking.turn(session, last)
        if not last["more"] and last["keys"]["step"] == "done":
            return last
    raise AssertionError(last)


def strays(database: Database) -> int:
    lowest, highest = current()
    with database.as_system() as session:
        asked = {"lowest": lowest, "highest": highest}
        return int(session.execute(text(STRAY), asked).scalar_one())


def test_offers_of_older_keys_meet_once_those_are_made_anew(unmet: Database) -> None:
    assert strays(unmet) > 0
    turns(unmet)
    assert strays(unmet) == 0
    assert count(unmet, "SELECT count(DISTINCT sku_id) FROM offers") == 1


def test_a_turn_that_died_is_taken_again_and_ends_alike(
    unmet: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remaking, "PORTION", 1)
    monkeypatch.setattr(remaking, "OLD_KEYS", 3)
    last: dict[str, Any] = {}
    for at in range(60):
        with unmet.as_system() as session:
            result = remaking.turn(session, last)
            if at % 2:
                session.rollback()  # a killed process keeps neither its work nor its result
                continue
        last = result
    assert last["keys"]["step"] == "done"
    assert strays(unmet) == 0
    assert count(unmet, "SELECT count(DISTINCT sku_id) FROM offers") == 1


def test_what_a_person_took_apart_stays_so(database: Database) -> None:
    load(database, offer("a", **BEANS), source="one")
    load(database, offer("b", "70", **SAME), source="two")
    with database.as_system() as session:
        joined, _ = queue.page(session, "joined")
        queue.split(session, joined[0].product_id, [("two", "b")], by="ops", now=WHEN)
    aged(database)
    turns(database)
    assert count(database, "SELECT count(DISTINCT sku_id) FROM offers") == 2


@pytest.mark.parametrize("rejected", [True, False])
def test_what_a_person_is_asked_or_rejected_is_not_matched_again(
    database: Database, *, rejected: bool
) -> None:
    load(database, offer("a", **BEANS), source="one")
    load(database, offer("b", "70", **UNSURE), source="two")
    with database.as_system() as session:
        claims, _ = queue.page(session, "review")
        if rejected:
            queue.reject(session, claims[0].id, by="ops", now=WHEN)
        session.execute(text("UPDATE offers SET title = :title"), {"title": BEANS["title"]})
    aged(database)
    turns(database)  # now they are alike, and yet left to whoever decides or decided
    assert count(database, "SELECT count(DISTINCT sku_id) FROM offers") == 2


def test_of_two_that_would_join_each_other_the_later_does(unmet: Database) -> None:
    turns(unmet)
    led = "SELECT count(*) FROM sku_redirects WHERE from_sku > to_sku"
    assert count(unmet, led) == count(unmet, "SELECT count(*) FROM sku_redirects") == 1


def test_offers_that_would_join_in_a_circle_come_to_an_end() -> None:
    found = [run.Found(n, sku) for n, sku in ((1, 20), (2, 30), (3, 10))]
    assert settling.later(found, {1: 10, 2: 20, 3: 30}) == {1, 2}


def test_new_offers_come_first(unmet: Database) -> None:
    with unmet.as_system() as session:
        session.execute(text("INSERT INTO match_queue SELECT max(id) FROM offers"))
        assert remaking.turn(session, {})["keys"] == {}
        assert settling.waiting(session) == 0


def test_a_turn_with_nothing_to_make_asks_for_no_keys(database: Database) -> None:
    load(database, offer("a", **OTHER_ROAST), source="one")
    last = turns(database)
    asked: list[str] = []
    with database.as_system() as session:
        bind = session.connection()
        event.listen(bind, "before_cursor_execute", lambda *given: asked.append(given[2]))
        assert remaking.turn(session, last)["keys"] == last["keys"]
    assert not any("match_keys" in statement for statement in asked)
    assert len(asked) == 2  # settling: may it, and is there anything
