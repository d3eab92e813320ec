"""Titles lose the names of platforms and shops, and keep brands."""

from pathlib import Path

import pytest

import catalog
from catalog.shop_names import Rules

LINES = (Path(catalog.__file__).parent / "shop_words.txt").read_text("utf-8").splitlines()
RULES = Rules((line.lstrip("+"), line[0] == "+") for line in LINES if line and line[0] != "#")


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("【京东自营】启萌奶粉800g", "启萌奶粉800g"),
        ("启萌奶粉800g【京东配送】", "启萌奶粉800g"),
        ("【天猫超市】启萌 奶粉 800g", "启萌 奶粉 800g"),
        ("【京東自營】啟萌奶粉", "啟萌奶粉"),
        ("启萌官方旗舰店 奶粉800g", "启萌 奶粉800g"),
        ("启萌奶粉（淘宝同款）800g", "启萌奶粉 800g"),
        ("【京东超市 整箱】启萌奶粉", "【整箱】启萌奶粉"),
        ("启萌奶粉 | 天猫 | 800g", "启萌奶粉 | 800g"),
        ("1688一件代发 启萌奶粉", "一件代发 启萌奶粉"),
        ("京东方显示器27寸", "京东方显示器27寸"),
        ("天猫精灵智能音箱", "天猫精灵智能音箱"),
        ("剃须刀XR-1688", "剃须刀XR-1688"),
        ("剃须刀16881", "剃须刀16881"),
        ("启萌奶粉  800g", "启萌奶粉  800g"),
        ("【整箱】启萌奶粉（2罐）", "【整箱】启萌奶粉（2罐）"),
    ],
)
def test_platforms_and_kinds_of_shops_go_and_all_else_stays(title: str, shown: str) -> None:
    assert RULES.shown(title, None, "启萌") == shown


@pytest.mark.parametrize(
    ("title", "seller", "brand", "shown"),
    [
        ("杭州小二食品专营店 启萌奶粉", "杭州小二食品专营店", "启萌", "启萌奶粉"),
        ("杭州小二食品 启萌奶粉", "杭州小二食品专营店", "启萌", "启萌奶粉"),
        ("【杭州小二食品】启萌奶粉", "杭州小二食品有限公司", "启萌", "启萌奶粉"),
        ("启萌官方旗舰店奶粉", "启萌官方旗舰店", "启萌", "启萌 奶粉"),
        ("启萌官方旗舰店奶粉", "启萌官方旗舰店", None, "启萌 奶粉"),
        ("启萌奶粉", "启萌", "启萌", "启萌奶粉"),
        ("启萌奶粉", "启萌旗舰店", None, "启萌奶粉"),
        ("TeaHouse龙井 250g", "teahouse", "西湖", "龙井 250g"),
        ("SteaHouses龙井", "teahouse", "西湖", "SteaHouses龙井"),
        ("老王茶行", "老王茶行", "西湖", "西湖"),
        ("老王茶行", "老王茶行", None, "商品"),
        ("伊利纯牛奶", "伊利", None, "伊利纯牛奶"),
    ],
)
def test_the_sellers_name_goes_and_a_brand_stays(
    title: str, seller: str, brand: str | None, shown: str
) -> None:
    assert RULES.shown(title, seller, brand) == shown
