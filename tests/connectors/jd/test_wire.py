"""Frozen exchanges with JD: exactly these requests leave, and the replies are read so.

A case is data in tests/wire/jd: `call` with `input` on a source with `settings`, the `exchanges` in
order, and what it `gives` or `raises`. What is left out of `gives` has its default.
"""

import json
import re
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
from connectors.jd import sign
from connectors.model import Message, OrderLine, Page, PurchaseOrder, ShipTo
from connectors.registry import open_source
from connectors.surroundings import Surroundings
from connectors.tokens import Token
from connectors.trading import SourceClaim

WIRE = Path(__file__).parents[2] / "wire" / "jd"
CASES = sorted(WIRE.glob("*.json"))
AT = datetime(2024, 1, 1, 19, 4, 5, tzinfo=UTC)  # 03:04:05 in Beijing
HOST = "https://jd.example"
SECRET = "VOPSECRET9"


def _config(case: dict[str, Any]) -> dict[str, Any]:
    if case.get("kind") == "jd_union":
        keys: dict[str, Any] = {"app_key": "env:W_ID", "app_secret": "env:W_SECRET"}
        return {"kind": "jd_union", "base_url": f"{HOST}/routerjson", **keys, **case["settings"]}
    router = case["settings"].get("protocol") == "router"
    return {
        "kind": "jd_vop",
        "base_url": f"{HOST}/routerjson" if router else HOST,
        "client_id": "env:W_ID",
        "client_secret": "env:W_SECRET",
        "username": "env:W_ID",
        "password": "env:W_SECRET",
        "invoice_title": "示例公司",
        **case["settings"],
    }


def _given(value: Any) -> Any:
    if isinstance(value, dict) and "our_ref" in value:
        lines = tuple(OrderLine(sku, n, Decimal(cost)) for sku, n, cost in value["lines"])
        return PurchaseOrder(value["our_ref"], lines, ShipTo(*value["ship_to"]), value["note"])
    if isinstance(value, dict):
        return SourceClaim(**{**value, "collect_from": ShipTo(*value["collect_from"])})
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return date.fromisoformat(value)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [Message(**each) for each in value]
    return value


def _plain(value: Any) -> Any:
    """A value as a case writes it: without raw replies and whatever has its default."""
    if isinstance(value, Page):
        shown = value.rows.to_dicts()
        kept = ("external_id", "title", "brand", "seller", "category", "affiliate_price")
        names = (*kept, "commission_rate", "state")
        return [{name: _plain(row[name]) for name in names} for row in shown]
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


def _check(request: httpx.Request, wanted: dict[str, Any]) -> None:
    assert request.method == "POST"
    assert request.url.path == wanted["path"]
    form = dict(parse_qsl(request.content.decode(), keep_blank_values=True))
    if "form" in wanted:
        assert form == wanted["form"]
        return
    assert form == {"360buy_param_json": wanted["param"]}
    query = dict(request.url.params)
    signed = query.pop("sign")
    assert query == wanted["query"]
    assert signed == sign.router(query | form, SECRET, query.get("sign_method", ""))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_frozen_exchange(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("W_ID", "VOPCLIENT8")
    monkeypatch.setenv("W_SECRET", SECRET)
    case = json.loads(path.read_text())
    around = Surroundings(now=lambda: AT, sleep=lambda _: None)
    source: Any = open_source("jd", _config(case), around)
    if source.settings.kind == "jd_vop":
        around.tokens.put("jd", source.wire.road._authority.origin, Token("TOKEN"))
    replies = iter(case["exchanges"])

    def answer(request: httpx.Request) -> httpx.Response:
        wanted = next(replies)
        _check(request, wanted)
        body = json.dumps(wanted["reply"], ensure_ascii=False).encode()
        return httpx.Response(200, content=body, headers={"content-type": "text/plain"})

    with respx.mock(base_url=HOST, assert_all_called=bool(case["exchanges"])) as mock:
        mock.post(url__startswith=HOST).mock(side_effect=answer)
        if "raises" in case:
            with pytest.raises(errors.SupplierError) as caught:
                getattr(source, case["call"])(*map(_given, case["input"]))
            assert [type(caught.value).__name__, caught.value.code] == case["raises"]
        else:
            gives = getattr(source, case["call"])(*map(_given, case["input"]))
            assert _plain(gives) == case["gives"]
    source.close()
    assert list(replies) == []
