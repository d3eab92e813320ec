"""The OpenAPI document is true: generated requests never meet a fault of ours, nor an answer that
the document does not describe, and malformed ones are refused.

Every operation is walked: in the soak by every role to which it is open, else by one of them."""

from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case
from schemathesis.checks import CheckContext, not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.control import SkipTest
from schemathesis.core.transport import Response
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.shop import HOME, Shop
from tests.api.test_roles import ALL, TABLE
from tests.soak import Soak

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def refused(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """What is malformed is refused; of a batch, the items that are."""
    if case.path.endswith("batch") and response.status_code == 200:
        assert any(item["problem"] for item in response.json()["items"])
        return None
    return negative_data_rejection(ctx, response, case)


WRONG = frozenset({"leader", "operator"})
"""Who sends what is malformed."""


def _known(shop: Shop) -> dict[str, str]:
    """Ids of things that are there, so that half of the requests meet something."""
    goods = shop.offer(stock=100_000)
    shop.index()
    quoted = {"lines": [{"sku": goods.sku, "quantity": 1}], "ship_to": HOME}
    quote = shop.said("leader", "/v1/quotes", quoted)
    order = shop.shipped(goods, 50)
    line = {"sku": goods.sku, "quantity": 1}
    claim = shop.said(
        "leader",
        f"/v1/orders/{order['id']}/claims",
        {"kind": "refund", "lines": [line], "reason": "坏了"},
    )["items"][0]
    request = shop.said("leader", "/v1/deposit-requests", {"amount": "1.00", "proof": "8848"})
    party = shop.join("guest", "leader")
    return {
        "product_id": shop.got("leader", "/v1/products")["items"][0]["id"],
        "sku_id": goods.sku,
        "sku": goods.sku,
        "quote_id": quote["id"],
        "order_id": order["id"],
        "claim_id": claim["id"],
        "request_id": request["id"],
        "purchase_id": shop.purchase()["id"],
        "party_id": party,
    }


@pytest.fixture(scope="module")
def document(refusing: Shop) -> dict[str, Any]:
    """What the API says of itself, but of tokens: who is refused, the table of roles tests."""
    said = deepcopy(refusing.app.openapi())
    for operations in said["paths"].values():
        for described in operations.values():
            described.pop("security", None)
    return said


def _operations(
    shop: Shop,
    document: dict[str, Any],
    role: str,
    roles: frozenset[str],
    mode: GenerationMode,
    soak: Soak,
) -> Iterator[Any]:
    """Those that `role` walks: one of the `roles` that may walks each, in the soak all do."""
    config = SchemathesisConfig.from_dict({"generation": {"mode": mode.value}})
    schema = schemathesis.openapi.from_dict(deepcopy(document), config=config)
    schema.config.update(base_url=str(shop.client.base_url))
    for found in schema.get_all_operations():
        operation = found.ok()
        door = (operation.method.upper(), operation.path)
        may = sorted(roles & frozenset(TABLE.get(door, ())))
        if role in soak.sample(may, 1, about=door):
            yield operation


def _walk(
    shop: Shop,
    document: dict[str, Any],
    role: str,
    roles: frozenset[str],
    mode: GenerationMode,
    checks: list[Any],
    soak: Soak,
) -> None:
    valid, malformed = (20, 10) if soak.whole else (6, 3)
    examples = valid if mode == GenerationMode.POSITIVE else malformed
    known = _known(shop)
    for operation in _operations(shop, document, role, roles, mode, soak):

        @seed(20261125)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(operation.as_strategy(generation_mode=mode))
        def fits(case: Case) -> None:
            if mode == GenerationMode.POSITIVE and len(case.id) and hash(case.id) % 2:
                for name in case.path_parameters or {}:
                    case.path_parameters[name] = known.get(name, case.path_parameters[name])
            case.call_and_validate(headers=shop.headers(role), checks=checks)

        with suppress(SkipTest):  # what takes no input has no malformed one
            fits()


@pytest.mark.soak
@pytest.mark.parametrize("role", sorted(ALL))
def test_answers_are_as_the_document_says(
    shop: Shop, document: dict[str, Any], role: str, soak: Soak
) -> None:
    _walk(shop, document, role, ALL, GenerationMode.POSITIVE, CHECKS, soak)


@pytest.mark.soak
@pytest.mark.parametrize("role", sorted(WRONG))
def test_malformed_requests_are_refused(
    shop: Shop, document: dict[str, Any], role: str, soak: Soak
) -> None:
    _walk(shop, document, role, WRONG, GenerationMode.NEGATIVE, [*CHECKS, refused], soak)
