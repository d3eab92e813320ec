"""What a new user meets over HTTP at every wrong step: a problem that says what to do."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from kit import clock
from kit.ids import outside
from tests.api.shop import HOME, Shop, ordering
from trade import parties


def _problem(answer: httpx.Response, status: int, code: str) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["code"] == code, problem
    assert problem["request_id"]
    return problem


def _ordered(shop: Shop, who: str = "leader", **fields: Any) -> httpx.Response:
    return shop.ask(who, "POST", "/v1/orders", json=ordering(shop.offer(), 1, **fields))


@pytest.mark.parametrize(
    ("header", "code"),
    [({}, "no_token"), ({"Authorization": "Bearer hp_guessed"}, "unknown_token")],
)
def test_no_token_or_a_wrong_one_says_so(shop: Shop, header: dict[str, str], code: str) -> None:
    answer = shop.client.get("/v1/products", headers=header)
    assert "token" in _problem(answer, 401, code)["detail"]


def test_a_wrong_password_is_told_like_an_unknown_name(shop: Shop) -> None:
    with shop.db.as_system() as session:
        parties.create(session, "leader", "小鹿", password="correct horse")
    for name in ("小鹿", "nobody"):
        answer = shop.client.post("/v1/login", json={"name": name, "password": "guessed it"})
        assert "try again" in _problem(answer, 401, "wrong_password")["detail"]


def test_an_empty_wallet_says_how_much_is_missing_and_where_to_deposit(shop: Shop) -> None:
    shop.join("poor", "leader")
    problem = _problem(_ordered(shop, "poor"), 409, "balance_short")
    assert "0.00 is left and 8.56 is needed" in problem["detail"]
    assert "/v1/deposit-requests" in problem["detail"]


def test_an_unknown_sku_is_named_with_its_line(shop: Shop) -> None:
    lines = [{"sku": outside("sku", 999), "quantity": 1}]
    told = shop.said("leader", "/v1/quotes", {"lines": lines, "ship_to": HOME})
    assert told["unsellable"][0]["sku"] == lines[0]["sku"]
    assert told["unsellable"][0]["message"]
    problem = _problem(_ordered(shop, lines=lines), 409, "not_orderable")
    assert "change or remove them" in problem["detail"]
    assert problem["errors"][0]["field"] == "lines.0"


def test_an_unknown_code_of_ones_own_says_where_codes_are_set(shop: Shop) -> None:
    lines = [{"code": "MY-1", "quantity": 1}]
    problem = _problem(_ordered(shop, lines=lines), 409, "not_orderable")
    assert "/v1/selections" in problem["errors"][0]["message"]


def test_an_expired_quote_says_to_ask_for_a_new_one(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    goods = shop.offer()
    lines = [{"sku": goods.sku, "quantity": 1}]
    quote = shop.said("leader", "/v1/quotes", {"lines": lines, "ship_to": HOME})
    later = clock.now() + timedelta(minutes=16)
    monkeypatch.setattr(clock, "now", lambda: later)
    body = ordering(goods, 1, quote=quote["id"], max_total=None)
    answer = shop.ask("leader", "POST", "/v1/orders", json=body)
    assert "/v1/quotes" in _problem(answer, 409, "quote_expired")["detail"]


def test_an_order_without_consent_to_its_price_is_told_how_to_give_it(shop: Shop) -> None:
    answer = _ordered(shop, max_total=None)
    assert "max_total" in _problem(answer, 422, "invalid")["detail"]


def test_a_missing_field_is_named(shop: Shop) -> None:
    answer = _ordered(shop, ship_to={"name": "张三"})
    assert answer.status_code == 422
    fields = [fault["field"] for fault in answer.json()["errors"]]
    assert any(field.startswith("ship_to") for field in fields), fields


def test_a_purchase_of_another_supplier_is_not_there(shop: Shop) -> None:
    shop.order(shop.offer())
    shop.submitted()
    path = f"/v1/purchases/{shop.purchase()['id']}"
    _problem(shop.ask("rival", "GET", path), 404, "not_found")


def test_a_role_that_may_not_is_told_so(shop: Shop) -> None:
    answer = shop.ask("leader", "GET", "/v1/purchases")
    assert answer.status_code == 403
    assert answer.json()["detail"]
