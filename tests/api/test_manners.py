"""Errors in one form, limits, pages, health and what is written down of a request."""

import contextlib
import re
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis
from structlog.testing import capture_logs

import api
from api import limits, queries
from kit.db import Database, dsn
from kit.errors import Problem
from kit.faults import FORMS
from tests.api.shop import Shop, opened, ordering, served


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The body of an answer that must be this problem."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert (told["status"], told["code"]) == (status, code)
    assert told["request_id"] == answer.headers["x-request-id"]
    assert told["detail"]
    return told


def test_an_unknown_address_is_a_problem_too(refusing: Shop) -> None:
    problem(refusing.ask("leader", "GET", "/v1/nothing"), 404, "not_found")
    problem(refusing.ask("leader", "GET", "/v1/products/"), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/v1/orders", "GET, POST"),
        ("POST", "/v1/selections/sku_x", "DELETE, GET, PUT"),
        ("OPTIONS", "/v1/selections/batch", "POST"),
        ("TRACE", "/v1/wallet", "GET"),
    ],
)
def test_another_method_is_told_which_there_are(
    refusing: Shop, method: str, path: str, allow: str
) -> None:
    answer = refusing.ask("leader", method, path)
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == allow


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1/changes?after=x", "after: this cursor is none that was given out here"),
        ("/v1/changes/snapshot?cursor=1", "cursor: this cursor is none that was given out here"),
        ("/v1/products?price_min=-1", "price_min: give a price in CNY as decimal text"),
        ("/v1/products?gtin=1", "gtin: a GTIN has 8 to 14 digits"),
        ("/v1/products?q=%00", "q: give it without NUL characters"),
        ("/v1/skus/sku_x/sellable?region=44", "region: give a division of GB/T 2260 by 6"),
        ("/v1/products/prd_x", "there is no product 'prd_x'"),
        ("/v1/orders?from=2026-13-01", "from: give a moment with its offset"),
        ("/v1/skus/{}/price-history?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", "from: it"),
    ],
)
def test_what_is_malformed_is_said_in_words(refusing: Shop, path: str, said: str) -> None:
    answer = refusing.ask("leader", "GET", path.format("sku_mUk5Z1"))
    assert answer.json()["detail"].startswith(said)


def test_a_field_of_several_forms_is_told_once_without_the_validators_names(refusing: Shop) -> None:
    answer = refusing.ask("brand", "GET", "/v1/sales?from=2026-13-01")
    [told] = problem(answer, 422, "invalid")["errors"]
    assert told["field"] == "from"
    assert told["message"].startswith("give a moment")
    assert told["message"].endswith("; or give a day, such as 2026-11-26")


def test_the_document_has_words_for_every_form_and_names_every_parameter(shop: Shop) -> None:
    def patterns(part: object) -> set[str]:
        if isinstance(part, list):
            return set().union(*map(patterns, part))
        if not isinstance(part, dict):
            return set()
        own = {part["pattern"]} if isinstance(part.get("pattern"), str) else set()
        return own.union(*map(patterns, part.values()))

    document = shop.app.openapi()
    assert patterns(document) <= FORMS.keys()
    for route in shop.app.state.routes:
        for method in route.methods if route.include_in_schema else ():
            said = document["paths"][route.path][method.lower()].get("parameters", [])
            named = {one["name"] for one in said if one["in"] == "query"}
            assert named <= queries.taken(route) <= named | {"limit", "cursor"}


def test_what_is_wrong_with_a_field_is_said_with_what_to_do(refusing: Shop) -> None:
    for field, given, said in (
        ("until", "2026-12-26", "give a moment with its offset"),
        ("until", "tomorrow", "give a moment with its offset"),
        ("per_unit", 5, "give it as text"),
        ("per_unit", "5元", "give a decimal as text"),
        ("utnil", "2099-01-01T00:00Z", "there is no such field"),
        ("priority", 1.5, "give a whole number"),
        ("when", "qinghe", "give a JSON object"),
    ):
        body = {"version": 0, "rules": [{"id": "x", "then": "last", field: given}]}
        answer = refusing.ask("operator", "PUT", "/v1/routing-rules", json=body)
        [told] = problem(answer, 422, "invalid")["errors"]
        assert told["field"] == f"rules.0.{field}"
        assert told["message"].startswith(said)


@pytest.mark.parametrize("content", [b"{", b"", b"[]", b"null", b'"x"', b"\xff", b'{"a": NaN}'])
def test_a_body_that_is_none_is_malformed(refusing: Shop, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = refusing.client.post(
        "/v1/orders", content=content, headers=refusing.headers("leader") | headers
    )
    assert problem(answer, 422, "invalid")["errors"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [{"sku": "sku_x", "quantity": 0}]}, "lines.0.quantity"),
        ({"lines": [{"sku": "sku_x", "quantity": "1"}]}, "lines.0.quantity"),
        ({"lines": [{"sku": "sku_x", "quantity": True}]}, "lines.0.quantity"),
        ({"lines": [{"quantity": 1}]}, "lines.0"),
        ({"max_total": 12.5}, "max_total"),
        ({"max_total": "1e3"}, "max_total"),
        ({"max_total": "-1"}, "max_total"),
        ({"reference": "\x00"}, "reference"),
        ({"reference": "x" * 65}, "reference"),
        ({"surprise": 1}, "surprise"),
        ({"ship_to": {}}, "ship_to.name"),
        ({"ship_to": {"text": "hello"}}, "ship_to.text"),
    ],
)
def test_each_field_at_fault_is_named(refusing: Shop, change: dict[str, Any], field: str) -> None:
    body = ordering(refusing.offer()) | change
    told = problem(refusing.ask("leader", "POST", "/v1/orders", json=body), 422, "invalid")
    assert field in [error["field"] for error in told["errors"]]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/orders?limit=0", "limit"),
        ("/v1/orders?limit=201", "limit"),
        ("/v1/orders?cursor=abc", "cursor"),
        ("/v1/orders?status=lost", "status"),
        ("/v1/orders?updated_after=yesterday", "updated_after"),
        ("/v1/orders?updated_after=2026-01-01T00:00:00", "updated_after"),
        ("/v1/products?sort=sideways", "sort"),
        ("/v1/products?price_min=cheap", "price_min"),
        ("/v1/skus/sku_M36cmK/sellable?region=000000", "region"),
        ("/v1/changes?after=-1", "after"),
    ],
)
def test_each_parameter_at_fault_is_named(refusing: Shop, path: str, field: str) -> None:
    told = problem(refusing.ask("leader", "GET", path), 422, "invalid")
    assert [error["field"] for error in told["errors"]] == [field]


def test_a_field_of_several_forms_is_named_as_it_was_sent(refusing: Shop) -> None:
    wrong = {"by": "piece", "first": "-1", "regions": ["440000", "999999"]}
    answer = refusing.ask("brand", "PUT", "/v1/freight-templates/t", json=wrong)
    told = problem(answer, 422, "invalid")["errors"]
    assert {one["field"] for one in told} == {"first", "regions.1"}
    zone = {"by": "piece", "regions": [{"regions": ["440000"]}]}
    answer = refusing.ask("brand", "PUT", "/v1/freight-templates/t", json=zone)
    fields = {one["field"] for one in problem(answer, 422, "invalid")["errors"]}
    assert fields == {"regions.0", "regions.0.first"}


def test_a_body_that_is_too_large_is_refused_stated_or_not(shop: Shop) -> None:
    large = b'{"x": "' + b"x" * (4 * 2**20) + b'"}'

    def piecemeal() -> Any:
        for start in range(0, len(large), 2**16):
            yield large[start : start + 2**16]

    for content in (large, piecemeal()):
        answer = shop.client.post("/v1/orders", content=content, headers=shop.headers("leader"))
        problem(answer, 413, "too_large")


def test_a_fault_of_ours_tells_nothing_but_where_to_ask(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr("trade.wallets.wallet", broken)
    answer = shop.ask("leader", "GET", "/v1/wallet")
    problem(answer, 500, "internal")
    assert "secret" not in answer.text


def test_pages_neither_skip_nor_repeat(shop: Shop) -> None:
    goods = shop.offer()
    placed = [shop.order(goods)["id"] for _ in range(5)]
    seen: list[str] = []
    path = "/v1/orders?limit=2"
    for _ in range(3):
        page = shop.got("leader", path)
        seen += [order["id"] for order in page["items"]]
        path = f"/v1/orders?limit=2&cursor={page['next']}"
    assert seen == placed
    assert page["next"] is None


def test_an_ids_digits_beyond_what_we_count_are_nobodys(shop: Shop) -> None:
    answer = shop.ask("leader", "GET", f"/v1/orders/ord_{'z' * 30}")
    problem(answer, 404, "not_found")


def test_one_token_has_a_limit_and_is_told_how_long_to_wait(
    database: Database, redis_url: str, tmp_path: Path
) -> None:
    with opened(database, redis_url, tmp_path, requests_per_minute=30) as shop:
        got = [shop.ask("leader", "GET", "/v1/wallet") for _ in range(12)]
        answer = got[-1]
        told = problem(answer, 429, "too_many_requests")
        assert 0 < int(answer.headers["retry-after"]) <= 10
        assert "seconds" in told["detail"]
        assert shop.ask("other", "GET", "/v1/wallet").status_code == 200


def test_what_a_caller_may_send_is_shared_out_among_processes(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits.time, "time", lambda: 1_000_000.0)
    with redis.Redis.from_url(redis_url) as client:
        processes = [limits.Limiter(client, 6_000) for _ in range(2)]
        passed = 0
        for number in range(2_400):
            with contextlib.suppress(Problem):
                processes[number % 3 % 2].count("token:1")
                passed += 1
        assert passed == 1_000
        assert client.ttl("rate:token:1:100000") > 0


def test_without_redis_everything_goes_on_and_limits_hold(
    database: Database, tmp_path: Path
) -> None:
    nowhere = "redis://127.0.0.1:1/0"
    with opened(database, nowhere, tmp_path, requests_per_minute=60) as shop:
        assert shop.got("leader", "/readyz")["redis"].startswith("away")
        shop.order(shop.offer())
        got = [shop.ask("leader", "GET", "/v1/wallet").status_code for _ in range(25)]
        assert got[0] == 200
        assert 429 in got


def test_wrong_tokens_from_one_address_are_slowed_down(shop: Shop) -> None:
    wrong = {"Authorization": "Bearer hp_guess"}
    got = {shop.client.get("/v1/wallet", headers=wrong).status_code for _ in range(130)}
    assert got == {401, 429}
    assert shop.ask("leader", "GET", "/v1/wallet").status_code == 200


def test_health_says_what_is_away(
    database_url: str, redis_url: str, tmp_path: Path, shop: Shop
) -> None:
    assert shop.client.get("/healthz").json() == {"status": "ok"}
    ready = shop.client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    with psycopg.connect(dsn(database_url), autocommit=True) as admin:
        admin.execute("UPDATE alembic_version SET version_num = '0000'")
    old = shop.client.get("/readyz")
    assert (old.status_code, "migrate" in old.json()["database"]) == (503, True)


def test_without_a_database_a_request_is_told_to_come_again(
    shop: Shop, tmp_path: Path, redis_url: str
) -> None:
    gone = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    with redis.Redis.from_url(redis_url) as client:
        app = api.create(shop.settings, gone, client)
        with served(app) as address:
            answer = httpx.get(f"{address}/v1/wallet", headers=shop.headers("leader"))
            problem(answer, 503, "not_ready")
            assert answer.headers["retry-after"]
            assert httpx.get(f"{address}/readyz").status_code == 503
            assert httpx.get(f"{address}/metrics").status_code == 200
    gone.close()


def test_metrics_count_by_route_template(shop: Shop) -> None:
    goods = shop.offer()
    order = shop.order(goods)
    shop.got("leader", f"/v1/orders/{order['id']}")
    shop.client.get("/v1/made-up")
    told = shop.client.get("/metrics").text
    assert 'route="/v1/orders/{order_id}",status="200"' in told
    assert order["id"] not in told
    assert "made-up" not in told
    assert "huopan_purchases_due 1.0" in told
    assert "huopan_http_request_seconds_bucket" in told


def test_the_documentation_needs_nothing_from_elsewhere(shop: Shop) -> None:
    page = shop.client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "/v1/orders/{order_id}/claims" in page.text
    assert "src=" not in page.text
    assert not re.search(
        r"(href|action)=.?(https?:)?//|url\(|@import|<(script|link|iframe)", page.text
    )


def test_a_request_is_one_line_of_log_without_its_secrets(shop: Shop) -> None:
    order = shop.order(shop.offer())
    with capture_logs() as lines:
        answer = shop.ask("leader", "GET", f"/v1/orders/{order['id']}")
        shop.ask("leader", "GET", "/healthz")
    [line] = [one for one in lines if one["event"] == "request"]
    assert line["route"] == "/v1/orders/{order_id}"
    assert (line["status"], line["role"]) == (200, "leader")
    assert shop.tokens["leader"] not in str(lines)
    assert answer.headers["cache-control"] == "no-store"


def test_a_request_id_is_taken_over_when_it_is_harmless(shop: Shop) -> None:
    for given, kept in (("trace-12345678", True), ("a b;c=d,e", False), ("x" * 65, False)):
        headers = {"X-Request-Id": given}
        answer = shop.client.get("/healthz", headers=headers)
        assert (answer.headers["x-request-id"] == given) == kept
    strange = shop.client.get("/healthz", headers={"X-Request-Id": "control\x7f"})
    assert strange.status_code == 400  # it never comes as far as to the log
