"""A refused purchase is bought elsewhere at no worse price, or its line is held with a reason."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select

from kit import clock
from kit.ids import outside
from tests.trade.market import NOW, Market, submitted
from trade import cancelling, order_views, purchases, rerouting
from trade.models import OrderPlan
from trade.purchases import Supplier

FLAT = {"kind": "flat", "fee": "5.00", "free_from": None}


def refuse(market: Market, order: int) -> None:
    for purchase in market.purchases(order):
        if purchase.state in ("submitted", "accepted"):
            with market.db.as_system() as session:
                name = outside("pur", purchase.id)
                supplier = Supplier(purchase.source)
                purchases.refuse(session, supplier, name, "out_of_stock", "没货了", NOW)


def reroute(market: Market) -> int:
    until = clock.now() + timedelta(seconds=20)
    return rerouting.drain(market.db, market.desk, until)


def status(market: Market, leader: int, order: int) -> str:
    with market.db.as_party(leader) as session:
        return str(order_views.by_id(session, leader, order)["status"])


def test_units_are_held_rather_than_bought_at_a_worse_price(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer(cost="10.00", freight=FLAT)
    market.offer(sku_id=goods.sku_id, source="other", cost="15.00")
    order = market.place(leader, (goods.sku, 2))
    submitted(market)
    refuse(market, order)
    assert status(market, leader, order) == "processing"
    assert reroute(market) == 1
    assert [(p.source, p.state) for p in market.purchases(order)] == [("teahouse", "refused")]
    assert status(market, leader, order) == "held"
    assert market.balance(f"held:{leader}") == 2500


def test_the_freight_of_the_refused_purchase_pays_for_the_next_one(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer(cost="10.00", freight=FLAT)
    market.offer(sku_id=goods.sku_id, source="other", cost="15.00")
    order = market.place(leader, (goods.sku, 1))
    submitted(market)
    refuse(market, order)
    reroute(market)
    first, second = market.purchases(order)
    assert (first.state, first.freight_price) == ("refused", 0)
    assert (second.source, second.state, second.freight_price) == ("other", "ready", 500)
    assert status(market, leader, order) == "pending"
    assert market.balance(f"held:{leader}") == 1500


def test_a_margin_may_pay_for_a_dearer_source(market: Market) -> None:
    with_margin = Market(market.db, replace(market.desk, markup_percent=Decimal(30)))
    leader = market.party(money=10_000)
    goods = market.offer(cost="10.00")
    market.offer(sku_id=goods.sku_id, source="other", cost="12.99")
    order = with_margin.place(leader, (goods.sku, 2))
    submitted(market)
    refuse(market, order)
    reroute(market)
    assert [(p.source, p.state) for p in market.purchases(order)] == [
        ("teahouse", "refused"),
        ("other", "ready"),
    ]
    assert market.balance(f"held:{leader}") == 2600


def test_a_source_that_refused_is_not_asked_again(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer()
    order = market.place(leader, (goods.sku, 1))
    submitted(market)
    refuse(market, order)
    reroute(market)
    assert len(market.purchases(order)) == 1
    assert status(market, leader, order) == "held"


def test_a_held_line_is_released_when_it_is_cancelled(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer(freight=FLAT)
    order = market.place(leader, (goods.sku, 1))
    submitted(market)
    refuse(market, order)
    reroute(market)
    with market.db.as_system() as session:
        cancelling.cancel(session, leader, order, "不等了", NOW)
    assert status(market, leader, order) == "cancelled"
    assert market.balance(f"wallet:{leader}") == 10_000


def test_every_decision_says_why_each_alternative_lost(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer(cost="10.00")
    dearer = market.offer(sku_id=goods.sku_id, source="dear", cost="11.00")
    empty = market.offer(sku_id=goods.sku_id, source="empty", cost="1.00", stock="out")
    order = market.place(leader, (goods.sku, 1))
    with market.db.as_system() as session:
        plan = session.scalars(select(OrderPlan.plan).where(OrderPlan.order_id == order)).one()
    lost = {loss["offer"]: loss["code"] for loss in plan["lost"]}
    assert lost == {dearer.offer_id: "dearer", empty.offer_id: "out_of_stock"}
