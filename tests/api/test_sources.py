"""Sources as operators record them, and platforms' pushes."""

import json
from typing import Any

from sqlalchemy import text

from connectors.ali1688 import sign
from tests.api.shop import SOURCE, Shop

SECRET = "app-secret-of-1688"
ALI = {
    "code": "ali",
    "kind": "ali1688",
    "base_url": "http://127.0.0.1:9/openapi",
    "app_key": "12345",
    "app_secret": SECRET,
    "access_token": "token-of-1688",
}


def _recorded(shop: Shop) -> Any:
    shop.got("operator", "/v1/sources")  # whoever asked a moment ago
    return shop.said("operator", "/v1/sources", ALI)


def _stored(shop: Shop, query: str) -> str:
    with shop.db.as_system() as session:
        return str(session.execute(text(query)).all())


def test_a_source_is_recorded_with_sealed_secrets_and_counts_at_once(shop: Shop) -> None:
    shown = _recorded(shop)
    assert (shown["kind"], shown["defined_in"]) == ("ali1688", "database")
    assert (shown["keys"]["app_secret"], shown["keys"]["app_key"]) == ("***", "12345")
    assert shop.got("operator", "/v1/sources/ali") == shown
    assert SECRET not in _stored(shop, "SELECT config::text FROM sources")
    assert "ali" in [one["code"] for one in shop.got("operator", "/v1/sources")["items"]]
    opened = shop.app.state.office.source("ali")
    assert opened.settings.app_secret.get_secret_value() == SECRET


def test_changed_keys_count_and_hidden_secrets_stay(shop: Shop) -> None:
    shown = _recorded(shop)
    change = {"app_secret": "***", "app_key": "999", "access_token": None, "every": "10m"}
    answer = shop.ask("operator", "PATCH", "/v1/sources/ali", json=change)
    assert answer.status_code == 200, answer.text
    assert answer.json()["keys"] == {
        "base_url": shown["keys"]["base_url"],
        "app_key": "999",
        "app_secret": "***",
        "every": "10m",
    }
    assert shop.app.state.office.source("ali").settings.app_secret.get_secret_value() == SECRET


def test_keys_at_fault_are_named(shop: Shop) -> None:
    for wrong, word in [
        ({"kind": "nothing"}, "kind"),
        ({"colour": "red"}, "colour"),
        ({"app_secret": {"sealed": "x"}}, "app_secret"),
        ({"calls_per_second": -1}, "calls_per_second"),
    ]:
        told = shop.said("operator", "/v1/sources", ALI | wrong, 422)
        assert word in told["detail"]
    local = {"code": "sheet", "kind": "feed", "location": "/etc/*.csv"}
    assert "location" in shop.said("operator", "/v1/sources", local, 422)["detail"]


def test_a_code_that_is_taken_is_refused(shop: Shop) -> None:
    _recorded(shop)
    assert shop.said("operator", "/v1/sources", ALI, 409)["code"] == "source_exists"
    unknown = shop.ask("operator", "PATCH", "/v1/sources/none", json={})
    assert unknown.status_code == 404
    assert f"there are: {ALI['code']}" in unknown.json()["detail"]


def test_goods_to_follow_and_a_reading_wake_the_worker(shop: Shop) -> None:
    _recorded(shop)
    wanted = {"ids": ["610947572360"], "links": ["https://detail.1688.com/offer/5.html"]}
    told = shop.said("operator", "/v1/sources/ali/items", wanted, 200)
    assert told == {"added": 2, "watched": 2}
    assert shop.said("operator", "/v1/sources/ali/items", wanted, 200)["added"] == 0
    links = ["https://detail.1688.com/offer/6.html", "https://item.taobao.com/item.htm?id=12345"]
    links += ["https://detail.1688.com.example.com/offer/6.html", "http://[::1/offer/7.html"]
    refused = shop.said("operator", "/v1/sources/ali/items", {"ids": ["x"], "links": links}, 422)
    assert [one["field"] for one in refused["errors"]] == ["ids.0", "links.1", "links.2", "links.3"]
    assert {one["code"] for one in refused["errors"]} == {"not_here"}
    assert shop.said("operator", "/v1/sources/ali/items", wanted, 200)["watched"] == 2
    shop.said("operator", "/v1/sources/ali/runs", {"stream": "stock"}, 202)
    shop.said("operator", "/v1/sources/none/runs", None, 404)
    waiting = _stored(shop, "SELECT DISTINCT topic, key FROM outbox ORDER BY key")
    assert "ali/listing" in waiting
    assert "ali/stock" in waiting


def test_an_authorisation_goes_to_the_platform_and_comes_back_only_with_our_state(
    shop: Shop,
) -> None:
    _recorded(shop)
    url = shop.got("operator", "/v1/sources/ali/authorize")["url"]
    assert url.startswith("https://auth.1688.com/oauth/authorize?")
    assert "callback" in url
    forged = shop.ask(None, "GET", "/v1/sources/ali/callback?code=x&state=99999999999.forged")
    assert forged.json()["code"] == "not_asked_for"


def _push(shop: Shop, message: dict[str, Any], secret: str = SECRET) -> int:
    form = {"message": json.dumps(message, ensure_ascii=False)}
    form[sign.SIGNATURE] = sign.signature("", form, secret)
    return shop.client.post("/hooks/ali", data=form).status_code


def test_a_push_is_verified_kept_once_and_wakes_the_worker(shop: Shop) -> None:
    _recorded(shop)
    shop.got("operator", "/v1/sources")
    message = {
        "msgId": 1,
        "type": "PRODUCT_PRODUCT_INVENTORY_CHANGE",
        "data": {"OfferInventoryChangeList": [{"offerId": 610947572360, "skuId": 1}]},
    }
    assert _push(shop, message, "another secret") == 401
    assert _stored(shop, "SELECT count(*) FROM hints") == "[(0,)]"
    assert _push(shop, message) == _push(shop, message) == 200
    assert _stored(shop, "SELECT topic, external_ids FROM hints") == (
        "[('stock', ['610947572360'])]"
    )
    assert "ali/messages" in _stored(shop, "SELECT key FROM outbox")


def test_a_push_to_an_address_of_no_platform_learns_no_source(shop: Shop) -> None:
    _recorded(shop)
    shop.got("operator", "/v1/sources")
    for name in ("nobody", SOURCE):
        answer = shop.client.post(f"/hooks/{name}", data={})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        told = answer.json()["detail"].replace(repr(name), "")
        assert told == "nothing is pushed to us as "


def test_a_key_of_a_source_that_is_wrong_is_named(shop: Shop) -> None:
    cases = {
        "location": {"kind": "feed", "location": "inbox/*.csv"},
        "bogus": {"kind": "feed", "location": "https://a.example/x.csv", "bogus": 1},
        "kind": {"kind": "nope"},
    }
    for field, keys in cases.items():
        answer = shop.ask("operator", "POST", "/v1/sources", json={"code": "new-feed", **keys})
        assert answer.status_code == 422, answer.text
        assert [one["field"] for one in answer.json()["errors"]] == [field]
