"""Accepting orders: one reference one order, agreed prices, reserved stock, held money."""

import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text

from kit.errors import Problem
from tests.trade.market import NOW, Market, ordered
from trade import orders


def test_an_accepted_order_holds_its_money_and_waits_to_be_submitted(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer(cost="12.34", freight={"kind": "flat", "fee": "8.00", "free_from": None})
    order_id = market.place(leader, (goods.sku, 2))
    assert market.balance(f"wallet:{leader}") == 10_000 - 3268
    assert market.balance(f"held:{leader}") == 3268
    (purchase,) = market.purchases(order_id)
    assert (purchase.state, purchase.source, purchase.freight_price) == ("ready", "teahouse", 800)
    with market.db.as_system() as session:
        assert session.execute(text("SELECT topic, key FROM outbox")).all() == [
            ("purchases.submit", "teahouse")
        ]


def test_two_hundred_concurrent_orders_for_fifty_pieces_sell_exactly_fifty(market: Market) -> None:
    leader = market.party(money=10_000_000)
    goods = market.offer(stock=50)

    def attempt(number: int) -> str:
        try:
            market.place(leader, (goods.sku, 1), reference=f"R{number}")
        except Problem as problem:
            return problem.errors[0].code
        return "sold"

    with ThreadPoolExecutor(10) as pool:
        results = list(pool.map(attempt, range(200)))
    assert {code: results.count(code) for code in set(results)} == {"sold": 50, "out_of_stock": 150}
    assert market.balance(f"held:{leader}") == 50 * 1000


def test_two_concurrent_orders_with_one_reference_are_one_order(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer()
    start = threading.Barrier(2)

    def attempt(_: int) -> tuple[int, bool]:
        start.wait()
        with market.db.as_system() as session:
            request = ordered((goods.sku, 1), reference="R1")
            return orders.place(session, market.desk, leader, request, NOW)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(attempt, range(2))
    assert first[0] == second[0]
    assert {first[1], second[1]} == {True, False}
    assert market.balance(f"held:{leader}") == 1000
