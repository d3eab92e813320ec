"""A source that became dearer: the leader's own rule says what becomes of it, over real HTTP."""

from decimal import Decimal

import pytest

from catalog import heard_prices
from catalog.heard_prices import Heard
from kit import clock
from kit.ids import outside
from tests.api.platforms import ALI, JD, Trade
from tests.api.shop import SOURCE


@pytest.fixture(autouse=True)
def _parcels_are_free(trade: Trade) -> None:
    for platform in ("jd", "ali1688"):
        trade.stage.act(platform, "freight", fen=0)


def test_who_orders_and_operators_see_and_set_the_rule(trade: Trade) -> None:
    shop = trade.shop
    assert shop.got("leader", "/v1/order-policy") == {"when_dearer": "hold", "absorb_most": "0.00"}
    party = f"/v1/parties/{outside('pty', shop.parties['leader'])}"
    body = {"when_dearer": "absorb", "absorb_most": "3.00"}
    assert shop.ask("operator", "PATCH", party, json=body).json() | body == shop.got(
        "operator", party
    )
    assert shop.got("leader", "/v1/order-policy") == body
    rule(trade, "reroute")
    assert shop.got("operator", party)["when_dearer"] == "reroute"
    nothing = shop.ask("other", "PUT", "/v1/order-policy", json={"when_dearer": "absorb"})
    assert (nothing.status_code, nothing.json()["errors"][0]["field"]) == (422, "absorb_most")


def rule(trade: Trade, then: str, most: str | None = None) -> None:
    body = {"when_dearer": then} | ({"absorb_most": most} if most else {})
    answer = trade.shop.ask("leader", "PUT", "/v1/order-policy", json=body)
    assert answer.status_code == 200, answer.text


def test_without_a_rule_it_waits_until_its_price_is_back(trade: Trade) -> None:
    source = JD
    goods = trade.goods(source, 2000)
    trade.shop.market.offer(sku_id=goods.sku_id, source=SOURCE, cost="21.00")
    order = trade.ordered(goods, quantity=2)
    trade.price(source, goods.external_id, 2050)
    trade.worked(source)
    assert trade.seen(order)["status"] == "held"
    assert trade.told(order, "held") == [{"rule": "hold", "lines": [1]}]
    assert trade.decided(order)[0] | {"most": ""} == {
        "rule": "hold",
        "most": "",
        "outcome": "held",
        "lines": [{"line": 1, "agreed_cost": "20.00", "absorbed": "0.00"}],
    }
    trade.retried(source)
    assert len(trade.told(order, "held")) == 1
    assert trade.balanced()
    trade.price(source, goods.external_id, 2000)
    heard(trade, goods.offer_id, "20.00")
    trade.retried(source)
    assert trade.bought(order) == [(source, "refused"), (source, "accepted")]
    assert trade.seen(order)["total"] == trade.seen(order)["held"] == "44.00"
    assert trade.balanced()


def heard(trade: Trade, offer: int, price: str) -> None:
    """The source is read again."""
    with trade.shop.db.as_system() as session:
        heard_prices.write(session, [Heard(offer, 1, Decimal(price))], clock.now())


def test_absorbing_pays_the_rise_to_the_fen_and_no_more_than_the_limit(trade: Trade) -> None:
    source = ALI
    rule(trade, "absorb", "1.00")
    goods = trade.goods(source, 2000)
    order = trade.ordered(goods, quantity=2)
    trade.price(source, goods.external_id, 2050)
    trade.worked(source)
    seen = trade.seen(order)
    assert trade.bought(order) == [(source, "refused"), (source, "accepted")]
    assert (seen["total"], seen["held"], seen["lines"][0]["amount"]) == ("45.00",) * 3
    assert trade.told(order, "absorbed") == [{"rule": "absorb", "lines": [1], "amount": "1.00"}]
    [decided] = trade.decided(order)
    assert (decided["outcome"], decided["lines"][0]["absorbed"]) == ("bought", "1.00")
    entries = trade.shop.got("leader", "/v1/wallet/entries")["items"]
    assert [one["amount"] for one in entries if one["kind"] == "absorb"] == ["-1.00"]
    assert trade.balanced()

    second = trade.ordered(goods, quantity=2)
    trade.price(source, goods.external_id, 2101)
    trade.worked(source)
    seen = trade.seen(second)
    assert (seen["status"], seen["total"]) == ("held", "45.10")
    assert trade.told(second, "held") == [{"rule": "absorb", "lines": [1]}]
    assert trade.balanced()


def test_rerouting_takes_the_next_source_within_the_money_held(trade: Trade) -> None:
    rule(trade, "reroute")
    goods = trade.goods(JD, 2000)
    trade.shop.market.offer(sku_id=goods.sku_id, source=SOURCE, cost="22.00")
    order = trade.ordered(goods)
    trade.price(JD, goods.external_id, 2001)
    trade.worked(JD)
    assert trade.bought(order) == [(JD, "refused"), (SOURCE, "ready")]
    assert trade.told(order, "rerouted") == [{"rule": "reroute", "lines": [1]}]
    assert trade.seen(order)["total"] == "22.00"
    dear = trade.ordered(trade.goods(JD, 3000, 1))
    trade.price(JD, trade.stage.act("jd", "skus") and str(trade.stage.act("jd", "skus")[1]), 3001)
    trade.worked(JD)
    assert trade.seen(dear)["status"] == "held"
    assert trade.balanced()


def test_cancelling_pays_back_what_is_dearer_and_buys_the_rest(trade: Trade) -> None:
    rule(trade, "cancel")
    dear, same = trade.goods(JD, 2000), trade.goods(JD, 3000, 1)
    order = trade.ordered(dear, same)
    trade.price(JD, dear.external_id, 2100)
    trade.worked(JD)
    seen = trade.seen(order)
    assert [line["cancelled"] for line in seen["lines"]] == [1, 0]
    assert trade.told(order, "cancelled") == [{"rule": "cancel", "lines": [1]}]
    assert (seen["held"], trade.bought(order)[-1]) == ("33.00", (JD, "accepted"))
    assert trade.shop.got("leader", "/v1/wallet")["held"] == "33.00"
    assert [one["outcome"] for one in trade.decided(order)] == ["bought", "cancelled"]
    assert trade.balanced()
