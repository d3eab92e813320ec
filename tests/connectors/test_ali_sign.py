"""1688's signatures: path and joined pairs, sorted; checked with openssl where they are our own."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from connectors.ali1688 import sign

VECTORS = Path(__file__).parents[3] / "shared" / "platforms" / "taobao_vectors.json"
MESSAGE = (
    '{"msgId":9,"type":"ORDER_BUYER_VIEW_ORDER_PAY","data":{"orderId":1},"gmtBorn":1790000000000}'
)
OWN = [
    (
        "param2/1/com.alibaba.trade/alibaba.trade.cancel/7654321",
        {
            "webSite": "1688",
            "tradeID": "58218860983545941",
            "cancelReason": "buyerCancel",
            "remark": "不要了 & 50%",
            "access_token": "tok-2",
            "_aop_timestamp": "1790000000000",
        },
        "E569406BD74DD58C2CFF2F524BD2B2F2F23E6D41",
    ),
    ("", {"message": MESSAGE}, "7D815C212FFD71E752D30EC2B41F23AA4B09D689"),
    (
        "param2/1/system/currentTime/1000000",
        {"b": "2", "a": "1"},
        "33E54F4F7B989E3E0E912D3FBD2F1A03CA7CCE88",
    ),
]


def _vectors() -> list[Any]:
    if not VECTORS.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"no {VECTORS.name} here"))]
    ours = [one for one in json.loads(VECTORS.read_text()) if one["algo"] == "aop-hmac-sha1"]
    assert len(ours) == 5
    return [pytest.param(one, id=one["name"]) for one in ours]


@pytest.mark.parametrize("vector", _vectors())
def test_a_signature_is_the_one_of_the_vector(vector: dict[str, Any]) -> None:
    assert sign.signature(vector["path"], vector["params"], vector["secret"]) == vector["sign"]


@pytest.mark.parametrize(("path", "params", "expected"), OWN)
def test_a_signature_is_what_openssl_makes(
    path: str, params: dict[str, str], expected: str
) -> None:
    secret = "test123" if "currentTime" in path else "geheim-88"
    assert sign.signature(path, params, secret) == expected
    signed = {**params, sign.SIGNATURE: "whatever"}
    assert sign.signature(path, signed, secret) == expected


def test_pairs_are_sorted_and_not_keys() -> None:
    path, secret = "param2/1/ns/api/1234567", "secret123"
    assert sign.signature(path, {"page": "zz", "pageSize": "20"}, secret).startswith("9944C4C5")


def test_a_push_is_verified_and_a_changed_one_is_not() -> None:
    form = {"message": MESSAGE, sign.SIGNATURE: OWN[1][2]}
    assert sign.verified(form, "geheim-88")
    assert not sign.verified(form, "geheim-89")
    assert not sign.verified({**form, "message": MESSAGE.replace("1", "2")}, "geheim-88")
    assert not sign.verified({"message": MESSAGE}, "geheim-88")
    assert not sign.verified({**form, sign.SIGNATURE: "签名"}, "geheim-88")


def test_what_is_null_is_dropped_and_json_is_spelled_once() -> None:
    told = sign.form(
        {
            "none": None,
            "yes": True,
            "no": False,
            "number": 9007199254740993,
            "object": {"fullName": "张三", "n": 1},
            "at": datetime(2018, 8, 2, 13, 11, 13, 7000, UTC),
        }
    )
    assert told == {
        "yes": "true",
        "no": "false",
        "number": "9007199254740993",
        "object": '{"fullName":"张三","n":1}',
        "at": "20180802211113007+0800",
    }


def test_instants_have_any_offset_or_are_beijing_time() -> None:
    west = timezone(-timedelta(hours=7))
    assert sign.instant("20170913231708000-0700") == datetime(2017, 9, 13, 23, 17, 8, tzinfo=west)
    assert sign.instant("2018-07-24 21:55:33") == datetime(2018, 7, 24, 13, 55, 33, tzinfo=UTC)
    assert sign.instant("20181213201638000+0800") == datetime(2018, 12, 13, 12, 16, 38, tzinfo=UTC)
    for nonsense in (None, "", "2018", "20181332201638000+0800", "2018121320163800x+0800"):
        assert sign.instant(nonsense) is None
