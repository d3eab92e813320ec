"""A brand offers goods one by one, at its own price and stock, and sees no other's."""

from typing import Any
from urllib.parse import quote

import pytest

from connectors.feed.columns import SYNONYMS
from tests.api.shop import SOURCE, Shop, ordering

TEA = {
    "title": "茉莉花茶 250g",
    "price": "￥12.80/件",
    "brand": "云岭",
    "stock": 30,
    "freight": "包邮",
    "gtin": "6901234567892",
}


def put(shop: Shop, external_id: str, body: Any, status: int = 200, who: str = "brand") -> Any:
    """What the brand is answered."""
    answer = shop.ask(who, "PUT", f"/v1/listings/{external_id}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_a_listing_can_be_found_and_ordered(shop: Shop) -> None:
    told = put(shop, "0007", TEA)
    assert (told["external_id"], told["price"]) == ("0007", "12.80")
    assert told["stock"] == {"state": "in_stock", "quantity": 30}
    shop.index()
    found = shop.got("leader", "/v1/products?q=茉莉花茶")["items"]
    assert found[0]["price_from"] == "14.08"
    lines = [{"sku": told["sku"], "quantity": 2}]
    order = shop.said("leader", "/v1/orders", {**ordering(shop.offer()), "lines": lines})
    assert order["total"] == "28.16"


def test_a_listing_that_is_put_again_is_the_same_one(shop: Shop) -> None:
    first = put(shop, "0007", TEA)
    again = put(shop, "0007", TEA | {"price": "13"})
    assert again["sku"] == first["sku"]
    assert again["price"] == "13.00"
    blank = put(shop, "%200007%20", TEA | {"price": "14"})
    assert (blank["external_id"], blank["sku"]) == ("0007", first["sku"])
    assert len(shop.got("brand", "/v1/listings")["items"]) == 1


@pytest.mark.parametrize(
    "external_id",
    ["A/1", "A/stock", "/", "A%2F1", "a?b#c d&e=f", "红茶/2斤;+", "2024/春/price", "é//1"],
)
def test_a_listing_goes_by_whatever_its_supplier_calls_it(shop: Shop, external_id: str) -> None:
    named = quote(external_id, safe="")
    first = put(shop, named, TEA | {"sku": external_id})
    assert first["external_id"] == external_id
    assert put(shop, f"{named}/stock", {"quantity": 7})["external_id"] == external_id
    told = put(shop, f"{named.replace('%2F', '%2f')}/price", {"price": "20.00"})
    assert (told["sku"], told["price"], told["stock"]["quantity"]) == (first["sku"], "20.00", 7)
    assert shop.got("brand", f"/v1/listings/{named}") == told
    assert [x["external_id"] for x in shop.got("brand", "/v1/listings")["items"]] == [external_id]
    other = shop.ask("brand", "GET", f"/v1/listings/{quote('B/' + external_id, safe='')}")
    assert (other.status_code, "\ud800" < other.text < "\ue000") == (404, False)


def test_stock_and_price_change_at_once(shop: Shop) -> None:
    sku = put(shop, "A-1", TEA)["sku"]
    told = put(shop, "A-1/stock", {"quantity": 1})
    assert told["stock"] == {"state": "in_stock", "quantity": 1}
    assert put(shop, "A-1/price", {"price": "20.00"})["price"] == "20.00"
    seen = shop.said("leader", "/v1/skus/lookup", {"skus": [sku]}, 200)["items"][0]["skus"][0]
    assert (seen["price"], seen["stock"]["quantity"]) == ("22.00", 1)
    assert put(shop, "A-1/stock", {"quantity": 0})["stock"] == {"state": "out", "quantity": 0}
    assert put(shop, "A-1/stock", {"state": "in_stock"})["stock"]["quantity"] is None


def test_stock_is_also_put_in_the_unified_field(shop: Shop) -> None:
    told = put(shop, "A-1", TEA | {"sku": "A-1"})
    assert told["external_id"] == "A-1"
    assert put(shop, "A-1/stock", {"stock": 7})["stock"] == {"state": "in_stock", "quantity": 7}
    assert put(shop, "A-1/stock", {"stock": "0"})["stock"] == {"state": "out", "quantity": 0}
    plenty = put(shop, "A-1/stock", {"stock": "有货"})["stock"]
    assert plenty == {"state": "in_stock", "quantity": None}
    for body in ({"stock": -1}, {"stock": "一些"}, {"stock": 3, "quantity": 4}):
        assert put(shop, "A-1/stock", body, 422)["errors"][0]["field"] == "stock"
    assert put(shop, "A-1/stock", {}, 422)["errors"][0]["field"] == "quantity"
    assert put(shop, "A-1", TEA | {"sku": "B-1"}, 422)["errors"][0]["field"] == "sku"
    assert shop.got("brand", "/v1/listings/A-1")["stock"] == plenty


def test_changes_are_told_in_the_feed(shop: Shop) -> None:
    sku = put(shop, "A-1", TEA)["sku"]
    put(shop, "A-1/price", {"price": "20.00"})
    shop.index()
    told = [one for one in shop.got("leader", "/v1/changes")["items"] if one["sku"] == sku]
    assert [one["kind"] for one in told] == ["listed", "price"]
    assert told[1]["now"] == {"price": "22.00"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"price": "一块"}, "price"),
        ({"gtin": "1234567890123"}, None),
        ({"tiers": "many"}, "tiers"),
        ({"title": " "}, "title"),
        ({"price": "0"}, "price"),
        ({"stock": "abc"}, "stock"),
    ],
)
def test_a_field_that_cannot_be_read_is_told_or_left_out(
    shop: Shop, change: dict[str, str], field: str | None
) -> None:
    told = put(shop, "A-1", TEA | change, 200 if field is None else 422)
    if field is None:
        assert told["gtin"] is None
    else:
        assert [one["field"] for one in told["errors"]] == [field]
        assert "listing.jsonl" not in told["detail"]


@pytest.mark.parametrize("price", ["0", "0.0000", "10000001"])
def test_a_price_alone_is_held_to_what_a_price_list_may_state(shop: Shop, price: str) -> None:
    put(shop, "A-1", TEA)
    told = put(shop, "A-1/price", {"price": price}, 422)
    assert told["errors"][0]["field"] == "price"
    assert shop.got("brand", "/v1/listings/A-1")["price"] == "12.80"


def test_each_brand_has_its_own_listings(shop: Shop) -> None:
    put(shop, "A-1", TEA)
    rival = put(shop, "A-1", TEA | {"price": "9"}, who="rival")
    assert rival["price"] == "9.00"
    assert shop.got("brand", "/v1/listings/A-1")["price"] == "12.80"
    put(shop, "B-1", TEA)
    assert shop.ask("rival", "GET", "/v1/listings/B-1").status_code == 404
    for part in ("stock", "price"):
        body = {"quantity": 1} if part == "stock" else {"price": "1"}
        put(shop, f"B-1/{part}", body, 404, "rival")
    assert SOURCE not in str(shop.got("rival", "/v1/listings"))


EVERY = {
    "title": "茉莉花茶 250g",
    "price": "12.80",
    "brand": "云岭",
    "category": "茶叶",
    "gtin": "6901234567892",
    "mpn": "YL-250",
    "seller": "云岭茶业",
    "listing": "L-1",
    "dropship_price": "13.80",
    "msrp": "29.00",
    "min_retail": "19.00",
    "max_retail": "39.00",
    "stock": "30",
    "unit": "罐",
    "pack": "1",
    "moq": "2",
    "multiple": "2",
    "tiers": "10:12;100:11",
    "tax_rate": "13%",
    "tax_code": "1030101010000000000",
    "tax_included": "是",
    "invoice": "专票",
    "freight": "8",
    "ships_within": "48小时",
    "cutoff": "16:00",
    "presale_ship_by": "2099-01-05",
    "valid_from": "2026-01-01",
    "valid_until": "2099-01-01",
    "expires_on": "2099-06-01",
    "returnable": "是",
    "weight": "0.3",
    "images": "https://img.example/a.jpg",
    "description": "好茶",
    "attributes": "规格:250g",
    "materials": "https://img.example/b.jpg",
    "state": "在售",
    "ships_from": "福建福州",
    "not_delivered_to": "新疆,西藏",
}


def test_every_unified_field_may_be_stated(shop: Shop) -> None:
    assert EVERY.keys() | {"sku"} == set(SYNONYMS)
    told = put(shop, "A-1", EVERY)
    assert (told["price"], told["bulk_price"], told["state"]) == ("13.80", "12.80", "live")
    later = put(shop, "A-1", EVERY | {"dropship_price": "15", "valid_from": "2098-01-01"})
    assert later["price"] == "13.80"
