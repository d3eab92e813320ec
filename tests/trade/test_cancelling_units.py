"""Some units of a line are cancelled, and the others kept."""

from collections.abc import Mapping

import pytest

from kit.errors import Problem
from kit.ids import outside
from tests.trade.market import NOW, Market, submitted
from trade import cancelling, order_views, purchases
from trade.invariants import violations
from trade.models import Purchase
from trade.parcels import shipping
from trade.parcels.shipping import Shipment
from trade.purchases import Supplier


def cancel(
    market: Market, leader: int, order: int, units: Mapping[str, int]
) -> tuple[int, int, str]:
    """Units cancelled, units asked for, and what is held then."""
    with market.db.as_system() as session:
        cancelling.cancel(session, leader, order, "少要几件", NOW, skus=list(units), units=units)
        session.flush()
        assert violations(session) == []
    with market.db.as_party(leader) as session:
        seen = order_views.by_id(session, leader, order)
    lines = seen["lines"]
    return sum(x["cancelled"] for x in lines), sum(x["cancelling"] for x in lines), seen["held"]


def test_units_no_sender_knows_of_are_paid_back_once_however_often_that_is_asked(
    market: Market,
) -> None:
    leader = market.party(money=10_000)
    tea, cup = (market.offer(cost=cost, stock=9) for cost in ("3.00", "4.00"))
    order = market.place(leader, (tea.sku, 5), (cup.sku, 2))
    for _ in range(2):
        assert cancel(market, leader, order, {tea.sku: 2}) == (2, 0, "17.00")
    assert cancel(market, leader, order, {tea.sku: 3}) == (3, 0, "14.00")
    with market.db.as_system() as session, pytest.raises(Problem, match="more than the 5") as more:
        cancelling.cancel(session, leader, order, "x", NOW, skus=[tea.sku], units={tea.sku: 6})
    assert (more.value.status, more.value.errors[0].field) == (422, "lines")
    assert cancel(market, leader, order, {tea.sku: 5, cup.sku: 2}) == (7, 0, "0.00")
    submitted(market)
    with market.db.as_system() as session:
        [bought] = session.query(Purchase).all()
        assert bought.state == "cancelled"


def test_units_that_a_sender_has_are_asked_for_only_where_nothing_else_is_with_them(
    market: Market,
) -> None:
    leader = market.party(money=10_000)
    tea = market.offer(cost="3.00", stock=9)
    order = market.place(leader, (tea.sku, 3))
    submitted(market)
    with pytest.raises(Problem) as kept:
        cancel(market, leader, order, {tea.sku: 2})
    assert kept.value.code == "shared_purchase"
    with market.db.as_system() as session:
        name = outside("pur", session.query(Purchase).one().id)
        parcel = Shipment(name, "顺丰", "SF0000000001", {1: 1})
        shipping.ship(session, Supplier("teahouse"), parcel, NOW)
    with pytest.raises(Problem) as late:
        cancel(market, leader, order, {tea.sku: 3})
    assert (late.value.code, "1 of these" in late.value.detail) == ("too_late", True)
    for _ in range(2):
        assert cancel(market, leader, order, {tea.sku: 2}) == (0, 2, "6.00")
    with market.db.as_system() as session:
        purchases.refuse(session, Supplier("teahouse"), name, "out_of_stock", "好的", NOW)
    assert cancel(market, leader, order, {tea.sku: 2}) == (2, 0, "0.00")
