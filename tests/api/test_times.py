"""Prices and rules in time: what ends, what begins later, and what stands under another name."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from catalog import reads
from catalog.matching import joining
from catalog.pricing import PriceList
from catalog.shelf import Reader
from kit import clock
from kit.ids import inside, outside
from sync import planned
from tests.api.shop import COST, Shop, ordering
from tests.catalog.goods import Supply, product

RULES = "/v1/pricing-rules"


def _tea(shop: Shop, *supplies: Supply) -> str:
    with shop.db.as_system() as session:
        return outside("sku", product(session, "绿茶", *supplies).sku_id)


def _put(shop: Shop, path: str, **body: Any) -> None:
    answer = shop.ask("operator", "PUT", path, json=body)
    assert answer.status_code == 200, answer.text


def test_a_price_that_is_over_is_no_price_in_the_history_nor_long_after(shop: Shop) -> None:
    ended = clock.now() - timedelta(seconds=1)
    sku = _tea(shop, Supply("a", "10", valid_until=ended), Supply("b", "20"))
    with shop.db.as_system() as session:
        assert planned.turn(session) == 1
    looked = shop.said("leader", "/v1/skus/lookup", {"skus": [sku]}, 200)["items"][0]["skus"][0]
    assert looked["price"] == "22.00"
    told = shop.got("leader", f"/v1/skus/{sku}/price-history")["items"]
    assert [one["price"] for one in told] == ["11.00", "22.00"]
    now = f"{clock.now():%Y-%m-%dT%H:%M:%S.%fZ}"
    for who, prices in (("leader", ["22.00"]), ("operator", ["20.00"])):
        later = shop.got(who, f"/v1/skus/{sku}/price-history?from={now}")["items"]
        assert [one["price"] for one in later] == prices
    reader, moment = Reader("leader", PriceList(markup_percent=Decimal(10))), clock.now()
    with shop.db.as_system() as session:  # asked when only prices are known of now
        later = moment + timedelta(days=40)
        then = reads.as_it_was(session, inside("sku", sku), reader, moment, later)
    assert then.price == Decimal("22.0000")


def test_a_history_tells_nothing_of_what_is_still_to_come(shop: Shop) -> None:
    sku = _tea(shop, Supply("a", "10"))
    later = (clock.now() + timedelta(days=1)).isoformat()
    _put(shop, RULES, version=0, rules=[{"markup_percent": "50", "valid_from": later}])
    to = f"{clock.now() + timedelta(days=9):%Y-%m-%dT%H:%M:%SZ}"
    told = shop.got("leader", f"/v1/skus/{sku}/price-history?to={to}")["items"]
    assert [one["price"] for one in told] == ["11.00"]


def test_a_rule_that_begins_later_is_previewed_for_its_time(shop: Shop) -> None:
    goods = shop.offer()
    begins = clock.now() + timedelta(days=1)
    rule = {"markup_percent": "100", "valid_from": begins.isoformat()}
    body = {"rules": [rule], "skus": [goods.sku]}
    paid = [
        shop.said("operator", f"{RULES}/preview", body | more, 200)["items"][0]["price_then"]
        for more in ({}, {"at": begins.isoformat()})
    ]
    assert paid == ["8.5555", "15.5554"]


def test_a_preview_for_a_party_is_of_what_brands_let_it_have(shop: Shop) -> None:
    goods = shop.offer()
    shop.market.offer(sku_id=goods.sku_id, source="rival", cost="1.00")
    other = {"party": outside("pty", shop.parties["other"])}
    _put(shop, "/v1/grants/g?source=rival", who=other)
    leader = outside("pty", shop.parties["leader"])
    body = {"rules": [], "skus": [goods.sku], "party": leader}
    [told] = shop.said("operator", f"{RULES}/preview", body, 200)["items"]
    looked = shop.said("leader", "/v1/skus/lookup", {"skus": [goods.sku]}, 200)["items"][0]
    assert told["price"] == looked["skus"][0]["price"] == "8.5555"
    assert told["cost"] == COST
    strange = body | {"party": outside("pty", 10**9)}
    refused = shop.said("operator", f"{RULES}/preview", strange, 422)
    assert refused["errors"][0]["field"] == "party"


def test_a_kill_switch_for_a_sku_outlives_a_merge_and_a_replay_knows_both_names(
    shop: Shop,
) -> None:
    kept, merged = shop.offer(), shop.offer()
    first = shop.order(merged)
    until = (clock.now() + timedelta(hours=1)).isoformat()
    stop = {"id": "stop", "then": "never", "when": {"sku": merged.sku}, "until": until}
    with shop.db.as_system() as session:
        joining.merge(session, merged.sku_id, kept.sku_id, "test")
    _put(shop, "/v1/routing-rules", version=0, rules=[stop])
    for sku in (kept.sku, merged.sku):
        lines = [{"sku": sku, "quantity": 1}]
        asked = {
            "lines": lines,
            "ship_to": {"text": "张三 13800138000 广东省深圳市南山区科技园1号"},
        }
        quoted = shop.said("leader", "/v1/quotes", asked)
        assert [one["code"] for one in quoted["unsellable"]] == ["ruled_out"], sku
    for named in (kept.sku, merged.sku):
        rule = stop | {"when": {"sku": named}}
        tried = shop.said("operator", "/v1/routing-rules/replay", {"rules": [rule]}, 200)
        assert (tried["replayed"], tried["unserved"]) == (1, 1), named
        assert tried["items"][0]["order"] == first["id"]


def _as_now(shop: Shop) -> tuple[Any, ...]:
    """What past orders earned and would have under the rules that they were placed under."""
    body = {"rules": [{"markup_percent": "10"}]}
    told = shop.said("operator", f"{RULES}/preview", body, 200)["history"]
    return tuple(told[x] for x in ("lines", "earned", "would_have_earned", "dearer", "cheaper"))


def test_a_line_from_two_sources_would_have_cost_what_it_did(shop: Shop) -> None:
    goods = shop.market.offer(source="a", cost="10.00", stock=3)
    shop.market.offer(sku_id=goods.sku_id, source="b", cost="20.00", stock=5)
    order = shop.order(goods, 5)
    assert order["lines"][0]["amount"] == "77.00"
    assert _as_now(shop) == (1, "7.00", "7.00", 0, 0)


def test_what_a_sharer_earns_is_not_earned_by_the_house(shop: Shop) -> None:
    goods = shop.offer()
    body = {"skus": [goods.sku], "retail_price": "12.90", "commission_ppm": 100_000}
    code = shop.said("leader", "/v1/shares", body)["code"]
    mine = shop.said("other", f"/v1/shares/{code}/join", None, 200)["code"]
    order = shop.order(goods, 10, who="other", share=mine)
    assert order["lines"][0]["amount"] == "116.10"
    assert _as_now(shop) == (1, "7.78", "7.78", 0, 0)


def test_a_bundle_was_what_its_parts_were(shop: Shop) -> None:
    tea, cup = _tea(shop, Supply("a", "10", quantity=9)), _tea(shop, Supply("b", "2", quantity=5))
    parts = [{"sku": tea, "units": 2}, {"sku": cup, "units": 1}]
    bundle = shop.said("operator", "/v1/bundles", {"title": "茶具", "parts": parts})["sku"]
    before = clock.now()
    to_other = {"party": outside("pty", shop.parties["other"])}
    _put(shop, "/v1/grants/g?source=b", who=to_other)
    _put(shop, RULES, version=0, rules=[{"markup_percent": "100"}])
    after = clock.now()
    told = [
        shop.got(who, f"/v1/skus/{bundle}/at?moment={at:%Y-%m-%dT%H:%M:%S.%fZ}")
        for who, at in (("other", before), ("other", after), ("operator", after))
    ]
    assert [one["price"] for one in told] == ["24.20", "44.00", "44.00"]
    assert told[0]["stock"] == {"state": "in_stock", "quantity": 4}
    assert told[0]["of_today"] == ["names", "sources"]
    leader = f"party={outside('pty', shop.parties['leader'])}"
    path = f"/v1/skus/{bundle}/at?{leader}&moment="
    seen = [
        shop.got("operator", f"{path}{at:%Y-%m-%dT%H:%M:%S.%fZ}")["granted"]
        for at in (before, after)
    ]
    assert seen == [True, False]


def test_past_orders_would_have_earned_under_the_same_rules_what_they_did(shop: Shop) -> None:
    tea, cup, pot = shop.offer(), shop.offer(), shop.offer()
    parts = [{"sku": one.sku, "units": units} for one, units in ((tea, 1), (cup, 1), (pot, 1))]
    bundle = shop.said("operator", "/v1/bundles", {"title": "茶具", "parts": parts})["sku"]
    for sku, quantity in ((bundle, 1), (tea.sku, 3), (bundle, 7)):
        lines = [{"sku": sku, "quantity": quantity}]
        shop.said("leader", "/v1/orders", ordering(tea, lines=lines))
    told = shop.said("operator", f"{RULES}/preview", {"rules": [], "skus": []}, 200)["history"]
    assert told["would_have_earned"] == told["earned"]
    assert (told["lines"], told["dearer"], told["cheaper"], told["below_cost"]) == (3, 0, 0, 0)
