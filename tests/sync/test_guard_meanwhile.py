"""A listing waits for a person, or is taken back, while single goods are stated and ordered."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import stock
from catalog.stock import Want
from kit import clock
from kit.db import Database
from kit.errors import Problem
from kit.statements import send
from sync import listings, runs, verdicts
from tests.sync.shops import Row, count, shelf
from tests.sync.test_guard import LOOSE, read, work

FEED = {"kind": "feed"}


def moved(goods: dict[str, Row], price: str) -> dict[str, Row]:
    return {name: row | {"dropship_price": Decimal(price)} for name, row in goods.items()}


def stated_singly(database: Database) -> None:
    """A supplier says of s1 what it costs, of s2 that there is none, all of s3 anew, and offers s30
    besides."""
    with database.as_system() as session:
        now = clock.now()
        listings.set_price(session, "shop", "s1", Decimal(12), now)
        listings.set_stock(session, "shop", "s2", "out", 0, now)
        for name in ("s3", "s30"):
            fields = {"title": f"茶 {name} 新", "price": "33", "stock": "2"}
            listings.put(session, "shop", FEED, name, fields, now)


def offered(database: Database, name: str) -> tuple[Any, ...]:
    with database.as_system() as session:
        found = listings.get(session, "shop", name)
    return found["state"], found["price"], found["stock"]["quantity"]


def test_what_was_said_of_single_goods_since_outlives_a_released_listing(
    database: Database,
) -> None:
    read(database, shelf(10))
    held = read(database, moved(shelf(10), "99"))
    stated_singly(database)
    with database.as_system() as session:
        verdicts.release(session, held.run_id)
    work(database)
    assert offered(database, "s1") == ("live", "12.00", 6)
    assert offered(database, "s2") == ("live", "99.00", 0)
    assert offered(database, "s3") == ("live", "33.00", 2)
    assert offered(database, "s4") == ("live", "99.00", 9)
    again = read(database, moved(shelf(10), "99"), LOOSE)
    assert (again.changed, again.gone) == (3, 1), "the next listing is younger than all of them"
    assert offered(database, "s1") == ("live", "99.00", 6)


def test_a_rollback_leaves_what_was_said_of_single_goods_since(database: Database) -> None:
    read(database, shelf(10))
    bad = read(database, moved(shelf(10), "99"), LOOSE)
    stated_singly(database)
    with database.as_system() as session:
        verdicts.rollback(session, bad.run_id, clock.now())
    work(database)
    assert offered(database, "s1") == ("live", "12.00", 6)
    assert offered(database, "s2") == ("live", "9.00", 0)
    assert offered(database, "s3") == ("live", "33.00", 2)
    assert offered(database, "s30") == ("live", "33.00", 2)
    assert offered(database, "s4") == ("live", "9.00", 9)


def test_a_rollback_sells_nothing_twice_that_was_bought_meanwhile(database: Database) -> None:
    read(database, shelf(10))
    [offer] = ids(database, "SELECT id FROM offers WHERE external_id = 's9'")
    with database.as_system() as session:
        send(session, stock.taking([Want("line", offer, 4)], "440305"))
        stock.known(session, ["line"], clock.now())
    goods = moved(shelf(10), "99")
    goods["s9"]["stock_quantity"] = 10  # of fourteen: it counts the four in
    bad = read(database, goods, LOOSE)
    with database.as_system() as session:
        assert stock.settle(session) == 1
    assert left(database, offer) == 10
    with database.as_system() as session:
        undo = verdicts.rollback(session, bad.run_id, clock.now())
    work(database)
    assert offered(database, "s9") == ("live", "9.00", 14)
    assert left(database, offer) == 10
    with database.as_system() as session:
        verdicts.rollback(session, undo, clock.now())
    work(database)
    assert offered(database, "s9") == ("live", "99.00", 10)
    assert left(database, offer) == 10


def test_what_is_held_is_not_released_onto_what_was_taken_back(database: Database) -> None:
    read(database, shelf(10))
    bad = read(database, moved(shelf(10), "12"), LOOSE)
    held = read(database, moved(shelf(10), "12") | moved(shelf(6), "99"))
    assert held.held, "s6 to s9 say what we hold: they are not in it"
    with database.as_system() as session:
        verdicts.rollback(session, bad.run_id, clock.now())
    work(database)
    with database.as_system() as session, pytest.raises(Problem) as refused:
        verdicts.release(session, held.run_id)
    assert refused.value.code == "not_held"
    assert offered(database, "s6") == ("live", "9.00", 11)


def ids(database: Database, query: str) -> list[int]:
    with database.as_system() as session:
        return list(session.scalars(text(query)))


def left(database: Database, offer: int) -> int | None:
    with database.as_system() as session:
        query = f"SELECT {stock.STATED.format(offer='%(offer)s')} AS stated"
        [[row]] = send(session, (query, {"offer": offer, "region": "440305"}))
    level = stock.level(row.stated, "440305")
    assert level is not None
    return level.quantity


Change = Callable[[Row], Row]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda row: row | {"state": "off"}, "vanished"),
        (lambda row: row | {"valid_until": clock.now() - timedelta(days=1)}, "vanished"),
        (lambda row: row | {"dropship_price": None, "bulk_price": Decimal(9)}, "moved"),
    ],
)
def test_goods_that_a_listing_withdraws_are_harm_as_absent_ones_are(
    database: Database, change: Change, kind: str
) -> None:
    read(database, shelf(10))
    done = read(database, {name: change(row) for name, row in shelf(10).items()})
    assert done.held is not None
    with database.as_system() as session:
        diff = runs.diff(session, done.run_id)
    assert diff.radius[kind] == 10
    assert {row.kind for row in diff.rows} == {kind}
    assert count(database, "SELECT count(*) FROM offers WHERE state = 'live'") == 10


def test_of_two_people_who_decide_at_once_the_second_hears_of_the_first(
    database: Database,
) -> None:
    read(database, shelf(10))
    held = read(database, moved(shelf(10), "99"))

    def discard() -> int:
        with database.as_system() as session:
            return verdicts.rollback(session, held.run_id, clock.now())

    with ThreadPoolExecutor(1) as pool:
        with database.as_system() as session:
            verdicts.release(session, held.run_id)
            other = pool.submit(discard)
            waits(session)
        with pytest.raises(Problem, match="is judged: nothing to take back"):
            other.result()
    work(database)
    assert offered(database, "s1") == ("live", "99.00", 6)


def waits(session: Session) -> None:
    """Until another transaction waits for this one."""
    blocked = text("""SELECT count(*) FROM pg_locks
        WHERE NOT granted AND transactionid = pg_current_xact_id()::xid""")
    for _ in range(6_000):
        if session.execute(blocked).scalar_one():
            return
        time.sleep(0.01)
    raise AssertionError("nobody waits")
