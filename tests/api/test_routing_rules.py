"""Rules of routing through the operator's door: in force for the next order, tried on past ones."""

from datetime import timedelta
from typing import Any

from kit import clock, outbox
from kit.ids import inside
from tests.api.shop import HOME, SOURCE, Shop, ordering
from trade import refusal, rerouting
from trade.models import OrderPlan

RULES = "/v1/routing-rules"
BY_HAND = {"source": "other", "cost": "9.00", "stock": "in_stock"}


def _put(shop: Shop, *rules: dict[str, Any], version: int, status: int = 200) -> Any:
    body = {"version": version, "rules": list(rules), "note": "试"}
    answer = shop.ask("operator", "PUT", RULES, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def _sources(shop: Shop, order: Any) -> list[str]:
    decision = shop.got("operator", f"/v1/orders/{order['id']}/decision")["items"][0]
    return [one["source"] for one in decision["purchases"]]


def test_rules_count_for_the_next_order_and_are_tried_on_past_ones(shop: Shop) -> None:
    goods = shop.offer()
    shop.market.offer(sku_id=goods.sku_id, **BY_HAND)
    first = shop.order(goods, 2)
    assert _sources(shop, first) == [SOURCE]
    until = (clock.now() + timedelta(hours=1)).isoformat()
    stop = {"id": "stop", "then": "never", "when": {"source": SOURCE}, "until": until}

    tried = shop.said("operator", f"{RULES}/replay", {"rules": [stop]}, 200)
    assert (tried["replayed"], tried["changed"], tried["unserved"]) == (1, 1, 0)
    assert (tried["landed"], tried["landed_then"]) == ("15.56", "18.00")
    [item] = tried["items"]
    assert (item["sources"], item["sources_then"]) == ([SOURCE], ["other"])
    assert shop.got("operator", RULES) == {"version": 0, "rules": []}

    said = _put(shop, stop, version=0)
    assert said == shop.got("operator", RULES)
    assert [(one["id"], one["in_force"]) for one in said["rules"]] == [("stop", True)]
    again = _put(shop, stop, version=0, status=409)
    assert again["code"] == "version_changed"
    second = shop.order(goods)
    assert _sources(shop, second) == ["other"]
    [decision] = shop.got("operator", f"/v1/orders/{second['id']}/decision")["items"]
    [lost] = decision["lost"]
    assert (lost["source"], lost["code"], lost["rule"]) == (SOURCE, "ruled_out", "stop")

    alone = shop.offer()
    asked = {"lines": [{"sku": alone.sku, "quantity": 1}], "ship_to": HOME}
    [refused] = shop.said("leader", "/v1/quotes", asked)["unsellable"]
    assert (refused["code"], refused["until"]) == ("ruled_out", until)
    order = shop.said("leader", "/v1/orders", ordering(alone), 409)
    assert f"{until[:10]} {until[11:16]} UTC" in order["errors"][0]["message"]
    assert SOURCE not in str(refused)
    _put(shop, {**stop, "until": None}, version=said["version"], status=422)
    past = (clock.now() - timedelta(seconds=1)).isoformat()
    wrong = _put(shop, {**stop, "until": past}, version=said["version"], status=422)
    assert wrong["errors"][0]["field"] == "rules.0.until"
    _put(shop, version=said["version"])
    assert not shop.said("leader", "/v1/quotes", asked)["unsellable"]


def test_units_that_a_kill_switch_holds_are_bought_once_it_is_lifted(shop: Shop) -> None:
    goods = shop.offer()
    shop.market.offer(sku_id=goods.sku_id, source="other", cost="8.00", stock="in_stock")
    order = shop.order(goods)
    shop.submitted()
    stop = {"id": "stop", "then": "never", "when": {"source": "other"}}
    _put(shop, {**stop, "until": "2099-01-01T00:00Z"}, version=0)
    refusal = {"code": "out_of_stock", "message": "没货了"}
    shop.said("brand", f"/v1/purchases/{shop.purchase()['id']}/refuse", refusal, 200)

    def rerouted(*, held: bool) -> Any:
        until = clock.now() + timedelta(seconds=20)
        rerouting.drain(shop.db, shop.market.desk, until, held=held)
        return shop.got("leader", f"/v1/orders/{order['id']}")["lines"][0]["held_reason"]

    assert "is bought by itself once it is again" in rerouted(held=False)
    _put(shop, version=1)
    assert rerouted(held=True) is None


def test_a_replay_says_what_would_not_be_served_and_what_cannot_be_tried(shop: Shop) -> None:
    goods = shop.offer()
    older, newer = shop.order(goods), shop.order(goods)
    stop = {"id": "stop", "then": "never", "when": {"sku": goods.sku}, "until": "2099-01-01T00:00Z"}
    with shop.db.as_system() as session:  # as orders were recorded before facts were
        first = OrderPlan(id=0, order_id=inside("ord", older["id"]), plan={"purchases": []})
        session.add(first)
    tried = shop.said("operator", f"{RULES}/replay", {"rules": [stop]}, 200)
    assert (tried["replayed"], tried["unserved"]) == (1, 1)
    assert (tried["landed"], tried["landed_then"]) == ("0.00", "0.00")
    assert tried["not_replayable"] == {"facts_not_recorded": 1}
    [item] = tried["items"]
    assert (item["order"], item["landed_then"]) == (newer["id"], None)
    assert item["unsellable"] == {"0": "ruled_out"}
    until = {"rules": [stop], "to": "2020-01-01T00:00Z"}
    assert shop.said("operator", f"{RULES}/replay", until, 200)["items"] == []


def test_a_kill_switch_that_would_stop_nothing_is_told_to_its_writer(shop: Shop) -> None:
    goods = shop.offer(brand="茶陌")
    stop = {"id": "stop", "then": "never", "until": "2099-01-01T00:00Z"}
    misspelt = {
        "rules.0.when.sku": {"sku": "sku_nope"},
        "rules.0.when": {"source": SOURCE, "brand": "茶默"},
    }
    for field, when in misspelt.items():
        told = _put(shop, {**stop, "when": when}, version=0, status=422)
        assert told["errors"][0]["field"] == field
    fitting: list[dict[str, str]] = [{"sku": goods.sku}, {"source": SOURCE}, {"brand": "茶陌"}]
    for version, when in enumerate([*fitting, {"category": "food.tea"}]):
        _put(shop, {**stop, "when": when}, version=version)
    kept = _put(shop, {"id": "later", "then": "last", "when": {"brand": "新牌"}}, version=4)
    assert kept["version"] == 5


def test_the_audit_says_what_a_set_of_rules_changed_and_held_units_are_tried_again(
    shop: Shop,
) -> None:
    goods = shop.offer()
    stop = {"id": "stop", "then": "never", "when": {"sku": goods.sku}, "until": "2099-01-01T00:00Z"}
    _put(shop, stop, version=0)
    _put(shop, {**stop, "until": "2098-01-01T00:00Z"}, {"id": "x", "then": "last"}, version=1)
    _put(shop, version=2)
    noted = shop.got("operator", "/v1/audit")["items"]
    assert [{k: v for k, v in one["detail"].items() if v} for one in noted] == [
        {"note": "试", "removed": ["stop", "x"]},
        {"note": "试", "added": ["x"], "changed": ["stop"]},
        {"note": "试", "added": ["stop"]},
    ]
    with shop.db.as_system() as session:
        assert (refusal.REROUTE, refusal.HELD) in outbox.take(session)
