"""Frozen exchanges with 1688: exactly these requests leave, and the replies are read so.

A case is data in tests/wire/ali1688: `call` with `input` on a source with `settings`, the
`exchanges` in order (`api`, the `form` without system parameters, the `reply`), and what it `gives`
or `raises`. What is left out of `gives` has its default.
"""

import json
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
import respx

from connectors import errors
from connectors.ali1688 import sign
from connectors.model import Message, OrderLine, Page, PurchaseOrder, ShipTo
from connectors.registry import open_source
from connectors.surroundings import Surroundings
from connectors.trading import SourceClaim

CASES = sorted((Path(__file__).parents[1] / "wire" / "ali1688").glob("*.json"))
AT = datetime(2024, 1, 1, 19, 4, 5, tzinfo=UTC)
HOST = "https://ali.example"
SECRET = "secret123"
UNSIGNED = "cn.alibaba.open/"
KEPT = ("external_id", "title", "dropship_price", "bulk_price", "tiers", "moq", "stock_quantity")


def _given(value: Any) -> Any:
    if isinstance(value, dict) and "our_ref" in value:
        lines = tuple(OrderLine(sku, n, Decimal(cost)) for sku, n, cost in value["lines"])
        return PurchaseOrder(value["our_ref"], lines, ShipTo(*value["ship_to"]), value["note"])
    if isinstance(value, dict) and "our_claim" in value:
        return SourceClaim(**{**value, "collect_from": ShipTo(*value["collect_from"])})
    if isinstance(value, list) and len(value) == 4 and isinstance(value[2], str):
        return ShipTo(*value)
    if isinstance(value, list) and value and isinstance(value[0], list):
        return [OrderLine(sku, n, Decimal(cost)) for sku, n, cost in value]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [Message(**each) for each in value]
    return value


def _plain(value: Any) -> Any:
    """A value as a case writes it: without raw replies and whatever has its default."""
    if isinstance(value, Page):
        rows = [{name: _plain(row[name]) for name in KEPT} for row in value.rows.to_dicts()]
        return {"rows": rows, "rejects": len(value.rejects), "gone": list(value.gone)}
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
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _check(request: httpx.Request, wanted: dict[str, Any]) -> None:
    assert request.method == "POST"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded;charset=UTF-8"
    path = f"param2/1/{wanted['api']}/1234567"
    assert request.url.path == f"/openapi/{path}"
    form = dict(parse_qsl(request.content.decode(), keep_blank_values=True))
    assert form[sign.SIGNATURE] == sign.signature(path, form, SECRET)
    assert form.pop("_aop_timestamp") == str(int(AT.timestamp() * 1000))
    assert ("access_token" not in form) == wanted["api"].startswith(UNSIGNED)
    own = {k: v for k, v in form.items() if k not in ("access_token", sign.SIGNATURE)}
    assert {key: _read(value) for key, value in own.items()} == wanted["form"]


def _read(text: str) -> Any:
    return json.loads(text) if text.startswith(("{", "[")) else text


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_frozen_exchange(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("W_SECRET", SECRET)
    monkeypatch.setenv("W_TOKEN", "tok-1")
    case = json.loads(path.read_text())
    config = {
        "kind": "ali1688",
        "base_url": f"{HOST}/openapi",
        "app_key": "1234567",
        "app_secret": "env:W_SECRET",
        "access_token": "env:W_TOKEN",
        **case.get("settings", {}),
    }
    around = Surroundings(now=lambda: AT, sleep=lambda _: None)
    source: Any = open_source("ali", config, around)
    exchanges = iter(case["exchanges"])

    def answer(request: httpx.Request) -> httpx.Response:
        wanted = next(exchanges)
        _check(request, wanted)
        body = json.dumps(wanted["reply"], ensure_ascii=False).encode()
        return httpx.Response(wanted.get("status", 200), content=body)

    with respx.mock(base_url=HOST) as mock:
        mock.post(url__startswith=HOST).mock(side_effect=answer)
        if "raises" in case:
            with pytest.raises(errors.SupplierError) as caught:
                getattr(source, case["call"])(*map(_given, case["input"]))
            assert [type(caught.value).__name__, caught.value.code] == case["raises"]
        else:
            found = getattr(source, case["call"])(*map(_given, case["input"]))
            assert json.loads(json.dumps(_plain(found))) == case["gives"]
        assert next(exchanges, None) is None
    source.close()


def test_there_are_cases() -> None:
    assert len(CASES) >= 20
