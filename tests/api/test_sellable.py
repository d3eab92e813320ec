"""`sellable` says what a quote would say, and until when a reason holds."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from catalog.reads import Sellable
from catalog.selling import Reason
from kit import clock
from tests.api.shop import HOME, SOURCE, Shop, ordering
from tests.trade.market import NOW, Goods
from trade.orderable import Verdict, joined

PIECES = {"kind": "piece", "first_n": 1, "first": "8.00", "next_n": 1, "next": "2.00"}
BY_WEIGHT = {"kind": "weight", "first_g": 1000, "first": "8.00", "next_g": 1000, "next": "2.00"}
FREE_ABOVE = {"kind": "amount", "fee": None, "free_from": "20.00"}


def sellable(
    shop: Shop, goods: Goods, quantity: int = 1, region: str = "440305", **more: Any
) -> Any:
    asked = {"region": region, "quantity": quantity, **more}
    answer = shop.ask("leader", "GET", f"/v1/skus/{goods.sku}/sellable", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def quoted(shop: Shop, goods: Goods, quantity: int, region: str) -> Any:
    lines = [{"sku": goods.sku, "quantity": quantity}]
    return shop.said("leader", "/v1/quotes", {"lines": lines, "ship_to": HOME | {"region": region}})


def _split(shop: Shop) -> Goods:
    goods = shop.offer(stock=3)
    shop.market.offer(sku_id=goods.sku_id, source="rival", stock=3, cost="8.00")
    return goods


def _paused(shop: Shop) -> Goods:
    with shop.db.as_system() as session:
        session.execute(
            text("INSERT INTO source_states (source, failures, paused_at) VALUES (:s, 1, now())"),
            {"s": SOURCE},
        )
    return shop.offer()


CASES: list[tuple[Callable[[Shop], Goods], int, str | None]] = [
    (lambda shop: shop.offer(freight=PIECES), 3, None),
    (lambda shop: shop.offer(freight=BY_WEIGHT, weight_g=700), 3, None),
    (lambda shop: shop.offer(freight=BY_WEIGHT), 1, "freight_unknown"),
    (lambda shop: shop.offer(freight=FREE_ABOVE), 3, None),
    (lambda shop: shop.offer(freight=FREE_ABOVE), 2, "freight_unknown"),
    (lambda shop: shop.offer(freight={"kind": "template", "name": "无"}), 1, "freight_unknown"),
    (_split, 5, None),
    (_split, 7, "stock_short"),
    (lambda shop: shop.offer(stock="out"), 1, "out_of_stock"),
    (lambda shop: shop.offer(stock="out", freight=None), 1, "out_of_stock"),
    (lambda shop: shop.offer(stock=2, freight=None, moq=3), 2, "quantity_step"),
    (lambda shop: shop.offer(multiple=6), 4, "multiple"),
    (lambda shop: shop.offer(moq=2), 1, "moq"),
    (lambda shop: shop.offer(not_delivered_to=["44"]), 1, "not_deliverable"),
    (lambda shop: shop.offer(min_retail="30", max_retail="20"), 1, "corridor_empty"),
    (_paused, 1, "supplier_paused"),
]


def test_it_says_what_a_quote_says_and_an_order_does(shop: Shop) -> None:
    for number, (make, quantity, code) in enumerate(CASES):
        goods = make(shop)
        told, quote = sellable(shop, goods, quantity), quoted(shop, goods, quantity, "440305")
        assert told["sellable"] is (code is None) is (not quote["unsellable"]), number
        assert [one["code"] for one in told["reasons"]] == ([code] if code else []), number
        if code is None:
            assert told["freight_amount"] == quote["freight"], number
            assert told["price"] == quote["lines"][0]["unit_price"], number
        else:
            assert told["freight_amount"] is None
        placed = shop.ask("leader", "POST", "/v1/orders", json=ordering(goods, quantity))
        assert placed.status_code == (201 if code is None else 409), number


def test_what_a_kill_switch_stops_is_said_until_it_ends(shop: Shop) -> None:
    goods, kept = shop.offer(), shop.offer()
    shop.market.offer(sku_id=kept.sku_id, source="rival", cost="8.00")
    until = clock.now() + timedelta(hours=1)
    stop = {"id": "stop", "then": "never", "when": {"source": SOURCE}, "until": until.isoformat()}
    sooner = (until - timedelta(minutes=30)).isoformat()
    also = {"id": "also", "then": "never", "when": {"sku": goods.sku}, "until": sooner}
    rules = {
        "version": 0,
        "rules": [stop, also],
    }  # while one lasts, the other's end changes nothing
    assert shop.ask("operator", "PUT", "/v1/routing-rules", json=rules).status_code == 200
    for who, place in (("leader", "?region=440305"), ("leader", ""), ("operator", "")):
        told = shop.got(who, f"/v1/skus/{goods.sku}/sellable{place}")
        [reason] = told["reasons"]
        assert (told["sellable"], reason["code"]) == (False, "ruled_out")
        assert datetime.fromisoformat(reason["until"]) == until
        assert SOURCE not in str(told)
        assert shop.got(who, f"/v1/skus/{kept.sku}/sellable{place}")["sellable"] is True
    part = {"parts": [{"sku": goods.sku, "units": 2}, {"sku": kept.sku, "units": 1}]}
    bundle = shop.said("operator", "/v1/bundles", part | {"title": "礼盒"})["sku"]
    told = shop.got("leader", f"/v1/skus/{bundle}/sellable")
    assert [one["code"] for one in told["reasons"]] == ["ruled_out"]


def test_a_picked_sku_is_sellable_as_far_as_an_order_would_be_taken(shop: Shop) -> None:
    tea, cup = shop.offer(), shop.offer(stock="out")
    spent = shop.offer(state="gone")
    large = shop.offer(moq=4, multiple=6, stock=12)
    part = {"parts": [{"sku": cup.sku, "units": 1}], "title": "礼盒"}
    bundle = shop.said("operator", "/v1/bundles", part)["sku"]
    skus = [tea.sku, cup.sku, spent.sku, large.sku, bundle]
    items = [{"sku": sku, "retail_price": "99"} for sku in skus]
    shop.said("leader", "/v1/selections/batch", {"items": items}, 200)

    def codes() -> list[list[str]]:
        rows = {row["sku"]: row for row in shop.got("leader", "/v1/selections")["items"]}
        for row in rows.values():
            assert row["sellable"] is not bool(row["reasons"])
        return [[reason["code"] for reason in rows[sku]["reasons"]] for sku in skus]

    assert codes() == [[], ["out_of_stock"], ["not_sold"], [], ["out_of_stock"]]
    until = clock.now() + timedelta(hours=1)
    stop = {"id": "stop", "then": "never", "when": {"sku": tea.sku}, "until": until.isoformat()}
    rules = {"version": 0, "rules": [stop]}
    assert shop.ask("operator", "PUT", "/v1/routing-rules", json=rules).status_code == 200
    assert codes()[0] == ["ruled_out"]
    limits = {"sku": tea.sku, "max_retail": "50"}
    assert shop.ask("brand", "PUT", "/v1/price-policies/p", json=limits).status_code == 200
    assert codes()[0] == ["ruled_out", "outside_corridor"]
    _paused(shop)
    assert codes()[3] == ["supplier_paused"]


def test_what_a_recipient_had_today_counts(shop: Shop) -> None:
    goods = shop.offer()
    grant = {"who": {}, "max_per_recipient": 3}
    assert shop.ask("brand", "PUT", "/v1/grants/all", json=grant).status_code == 200
    shop.said("other", "/v1/orders", ordering(goods, 2))
    assert sellable(shop, goods, 2)["sellable"] is True  # of whom nothing is said
    told = sellable(shop, goods, 2, mobile=HOME["mobile"])
    assert [one["code"] for one in told["reasons"]] == ["limit_per_recipient"]
    assert told["reasons"][0]["until"] > clock.now().isoformat()
    told = sellable(shop, goods, 4, mobile=HOME["mobile"])  # which no day will allow
    assert (told["reasons"][0]["code"], told["reasons"][0]["until"]) == (
        "limit_per_recipient",
        None,
    )
    assert sellable(shop, goods, 1, mobile=HOME["mobile"])["sellable"] is True
    assert sellable(shop, goods, 2, mobile="139 0013 9000")["sellable"] is True
    asked = f"/v1/skus/{goods.sku}/sellable?region=440305&mobile=12"
    assert shop.got("leader", asked, 422)["errors"][0]["field"] == "mobile"


LATER = NOW + timedelta(days=1)
SHORT = Reason("stock_short", "only 3 of this SKU are left", LATER)
CORRIDOR = Reason("corridor_empty", "no price is allowed")


@pytest.mark.parametrize(
    ("reasons", "met", "codes"),
    [
        ([SHORT], Verdict(None), []),
        ([SHORT, CORRIDOR], Verdict(None), ["corridor_empty"]),
        ([SHORT], Verdict("out_of_stock"), ["stock_short"]),
        ([CORRIDOR], Verdict("limit_per_day"), ["corridor_empty", "limit_per_day"]),
        ([], Verdict("limit_per_recipient"), ["limit_per_recipient"]),
    ],
)
def test_reasons_of_retail_prices_stay_whatever_routing_finds(
    reasons: list[Reason], met: Verdict, codes: list[str]
) -> None:
    found = joined(Sellable(not reasons, reasons, None, None, None), met)
    assert [one.code for one in found.reasons] == codes
    assert found.sellable is (not codes)
