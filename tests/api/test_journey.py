"""The journey of issue 2 through HTTP: find, pick, quote, order, ship, claim, and the money."""

from tests.api.shop import HOME, SOURCE, Shop, ordering


def test_goods_are_found_picked_quoted_ordered_shipped_and_paid_back(shop: Shop) -> None:
    goods = shop.offer(stock=10)
    before = shop.got("leader", "/v1/wallet")
    assert (before["balance"], before["held"]) == ("10000.00", "0.00")
    picked = shop.ask(
        "leader", "PUT", f"/v1/selections/{goods.sku}", json={"retail_price": "12", "code": "茶-1"}
    ).json()
    assert (picked["price"], picked["retail_price"]) == ("8.5555", "12.00")
    quote = shop.said(
        "leader", "/v1/quotes", {"lines": [{"code": "茶-1", "quantity": 3}], "ship_to": HOME}
    )
    assert quote["total"] == "25.67"
    order = shop.order(goods, 3, quote=quote["id"], max_total=None)
    assert (order["status"], order["total"], order["held"]) == ("pending", "25.67", "25.67")
    shop.submitted()
    purchase = shop.purchase()
    assert purchase["ship_to"]["address"] == HOME["address"]
    seen = shop.got("brand", f"/v1/purchases/{purchase['id']}")
    assert seen["ship_to"]["mobile"] == "13800138000"
    shop.said("brand", f"/v1/purchases/{purchase['id']}/accept", None, 200)
    parcel = {"carrier": "顺丰速运", "tracking_number": "SF1234567890"}
    gone = shop.said("brand", f"/v1/purchases/{purchase['id']}/ship", parcel, 200)
    assert gone["status"] == "shipped"
    order = shop.got("leader", f"/v1/orders/{order['id']}")
    assert (order["status"], order["held"]) == ("shipped", "0.00")
    assert order["parcels"][0]["tracking_number"] == "SF1234567890"
    asked = {"kind": "refund", "lines": [{"sku": goods.sku, "quantity": 1}], "reason": "少了一包"}
    claim = shop.said("leader", f"/v1/orders/{order['id']}/claims", asked)["items"][0]
    assert shop.got("brand", "/v1/claims")["items"][0]["id"] == claim["id"]
    shop.said("brand", f"/v1/claims/{claim['id']}/approve", None, 200)
    after = shop.got("leader", "/v1/wallet")
    paid_back = shop.got("leader", f"/v1/claims/{claim['id']}")["lines"][0]["refunded"]
    assert paid_back == "8.56"
    assert (after["balance"], after["held"]) == ("9982.89", "0.00")
    kinds = [entry["kind"] for entry in shop.got("leader", "/v1/wallet/entries")["items"]]
    assert kinds == ["deposit", "hold", "refund"]


def test_a_product_is_found_by_chinese_words_and_read_whole(shop: Shop) -> None:
    goods = shop.offer()
    shop.index()
    found = shop.got("leader", "/v1/products?q=茉莉花茶")["items"]
    assert [set(one) for one in found] == [
        {"id", "title", "brand", "category", "images", "price_from", "msrp", "margin_percent"}
        | {"stock", "modes", "as_of"}
    ]
    product = shop.got("leader", f"/v1/products/{found[0]['id']}")
    assert product["skus"][0]["id"] == goods.sku
    assert product["skus"][0]["price"] == "8.5555"
    assert "offers" not in product["skus"][0]
    seen = shop.got("operator", f"/v1/products/{found[0]['id']}")["skus"][0]["offers"][0]
    assert seen["source"] == SOURCE


def test_an_address_may_be_pasted_whole(shop: Shop) -> None:
    goods = shop.offer()
    text = "收货人：李四 电话：13800138000-1234 地址：广东省东莞市长安镇上角村1号"
    order = shop.order(goods, ship_to={"text": text})
    seen = shop.said("leader", f"/v1/orders/{order['id']}/reveal", {"purpose": "客服"}, 200)
    assert seen.pop("region").startswith("441900")
    assert seen == {
        "name": "李四",
        "mobile": "13800138000-1234",
        "address": "长安镇上角村1号",
    }


def test_an_order_may_be_cancelled_and_its_money_comes_back(shop: Shop) -> None:
    order = shop.order(shop.offer(stock=5), 5)
    path = f"/v1/orders/{order['id']}/cancel"
    sku = order["lines"][0]["sku"]
    some = {"reason": "少要", "lines": [{"sku": sku, "quantity": 2}]}
    for _ in range(2):
        assert shop.said("leader", path, some, 200)["lines"][0]["cancelled"] == 2
    for lines in ([{"sku": sku, "quantity": 0}], [{"sku": "sku"}], [*some["lines"], sku]):
        wrong = shop.said("leader", path, some | {"lines": lines}, 422)
        assert wrong["errors"][0]["field"].startswith("lines.")
    gone = shop.said("leader", path, {"reason": "不要了", "lines": [sku]}, 200)
    assert (gone["status"], gone["held"]) == ("cancelled", "0.00")
    assert shop.got("leader", "/v1/wallet")["balance"] == "10000.00"


def test_the_address_changes_at_once_until_a_sender_has_the_order(shop: Shop) -> None:
    order = shop.order(shop.offer())
    path = f"/v1/orders/{order['id']}"
    there = {"ship_to": HOME | {"address": "后海大道 2 号"}}
    shop.said("leader", f"{path}/address", there, 200)
    seen = shop.said("leader", f"{path}/reveal", {"purpose": "客服"}, 200)
    assert seen["address"] == "后海大道 2 号"
    far = {"ship_to": HOME | {"region": "110101"}}
    assert shop.said("leader", f"{path}/address", far, 409)["code"] == "region_changed"
    shop.submitted()
    assert shop.got("brand", f"/v1/purchases/{shop.purchase()['id']}")["ship_to"] == HOME | {
        "address": "后海大道 2 号"
    }
    assert shop.said("leader", f"{path}/address", there, 200)["address_change"] is None


def test_a_batch_places_what_can_be_placed(shop: Shop) -> None:
    goods = shop.offer(stock=2)
    bodies = [
        ordering(goods, 2, reference="A"),
        ordering(goods, 1, reference="B"),
        ordering(goods, 2, reference="A"),
        ordering(goods, 1, reference="C", ship_to=HOME | {"mobile": "12"}),
        ordering(goods, 0, reference="D"),
        "E",
    ]
    told = shop.said("leader", "/v1/orders/batch", {"items": bodies}, 200)["items"]
    assert [one["status"] for one in told] == [201, 409, 200, 422, 422, 422]
    assert told[4]["problem"]["errors"][0]["field"] == "lines.0.quantity"
    assert told[1]["problem"]["errors"][0]["field"] == "lines.0"
    assert told[3]["problem"]["errors"][0]["field"] == "ship_to.mobile"


def test_a_malformed_pick_or_shipment_keeps_no_other_of_its_batch_out(shop: Shop) -> None:
    sku = shop.offer().sku
    picks = [{"sku": sku, "retail_price": "13.00"}, {"sku": sku, "retail_price": "13元"}, {}]
    told = shop.said("leader", "/v1/selections/batch", {"items": picks}, 200)["items"]
    assert [one["status"] for one in told] == [200, 422, 422]
    assert told[1]["problem"]["errors"][0]["field"] == "retail_price"
    parcels = [
        {"purchase": "pur_x"},
        {"purchase": "pur_x", "carrier": "中通", "tracking_number": "ZT1234567890"},
    ]
    told = shop.said("brand", "/v1/purchases/ship-batch", {"items": parcels}, 200)["items"]
    assert [one["status"] for one in told] == [422, 404]


def test_a_sheet_goes_out_and_comes_back_with_waybills(shop: Shop) -> None:
    order = shop.order(shop.offer())
    shop.submitted()
    sheet = shop.ask("brand", "GET", "/v1/purchases/export.xlsx")
    assert sheet.content[:2] == b"PK"
    assert shop.purchase()["status"] == "accepted"
    filled = f"采购单号,快递公司,快递单号\n{shop.purchase()['id']},中通,ZT1234567890\n".encode()
    for content in ({"content": filled}, {"files": {"file": ("回单.csv", filled)}}):
        told = shop.ask("brand", "POST", "/v1/purchases/ship-import", **content).json()
        assert told["failed"] == []
    assert told["unchanged"] == 1
    assert shop.got("leader", f"/v1/orders/{order['id']}")["status"] == "shipped"
