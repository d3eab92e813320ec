"""Prices that begin and end at a stated moment (调价通知)."""

from datetime import timedelta
from decimal import Decimal

from sqlalchemy import text

from kit import clock
from kit.db import Database
from sync import pull
from sync.planned import turn
from tests.sync.shops import Shop, catalogue, count, shelf


def pass_time(db: Database) -> None:
    with db.as_system() as session:
        session.execute(
            text("UPDATE planned_prices SET valid_from = valid_from - interval '2 days'")
        )
        session.execute(text("UPDATE prices SET valid_until = valid_until - interval '2 days'"))


def turned(db: Database) -> int:
    with db.as_system() as session:
        return turn(session)


def test_a_planned_price_counts_from_its_date_on_with_its_event(database: Database) -> None:
    pull.run(database, Shop(shelf(2)))
    shop = Shop(shelf(2))
    tomorrow = clock.now() + timedelta(days=1)
    shop.goods["s0"] |= {"dropship_price": Decimal(7), "valid_from": tomorrow}
    pull.run(database, shop, full=True)
    assert turned(database) == 0
    assert count(database, "SELECT count(*) FROM prices WHERE price = 9") == 2
    pass_time(database)
    assert turned(database) == 1
    assert count(database, "SELECT count(*) FROM prices WHERE price = 7") == 1
    assert count(database, "SELECT count(*) FROM planned_prices") == 0
    events = catalogue(database, "events")["events"]
    assert any("'price'" in row and '"7.0000"' in row for row in events)
    assert count(database, "SELECT count(*) FROM price_points WHERE price = 7") == 1
    assert turned(database) == 0


def test_of_several_plans_that_are_due_the_latest_counts(database: Database) -> None:
    shop = Shop(shelf(1))
    pull.run(database, shop)
    for hours, price in ((24, 7), (30, 6)):
        when = clock.now() + timedelta(hours=hours)
        shop.goods["s0"] |= {"dropship_price": Decimal(price), "valid_from": when}
        pull.run(database, shop, full=True)
    pass_time(database)
    turned(database)
    assert count(database, "SELECT price FROM prices") == 6
    assert count(database, "SELECT count(*) FROM changes WHERE kind = 'price'") == 1


def test_a_price_that_is_over_is_no_price(database: Database) -> None:
    shop = Shop(shelf(1))
    shop.goods["s0"]["valid_until"] = clock.now() + timedelta(days=1)
    pull.run(database, shop)
    pass_time(database)
    assert turned(database) == 1
    assert count(database, "SELECT count(*) FROM prices") == 0
    assert count(database, "SELECT now::text FROM changes WHERE kind = 'price'") == "{}"
    assert turned(database) == 0
