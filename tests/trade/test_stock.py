"""Stated stock and our reservations of it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from catalog import stock
from catalog.models import Stock
from catalog.stock import Shortage, Want
from tests.trade.market import NOW, Market


def reserve(market: Market, offer_id: int, units: int, reference: str) -> list[Shortage]:
    with market.db.as_system() as session:
        return stock.reserve(session, [Want(reference, offer_id, units)], "440305")


def left(market: Market, offer_id: int, region: str = "440305") -> int | None:
    with market.db.as_nobody() as session:
        return stock.available(session, [offer_id], region)[offer_id].quantity


def state(market: Market, offer_id: int, quantity: int, hours: int) -> None:
    with market.db.as_system() as session:
        row = session.get_one(Stock, (offer_id, ""))
        row.quantity, row.as_of = quantity, NOW + timedelta(hours=hours)


def test_concurrent_reservations_never_exceed_the_stated_number(market: Market) -> None:
    goods = market.offer(stock=10)
    start = threading.Barrier(8)

    def take(number: int) -> int:
        start.wait()
        return sum(not reserve(market, goods.offer_id, 1, f"{number}-{i}") for i in range(4))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(8))) == 10
    assert left(market, goods.offer_id) == 0


def test_a_shortage_takes_nothing_and_says_what_is_left(market: Market) -> None:
    goods = market.offer(stock=3)
    assert reserve(market, goods.offer_id, 4, "a") == [Shortage(goods.offer_id, 4, 3)]
    assert left(market, goods.offer_id) == 3


def test_two_wants_of_one_offer_are_added_up(market: Market) -> None:
    goods = market.offer(stock=3)
    with market.db.as_system() as session:
        wants = [Want("a", goods.offer_id, 2), Want("b", goods.offer_id, 2)]
        assert stock.reserve(session, wants, "") == [Shortage(goods.offer_id, 4, 3)]


def test_released_units_can_be_sold_again_once(market: Market) -> None:
    goods = market.offer(stock=3)
    reserve(market, goods.offer_id, 3, "a")
    with market.db.as_system() as session:
        stock.release(session, {"a": 1})
        assert stock.available(session, [goods.offer_id], "")[goods.offer_id].quantity == 1
        stock.release(session, {"a": 2})
        stock.release(session, {"a": 2})
    assert left(market, goods.offer_id) == 3


def test_a_new_statement_does_not_wipe_reservations_it_cannot_know(market: Market) -> None:
    goods = market.offer(stock=3)
    reserve(market, goods.offer_id, 2, "a")
    state(market, goods.offer_id, 3, hours=1)
    assert left(market, goods.offer_id) == 1


def test_a_statement_younger_than_the_sources_knowledge_counts_them_in(market: Market) -> None:
    goods = market.offer(stock=3)
    reserve(market, goods.offer_id, 2, "a")
    with market.db.as_system() as session:
        stock.known(session, ["a"], NOW + timedelta(hours=1))
    state(market, goods.offer_id, 3, hours=1)
    assert left(market, goods.offer_id) == 1
    state(market, goods.offer_id, 3, hours=2)
    assert left(market, goods.offer_id) == 3
    with market.db.as_system() as session:
        assert stock.settle(session) == 1
        assert stock.settle(session) == 0
    assert left(market, goods.offer_id) == 3


def test_no_number_is_no_limit_but_counts_once_a_number_is_stated(market: Market) -> None:
    goods = market.offer(stock="in_stock")
    assert reserve(market, goods.offer_id, 1000, "a") == []
    assert left(market, goods.offer_id) is None
    state(market, goods.offer_id, 1200, hours=1)
    assert left(market, goods.offer_id) == 200


def test_nothing_stated_is_absent_not_zero(market: Market) -> None:
    goods = market.offer(stock=None)
    with market.db.as_nobody() as session:
        assert stock.available(session, [goods.offer_id], "") == {}
