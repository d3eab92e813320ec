"""Each documented code of JD maps to the class that docs/platforms/jd.md states."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors import errors
from connectors.calls import Call, Failure, Reply
from connectors.jd import router
from connectors.jd.faults import AFTER_SALE, GATEWAY, VOP
from connectors.jd_union import mapping
from connectors.jd_vop.classic import judged

PAGE = Path(__file__).parents[3] / "docs" / "platforms" / "jd.md"
TABLES = {
    "the router": GATEWAY,
    "VOP": VOP,
    "classic after-sale": AFTER_SALE,
    "the Union": mapping.FAULTS,
}
AT = datetime(2026, 1, 1, tzinfo=UTC)


def _documented(title: str) -> list[tuple[str, str, str]]:
    text = PAGE.read_text().partition(f"## Codes of {title}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]*) \| (\w+) \| (\w+) \|", text, re.MULTILINE)
    return [(code, read, w) for codes, read, w in rows for code in re.findall(r"`([^`]+)`", codes)]


def _failure(title: str, code: str, call: Call) -> Failure | None:
    if title == "the router":
        said: Any = {"error_response": {"code": code, "zh_desc": "说明", "en_desc": "words"}}
        return router.failure(Reply(call, 200, said, b"", AT))
    if title == "the Union":
        return mapping.failure({"code": int(code), "message": "说明"})
    return judged(call, {"success": False, "resultCode": code, "resultMessage": "说明"})


@pytest.mark.parametrize("title", TABLES)
def test_the_page_and_the_table_have_the_same_codes(title: str) -> None:
    assert {code for code, _, _ in _documented(title)} == set(TABLES[title])


@pytest.mark.parametrize(
    ("title", "code", "read", "write"),
    [(title, *row) for title in TABLES for row in _documented(title)],
)
def test_each_code_means_what_the_page_says(title: str, code: str, read: str, write: str) -> None:
    name = "/api/afterSale/x" if title == "classic after-sale" else "x"
    for call, kind in ((Call(name), read), (Call(name, writes=True), write)):
        failure = _failure(title, code, call)
        assert failure is not None
        error = failure.error(call)
        assert type(error) is getattr(errors, kind)
        assert error.code == code


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("请求过于频繁，请稍后再试", errors.TryLater),
        ("调用超过限制次数", errors.TryLater),
        ("token已过期", errors.NotAuthorised),
        ("您的余额不足", errors.BalanceShort),
        ("商品[123]库存不足", errors.OutOfStock),
        ("[123]已下架", errors.NoSuchThing),
        ("该商品在该区域不支持配送", errors.NotDeliverable),
        ("商品价格与快照不一致", errors.PriceChanged),
        ("其它", errors.Refused),
    ],
)
def test_words_count_where_the_code_is_unknown(message: str, kind: type[Exception]) -> None:
    call = Call("/api/order/submitOrder", writes=True)
    failure = judged(call, {"success": False, "resultCode": "3099", "resultMessage": message})
    assert failure is not None
    assert type(failure.error(call)) is kind


@pytest.mark.parametrize("said", [[], "x", None, 7])
def test_a_reply_in_another_shape_is_unreadable(said: Any) -> None:
    failure = router.failure(Reply(Call("x"), 200, said, b"", AT))
    assert failure is not None
    assert type(failure.error(Call("x"))) is errors.Unreadable
