"""A parameter that a route does not take is named, where it would be ignored."""

from typing import Any

from tests.api.shop import Shop
from tests.api.test_manners import problem


def faults(shop: Shop, path: str, who: str = "leader", method: str = "GET") -> list[Any]:
    told = problem(shop.ask(who, method, path), 422, "invalid")
    return [(one["field"], one["code"], one["message"]) for one in told["errors"]]


def test_a_misspelt_parameter_is_named_with_the_one_that_is_meant(shop: Shop) -> None:
    [(field, code, message)] = faults(shop, "/v1/orders?statuss=held&limit=5")
    assert (field, code) == ("statuss", "extra_forbidden")
    assert "status is meant" in message
    assert [one[0] for one in faults(shop, "/v1/products?q=x&Q=x&colour=red")] == ["Q", "colour"]
    assert "takes none" in faults(shop, "/v1/wallet?from=2026-01-01")[0][2]
    assert faults(shop, "/v1/orders/ord_x/cancel?dry=1", method="POST")[0][0] == "dry"
    operators = faults(shop, "/v1/payables?day=1", "operator")
    assert "cursor, limit" in operators[0][2]


def test_what_a_route_takes_is_taken_and_every_list_may_be_asked_for_pages(shop: Shop) -> None:
    paths = {
        "/v1/orders?status=held&from=2026-01-01T00:00:00Z&party=x&limit=1": "leader",
        "/v1/products?q=&sort=newest&source=x&limit=1": "leader",
        "/v1/categories?limit=50": "leader",
        "/v1/webhooks?limit=50": "operator",
    }
    for path, who in paths.items():
        assert shop.ask(who, "GET", path).status_code in (200, 503)  # no index is built here


def test_a_span_of_prices_is_asked_from_low_to_high(shop: Shop) -> None:
    for path in ("/v1/products", "/v1/products/facets"):
        [(field, code, _)] = faults(shop, f"{path}?price_min=100&price_max=5.00")
        assert (field, code) == ("price_min", "above_price_max")


def test_addresses_that_others_write_take_any_parameter(shop: Shop) -> None:
    for path in ("/media/x?from=wechat", "/s/none?isappinstalled=0", "/healthz?x=1"):
        assert shop.client.get(path).status_code in (200, 404)
    assert shop.client.post("/hooks/none?sign=1").status_code != 422
    back = shop.client.get("/v1/sources/none/callback?code=1&state=x&from=platform")
    assert "from" not in back.text


def test_without_a_token_the_query_is_not_looked_at(shop: Shop) -> None:
    problem(shop.client.get("/v1/orders?statuss=held"), 401, "no_token")
