"""Brands through their door: the retail prices they allow, and who may sell what where."""

import threading
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from kit import clock
from kit.ids import inside, outside
from tests.api.shop import HOME, SOURCE, Shop, ordering
from tests.trade.market import Goods
from trade import rerouting

FAR = HOME | {"region": "110105", "mobile": "13900139000"}


def _put(shop: Shop, path: str, by: str = "brand", status: int = 200, /, **body: Any) -> Any:
    answer = shop.ask(by, "PUT", f"/v1/{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def _grant(shop: Shop, name: str, to: str | None = None, /, **body: Any) -> Any:
    named = {} if to is None else {"party": outside("pty", shop.parties[to])}
    return _put(shop, f"grants/{name}", **({"who": named} | body))


def _try(shop: Shop, goods: Goods, quantity: int = 1, who: str = "leader", **more: Any) -> Any:
    answer = shop.ask(who, "POST", "/v1/orders", json=ordering(goods, quantity, **more))
    if answer.status_code == 201:
        return "ordered"
    body = answer.json()
    assert body["errors"][0]["field"] == "lines.0"
    return body["errors"][0]["code"]


def _sellable(shop: Shop, goods: Goods, query: str = "", who: str = "leader") -> Any:
    return shop.got(who, f"/v1/skus/{goods.sku}/sellable?{query}")


def _codes(answer: Any) -> list[str]:
    assert answer["sellable"] is not bool(answer["reasons"])
    return [reason["code"] for reason in answer["reasons"]]


class TestPricePolicies:
    def test_the_tightest_of_offer_and_policies_counts_in_every_place(self, shop: Shop) -> None:
        goods = shop.offer(min_retail="9", max_retail="30", brand="山上")
        _put(shop, "price-policies/floor", brand="山上", min_retail="12", max_retail="40")
        _put(shop, "price-policies/sku", "operator", sku=goods.sku, max_retail="25.5")
        corridor = {"min": "12.00", "max": "25.50"}
        looked = shop.said("leader", "/v1/skus/lookup", {"skus": [goods.sku]}, 200)
        assert looked["items"][0]["skus"][0]["corridor"] == corridor
        product = looked["items"][0]["skus"][0]["product"]
        assert shop.got("leader", f"/v1/products/{product}")["skus"][0]["corridor"] == corridor
        selected = f"selections/{goods.sku}"
        refused = _put(shop, selected, "leader", 422, retail_price="11.99")
        assert refused["errors"][0]["code"] == "outside_corridor"
        assert _put(shop, selected, "leader", retail_price="12")["corridor"] == corridor
        lines = [{"sku": goods.sku, "quantity": 1, "retail_price": "25.51"}]
        answer = shop.ask("leader", "POST", "/v1/orders", json=ordering(goods, lines=lines))
        assert (answer.status_code, answer.json()["code"]) == (409, "outside_corridor")
        assert answer.json()["errors"][0]["field"] == "lines.0.retail_price"

    def test_a_later_policy_stops_a_selection_from_being_sold(self, shop: Shop) -> None:
        goods = shop.offer()
        path = f"/v1/selections/{goods.sku}"
        _put(shop, path[4:], "leader", retail_price="10")
        assert shop.got("leader", path)["sellable"] is True
        _put(shop, "price-policies/p", min_retail="11")
        assert shop.got("leader", path)["sellable"] is False
        told = _sellable(shop, goods, "region=440305")
        assert _codes(told) == ["outside_corridor"]
        assert shop.ask("brand", "DELETE", "/v1/price-policies/p").status_code == 204
        assert shop.got("leader", path)["sellable"] is True

    def test_a_regional_policy_counts_where_the_recipient_lives(self, shop: Shop) -> None:
        goods = shop.offer()
        kept = _put(shop, "price-policies/south", min_retail="20", regions=["440000", "110100"])
        assert kept["regions"] == ["110100", "440000"]
        line = {"sku": goods.sku, "quantity": 1, "retail_price": "15"}
        shop.said("leader", "/v1/orders", ordering(goods, lines=[line], ship_to=HOME), 409)
        there = HOME | {"region": "320106"}
        shop.said("leader", "/v1/orders", ordering(goods, lines=[line], ship_to=there))

    def test_a_region_that_is_none_protects_nothing_and_is_refused(self, shop: Shop) -> None:
        told = _put(shop, "price-policies/p", "brand", 422, min_retail="20", regions=["44", "99"])
        assert [(one["field"], one["message"]) for one in told["errors"]] == [
            ("regions.1", "99 is no division of GB/T 2260")
        ]
        for body in ({"where": ["990399"]}, {"where": ["4"]}):
            assert _put(shop, "grants/g", "brand", 422, **body)["errors"][0]["field"] == "where.0"
        kept = _put(shop, "price-policies/p", min_retail="20", regions=["110103", "441900", "4690"])
        assert kept["regions"] == ["110101", "441900", "469000"], "a retired county's successor"

    def test_a_policy_counts_in_its_time_only(self, shop: Shop) -> None:
        goods, now = shop.offer(), clock.now()
        soon = (now + timedelta(hours=1)).isoformat()
        past = (now - timedelta(hours=1)).isoformat()
        _put(shop, "price-policies/soon", **{"min_retail": "50", "from": soon})
        _put(shop, "price-policies/past", min_retail="50", until=past)
        _put(shop, f"selections/{goods.sku}", "leader", retail_price="10")
        span = {"min_retail": "5", "from": soon, "until": past}
        wrong = _put(shop, "price-policies/no", "brand", 422, **span)
        assert wrong["errors"][0] == {
            "field": "until",
            "code": "empty_span",
            "message": "it would end before it begins",
        }

    def test_a_brand_rules_its_own_goods_only(self, shop: Shop) -> None:
        goods = shop.offer(brand="山上")
        body = {"sku": goods.sku, "min_retail": "100"}
        refused = _put(shop, "price-policies/theirs", "rival", 422, **body)
        assert refused["errors"][0]["code"] == "not_offered"
        _put(shop, "price-policies/theirs", "rival", brand="山上", min_retail="100")
        assert shop.ask("brand", "GET", "/v1/price-policies/theirs").status_code == 404
        assert shop.got("brand", "/v1/price-policies")["items"] == []
        _put(shop, f"selections/{goods.sku}", "leader", retail_price="10")
        everyones = shop.got("operator", "/v1/price-policies")["items"]
        assert [(one["id"], one["source"]) for one in everyones] == [("theirs", "rival")]
        foreign = shop.ask("brand", "PUT", "/v1/price-policies/x?source=rival", json={})
        assert foreign.status_code == 403

    def test_rules_for_a_merged_sku_are_for_the_one_it_was_merged_into(self, shop: Shop) -> None:
        former, goods = shop.offer(), shop.offer()
        _put(shop, "price-policies/p", sku=former.sku, min_retail="12")
        _grant(shop, "g", "leader", what={"sku": former.sku})
        assert _try(shop, goods) == "not_granted"
        with shop.db.as_system() as session:
            merged = "INSERT INTO sku_redirects (from_sku, to_sku) VALUES (:was, :now)"
            session.execute(text(merged), {"was": former.sku_id, "now": goods.sku_id})
        assert _try(shop, goods) == "ordered"
        looked = shop.said("leader", "/v1/skus/lookup", {"skus": [goods.sku]}, 200)
        assert looked["items"][0]["skus"][0]["corridor"]["min"] == "12.00"

    def test_limits_that_leave_no_price_are_a_reason(self, shop: Shop) -> None:
        goods = shop.offer(max_retail="10")
        until = clock.now() + timedelta(days=3)
        _put(shop, "price-policies/p", min_retail="12", until=until.isoformat())
        told = _sellable(shop, goods)
        assert _codes(told) == ["corridor_empty"]
        assert told["reasons"][0]["until"][:16] == until.isoformat()[:16]


class TestGrants:
    def test_with_its_first_grant_a_source_is_closed_to_all_others(self, shop: Shop) -> None:
        goods = shop.offer()
        shop.index()
        assert _try(shop, goods, who="other") == "ordered"
        _grant(shop, "one", "leader")
        assert _try(shop, goods) == "ordered"
        assert _try(shop, goods, who="other") == "not_granted"
        found = "/v1/products?q=茉莉花茶"
        assert len(shop.got("leader", found)["items"]) == 1
        product = shop.got("leader", found)["items"][0]["id"]
        assert shop.got("other", found)["items"] == []
        facets = "/v1/products/facets?q=茉莉花茶"
        modes = [shop.got(who, facets)["facets"]["mode"] for who in ("leader", "other")]
        assert [len(each) for each in modes] == [1, 0]
        suggested = [
            shop.got(who, "/v1/suggestions?q=茉莉")["items"] for who in ("leader", "other")
        ]
        assert [bool(each) for each in suggested] == [True, False]
        assert shop.ask("other", "GET", f"/v1/products/{product}").status_code == 404
        looked = shop.said("other", "/v1/skus/lookup", {"skus": [goods.sku]}, 200)
        assert looked["items"][0]["found"] is False
        picked = _put(shop, f"selections/{goods.sku}", "other", 409, retail_price="10")
        assert picked["code"] == "not_granted"
        quoted = shop.said(
            "other", "/v1/quotes", {"lines": [{"sku": goods.sku, "quantity": 1}], "ship_to": HOME}
        )
        assert quoted["unsellable"][0]["code"] == "not_granted"
        assert SOURCE not in str(quoted) + str(picked)
        assert _codes(_sellable(shop, goods, who="other")) == ["not_granted"]
        assert shop.ask("brand", "DELETE", "/v1/grants/one").status_code == 204
        assert _try(shop, goods, who="other") == "ordered"

    def test_refused_units_go_to_no_source_that_is_not_open_to_the_leader(self, shop: Shop) -> None:
        goods = shop.offer()
        shop.market.offer(sku_id=goods.sku_id, source="rival", cost="1.00")
        _put(shop, "grants/own", "rival", who={"party": outside("pty", shop.parties["other"])})
        order = shop.order(goods)
        shop.submitted()
        refusal = {"code": "out_of_stock", "message": "没货了"}
        shop.said("brand", f"/v1/purchases/{shop.purchase()['id']}/refuse", refusal, 200)
        with shop.db.as_system() as session:
            rerouting.reroute(session, shop.market.desk, inside("ord", order["id"]), clock.now())
        assert shop.got("leader", f"/v1/orders/{order['id']}")["status"] == "held"
        assert shop.got("rival", "/v1/purchases")["items"] == []

    def test_a_limit_of_one_source_leaves_the_rest_to_another(self, shop: Shop) -> None:
        goods = shop.offer()
        for _ in range(2):
            shop.market.offer(sku_id=goods.sku_id, source="rival", cost="1.00")
        _put(shop, "grants/all", "rival", max_per_order=2)
        order = shop.order(goods, 5)
        with shop.db.as_system() as session:
            rows = session.execute(
                text(
                    "SELECT p.source, sum(l.quantity) FROM purchases p"
                    " JOIN purchase_lines l ON l.purchase_id = p.id WHERE p.order_id = :order"
                    " GROUP BY p.source"
                ),
                {"order": inside("ord", order["id"])},
            )
            assert {source: int(units) for source, units in rows} == {"rival": 2, SOURCE: 3}

    def test_the_brand_and_operators_go_on_seeing_the_goods(self, shop: Shop) -> None:
        goods = shop.offer()
        _grant(shop, "one", "leader")
        for who in ("brand", "operator"):
            looked = shop.said(who, "/v1/skus/lookup", {"skus": [goods.sku]}, 200)
            assert looked["items"][0]["found"] is True, who
        looked = shop.said("buyer", "/v1/skus/lookup", {"skus": [goods.sku]}, 200)
        assert looked["items"][0]["found"] is False

    def test_a_grant_names_a_level_a_head_office_or_everyone(self, shop: Shop) -> None:
        goods = shop.offer()
        head = shop.join("head", "leader")
        store = shop.join("store", "leader", money=10_000)
        gold = shop.join("gold", "leader", money=10_000)
        shop.ask("operator", "PATCH", f"/v1/parties/{store}", json={"parent": head})
        shop.ask("operator", "PATCH", f"/v1/parties/{gold}", json={"level": "金牌"})
        _grant(shop, "head", "head")
        _put(shop, "grants/level", who={"level": "金牌"})
        assert [_try(shop, goods, who=who) for who in ("store", "gold", "leader")] == [
            "ordered",
            "ordered",
            "not_granted",
        ]
        _put(shop, "grants/all")
        assert _try(shop, goods) == "ordered"

    def test_a_grant_counts_for_its_goods_regions_and_time(self, shop: Shop) -> None:
        tea, cup = shop.offer(category="茶 > 绿茶"), shop.offer(category="杯")
        _grant(shop, "tea", "leader", what={"category": "茶"}, where=["440000"])
        assert shop.got("brand", "/v1/grants/tea")["where"] == ["440000"]
        assert (_try(shop, tea), _try(shop, cup)) == ("ordered", "not_granted")
        assert _try(shop, tea, ship_to=FAR) == "not_granted"
        assert _codes(_sellable(shop, tea, "region=110105")) == ["not_granted"]
        assert _codes(_sellable(shop, tea, "region=440305")) == []
        begins = (clock.now() + timedelta(days=2)).isoformat(timespec="seconds")
        _grant(shop, "cup", "leader", what={"sku": cup.sku}, **{"from": begins})
        told = _sellable(shop, cup, "region=440305")
        assert _codes(told) == ["not_granted"]
        assert told["reasons"][0]["until"][:19] == begins[:19]

    def test_limits_are_per_order_day_and_recipient(self, shop: Shop) -> None:
        goods = shop.offer()
        _grant(shop, "all", max_per_order=3, max_per_day=5, max_per_recipient=4)
        assert _try(shop, goods, 4) == "limit_per_order"
        assert _try(shop, goods, 3) == "ordered"
        assert _try(shop, goods, 2) == "limit_per_recipient"
        assert _try(shop, goods, 2, who="other") == "limit_per_recipient"
        assert _try(shop, goods, 3, ship_to=FAR) == "limit_per_day"
        told = _sellable(shop, goods, "region=440305&quantity=3")
        assert _codes(told) == ["limit_per_day"]
        assert told["reasons"][0]["until"] > clock.now().isoformat()
        assert _try(shop, goods, 2, ship_to=FAR) == "ordered"
        assert _codes(_sellable(shop, goods, "quantity=4", who="other")) == ["limit_per_order"]

    def test_what_is_cancelled_may_be_ordered_again(self, shop: Shop) -> None:
        goods = shop.offer()
        _grant(shop, "all", max_per_day=2)
        order = shop.order(goods, 2)
        assert _try(shop, goods) == "limit_per_day"
        shop.said("leader", f"/v1/orders/{order['id']}/cancel", {"reason": "x"}, 200)
        assert _try(shop, goods, 2) == "ordered"

    def test_the_grant_for_fewer_readers_decides_the_limits(self, shop: Shop) -> None:
        goods = shop.offer()
        _put(shop, "grants/all", max_per_order=1)
        _grant(shop, "leader", "leader", max_per_order=10)
        assert (_try(shop, goods, 10), _try(shop, goods, 2, "other")) == (
            "ordered",
            "limit_per_order",
        )

    def test_orders_at_the_same_time_stay_within_a_limit(self, shop: Shop) -> None:
        goods = shop.offer()
        _grant(shop, "all", max_per_day=4, max_per_recipient=6)
        outcomes: list[tuple[str, str]] = []

        def go(who: str) -> None:
            outcomes.append((who, _try(shop, goods, who=who)))

        threads = [
            threading.Thread(target=go, args=(who,))
            for who in ("leader", "other")
            for _ in range(7)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ordered = [who for who, outcome in outcomes if outcome == "ordered"]
        assert len(outcomes) == 14
        assert len(ordered) == 6
        assert max(ordered.count("leader"), ordered.count("other")) <= 4
        refused = {outcome for _, outcome in outcomes} - {"ordered"}
        assert refused <= {"limit_per_day", "limit_per_recipient"}

    def test_whom_a_brand_names_is_its_own_business(self, shop: Shop) -> None:
        _grant(shop, "one", "leader")
        assert shop.got("rival", "/v1/grants")["items"] == []
        assert shop.ask("rival", "GET", "/v1/grants/one").status_code == 404
        with shop.db.as_party(shop.parties["other"]) as session:
            for table in ("grants", "grant_versions"):
                assert session.scalar(text(f"SELECT count(*) FROM {table}")) == 0  # noqa: S608
        asked = [text(f"SELECT count(*) FROM {of}(:id)") for of in ("grants_to", "grants_ever_to")]  # noqa: S608
        leader = {"id": shop.parties["leader"]}
        for who, count in (("other", 0), ("leader", 1)):
            with shop.db.as_party(shop.parties[who]) as session:
                assert [session.scalar(one, leader) for one in asked] == [count] * 2


class TestSellable:
    def test_a_paused_source_sells_nothing(self, shop: Shop) -> None:
        goods = shop.offer()
        with shop.db.as_system() as session:
            paused = "INSERT INTO source_states (source, failures, paused_at) VALUES (:s, 1, now())"
            session.execute(text(paused), {"s": SOURCE})
        assert _codes(_sellable(shop, goods)) == ["supplier_paused"]
        assert _try(shop, goods) == "supplier_paused"

    def test_unknown_freight_is_a_reason(self, shop: Shop) -> None:
        goods = shop.offer(freight=None)
        assert _codes(_sellable(shop, goods)) == ["freight_unknown"]

    def test_goods_whose_price_is_planned_say_when(self, shop: Shop) -> None:
        goods = shop.offer()
        begins = clock.now() + timedelta(days=1)
        with shop.db.as_system() as session:
            session.execute(text("UPDATE prices SET valid_until = now() - interval '1 hour'"))
            session.execute(
                text(
                    "INSERT INTO planned_prices (offer_id, mode, valid_from, price, as_of)"
                    " VALUES (:offer, 'dropship', :at, 9, now())"
                ),
                {"offer": goods.offer_id, "at": begins},
            )
        told = _sellable(shop, goods)
        assert _codes(told) == ["not_sold"]
        assert told["reasons"][0]["until"][:16] == begins.isoformat()[:16]


def test_a_rule_for_a_source_that_is_not_there_is_refused_by_its_field(shop: Shop) -> None:
    until = (clock.now() + timedelta(hours=1)).isoformat()
    when = {"source": "teahuose"}
    routed = {"rules": [{"id": "x", "then": "never", "when": when, "until": until}]}
    priced = {"rules": [{"markup_percent": "5"}, {"markup_percent": "5", **when}]}
    parcels = {"by": "piece", "first": "8"}
    waybill = {"purchase": "pur_x", "carrier": "顺丰", "tracking_number": "SF1"}
    batch = {"items": [waybill]}
    for method, path, body, field in (
        ("PUT", "pricing-rules", priced | {"version": 0}, "rules.1.source"),
        ("POST", "pricing-rules/preview", priced, "rules.1.source"),
        ("PUT", "routing-rules", routed | {"version": 0}, "rules.0.when.source"),
        ("POST", "routing-rules/replay", routed, "rules.0.when.source"),
        ("PUT", "grants/g", {"who": {}, "what": when}, "what.source"),
        ("PUT", "grants/g?source=teahuose", {"who": {}}, "source"),
        ("PUT", "price-policies/p?source=teahuose", {"min_retail": "5"}, "source"),
        ("PUT", "freight-templates/f?source=teahuose", parcels, "source"),
        ("GET", "purchases?source=teahuose", None, "source"),
        ("GET", "claims?source=teahuose", None, "source"),
        ("GET", "sales?source=teahuose", None, "source"),
        ("POST", "purchases/ship-batch?source=teahuose", batch, "source"),
    ):
        told = shop.ask("operator", method, f"/v1/{path}", json=body)
        assert told.status_code == 422, (path, told.text)
        message = "there is no source 'teahuose'"
        wrong = {"field": field, "code": "unknown_source", "message": message}
        assert told.json()["errors"] == [wrong]
    shop.market.offer(source="teahuose")
    assert shop.ask("operator", "PUT", "/v1/grants/g", json={"who": {}, "what": when}).is_success
