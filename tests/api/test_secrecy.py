"""No field of an answer to a leader names source, seller or cost; operators and buyers see them."""

import json
import re
from typing import Any, NamedTuple

import pytest

from kit import clock
from kit.ids import outside
from tests.api.shop import COST, HOME, SELLER, SOURCE, Shop, ordering
from tests.sync.test_importer import load, row
from tests.trade.market import Goods

FORBIDDEN = (SOURCE, SELLER, COST)
NAMES = frozenset(
    {"source", "seller", "cost", "unit_cost", "offers", "offer", "external_id", "supplier"}
)


def names(value: Any) -> set[str]:
    """Every name of a field, at any depth."""
    if isinstance(value, dict):
        return set(value) | {name for item in value.values() for name in names(item)}
    if isinstance(value, list):
        return {name for item in value for name in names(item)}
    return set()


class Lived(NamedTuple):
    """What an order's life has left behind, by the names that a leader asks for it with."""

    goods: Goods
    product: str
    own: str
    refused: str
    purchase: str
    claims: tuple[str, ...]
    claimed: dict[str, Any]
    statement: str
    share: str


def _lived(shop: Shop) -> Lived:
    goods = shop.offer(stock=20, title="玫瑰花茶")
    shop.market.offer(sku_id=goods.sku_id, source="other-secret", cost="9", seller=SELLER)
    shop.index()
    product = shop.got("leader", "/v1/products?q=茉莉花茶")["items"][0]["id"]
    shop.ask("leader", "PUT", f"/v1/selections/{goods.sku}", json={"markup_percent": "20"})
    order = shop.shipped(goods, 2)
    refused = shop.order(goods, 3)
    shop.submitted()
    last = shop.purchase()["id"]
    why = {"code": "out_of_stock", "message": f"{SELLER}没货了，{SOURCE}"}
    shop.said("brand", f"/v1/purchases/{last}/refuse", why, 200)
    own = f"/v1/orders/{order['id']}"
    claimed = {"kind": "refund", "lines": [{"sku": goods.sku, "quantity": 1}], "reason": "坏了"}
    claim = shop.said("leader", f"{own}/claims", claimed)["items"][0]["id"]
    answer = {"reason": f"{SELLER}不同意（{SOURCE}）", "evidence": [f"{SELLER}发货照片"]}
    shop.said("brand", f"/v1/claims/{claim}/refuse", answer, 200)
    claimed = claimed | {"kind": "return"}
    back = shop.said("leader", f"{own}/claims", claimed)["items"][0]["id"]
    to = {"return_to": f"{SELLER}（{SOURCE}）退货组 13800138001"}
    shop.said("brand", f"/v1/claims/{back}/approve", to, 200)
    sent = {"carrier": "中通", "tracking_number": "ZT0000000001"}
    shop.said("leader", f"/v1/claims/{back}/return", sent, 200)
    shop.said("operator", f"/v1/claims/{back}/advance", {"amount": "0.01"}, 200)
    shop.said("brand", f"/v1/claims/{back}/received", None, 200)
    again = shop.said("leader", f"{own}/claims", claimed | {"kind": "reissue"})["items"][0]["id"]
    new = {"carrier": "顺丰", "tracking_number": "SF7777777777"}
    shop.said("brand", f"/v1/claims/{again}/reissue", new, 200)
    own_party = outside("pty", shop.parties["leader"])
    statement = shop.said("operator", f"/v1/parties/{own_party}/statements")["id"]
    share = shop.said("leader", "/v1/shares", _shared(goods))["code"]
    claims = (claim, back, again)
    return Lived(goods, product, own, refused["id"], last, claims, claimed, statement, share)


def _shared(goods: Goods) -> dict[str, Any]:
    return {"skus": [goods.sku], "retail_price": "20", "commission_ppm": 0}


def _gets(life: Lived) -> list[str]:
    goods, own = life.goods, life.own
    return [
        f"/v1/statements/{life.statement}",
        f"/v1/statements/{life.statement}/lines",
        f"/v1/statements/{life.statement}/lines/1",
        f"/v1/shares/{life.share}",
        "/v1/signups",
        "/v1/payouts",
        "/v1/commissions",
        "/v1/products",
        f"/v1/products?source={SOURCE}",
        f"/v1/products/{life.product}",
        f"/v1/skus/{goods.sku}/price-history",
        f"/v1/skus/{goods.sku}/at?moment=2026-03-02T02:00:00Z",
        f"/v1/skus/{goods.sku}/at?moment={clock.now():%Y-%m-%dT%H:%M:%SZ}",
        f"/v1/skus/{goods.sku}/sellable?region=440305&quantity=1000",
        "/v1/categories",
        "/v1/brands",
        "/v1/changes",
        "/v1/changes?scope=selection",
        "/v1/changes/snapshot",
        "/v1/selections",
        f"/v1/selections/{goods.sku}",
        "/v1/orders",
        own,
        f"/v1/orders/{life.refused}",
        "/v1/claims",
        f"{own}/claims/options",
        *(f"/v1/claims/{claim}" for claim in life.claims),
        "/v1/wallet",
        "/v1/wallet/entries",
        f"{own}/decision",
        f"/v1/purchases/{life.purchase}",
        "/v1/purchases",
    ]


def _posts(life: Lived) -> dict[str, Any]:
    goods, own = life.goods, life.own
    return {
        "/v1/skus/lookup": {"skus": [goods.sku]},
        "/v1/quotes": {"lines": [{"sku": goods.sku, "quantity": 1}], "ship_to": HOME},
        "/v1/shares": _shared(goods) | {"retail_price": "1"},
        f"/v1/selections/{goods.sku}/link": {},
        "/v1/orders": ordering(goods, 1000),
        f"{own}/claims": life.claimed,
        f"{own}/cancel": {"reason": "不要了"},
    }


def leader_answers(shop: Shop) -> dict[str, Any]:
    """What a leader is answered all through an order's life, refusals included."""
    life = _lived(shop)
    answers = {path: shop.ask("leader", "GET", path).json() for path in _gets(life)}
    for path, body in _posts(life).items():
        answers[f"POST {path}"] = shop.ask("leader", "POST", path, json=body).json()
    return answers


def test_no_answer_to_a_leader_names_source_seller_or_cost(shop: Shop) -> None:
    for path, answer in leader_answers(shop).items():
        text = str(answer)
        said = {word for word in FORBIDDEN if word in text}
        assert not said, f"{path} says {said}"
        assert not names(answer) & NAMES, f"{path} has {names(answer) & NAMES}"


def test_titles_of_a_reading_name_no_shop_to_a_leader_in_pages_searches_kits_and_sheets(
    shop: Shop,
) -> None:
    told = row(
        "T1",
        title=f"【京东自营】{SELLER} 滇红工夫{SELLER}官方旗舰店",
        seller=SELLER,
        gtin="06901234567892",
        brand=f"{SELLER}专营店",
        category=f"山茶园 > {SELLER}专营店",
        description=f"<p>{SELLER}直供，一芽一叶</p><p>京东同款</p>",
        attributes=json.dumps({"规格": f"250g（{SELLER}）", "店铺": SELLER, "产地": "云南"}),
    )
    load(shop.db, told, source=SOURCE)
    shop.index()
    [product] = shop.got("leader", "/v1/products?q=滇红工夫")["items"]
    assert product["title"] == "滇红工夫"
    for named in (SELLER, "京东自营"):
        assert shop.got("leader", f"/v1/products?q={named}")["items"] == []
    one = shop.got("leader", f"/v1/products/{product['id']}")
    assert one["description"] == "<p>一芽一叶</p>"
    assert one["skus"][0]["gtin"] == "6901234567892"
    assert one["skus"][0]["attributes"] == {"规格": "250g", "产地": "云南"}
    sku = one["skus"][0]["id"]
    shop.ask("leader", "PUT", f"/v1/selections/{sku}", json={"retail_price": "20"})
    share = {"skus": [sku], "retail_price": "20", "commission_ppm": 0}
    code = shop.said("leader", "/v1/shares", share)["code"]
    answers = [product, one, shop.ask(None, "GET", f"/s/{code}").text]
    paths = ("/v1/selections", f"/v1/selections/{sku}", f"/v1/selections/{sku}/kit")
    answers += [shop.got("leader", path) for path in paths]
    answers += [
        shop.got("leader", "/v1/changes"),
        shop.got("leader", f"/v1/suggestions?q={SELLER}"),
        shop.said("leader", "/v1/skus/lookup", {"skus": [sku]}, 200),
    ]
    for answer in answers:
        assert not [word for word in (SELLER, "京东", "旗舰店") if word in str(answer)]
    whole = shop.got("operator", f"/v1/products/{product['id']}")
    assert whole["skus"][0]["offers"][0]["seller"] == SELLER
    assert SELLER in whole["description"]
    assert whole["skus"][0]["attributes"]["店铺"] == SELLER


def test_no_answer_to_a_supplier_says_what_a_leader_pays(shop: Shop) -> None:
    goods = shop.offer()  # 7.7777 to us, 8.5555 to the leader: 15.56 and 17.11 for two
    order = shop.shipped(goods, 2)
    asked = {"kind": "refund", "lines": [{"sku": goods.sku, "quantity": 2}], "reason": "坏了"}
    claim = shop.said("leader", f"/v1/orders/{order['id']}/claims", asked)["items"][0]["id"]
    own = f"/v1/claims/{claim}"
    seen = [shop.got("brand", "/v1/claims"), shop.got("brand", own)]
    seen.append(shop.said("brand", f"{own}/approve", {"amount": "17.11"}, 422))
    assert "15.56" in seen[-1]["detail"]
    assert seen[1]["lines"][0]["amount"] == "15.56"
    agreed = shop.said("brand", f"{own}/approve", {"amount": "7.78"}, 200)
    assert agreed["lines"][0]["credited"] == "7.78"
    assert shop.got("leader", own)["lines"][0]["refunded"] == "8.56"
    brand = outside("pty", shop.parties["brand"])
    statement = shop.said("operator", f"/v1/parties/{brand}/statements")["id"]
    more = ["events", "purchases", "wallet", "wallet/entries", f"statements/{statement}"]
    more += [f"statements/{statement}/lines", f"statements/{statement}/lines/1"]
    seen += [agreed, *(shop.got("brand", f"/v1/{path}") for path in more)]
    for answer in seen:
        assert not re.search(
            r"(?<!\d)(8\.55|8\.56|17\.11)", str(answer)
        )  # 38.55 is a part of a time
    both = shop.got("operator", own)
    assert (both["approved"], both["leader"]["refunded"]) == ("7.78", "8.56")


@pytest.mark.parametrize("role", ["operator", "buyer"])
def test_operators_and_buyers_see_source_and_cost(shop: Shop, role: str) -> None:
    shop.offer()
    shop.index()
    product = shop.got(role, "/v1/products")["items"][0]["id"]
    offer = shop.got(role, f"/v1/products/{product}")["skus"][0]["offers"][0]
    assert (offer["source"], offer["seller"]) == (SOURCE, SELLER)
    assert offer["terms"][0]["cost"] == COST
    assert shop.got(role, f"/v1/products?source={SOURCE}")["items"]
    assert shop.got(role, "/v1/products?source=none")["items"] == []


def test_brands_see_no_other_source(shop: Shop) -> None:
    shop.offer()
    shop.index()
    product = shop.got("rival", "/v1/products")["items"][0]["id"]
    text = str(shop.got("rival", f"/v1/products/{product}"))
    assert not [word for word in FORBIDDEN if word in text]


def test_money_is_decimal_text_everywhere(shop: Shop) -> None:
    goods = shop.offer()
    order = shop.shipped(goods, 3)
    answers = [
        order,
        shop.got("leader", "/v1/wallet"),
        shop.got("leader", "/v1/wallet/entries"),
        shop.got("brand", "/v1/purchases"),
        shop.said("leader", "/v1/skus/lookup", {"skus": [goods.sku]}, 200),
    ]
    money = {"total", "held", "freight", "amount", "unit_price", "balance", "cost", "price"}

    def check(value: Any, name: str = "") -> None:
        assert not isinstance(value, float), name
        if name in money and not isinstance(value, dict | None):
            assert isinstance(value, str), name
        for key, item in value.items() if isinstance(value, dict) else ():
            check(item, key)
        for item in value if isinstance(value, list) else ():
            check(item)

    for answer in answers:
        check(answer)
