"""The supplier's door: accept, refuse, ship, and the money that moves with each parcel."""

from kit.ids import outside
from tests.trade.market import NOW, Market, submitted
from trade import order_views, purchases, shipping
from trade.purchases import Supplier
from trade.shipping import Shipment

TEAHOUSE = Supplier("teahouse")


def test_shipping_takes_the_money_per_unit_and_owes_the_supplier(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer(cost="3.33", freight={"kind": "flat", "fee": "5.00", "free_from": None})
    order_id = market.place(leader, (goods.sku, 3))
    assert submitted(market) == 1
    (purchase,) = market.purchases(order_id)
    assert purchase.state == "submitted"
    name = outside("pur", purchase.id)
    with market.db.as_system() as session:
        purchases.accept(session, TEAHOUSE, name, NOW)
        shipping.ship(session, TEAHOUSE, Shipment(name, "顺丰", "SF1234567890", {1: 1}), NOW)
    with market.db.as_party(leader) as session:
        view = order_views.by_id(session, leader, order_id)
    assert view["status"] == "partly_shipped"
    assert view["held"] == "6.66"
    assert market.balance(f"held:{leader}") == 666
