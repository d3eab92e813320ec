"""TOP signatures: what is sent is what is signed, byte by byte."""

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.top.sign import connect_signature, joined, push_signature, signature
from connectors.top.values import told

VECTORS = Path(__file__).parents[3] / "shared" / "platforms" / "taobao_vectors.json"

CALL = {
    "method": "taobao.items.onsale.get",
    "app_key": "12345678",
    "session": "s-1",
    "timestamp": "2026-02-03 04:05:06",
    "format": "json",
    "v": "2.0",
    "fields": "num_iid,title",
    "q": "手冲壶 & 滤纸 100%",
}


def _vectors() -> list[Any]:
    if not VECTORS.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"no {VECTORS.name} here"))]
    read = json.loads(VECTORS.read_text())
    assert len(read) == 20
    ours = [one for one in read if one["algo"].startswith(("top-", "tmc-"))]
    assert len(ours) == 15
    return [pytest.param(one, id=f"{one['algo']} {one.get('name', '')}") for one in ours]


@pytest.mark.parametrize("vector", _vectors())
def test_a_signature_is_the_one_of_the_vector(vector: dict[str, Any]) -> None:
    params, secret = vector["params"], vector["secret"]
    kind = vector["algo"].removeprefix("top-")
    if vector["algo"] == "tmc-connect-md5":
        given = (params["app_key"], params["group_name"], params["timestamp"])
        assert connect_signature(*given, secret) == vector["sign"]
        return
    if kind == "spi-md5":
        assert push_signature(params, vector["body"], secret) == vector["sign"]
        return
    if "string" in vector:
        assert joined(params) == vector["string"]
    assert signature(params, secret, kind) == vector["sign"]


@pytest.mark.parametrize(
    ("method", "sign"),
    [
        ("md5", "243DC3828E8BAA7534F7657B07848AF7"),
        ("hmac", "C85568C9E842AFBD49328FEB8F8BA974"),
        ("hmac-sha256", "95D81983767B8AF1CC2B7F3C59C72C9BEC19A45FC0ADEB6965E00048302D7791"),
    ],
)
def test_own_golden_values_stay(method: Any, sign: str) -> None:
    assert signature({**CALL, "sign_method": method}, "tea-secret", method) == sign


def test_keys_are_sorted_by_their_bytes() -> None:
    assert joined({"a": "2", "_x": "3", "B": "1", "sign": "never"}) == "B1_x3a2"


def test_what_is_empty_is_not_sent() -> None:
    assert told({"q": "", "cid": None, "ids": [], "page": 0, "whole": False}) == {
        "page": "0",
        "whole": "false",
    }


def test_lists_are_joined_and_objects_are_compact_json() -> None:
    given = {"ids": [1, 2], "where": {"省": "浙江", "n": 1}, "many": [{"a": 1}], "yes": True}
    assert told(given) == {
        "ids": "1,2",
        "where": '{"省":"浙江","n":1}',
        "many": '[{"a":1}]',
        "yes": "true",
    }
