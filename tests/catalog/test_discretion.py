"""Descriptions and attributes name nobody who sells the goods, and keep what they say of them."""

import pytest

from catalog import shop_names
from catalog.discretion import Discretion
from tests.catalog.test_titles import RULES

SHOP = "杭州小二食品专营店"
DISCREET = Discretion(RULES, frozenset({(SHOP, "启萌"), (None, None), ("启萌官方旗舰店", "启萌")}))


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (f"{SHOP}出品，净含量1,280ml；保质期 540 天", "净含量1,280ml；保质期 540 天"),
        ("好茶，250g 独立包装，去京东看", "好茶，250g 独立包装"),
        ("杭州小二食品直供，1688 热销", ""),
        (
            "厂名：福建闽茶有限公司\n电话：0591-12345678\n产地：福州",
            "厂名：福建闽茶有限公司\n产地：福州",
        ),
        ("甘甜。联系客服退换 13800138000", "甘甜。"),
        ("甘甜，加微信 xiaoer888 领券", "甘甜"),
        ("甘甜！QQ：12345678", "甘甜！"),
        ("问 shop@xiaoer.example", ""),
        ("启萌 奶粉 800g，罐装", "启萌 奶粉 800g，罐装"),
        (
            "适用手机 iPhone15，支持微信支付；QQ糖；旺旺雪饼",
            "适用手机 iPhone15，支持微信支付；QQ糖；旺旺雪饼",
        ),
        ("型号 XR-1688，条码 6901234567892", "型号 XR-1688，条码 6901234567892"),
        ("  两行\n原样。", "  两行\n原样。"),
        ("", ""),
    ],
)
def test_a_clause_that_leads_to_a_seller_goes_and_all_else_stays(told: str, said: str) -> None:
    assert DISCREET.text(told) == said


@pytest.mark.parametrize(
    ("word", "left"),
    [
        (SHOP, None),
        ("启萌官方旗舰店", "启萌"),
        ("启萌", "启萌"),
        ("可口可乐公司", "可口可乐公司"),
        (None, None),
    ],
)
def test_a_brand_is_no_sellers_name(word: str | None, left: str | None) -> None:
    sellers = {SHOP, "启萌官方旗舰店", "启萌", None}
    assert shop_names.of_goods(word, sellers) == left
    assert shop_names.category_of_goods(f"食品 > {word or SHOP}", sellers) == (
        f"食品 > {left}" if left else "食品"
    )


def test_attributes_that_say_who_sells_go_and_others_lose_the_name() -> None:
    told = {
        "颜色": f"黑色（{SHOP}）", "店铺": "小二", "供 应 商": "小二", "货源平台": "1688",
        "京东价": "9", "产地": "浙江", "厂名": "闽茶有限公司", "备注": "微信：xiaoer888",
        "品牌": "启萌", "片数": 36, "净含量": "", "卖点": "【京东自营】", "口味": None,
    }  # fmt: skip
    assert DISCREET.attributes(told) == {
        "颜色": "黑色", "产地": "浙江", "厂名": "闽茶有限公司", "品牌": "启萌", "片数": 36,
        "净含量": "", "口味": None,
    }  # fmt: skip
    assert DISCREET.attributes(None) == {}
