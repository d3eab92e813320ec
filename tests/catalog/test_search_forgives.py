"""Searching as people type: other words, pinyin, initials, slips, traditional characters."""

import pytest

from catalog.search import Asked
from catalog.search.thesaurus import Thesaurus
from tests.catalog.goods import Supply
from tests.catalog.test_search import LEADER, Shop, policies, shop

__all__ = ["policies", "shop"]

DIAPERS = "暖芽婴儿纸尿裤 L码52片"
SAME = Thesaurus([["纸尿裤", "尿不湿", "尿片"], ["充电宝", "移动电源"], ["T恤", "体恤衫"]])


def _find(shop: Shop, text: str, **asked: object) -> list[int]:
    return shop.index.search(Asked(text, **asked), LEADER, 100, thesaurus=SAME).ids  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "尿不湿",
        "嬰兒紙尿褲",
        "尿不濕 L码",
        "zhiniaoku",
        "zhinianku",
        "zhi niao ku",
        "znk",
        "nbs",
        "niaobushi",
        "ZhiNiaoKu L",
        "纸尿库",
        "婴儿纸尿库",
        "纸尿裤L",
        "nuanya纸尿裤",
        "婴儿纸尿啊裤",
        "暖芽 纸尿裤 XXL",
    ],
)
def test_diapers_are_found_however_they_are_typed(shop: Shop, text: str) -> None:
    shop.add("全不相干的搪瓷盆 大号")
    made = shop.add(DIAPERS)
    shop.sync()
    assert _find(shop, text) == [made.product_id]
    assert _find(shop, text, sort="price") == [made.product_id]


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("星野 iPhone 15 手机壳", "iphnoe15"),
        ("星野 iPhone 15 手机壳", "i Phone"),
        ("星野 iPhone 15 手机壳", "ihpone 手机壳"),
        ("Nordlicht 保温杯", "nordlciht"),
        ("纯棉T恤 男款", "体恤衫"),
        ("快充移动电源20000毫安", "充电宝 20000"),
        ("绿茶", "茶"),
        ("三边 啤酒 330毫升", "三边啤酒 330ml"),
        ("三边 猫砂 5kg", "猫砂5公斤"),
        ("三边 白米醋", "白醋"),
        ("三边 白米醋", "白米醋 AND"),
    ],
)
def test_goods_are_found_despite_slips_and_by_other_words(
    shop: Shop, title: str, text: str
) -> None:
    shop.add("全不相干的搪瓷盆")
    made = shop.add(title)
    shop.sync()
    assert _find(shop, text) == [made.product_id]


def test_of_the_words_of_a_text_those_count_that_say_which_goods_are_meant(shop: Shop) -> None:
    for number in range(4):
        shop.add(f"矿泉水 {number} 15瓶")
    meant = shop.add("杀虫 喷雾")
    shop.sync()
    assert _find(shop, "杀虫 矿泉水")[0] == meant.product_id
    assert _find(shop, "杀虫 瓶") == [meant.product_id]
    assert len(_find(shop, "杀虫 AND 矿泉水")) == 5, "what no goods have says nothing"
    assert _find(shop, "iphone15") == [], "a number alone is no goods"
    assert _find(shop, "[1 TO 15]") == []


def test_a_looser_way_is_not_tried_where_a_strict_one_finds(shop: Shop) -> None:
    exact = shop.add("纸尿裤")
    shop.add("之鸟库存搪瓷盆")
    shop.add("纸巾 裤子 尿壶")
    shop.sync()
    assert _find(shop, "纸尿裤") == [exact.product_id]


def test_a_word_is_heard_otherwise_though_some_goods_have_it_as_written(shop: Shop) -> None:
    shop.add("鸣润绿茶 小罐")
    meant = shop.add("茗润绿茶 大罐")
    shop.sync()
    assert _find(shop, "鸣润绿茶 大罐") == [meant.product_id]
    assert _find(shop, "鸣润绿茶 大罐", sort="price") == [meant.product_id]


def test_pages_of_a_looser_way_neither_skip_nor_repeat(shop: Shop) -> None:
    made = {shop.add(f"纸尿裤 第{number}款").product_id for number in range(7)}
    shop.sync()
    seen = _by_pages(shop, "zhinianku", 2)
    assert len(seen) == len(made)
    assert set(seen) == made


def _by_pages(shop: Shop, text: str, size: int) -> list[int]:
    seen: list[int] = []
    cursor = None
    while True:
        hits = shop.index.search(Asked(text), LEADER, size, cursor, SAME)
        seen += hits.ids
        cursor = hits.next
        if cursor is None:
            return seen


def test_pages_go_on_from_way_to_way_of_a_tier(shop: Shop) -> None:
    """Three ways of finding the words, then two of finding most of them: each find once, in one
    order, however large the pages are."""
    in_title = [shop.add(f"绿茶 礼盒 {number}").product_id for number in range(3)]
    elsewhere = [shop.add(f"绿茶 {number}", category="礼盒").product_id for number in range(3)]
    with_brand = [shop.add(f"云岭 礼盒 {number}").product_id for number in range(2)]
    shop.sync()
    for text, *ways in (
        ("绿茶礼盒", in_title, elsewhere),
        ("云岭绿茶礼盒", with_brand, in_title + elsewhere),
    ):
        whole = _find(shop, text)
        assert len(whole) == len(set(whole))
        at = 0
        for way in ways:
            assert set(whole[at : at + len(way)]) == set(way)
            at += len(way)
        assert at == len(whole)
        for size in range(1, len(whole) + 2):
            assert _by_pages(shop, text, size) == whole


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("纸", ["纸尿裤", "纸巾"]),
        ("zhin", ["纸尿裤"]),
        ("zhin ", ["纸尿裤"]),
        ("zj", ["纸巾"]),
        ("nuanya zhi", ["nuanya 纸尿裤", "nuanya 纸巾"]),
        ("暖芽zhij", ["暖芽纸巾"]),
        ("nbs", ["尿不湿"]),
        ("z", []),
        ("", []),
        ("没有的", []),
    ],
)
def test_what_is_being_typed_is_completed(shop: Shop, typed: str, meant: list[str]) -> None:
    shop.add("暖芽纸尿裤 L码")
    shop.add("暖芽纸尿裤 M码")
    shop.add("暖芽纸巾")
    shop.sync()
    found = shop.index.suggest(typed, LEADER, 10, SAME)
    assert [one.text for one in found] == meant


def test_nothing_is_suggested_that_a_reader_may_not_see(shop: Shop) -> None:
    shop.add("暖芽纸尿裤", Supply(source="own-use"))
    shop.sync()
    assert shop.index.suggest("纸", LEADER, 10, SAME) == []
    assert shop.index.suggest("nbs", LEADER, 10, SAME) == []
