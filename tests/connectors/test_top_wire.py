"""Frozen exchanges with TOP: exactly these requests leave, and the replies are read so.

A case is data in tests/wire/top: `call` with `input` on a source of `kind` with `settings`, the
`exchanges` in order, and what it `gives` or `raises`. What is left out of `gives` has its default.
"""

import json
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
import respx

from connectors import errors
from connectors.model import Message, OrderLine, Page, PurchaseOrder, ShipTo
from connectors.registry import open_source
from connectors.surroundings import Surroundings

WIRE = Path(__file__).parents[1] / "wire" / "top"
CASES = sorted(WIRE.glob("*.json"))
AT = datetime(2024, 1, 1, 19, 4, 5, tzinfo=UTC)  # 03:04:05 in Beijing
GATEWAY = "https://top.example/router/rest"
ROW = (
    *("external_id", "title", "brand", "seller", "gtin", "mpn", "attributes", "images"),
    *("dropship_price", "bulk_price", "affiliate_price", "commission_rate", "msrp"),
    *("min_retail", "max_retail", "stock_state", "stock_quantity", "freight", "state"),
)


def _given(value: Any) -> Any:
    if isinstance(value, dict) and "our_ref" in value:
        lines = tuple(OrderLine(sku, n, Decimal(cost)) for sku, n, cost in value["lines"])
        return PurchaseOrder(value["our_ref"], lines, ShipTo(*value["ship_to"]))
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [Message(**each) for each in value]
    return value


def _plain(value: Any) -> Any:
    """A value as a case writes it: without whatever has its default."""
    if isinstance(value, Page):
        rows = [
            {name: _plain(row[name]) for name in ROW if row[name] is not None}
            for row in value.rows.to_dicts()
        ]
        return {"rows": rows, "gone": list(value.gone), "rejects": _plain(value.rejects)}
    if is_dataclass(value) and not isinstance(value, type):
        found = {}
        for each in fields(value):
            told = getattr(value, each.name)
            default = (
                each.default_factory() if each.default_factory is not MISSING else each.default
            )
            if each.name != "raw" and told != default and told is not None:
                found[each.name] = _plain(told)
        return found
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, datetime | date) else value


def _called(source: Any, case: dict[str, Any]) -> Any:
    target = source
    for name in case["call"].split("."):
        target = getattr(target, name)
    return target(*map(_given, case["input"]))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_frozen_exchange(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("W_SECRET", "helloworld")
    monkeypatch.setenv("W_SESSION", "6100abc")
    case = json.loads(path.read_text())
    config = {
        "kind": case["kind"],
        "base_url": GATEWAY,
        "app_key": "12345678",
        "app_secret": "env:W_SECRET",
        "session": "env:W_SESSION",
        **case["settings"],
    }
    source: Any = open_source("top", config, Surroundings(now=lambda: AT, sleep=lambda _: None))
    replies = iter(case["exchanges"])

    def answer(request: httpx.Request) -> httpx.Response:
        wanted = next(replies)
        assert request.method == "POST"
        assert request.headers["content-type"] == "application/x-www-form-urlencoded;charset=UTF-8"
        assert dict(request.url.params) == wanted["query"]
        form = dict(parse_qsl(request.content.decode(), keep_blank_values=True))
        assert form == wanted["form"]
        body = wanted["reply"]
        content = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        return httpx.Response(200, content=content.encode())

    with respx.mock() as mock:
        mock.post(url__startswith=GATEWAY).mock(side_effect=answer)
        if "raises" in case:
            with pytest.raises(errors.SupplierError) as caught:
                _called(source, case)
            assert [type(caught.value).__name__, caught.value.code] == case["raises"][:2]
            assert caught.value.wait == case["raises"][2]
        else:
            assert _plain(_called(source, case)) == case["gives"]
    source.close()
    assert list(replies) == []
