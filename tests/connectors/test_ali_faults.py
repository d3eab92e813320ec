"""Each documented code of 1688 maps to the class on docs/platforms/1688.md; flags may lie."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors import errors
from connectors.ali1688 import calls, faults
from connectors.ali1688.gateway import Dialect
from connectors.ali1688.settings import AliSettings
from connectors.calls import Call, Reply

PAGE = Path(__file__).parents[2] / "docs" / "platforms" / "1688.md"


def _documented() -> list[tuple[str, str, str]]:
    """(code, class of a read, class of a write) of every row of the page's table."""
    rows = re.findall(r"^\| (`[^|]*) \| (\w+) \| (\w+) \|", PAGE.read_text(), re.MULTILINE)
    found = [
        (code, read, write)
        for codes, read, write in rows
        for code in re.findall(r"`([^`]+)`", re.sub(r"\(.*?\)", "", codes))
    ]
    assert len(found) > 40
    return found


def _envelopes(code: str) -> list[dict[str, Any]]:
    if code.startswith("gw.") or code == "401":
        return [{"error_code": code, "error_message": "said", "request_id": "1"}]
    return [
        {"success": False, "errorCode": code, "errorMsg": "said"},
        {"success": "false", "code": code, "message": "said"},
        {"errorCode": code, "errorMessage": "said"},
        {"result": {"success": False, "code": code, "message": "said"}},
        {"success": True, "result": {"success": False, "errorCode": code}},
    ]


@pytest.mark.parametrize(("code", "read", "write"), _documented())
def test_a_code_is_the_class_that_the_page_states(code: str, read: str, write: str) -> None:
    for reply in _envelopes(code):
        failure = faults.failure(reply)
        assert failure is not None, reply
        assert failure.code == code
        assert type(failure.error(Call("x"))) is getattr(errors, read)
        assert type(failure.error(Call("x", writes=True))) is getattr(errors, write)


@pytest.mark.parametrize("code", sorted({*faults.GATEWAY, *faults.BUSINESS}))
def test_a_code_of_the_table_stands_on_the_page(code: str) -> None:
    assert code in {documented for documented, _, _ in _documented()}


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ({"errorMessage": "该订单没有物流跟踪信息。", "success": True}, errors.NoSuchThing),
        ({"success": False, "code": "500", "message": "不是自己的订单"}, errors.NoSuchThing),
        ({"success": False, "erroMsg": "支付链接失败", "errorCode": "x"}, errors.Refused),
        ({"code": "400", "message": "AddressId invalid:AddressId invalid"}, errors.NotDeliverable),
        ({"success": False, "message": "not support tradeType:【XXXX】"}, errors.Refused),
        ({"success": False, "errorCode": "E", "errorMsg": "商品库存不足"}, errors.OutOfStock),
        ({"success": False, "errorCode": "E", "errorMsg": "余额不足"}, errors.BalanceShort),
        ({"success": False, "errorCode": "E", "errorMsg": "交易权限已过期"}, errors.NotAuthorised),
        ({"success": False}, errors.Refused),
    ],
)
def test_words_speak_where_codes_do_not(reply: dict[str, Any], kind: type[Exception]) -> None:
    failure = faults.failure(reply)
    assert failure is not None
    assert type(failure.error(Call("x"))) is kind


@pytest.mark.parametrize(
    "reply",
    [
        {"success": True, "result": {"orderId": "1"}},
        {"success": "true", "result": []},
        {"result": [], "totalRecord": 0},
        {"result": {"success": True, "code": "200", "message": "操作成功", "result": {"a": 1}}},
        {"result": {"result": {"refundId": "TQ1"}, "success": True}},
        {"isSuccess": True},
        {"orderPreviewResuslt": [{"status": True}], "success": True},
        {"success": True, "errorCode": "0", "errorMsg": "ok", "result": {"a": 1}},
    ],
)
def test_an_answer_is_no_fault(reply: dict[str, Any]) -> None:
    assert faults.failure(reply) is None


def test_a_lapsed_permission_says_what_to_do() -> None:
    failure = faults.failure({"error_code": "gw.APIACLDecline", "error_message": "declined"})
    assert failure is not None
    assert "lapsed" in failure.message
    assert "open.1688.com" in failure.message


@pytest.fixture
def dialect(monkeypatch: pytest.MonkeyPatch) -> Dialect:
    monkeypatch.setenv("ALI", "secret")
    given = {"kind": "ali1688", "app_key": "1", "app_secret": "env:ALI", "access_token": "env:ALI"}
    return Dialect(AliSettings.model_validate(given))


def _reply(call: Call, data: Any) -> Reply:
    return Reply(call, 200, data, b"", datetime(2026, 1, 1, tzinfo=UTC))


def test_pauses_after_limits_double_from_10_to_120_seconds(dialect: Dialect) -> None:
    limited = _reply(calls.ORDER, {"error_code": "gw.QosAppFrequencyLimit", "error_message": "x"})
    waits = []
    for _ in range(6):
        failure = dialect.failure(limited)
        assert failure is not None
        assert failure.fault.ban
        waits.append(failure.wait)
    assert waits == [10, 20, 40, 80, 120, 120]
    assert dialect.failure(_reply(calls.ORDER, {"result": {}})) is None
    again = dialect.failure(limited)
    assert again is not None
    assert again.wait == 10


def test_an_order_id_outweighs_a_failed_flag_of_a_create_call_only(dialect: Dialect) -> None:
    lie = {"totalSuccessAmount": 156800, "orderId": "87407346014789305", "success": False}
    assert dialect.failure(_reply(calls.CREATE["cross"], lie)) is None
    nested = {"result": {**lie, "code": "500"}, "success": False}
    assert dialect.failure(_reply(calls.CREATE["fast"], nested)) is None
    assert dialect.failure(_reply(calls.CANCEL, lie)) is not None
    assert dialect.failure(_reply(calls.CREATE["fast"], {**lie, "orderId": "0"})) is not None


def test_a_reply_of_another_form_is_in_doubt_after_a_write(dialect: Dialect) -> None:
    failure = dialect.failure(_reply(calls.CANCEL, ["?"]))
    assert failure is not None
    assert type(failure.error(calls.CANCEL)) is errors.OutcomeUnknown
    assert type(failure.error(calls.ORDER)) is errors.Unreadable
