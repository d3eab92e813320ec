"""What hangs on cases that are about no order: the money, and what may be done."""

from datetime import date, datetime, timedelta
from typing import Any

from kit.clock import SHANGHAI
from tests.api.platforms import JD, Trade
from tests.api.shop import SOURCE, Shop
from tests.api.test_applications import asked, body, offered_by, paper
from tests.api.test_workbench import act, cases, changed
from trade import events


def bought(shop: Shop) -> Any:
    """An order of two pieces, at 7.78 for its source and a tenth more for its leader."""
    order = shop.order(shop.offer(), 2)
    shop.submitted()
    return order


def failing(shop: Shop, who: str, *kinds: str) -> Any:
    """An endpoint that has taken nothing of what happens from now on."""
    hook = {"url": "https://example.com/hook", "events": list(kinds)}
    return shop.said(who, "/v1/webhooks", hook)["id"]


def test_an_endpoint_that_fails_keeps_its_party_from_hearing_of_orders(shop: Shop) -> None:
    bought(shop)
    with shop.db.as_system() as session:
        events.number(session)
    hooks = {
        failing(shop, "leader", "order.*"): "order",
        failing(shop, "other", "order.*"): "0.00",
        failing(shop, "brand", "purchase.*"): "15.56",
        failing(shop, "operator", "parcel.*"): "0.00",
        failing(shop, "operator", "order.*", "price.changed"): "order",
        failing(shop, "leader", "price.changed"): None,
    }
    order = bought(shop)
    with shop.db.as_system() as session:
        events.number(session)
    changed(shop, "UPDATE webhooks SET state = 'failing', failing_since = now()")
    told = {one["subject"]: one["money"] for one in cases(shop, "webhook_failing")}
    assert told == {k: order["total"] if v == "order" else v for k, v in hooks.items()}


def test_what_is_open_at_a_source_hangs_on_its_listing_and_its_papers(shop: Shop) -> None:
    bought(shop)
    changed(shop, "INSERT INTO runs (source, state) VALUES (:s, 'held')", s=SOURCE)
    changed(shop, "INSERT INTO runs (source, state) VALUES ('x', 'held')")
    assert sorted(one["money"] for one in cases(shop, "listing_held")) == ["0.00", "15.56"]
    offered_by(shop, today())
    [case] = cases(shop, "supplier_lapsing")
    assert case["money"] == "15.56"
    asked(shop, body(paper("food_license")))  # the same company once more
    asked(shop, body(role="leader", uscc=None, name="赵六"))
    known, unknown = cases(shop, "application_waiting")
    assert (known["money"], unknown["money"]) == ("15.56", None)


def test_an_operator_vouches_for_a_supplier_whose_newer_papers_are_on_their_way(
    shop: Shop,
) -> None:
    goods = shop.offer()
    offered_by(shop, today())
    changed(shop, "UPDATE source_states SET qualified_until = now()")
    check = f"/v1/skus/{goods.sku}/sellable"
    assert shop.got("leader", check)["sellable"] is False
    [case] = cases(shop, "supplier_lapsing")
    assert case["actions"] == ["extend"]
    for field, given in (
        ("reason", {"until": day(9)}),
        ("until", {"reason": "已收到新证扫描件"}),
        ("until", {"reason": "已收到新证扫描件", "until": day(31)}),
        ("until", {"reason": "已收到新证扫描件", "until": "9999-12-31"}),
        ("until", {"reason": "已收到新证扫描件", "until": day(-3)}),
    ):
        assert act(shop, case, "extend", 422, **given)["errors"][0]["field"] == field
    for _ in range(2):
        assert act(shop, case, "extend", reason="已收到新证扫描件", until=day(9))["waits"] is True
    assert shop.got("leader", check)["sellable"] is True
    [noted, _] = shop.got("operator", f"/v1/audit?subject={case['id']}")["items"]
    assert noted["detail"]["until"] == day(9)
    offered_by(shop, today() + timedelta(days=2))  # other papers, which end sooner
    [case] = cases(shop, "supplier_lapsing")
    assert datetime.fromisoformat(case["deadline"]).astimezone(SHANGHAI).date() == today(10)
    offered_by(shop, today() + timedelta(days=400))
    assert cases(shop, "supplier_lapsing") == []


def today(ahead: int = 0) -> date:
    return datetime.now(SHANGHAI).date() + timedelta(days=ahead)


def day(ahead: int) -> str:
    return today(ahead).isoformat()


def test_what_our_account_does_not_cover_waits_for_money_and_is_bought_nowhere_else(
    trade: Trade,
) -> None:
    goods = trade.goods(JD, 1_000)
    trade.stage.act("jd", "freight", fen=0)
    trade.shop.market.offer(source=SOURCE, cost="11.00", sku_id=goods.sku_id)
    order = trade.ordered(goods)
    trade.stage.act("jd", "purse", fen=500)
    trade.worked(JD)
    assert trade.bought(order) == [(JD, "ready")]
    [case] = trade.shop.got("operator", "/v1/exceptions?kind=balance_short")["items"]
    assert (case["money"], case["actions"]) == ("10.00", ["retry"])
    trade.stage.act("jd", "purse", fen=1_000_000)
    trade.shop.said("operator", f"/v1/exceptions/{case['id']}/retry", {}, 200)
    trade.worked(JD)
    assert trade.bought(order) == [(JD, "accepted")]
    assert trade.shop.got("operator", "/v1/exceptions?kind=balance_short")["items"] == []
    assert trade.balanced()
