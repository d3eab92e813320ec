"""Accepting orders: one reference one order, agreed prices, reserved stock, held money."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, text

from catalog.models import Price, Reservation
from kit.crypto import Keyring
from kit.errors import Problem
from kit.ids import outside
from tests.trade.market import HOME, NOW, Market, ordered
from trade import accepting, order_views, orders, quotes, selections
from trade.models import (
    Order,
    OrderLine,
    OrderPlan,
    Purchase,
    PurchaseLine,
    Recipient,
    RecipientOpening,
)
from trade.orders import OrderRequest
from trade.planning import LineRequest
from trade.quotes import Quoting
from trade.selections import Rule


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


def fails(market: Market, party: int, *lines: tuple[str, int], **fields: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        market.place(party, *lines, **fields)
    return caught.value


def quote(market: Market, party: int, *lines: tuple[str, int]) -> dict[str, Any]:
    with market.db.as_system() as session:
        wanted = [LineRequest(quantity, sku) for sku, quantity in lines]
        return quotes.quote(session, market.desk, Quoting(party, wanted, HOME), NOW)


def reprice(market: Market, offer_id: int, price: str) -> None:
    with market.db.as_system() as session:
        session.get_one(Price, (offer_id, "dropship")).price = Decimal(price)


def written(market: Market) -> list[int]:
    with market.db.as_system() as session:
        tables = (Order, OrderLine, Purchase, PurchaseLine, Reservation, Recipient)
        return [session.scalar(select(func.count()).select_from(t)) or 0 for t in tables]


def test_the_same_reference_and_content_is_the_same_order(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer()
    first = market.place(leader, (goods.sku, 1), reference="R1")
    assert market.place(leader, (goods.sku, 1), reference="R1") == first
    assert market.balance(f"held:{leader}") == 1000


def test_an_order_hashed_by_an_older_version_is_known_while_its_key_is_here(market: Market) -> None:
    goods, leader = market.offer(), market.party(money=10_000)
    request = ordered((goods.sku, 1), reference="R1")
    order_id = market.place(leader, (goods.sku, 1), reference="R1")
    keyed = market.desk.keyring.fingerprint(accepting.content(request), "order")
    with market.db.as_system() as session:
        session.execute(text("UPDATE orders SET content_hash = :kept"), {"kept": keyed})
    for keyring in (market.desk.keyring, Keyring(b"n" * 32, (b"k" * 32,))):
        desk = replace(market.desk, keyring=keyring)
        with market.db.as_system() as session:
            assert orders.place(session, desk, leader, request, NOW) == (order_id, False)
    desk = replace(market.desk, keyring=Keyring(b"n" * 32))
    with market.db.as_system() as session, pytest.raises(Problem, match="another order"):
        orders.place(session, desk, leader, request, NOW)


def test_the_same_reference_with_other_content_is_refused(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer()
    market.place(leader, (goods.sku, 1), reference="R1")
    assert fails(market, leader, (goods.sku, 2), reference="R1").code == "reference_conflict"
    other = replace(HOME, address="另一条街 2 号")
    assert fails(market, leader, (goods.sku, 1), reference="R1", ship_to=other).status == 409


def test_a_replay_is_recognised_after_the_key_was_rotated(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer()
    first = market.place(leader, (goods.sku, 1), reference="R1")
    rotated = replace(market.desk, keyring=Keyring(b"n" * 32, (b"k" * 32,)))
    assert Market(market.db, rotated).place(leader, (goods.sku, 1), reference="R1") == first


def test_another_party_may_use_the_same_reference(market: Market) -> None:
    goods = market.offer()
    one, two = market.party(money=10_000), market.party(money=10_000)
    first = market.place(one, (goods.sku, 1), reference="R1")
    assert market.place(two, (goods.sku, 1), reference="R1") != first


def test_an_order_without_consent_to_a_price_is_malformed(market: Market) -> None:
    problem = fails(market, market.party(), (market.offer().sku, 1), max_total=None)
    assert (problem.status, problem.errors[0].code) == (422, "consent_missing")


def test_a_refused_order_leaves_nothing_behind(market: Market) -> None:
    leader = market.party(money=999)
    goods = market.offer(cost="10.00", stock=5)
    assert fails(market, leader, (goods.sku, 1)).code == "balance_short"
    assert fails(market, leader, (goods.sku, 6)).code == "not_orderable"
    assert written(market) == [0] * 6
    assert market.balance(f"wallet:{leader}") == 999


def test_an_order_by_quote_pays_what_was_quoted(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer(cost="12.345", freight={"kind": "flat", "fee": "6.00", "free_from": None})
    told = quote(market, leader, (goods.sku, 3))
    assert (told["lines"][0]["amount"], told["freight"], told["total"]) == (
        "37.04",
        "6.00",
        "43.04",
    )
    assert told["parcels"][0]["ships_by"] == "2026-03-04T02:00:00+00:00"
    market.place(leader, (goods.sku, 3), quote=told["id"])
    assert market.balance(f"held:{leader}") == 4304


def test_an_expired_quote_says_so_and_buys_nothing(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer()
    told = quote(market, leader, (goods.sku, 1))
    later = NOW + timedelta(minutes=15)
    problem = fails(market, leader, (goods.sku, 1), quote=told["id"], now=later)
    assert problem.code == "quote_expired"
    assert "new one" in problem.detail


def test_nothing_is_bought_at_a_worse_price_than_agreed(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer(cost="10.00")
    told = quote(market, leader, (goods.sku, 1))
    reprice(market, goods.offer_id, "10.01")
    problem = fails(market, leader, (goods.sku, 1), quote=told["id"])
    assert problem.code == "price_changed"
    assert {error.field for error in problem.errors} == {"lines.0", "total"}
    assert fails(market, leader, (goods.sku, 1), max_total=1000).code == "price_changed"
    assert written(market)[:4] == [0] * 4
    assert market.place(leader, (goods.sku, 1), max_total=1001)


def test_a_better_price_than_quoted_is_passed_on(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer(cost="10.00")
    told = quote(market, leader, (goods.sku, 1))
    reprice(market, goods.offer_id, "9.00")
    market.place(leader, (goods.sku, 1), quote=told["id"])
    assert market.balance(f"held:{leader}") == 900


def test_a_quote_is_good_only_for_what_it_was_for(market: Market) -> None:
    leader, other = market.party(money=10_000), market.party(money=10_000)
    goods = market.offer()
    told = quote(market, leader, (goods.sku, 1))
    assert fails(market, leader, (goods.sku, 2), quote=told["id"]).code == "quote_mismatch"
    far = replace(HOME, region="650102")
    problem = fails(market, leader, (goods.sku, 1), quote=told["id"], ship_to=far)
    assert problem.code == "quote_mismatch"
    assert fails(market, other, (goods.sku, 1), quote=told["id"]).status == 404


def test_an_altered_quote_is_refused(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer()
    told = quote(market, leader, (goods.sku, 1))
    with market.db.as_system() as session:
        session.execute(text("UPDATE quotes SET total = 1"))
    assert fails(market, leader, (goods.sku, 1), quote=told["id"]).code == "quote_altered"


def test_a_quote_lists_what_cannot_be_bought_and_why(market: Market) -> None:
    leader = market.party()
    good, gone, far = market.offer(), market.offer(stock=1), market.offer(not_delivered_to=["44"])
    unweighed = market.offer(freight=None)
    lines = [(good.sku, 1), (gone.sku, 2), (far.sku, 1), (unweighed.sku, 1), ("sku_nothing", 1)]
    told = quote(market, leader, *lines)
    assert [line["sku"] for line in told["lines"]] == [good.sku]
    assert [line["code"] for line in told["unsellable"]] == [
        "out_of_stock", "not_deliverable", "freight_unknown", "unknown_sku",
    ]  # fmt: skip


def test_a_line_by_code_is_the_selection_that_has_it(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer(cost="10.00", min_retail=Decimal(12), max_retail=Decimal(20))
    rule = Rule(retail_price=Decimal(15), code="A-01")
    with market.db.as_party(leader) as session:
        selections.put(session, market.desk, leader, goods.sku, rule, NOW)
    with market.db.as_system() as session:
        lines = (LineRequest(1, code="A-01"),)
        request = OrderRequest("R1", lines, HOME, max_total=10_000)
        orders.place(session, market.desk, leader, request, NOW)
        line = session.scalars(select(OrderLine)).one()
    assert (line.sku_id, line.code, line.retail_price) == (goods.sku_id, "A-01", Decimal(15))


@pytest.mark.parametrize(("retail", "sold"), [("11.99", False), ("12", True), ("20.01", False)])
def test_nothing_is_sold_outside_its_corridor(market: Market, retail: str, sold: bool) -> None:  # noqa: FBT001
    leader = market.party(money=10_000)
    goods = market.offer(cost="10.00", min_retail=Decimal(12), max_retail=Decimal(20))
    line = LineRequest(1, goods.sku, retail_price=Decimal(retail))
    with market.db.as_system() as session:
        request = OrderRequest("R1", (line,), HOME, max_total=10_000)
        if sold:
            orders.place(session, market.desk, leader, request, NOW)
        else:
            with pytest.raises(Problem) as caught:
                orders.place(session, market.desk, leader, request, NOW)
            assert caught.value.code == "outside_corridor"


def test_one_sku_on_two_lines_is_refused_with_what_to_do(market: Market) -> None:
    goods = market.offer()
    problem = fails(market, market.party(money=10_000), (goods.sku, 1), (goods.sku, 1))
    assert problem.errors[0].code == "duplicate_line"


def test_leaders_learn_no_source_from_an_order(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer(source="secret-house", seller="秘密卖家", cost="10.00")
    order_id = market.place(leader, (goods.sku, 1))
    with market.db.as_party(leader) as session:
        told = repr(order_views.by_id(session, leader, order_id))
        assert session.scalars(select(Purchase)).all() == []
        assert session.scalars(select(OrderPlan)).all() == []
    assert "secret" not in told
    assert "秘密" not in told
    assert "张三" not in told
    assert "13800138000" not in told


def test_a_line_bigger_than_one_offer_is_bought_from_two(market: Market) -> None:
    leader = market.party(money=100_000)
    goods = market.offer(cost="10.00", stock=3)
    market.offer(sku_id=goods.sku_id, source="other", cost="11.00")
    order_id = market.place(leader, (goods.sku, 5))
    assert [p.source for p in market.purchases(order_id)] == ["teahouse", "other"]
    assert market.balance(f"held:{leader}") == 3 * 1000 + 2 * 1100


def test_each_page_of_orders_starts_where_the_last_one_ended(market: Market) -> None:
    leader = market.party(money=100_000)
    goods = market.offer()
    placed = [market.place(leader, (goods.sku, 1)) for _ in range(5)]
    seen, after = [], None
    with market.db.as_party(leader) as session:
        for _ in range(3):
            views, after = order_views.page(session, leader, limit=2, after=after)
            seen += [view["id"] for view in views]
        assert after is None
    assert seen == [outside("ord", order_id) for order_id in placed]


def test_the_owner_may_reveal_a_recipient_and_it_is_logged(market: Market) -> None:
    leader, other = market.party(money=10_000), market.party()
    order = outside("ord", market.place(leader, (market.offer().sku, 1)))
    keyring = market.desk.keyring
    with market.db.as_party(leader) as session:
        assert order_views.reveal(session, keyring, leader, order, "客服回访") == HOME
        assert session.scalars(select(RecipientOpening.purpose)).all() == ["客服回访"]
        with pytest.raises(Problem, match="purpose"):
            order_views.reveal(session, keyring, leader, order, " ")
    with market.db.as_party(other) as session, pytest.raises(Problem, match="no such order"):
        order_views.reveal(session, keyring, other, order, "好奇")
