"""Shares over HTTP: the public page, signing up on it, and ordering for those who did."""

import re
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from kit.ids import outside
from tests.api.shop import COST, HOME, SELLER, SOURCE, Shop, ordering
from trade.models import Recipient

ADDRESS = "广东省深圳市南山区粤海街道科技园 1 号"


def shared(shop: Shop, who: str = "leader", **fields: Any) -> tuple[str, str]:
    """A share of goods that cost its leader 8.56: its SKU and code."""
    goods = shop.offer(stock=50, title="玫瑰花茶")
    body = {"skus": [goods.sku], "retail_price": "12.90", "commission_ppm": 100_000} | fields
    return goods.sku, shop.said(who, "/v1/shares", body)["code"]


def form(shop: Shop, code: str) -> tuple[httpx.Response, dict[str, str], str]:
    """A page as a browser gets it, the form's fields, and the browser's cookie."""
    page = shop.client.get(f"/s/{code}")
    token = re.search(r'name="token" value="([^"]+)"', page.text)
    sku = re.search(r'<option value="([^"]+)"', page.text)
    assert token
    assert sku
    fields = {"token": token[1], "sku": sku[1], "quantity": "2", "name": "李四"}
    cookie = page.cookies["huopan_page"]
    shop.client.cookies.clear()
    return page, fields | {"mobile": "13900139000", "address": ADDRESS}, cookie


def sign(shop: Shop, code: str, fields: dict[str, str], cookie: str | None) -> httpx.Response:
    headers = {} if cookie is None else {"Cookie": f"huopan_page={cookie}"}
    answer = shop.client.post(f"/s/{code}", data=fields, headers=headers)
    shop.client.cookies.clear()
    return answer


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.routes.share_page.SIGNS", 1_000)


def test_the_page_shows_price_stock_end_and_our_picture_and_loads_nothing_else(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.pictures.PATIENCE", 0)
    shop.join("<b>", "leader")
    _, code = shared(shop, "<b>", until="2099-01-02T03:04:00Z")
    page, _, _ = form(shop, code)
    assert page.status_code == 200
    for said in ("¥12.90", "有货", "2099-01-02 11:04", "&lt;b&gt;"):
        assert said in page.text
    for secret in (SOURCE, SELLER, COST, "8.56", "1.29", "http", "<script"):
        assert secret not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; img-src 'self'" in policy
    assert "<img" not in page.text
    assert "form-action 'self'" in policy
    assert "unsafe" not in policy
    assert shop.client.get("/s/nothing").status_code == 404
    assert shop.ask("<b>", "DELETE", f"/v1/shares/{code}").status_code == 204
    assert "本团已关闭" in shop.client.get(f"/s/{code}").text
    with shop.db.as_system() as session:
        session.execute(text("""UPDATE products SET images = '["https://img.jd.example/a.jpg"]'"""))
    shown = re.findall(r'<img src="([^"]+)"', shop.client.get(f"/s/{code}").text)
    assert len(shown) == 1
    assert shown[0].startswith("/media/")
    assert shop.client.get(shown[0]).json()["code"] == "media_pending"


def test_customers_sign_up_once_and_are_ordered_for_once(shop: Shop) -> None:
    _, code = shared(shop)
    mine = shop.said("other", f"/v1/shares/{code}/join", None, 200)
    assert (mine["you_pay"], mine["commission"], mine["under"]) == ("11.61", "1.29", code)
    page = mine["code"]
    for said in ("已接龙", "已经提交过"):
        if said == "已接龙":
            _, fields, cookie = form(shop, page)
        assert said in sign(shop, page, fields, cookie).text
    _, fields, cookie = form(shop, page)
    for changed, why in (
        ({"mobile": "12"}, "手机号"),
        ({"quantity": "0"}, "数量"),
        ({"quantity": "x"}, "数量"),
        ({"address": "火星"}, "省、市、区"),
        ({"sku": "sku_nothing"}, "请选择商品"),
        ({"name": "李" * 51}, "最多 50 字"),
        ({"name": "李" * 5000}, "最多 50 字"),
        ({"note": "x" * 101}, "备注最多 100 字"),
        ({"note": "\0"}, "备注最多 100 字"),
    ):
        answer = sign(shop, page, fields | changed, cookie)
        assert answer.status_code == 422
        assert why in answer.text
        assert "13900139000" in answer.text or "mobile" in changed
        assert "李四" in answer.text or "name" in changed
        assert ADDRESS in answer.text or "address" in changed
    assert sign(shop, page, fields | {"address": "", "name": "王五"}, cookie).status_code == 200
    assert shop.got("leader", "/v1/signups")["items"] == []
    first, second = shop.got("other", f"/v1/signups?share={page}")["items"]
    assert first["customer"]["mobile"] == "139****9000"
    with shop.db.as_system() as session:
        assert all("李四".encode() not in row.envelope for row in session.query(Recipient))
    asked = {"ids": [first["id"], second["id"]], "max_total": "30.00"}
    told = shop.said("other", "/v1/signups/order", asked, 200)["items"]
    assert [one["status"] for one in told] == [201, 409]
    assert told[0]["result"]["total"] == "23.22"
    assert told[1]["problem"]["code"] == "address_missing"
    told = shop.said("other", "/v1/signups/order", asked | {"ship_to": HOME}, 200)["items"]
    assert [one["status"] for one in told] == [200, 409]
    assert told[1]["problem"]["code"] == "price_changed"
    asked["max_total"] = "60.00"
    told = shop.said("other", "/v1/signups/order", asked | {"ship_to": HOME}, 200)["items"]
    assert [one["status"] for one in told] == [200, 201]
    assert shop.got("other", "/v1/signups?status=open")["items"] == []
    sales = shop.got("leader", f"/v1/shares/{code}")["sales"]
    assert (sales["helpers"], sales["orders"], sales["units"]) == (1, 2, 4)
    assert "sales" not in str(
        {k: v for k, v in shop.got("other", f"/v1/shares/{page}").items() if v}
    )
    path = shop.said("buyer", f"/v1/shares/{page}/join", None, 409)
    assert path["code"] == "third_earner"


def test_what_is_sold_out_is_not_signed_up_for(shop: Shop) -> None:
    _, code = shared(shop)
    _, fields, cookie = form(shop, code)
    with shop.db.as_system() as session:
        session.execute(text("UPDATE stocks SET state = 'out', quantity = 0"))
    answer = sign(shop, code, fields, cookie)
    assert answer.status_code == 409
    assert "该商品已售罄" in answer.text
    assert "本团商品已售罄" in shop.client.get(f"/s/{code}").text
    assert shop.got("leader", "/v1/signups")["items"] == []


def test_customers_are_answered_by_pages_whatever_they_ask_for(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for strange in ("ABC", "a b", "x" * 400, "%00", "%E4%B8%AD", "%ff"):
        answer = shop.client.get(f"/s/{strange}")
        assert answer.status_code == 404
        assert "没有这个页面" in answer.text
    _, later = shared(shop, **{"from": "2099-01-01T00:00:00Z"})
    assert "开团时间：2099-01-01 08:00" in shop.client.get(f"/s/{later}").text
    _, code = shared(shop)
    _, fields, cookie = form(shop, code)
    monkeypatch.setattr("api.routes.share_page.LOOKS", 0)
    monkeypatch.setattr("api.routes.share_page.SIGNS", 0)
    for answer, said in (
        (shop.client.get(f"/s/{code}"), "请稍后再试"),
        (sign(shop, code, fields, cookie), "提交过于频繁"),
    ):
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.headers["content-type"].startswith("text/html")
        assert said in answer.text
    assert 'value="李四"' in answer.text


def test_a_form_that_we_did_not_give_this_browser_and_a_price_outside_are_refused(
    shop: Shop,
) -> None:
    goods = shop.offer(min_retail="12.00")
    body = {"skus": [goods.sku], "retail_price": "11.99", "commission_ppm": 0}
    refused = shop.said("leader", "/v1/shares", body, 422)
    assert refused["errors"][0]["code"] == "outside_corridor"
    stranger = {"skus": [outside("sku", 987_654)], "retail_price": "12", "commission_ppm": 0}
    shop.said("leader", "/v1/shares", stranger, 404)
    _, code = shared(shop)
    _, fields, cookie = form(shop, code)
    _, other = shared(shop, "other")
    assert sign(shop, code, fields, None).status_code == 403
    assert sign(shop, code, fields, "another").status_code == 403
    assert sign(shop, code, fields | {"token": "a.9999999999.b"}, cookie).status_code == 403
    assert sign(shop, code, fields | {"token": ""}, cookie).status_code == 403
    assert sign(shop, other, fields, cookie).status_code == 403
    assert sign(shop, code, fields, cookie).status_code == 200


def test_a_share_at_whose_price_no_order_is_taken_gives_no_quote(shop: Shop) -> None:
    goods = shop.offer()
    body = {"skus": [goods.sku], "retail_price": "12", "commission_ppm": 0}
    code = shop.said("leader", "/v1/shares", body)["code"]
    mine = shop.said("other", f"/v1/shares/{code}/join", None, 200)["code"]
    quote = {"lines": [{"sku": goods.sku, "quantity": 1}], "ship_to": HOME, "share": mine}
    assert shop.said("other", "/v1/quotes", quote)["total"] == "12.00"
    policy = {"sku": goods.sku, "min_retail": "12.01"}
    assert shop.ask("brand", "PUT", "/v1/price-policies/p", json=policy).status_code == 200
    order = ordering(goods, share=mine)
    refused = [
        shop.said("other", path, body, 409)
        for path, body in (("/v1/quotes", quote), ("/v1/orders", order))
    ]
    assert [one["code"] for one in refused] == ["outside_corridor"] * 2
