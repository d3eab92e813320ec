"""Readings of JD's goods and prose that need no call."""

import contextlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.errors import Unreadable
from connectors.jd import reading
from connectors.jd_vop import mapping, orders
from connectors.jd_vop.mapping import Goods
from connectors.jd_vop.settings import VopSettings
from connectors.model import OrderLine
from connectors.regions import names, same


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> VopSettings:
    monkeypatch.setenv("M", "x")
    keys = dict.fromkeys(("client_id", "client_secret", "username", "password"), "env:M")
    return VopSettings.model_validate({"kind": "jd_vop", **keys})


@pytest.mark.parametrize(
    ("message", "ids"),
    [
        ("5090521不在您的商品池中，价格为null或者小于0时，为暂无报价", {"5090521"}),
        ("3780980不在您的商品池中 ", {"3780980"}),
        ("100012043978,7545792不在用户商品池，请联系商务经理", {"100012043978", "7545792"}),
        ("1, 2，3 不在您的商品池中", {"1", "2", "3"}),
        ("您不具有如下商品购买权限skuIds:[1032440, 12]", {"1032440", "12"}),
        ("[5729524]商品已下架，不能下单 ;", set()),
        ("", set()),
    ],
)
def test_ids_outside_the_pool_are_found_in_prose(message: str, ids: set[str]) -> None:
    assert mapping.outside_pool(message) == ids


@pytest.mark.parametrize(
    ("message", "ids"),
    [
        ("[5729524]商品已下架，不能下单 ;", {"5729524"}),
        ("编号为2586166的赠品无货，主商品为:929693;", {"929693"}),
        ("【4838382】商品在该配送区域内受限;", {"4838382"}),
        ("[5729524]商品已下架[5729525]商品已下架", {"5729524", "5729525"}),
        ("3780980不在您的商品池中", {"3780980"}),
        ("您的余额不足;", set()),
    ],
)
def test_a_refusal_names_its_lines_in_three_bracket_styles(message: str, ids: set[str]) -> None:
    assert mapping.blamed(message) == ids


@pytest.mark.parametrize(
    ("told", "state"),
    [({"state": 0}, "off"), ({"state": "1"}, "live"), ({}, "live"), ({"state": 1}, "live")],
)
def test_a_delisted_sku_is_off(settings: VopSettings, told: dict[str, Any], state: str) -> None:
    price = mapping.prices([{"skuId": 1, "price": 9.5}], settings)
    row = mapping.row("1", {"name": "壶", **told}, Goods(prices=price), settings)
    assert row["state"] == state


def test_a_sku_without_a_price_is_off(settings: VopSettings) -> None:
    assert mapping.row("1", {"name": "壶"}, Goods(), settings)["state"] == "off"


@pytest.mark.parametrize(
    ("upc", "gtin"),
    [
        ("6901234567892;", "06901234567892"),
        ("123;6901234567892", "06901234567892"),
        ("", None),
        (None, None),
        ("6901234567890", None),
    ],
)
def test_the_first_valid_article_number_counts(upc: Any, gtin: str | None) -> None:
    assert mapping.gtin(upc) == gtin


@pytest.mark.parametrize("value", [-1, "-1", "", None, "abc", "NaN", "Infinity", [], {}])
def test_what_is_no_price_is_none(value: Any) -> None:
    assert reading.money(value) is None


@given(st.decimals(min_value=0, max_value=10**8, places=4, allow_nan=False))
def test_a_price_is_the_same_as_number_and_as_text(price: Decimal) -> None:
    assert reading.money(price) == reading.money(str(price)) == price


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=8))
@example("{")
def test_no_shape_breaks_the_readers(value: Any) -> None:
    """What cannot be read is Unreadable, and nothing else is raised."""
    for read in (reading.rows, reading.table, reading.ids):
        with contextlib.suppress(Unreadable):
            read(value)
    reading.moment(value)
    reading.whole(value)


@pytest.mark.parametrize(
    ("order", "amount", "freight"),
    [
        ({"orderPrice": 106, "freight": 6, "sku": [{"price": 50, "num": 2}]}, "106", "6"),
        ({"orderPrice": 100, "freight": 6, "sku": [{"price": 50, "num": 2}]}, "106", "6"),
        (
            {"orderPrice": 159.16, "freight": 0, "sku": [{"price": "137.21", "num": 1}]},
            "159.16",
            "0",
        ),
        (
            {
                "orderPrice": 113,
                "freight": 6,
                "sku": [{"price": 100, "nakedPrice": 100, "taxPrice": 13, "num": 1}],
            },
            "119",
            "6",
        ),
        ({"orderPrice": None, "sku": []}, "None", "None"),
    ],
)
def test_freight_inside_or_beside_the_price(
    order: dict[str, Any], amount: str, freight: str
) -> None:
    assert [str(each) for each in orders.amounts(order)] == [amount, freight]


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("440305", ("广东省", "深圳市", "南山区")),
        ("441900", ("广东省", "东莞市", "")),
        ("110105", ("北京市", "", "朝阳区")),
        ("440305001", ("广东省", "深圳市", "南山区")),
        ("659001", ("新疆维吾尔自治区", "", "石河子市")),
    ],
)
def test_the_names_behind_a_code(code: str, named: tuple[str, str, str]) -> None:
    assert names(code) == named


def test_a_place_is_known_with_and_without_its_rank() -> None:
    assert same("广东", "广东省")
    assert same("深圳市", "深圳")
    assert same("内蒙古", "内蒙古自治区")
    assert not same("南山区", "福田区")
    assert not same("", "")


def test_a_line_within_the_tolerance_is_not_dearer(settings: VopSettings) -> None:
    line = OrderLine("1", 1, Decimal("9.90"))
    assert not orders.dearer(line, Decimal("9.90"), settings)
    assert orders.dearer(line, Decimal("9.91"), settings)
    assert not orders.dearer(line, None, settings)
