"""Stated stock and our reservations of it."""

from datetime import timedelta

import pytest

from catalog import stock
from catalog.models import Stock
from catalog.stock import Level, Shortage, Want
from kit.errors import Problem
from tests.trade.market import NOW, Market


def state(market: Market, offer_id: int, quantity: int, hours: int) -> None:
    with market.db.as_system() as session:
        row = session.get_one(Stock, (offer_id, ""))
        row.quantity, row.as_of = quantity, NOW + timedelta(hours=hours)


def test_a_shortage_takes_nothing_and_says_what_is_left(market: Market) -> None:
    goods = market.offer(stock=3)
    leader = market.party(money=10_000)
    with pytest.raises(Problem) as caught:
        market.place(leader, (goods.sku, 4))
    assert [one.code for one in caught.value.errors] == ["out_of_stock"]
    assert market.left(goods) == 3
    market.place(leader, (goods.sku, 3))
    assert market.left(goods) == 0


def test_two_wants_of_one_offer_are_added_up() -> None:
    wants = [Want("a", 7, 2), Want("b", 7, 2), Want("c", 8, 9)]
    levels = {7: Level("in_stock", 3, NOW), 8: Level("in_stock", None, NOW)}
    assert stock.shortages(wants, levels) == [Shortage(7, 4, 3)]


def test_released_units_can_be_sold_again_once(market: Market) -> None:
    goods = market.offer(stock=3)
    market.reserve(goods, 3, "a")
    with market.db.as_system() as session:
        stock.release(session, {"a": 1})
    assert market.left(goods, "") == 1
    with market.db.as_system() as session:
        stock.release(session, {"a": 2})
        stock.release(session, {"a": 2})
    assert market.left(goods) == 3


def test_a_new_statement_does_not_wipe_reservations_it_cannot_know(market: Market) -> None:
    goods = market.offer(stock=3)
    market.reserve(goods, 2, "a")
    state(market, goods.offer_id, 3, hours=1)
    assert market.left(goods) == 1


def test_a_statement_younger_than_the_sources_knowledge_counts_them_in(market: Market) -> None:
    goods = market.offer(stock=3)
    market.reserve(goods, 2, "a")
    with market.db.as_system() as session:
        stock.known(session, ["a"], NOW + timedelta(hours=1))
    state(market, goods.offer_id, 3, hours=1)
    assert market.left(goods) == 1
    state(market, goods.offer_id, 3, hours=2)
    assert market.left(goods) == 3
    with market.db.as_system() as session:
        assert stock.settle(session) == 1
        assert stock.settle(session) == 0
    assert market.left(goods) == 3


def test_no_number_is_no_limit_but_counts_once_a_number_is_stated(market: Market) -> None:
    goods = market.offer(stock="in_stock")
    market.reserve(goods, 1000, "a")
    assert market.left(goods) is None
    state(market, goods.offer_id, 1200, hours=1)
    assert market.left(goods) == 200


def test_nothing_stated_is_absent_not_zero(market: Market) -> None:
    goods = market.offer(stock=None)
    assert market.level(goods, "") is None
