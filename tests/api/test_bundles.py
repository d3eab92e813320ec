"""Bundles through the door: found, quoted, ordered, shipped and paid back by their parts."""

import io
from decimal import Decimal
from typing import Any

import openpyxl

from catalog.matching import joining
from kit.ids import inside
from tests.api.shop import HOME, SOURCE, Shop, ordering
from tests.trade.market import Goods
from tests.trade.order_sheets import csv_text, row, sent, worked
from trade import invariants

FLAT = {"kind": "flat", "fee": "5.00", "free_from": None}


def make(
    shop: Shop, *parts: tuple[Goods, int], who: str = "operator", title: str = "茶具礼盒"
) -> str:
    named = [{"sku": goods.sku, "units": units} for goods, units in parts]
    made = shop.said(who, "/v1/bundles", {"title": title, "parts": named})
    assert made["parts"] == sorted(named, key=lambda part: inside("sku", part["sku"]))
    return str(made["sku"])


def sku_of(shop: Shop, sku: str, who: str = "leader") -> Any:
    return shop.said(who, "/v1/skus/lookup", {"skus": [sku]}, 200)["items"][0]["skus"][0]


def bought(shop: Shop, sku: str, quantity: int = 1, status: int = 201) -> Any:
    named = Goods(sku, 0, 0, "")
    return shop.said("leader", "/v1/orders", ordering(named, quantity), status)


def test_a_bundle_is_found_and_shown_by_its_parts(shop: Shop) -> None:
    tea = shop.offer(stock=9)  # leaders pay 8.5555
    cup = shop.market.offer(source="rival", cost="1.00", stock=5, freight=FLAT)
    sku = make(shop, (tea, 2), (cup, 1))
    shop.index()
    (card,) = shop.got("leader", "/v1/products?q=茶具礼盒")["items"]
    assert (card["price_from"], card["stock"]) == ("18.211", {"state": "in_stock", "quantity": 4})
    shown = sku_of(shop, sku)
    assert (shown["price"], shown["stock"]) == ("18.211", {"state": "in_stock", "quantity": 4})
    assert shown["modes"] == ["dropship"]
    put = shop.ask("leader", "PUT", f"/v1/selections/{sku}", json={"markup_percent": "10"})
    assert (put.json()["price"], put.json()["retail_price"]) == ("18.211", "20.0321")
    asked = f"/v1/skus/{sku}/sellable?region=440305&quantity="
    assert shop.got("leader", f"{asked}4")["sellable"] is True
    short = shop.got("leader", f"{asked}5")
    assert [one["code"] for one in short["reasons"]] == ["stock_short"]
    for answer in (card, shown, short):
        assert SOURCE not in str(answer)
    found = "/v1/products?q=茶具礼盒&in_stock=true"
    assert len(shop.got("leader", found)["items"]) == 1
    path = f"/v1/listings/{tea.external_id}/stock"
    assert shop.ask("brand", "PUT", path, json={"quantity": 0}).status_code == 200
    shop.index()  # search follows the parts
    assert shop.got("leader", found)["items"] == []


def test_an_order_is_taken_apart_and_told_as_one_line(shop: Shop) -> None:
    tea = shop.offer(stock=20, freight=FLAT)
    cup = shop.offer(stock=20, freight=FLAT)
    sku = make(shop, (tea, 2), (cup, 1))
    lines = [{"sku": sku, "quantity": 3}]
    quote = shop.said("leader", "/v1/quotes", {"lines": lines, "ship_to": HOME})
    (line,) = quote["lines"]
    assert (line["unit_price"], line["amount"]) == ("25.6665", "77.00")  # 9 × 8.5555, rounded once
    assert {part["sku"]: part["quantity"] for part in line["parts"]} == {tea.sku: 6, cup.sku: 3}
    assert quote["total"] == "82.00"
    order = shop.said("leader", "/v1/orders", ordering(tea, lines=lines, quote=quote["id"]))
    (line,) = order["lines"]
    told = (line["line"], line["sku"], line["quantity"], line["unit_price"], line["amount"])
    assert told == (1, sku, 3, "25.6665", "77.00")
    assert sum(Decimal(part["amount"]) for part in line["parts"]) == Decimal("77.00")
    assert order["held"] == order["total"] == "82.00"
    shop.submitted()
    purchase = shop.purchase()
    assert sorted(one["quantity"] for one in purchase["lines"]) == [3, 6]
    number = next(one["line"] for one in purchase["lines"] if one["quantity"] == 6)
    first = {"carrier": "顺丰", "tracking_number": "SF0000000001"}
    path, own = f"/v1/purchases/{purchase['id']}/ship", f"/v1/orders/{order['id']}"
    shop.said("brand", path, first | {"lines": [{"line": number, "quantity": 5}]}, 200)
    line = shop.got("leader", own)["lines"][0]
    assert line["shipped"] == 0  # tea for two, and no cup
    shop.said("brand", path, first | {"tracking_number": "SF0000000002"}, 200)
    order = shop.got("leader", own)
    assert (order["status"], order["lines"][0]["shipped"], order["held"]) == ("shipped", 3, "0.00")
    claim = {"kind": "refund", "lines": [{"sku": cup.sku, "quantity": 1}], "reason": "破了"}
    asked = shop.said("leader", f"{own}/claims", claim)["items"][0]["id"]
    shop.said("brand", f"/v1/claims/{asked}/approve", {}, 200)
    order = shop.got("leader", own)
    (line,) = order["lines"]
    back = {part["sku"]: part["refunded"] for part in line["parts"]}
    assert (line["refunded"], back) == (back[cup.sku], {tea.sku: "0.00", cup.sku: back[cup.sku]})
    assert Decimal(back[cup.sku]) > 8
    with shop.db.as_system() as session:
        assert invariants.violations(session) == []


def test_a_bundle_is_bought_and_cancelled_whole(shop: Shop) -> None:
    tea, cup, pot = (shop.offer(stock=9) for _ in range(3))
    sku = make(shop, (tea, 2), (cup, 1))
    lines = [{"sku": sku, "quantity": 2}, {"sku": pot.sku, "quantity": 1}]
    order = shop.said("leader", "/v1/orders", ordering(tea, lines=lines))
    wrong = {"reason": "不要了", "lines": [cup.sku]}
    path = f"/v1/orders/{order['id']}/cancel"
    assert shop.said("leader", path, wrong, 422)["errors"][0]["code"] == "not_ordered"
    cancelled = shop.said("leader", path, {"reason": "不要了"}, 200)
    assert [line["cancelled"] for line in cancelled["lines"]] == [2, 1]
    assert sku_of(shop, sku)["stock"]["quantity"] == 4
    order = shop.said("leader", "/v1/orders", ordering(tea, lines=lines[:1]))
    shop.submitted()
    asked = shop.said("leader", f"/v1/orders/{order['id']}/cancel", {"reason": "不要了"}, 200)
    [line] = asked["lines"]
    assert (line["cancelling"], [one["cancelling"] for one in line["parts"]]) == (2, [4, 2])
    assert asked["cancelling"]["units"] == 2
    tea, cup = shop.offer(stock=9), shop.offer(stock=2, freight=FLAT)
    sku = make(shop, (tea, 1), (cup, 1))
    other = shop.offer(stock=9)
    lines = [{"sku": sku, "quantity": 3}, {"sku": other.sku, "quantity": 1}]
    quote = shop.said("leader", "/v1/quotes", {"lines": lines, "ship_to": HOME})
    assert [(one["sku"], one["code"]) for one in quote["unsellable"]] == [(sku, "out_of_stock")]
    assert [one["sku"] for one in quote["lines"]] == [other.sku]
    assert quote["freight"] == "0.00"
    assert [part["lines"] for part in quote["parcels"]] == [[{"sku": other.sku, "quantity": 1}]]
    refused = bought(shop, sku, 3, 409)
    assert (refused["code"], refused["errors"][0]["code"]) == ("not_orderable", "out_of_stock")


def test_a_bundle_and_its_parts_share_one_stock_in_one_order(shop: Shop) -> None:
    tea, cup = shop.offer(stock=5), shop.offer(stock=9)
    sku = make(shop, (tea, 2), (cup, 1))
    other = make(shop, (tea, 1), (cup, 4), title="茶杯套装")
    asked = [(sku, 1), (tea.sku, 2), (other, 2)]
    lines = [{"sku": name, "quantity": units} for name, units in asked]
    quote = shop.said("leader", "/v1/quotes", {"lines": lines, "ship_to": HOME})
    assert [(one["sku"], one["code"]) for one in quote["unsellable"]] == [(other, "out_of_stock")]
    lines[2]["quantity"] = 1  # five teas in all, and five cups
    order = shop.said("leader", "/v1/orders", ordering(tea, lines=lines))
    assert [(one["sku"], one["quantity"]) for one in order["lines"]] == [*asked[:2], (other, 1)]
    assert [one["amount"] for one in order["lines"]] == ["25.67", "17.11", "42.78"]
    assert sku_of(shop, tea.sku)["stock"]["quantity"] == 0
    assert sku_of(shop, cup.sku)["stock"]["quantity"] == 4
    shop.submitted()
    purchase = shop.purchase()
    assert sum(one["quantity"] for one in purchase["lines"]) == 10
    parcel = {"carrier": "顺丰", "tracking_number": "SF0000000001"}
    shop.said("brand", f"/v1/purchases/{purchase['id']}/ship", parcel, 200)
    claim = {"kind": "refund", "lines": [{"sku": tea.sku, "quantity": 5}], "reason": "坏了"}
    asked_for = shop.said("leader", f"/v1/orders/{order['id']}/claims", claim)["items"][0]
    shop.said("brand", f"/v1/claims/{asked_for['id']}/approve", None, 200)
    told = shop.got("leader", f"/v1/orders/{order['id']}")["lines"]
    back = [Decimal(one["refunded"]) for one in told]
    assert abs(sum(back) - Decimal("42.78")) <= Decimal("0.02")  # five teas, wherever they stand
    with shop.db.as_system() as session:
        assert invariants.violations(session) == []


def test_a_live_offer_of_its_own_sells_a_bundle(shop: Shop) -> None:
    tea, whole = shop.offer(stock=9), shop.offer(stock=3)
    body = {"parts": [{"sku": tea.sku, "units": 3}]}
    assert shop.ask("brand", "PUT", f"/v1/bundles/{whole.sku}", json=body).status_code == 200
    assert sku_of(shop, whole.sku)["price"] == "8.5555"
    assert len(bought(shop, whole.sku)["lines"][0].get("parts") or []) == 0
    state = {"title": "礼盒", "price": "7.7777", "state": "off"}
    put = shop.ask("brand", "PUT", f"/v1/listings/{whole.external_id}", json=state)
    assert put.status_code == 200, put.text
    assert sku_of(shop, whole.sku)["price"] == "25.6665"
    assert shop.ask("brand", "DELETE", f"/v1/bundles/{whole.sku}").status_code == 204
    assert sku_of(shop, whole.sku)["price"] is None


def test_a_shared_bundle_earns_over_its_parts(shop: Shop) -> None:
    tea, cup = shop.offer(stock=9), shop.offer(stock=9)
    sku = make(shop, (tea, 2), (cup, 1))  # the sharer pays 25.6665
    short = {"skus": [sku], "retail_price": "25.00", "commission_ppm": 0}
    refused = shop.said("leader", "/v1/shares", short, 422)
    assert refused["errors"][0]["code"] == "negative_rest"
    terms = {"skus": [sku], "retail_price": "30.00", "commission_ppm": 100_000}
    code = shop.said("leader", "/v1/shares", terms)["code"]
    assert "有货" in shop.client.get(f"/s/{code}").text
    shop.said("other", f"/v1/shares/{code}/join", None, 200)
    own = shop.got("other", "/v1/shares")["items"][0]["code"]
    order = shop.said("other", "/v1/orders", ordering(Goods(sku, 0, 0, ""), 2, share=own))
    (line,) = order["lines"]
    assert (line["unit_price"], line["amount"]) == ("27.00", "54.00")
    assert sum(Decimal(part["amount"]) for part in line["parts"]) == Decimal("54.00")
    shop.submitted()
    parcel = {"carrier": "顺丰", "tracking_number": "SF0000000007"}
    shop.said("brand", f"/v1/purchases/{shop.purchase()['id']}/ship", parcel, 200)
    sales = shop.got("leader", f"/v1/shares/{code}")["sales"]
    assert sales["frozen"] == "2.67"  # 54.00 less 51.33
    claim = {"kind": "refund", "lines": [{"sku": sku, "quantity": 2}], "reason": "坏了"}
    asked = shop.said("other", f"/v1/orders/{order['id']}/claims", claim)["items"][0]
    assert sum(Decimal(one["amount"]) for one in asked["lines"]) == Decimal("54.00")
    shop.said("brand", f"/v1/claims/{asked['id']}/approve", None, 200)
    assert shop.got("leader", f"/v1/shares/{code}")["sales"]["frozen"] == "0.00"
    with shop.db.as_system() as session:
        assert invariants.violations(session) == []


def test_a_claim_on_a_bundle_is_split_over_its_parts_to_the_fen(shop: Shop) -> None:
    tea, cup = shop.offer(stock=9), shop.offer(stock=9)
    sku = make(shop, (tea, 2), (cup, 1))
    order = bought(shop, sku, 2)
    shop.submitted()
    parcel = {"carrier": "顺丰", "tracking_number": "SF0000000008"}
    shop.said("brand", f"/v1/purchases/{shop.purchase()['id']}/ship", parcel, 200)
    path = f"/v1/orders/{order['id']}/claims"

    def asked(status: int, *lines: dict[str, Any]) -> Any:
        body = {"kind": "refund", "lines": list(lines), "reason": "坏了"}
        return shop.said("leader", path, body, status)

    one = {"sku": sku, "quantity": 1}
    assert asked(422, one, {"sku": tea.sku, "quantity": 1})["errors"][0]["code"] == "duplicate"
    assert asked(409, one | {"quantity": 3})["code"] == "not_shipped"
    assert asked(409, one | {"amount": "25.69"})["code"] == "amount_too_high"
    found = asked(201, one | {"amount": "10.01"})["items"][0]
    shares = {line["sku"]: (line["quantity"], line["amount"]) for line in found["lines"]}
    assert shares == {tea.sku: (2, "6.67"), cup.sku: (1, "3.34")}


def test_a_sheet_orders_bundles_and_gets_their_waybills(shop: Shop) -> None:
    tea, cup = shop.offer(stock=9), shop.offer(stock=9)
    sku = make(shop, (tea, 2), (cup, 1))
    rule = {"markup_percent": "10", "code": "SET"}
    shop.ask("leader", "PUT", f"/v1/selections/{sku}", json=rule)
    party = shop.parties["leader"]
    name = sent(shop.market, party, csv_text(row("A1", "SET", 3)))
    path = f"/v1/orders/imports/{name}"
    assert shop.got("leader", path)["total"] == "77.00"
    shop.said("leader", f"{path}/confirm", {"max_total": "77.00"}, 202)
    worked(shop.market, name)
    assert shop.got("leader", path)["placed"] == 1
    shop.submitted()
    parcel = {"carrier": "顺丰", "tracking_number": "SF0000000009"}
    shop.said("brand", f"/v1/purchases/{shop.purchase()['id']}/ship", parcel, 200)
    made = shop.ask("leader", "GET", f"{path}/result.xlsx").content
    sheet = openpyxl.load_workbook(io.BytesIO(made)).active
    assert sheet is not None
    lines = [[cell.value for cell in line] for line in sheet]
    assert lines[1][6:9] == ["shipped", "顺丰", "SF0000000009"]


def test_brands_bundle_their_own_goods_and_see_their_own_bundles(shop: Shop) -> None:
    tea, cup = shop.offer(), shop.market.offer(source="rival", cost="1.00")
    ours = make(shop, (tea, 2), who="brand", title="两盒装")
    theirs = make(shop, (tea, 1), (cup, 1))
    assert [one["sku"] for one in shop.got("brand", "/v1/bundles")["items"]] == [ours]
    assert {one["sku"] for one in shop.got("operator", "/v1/bundles")["items"]} == {ours, theirs}
    for sku in (ours, theirs):
        body = {"parts": [{"sku": cup.sku}]}
        assert shop.ask("rival", "GET", f"/v1/bundles/{sku}").status_code == 404
        assert shop.ask("rival", "PUT", f"/v1/bundles/{sku}", json=body).status_code == 404
        assert shop.ask("rival", "DELETE", f"/v1/bundles/{sku}").status_code == 404
    assert shop.ask("rival", "PUT", f"/v1/bundles/{tea.sku}", json=body).status_code == 403
    parts = {
        "not_offered": [{"sku": cup.sku}],
        "duplicate": [{"sku": tea.sku}, {"sku": tea.sku}],
        "unknown_sku": [{"sku": "sku_nothing"}],
        "nested": [{"sku": ours}],
    }
    for code, wrong in parts.items():
        refused = shop.said("brand", "/v1/bundles", {"title": "x", "parts": wrong}, 422)
        assert refused["errors"][0]["code"] == code
    itself = {"parts": [{"sku": ours}]}
    refused = shop.ask("brand", "PUT", f"/v1/bundles/{ours}", json=itself).json()
    assert refused["errors"][0]["code"] == "itself"


def test_parts_that_became_one_sku_share_its_stock(shop: Shop) -> None:
    tea, same = shop.offer(stock=5), shop.offer(stock="out")
    sku = make(shop, (tea, 1), (same, 2))
    with shop.db.as_system() as session:
        joining.merge(session, same.sku_id, tea.sku_id, "operator")
    shop.index()
    assert sku_of(shop, sku)["stock"]["quantity"] == 1  # three of five teas, not one of each
    (card,) = shop.got("leader", "/v1/products?q=茶具礼盒&in_stock=true")["items"]
    assert card["stock"]["quantity"] == 1
    assert shop.got("operator", f"/v1/bundles/{sku}")["parts"] == [{"sku": tea.sku, "units": 3}]
    lines = [{"sku": sku, "quantity": 1}, {"sku": tea.sku, "quantity": 3}]
    quote = shop.said("leader", "/v1/quotes", {"lines": lines, "ship_to": HOME})
    assert [(one["sku"], one["code"]) for one in quote["unsellable"]] == [(tea.sku, "out_of_stock")]
    lines[1]["quantity"] = 2
    shop.said("leader", "/v1/orders", ordering(tea, lines=lines))
    shop.index()
    path = f"/v1/listings/{tea.external_id}/stock"
    assert shop.ask("brand", "PUT", path, json={"quantity": 11}).status_code == 200
    shop.index()  # search follows the goods that the parts lead to
    (card,) = shop.got("leader", "/v1/products?q=茶具礼盒&in_stock=true")["items"]
    assert card["stock"]["quantity"] == 2
    with shop.db.as_system() as session:
        joining.split(session, tea.sku_id, [same.offer_id], "operator")
    assert sku_of(shop, sku)["stock"] == {"state": "out", "quantity": 0}
    named = [{"sku": tea.sku, "units": 1}, {"sku": same.sku, "units": 2}]
    with shop.db.as_system() as session:
        joining.merge(session, same.sku_id, tea.sku_id, "operator")
    put = shop.ask("operator", "PUT", f"/v1/bundles/{sku}", json={"parts": named})
    assert put.json()["parts"] == [{"sku": tea.sku, "units": 3}]
