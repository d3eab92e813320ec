"""Searching as people type: other words, pinyin, initials, slips, traditional characters."""

import pytest

from catalog.search import Asked
from catalog.search.thesaurus import Thesaurus
from kit.errors import Problem
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
        ("星野 iPhone 15 手机壳", "ihpone 手机壳"),
        ("Nordlicht 保温杯", "nordlciht"),
        ("纯棉T恤 男款", "体恤衫"),
        ("快充移动电源20000毫安", "充电宝 20000"),
        ("绿茶", "茶"),
    ],
)
def test_goods_are_found_despite_slips_and_by_other_words(
    shop: Shop, title: str, text: str
) -> None:
    shop.add("全不相干的搪瓷盆")
    made = shop.add(title)
    shop.sync()
    assert _find(shop, text) == [made.product_id]


def test_a_looser_way_is_not_tried_where_a_strict_one_finds(shop: Shop) -> None:
    exact = shop.add("纸尿裤")
    shop.add("之鸟库存搪瓷盆")
    shop.add("纸巾 裤子 尿壶")
    shop.sync()
    assert _find(shop, "纸尿裤") == [exact.product_id]


def test_pages_of_a_looser_way_neither_skip_nor_repeat(shop: Shop) -> None:
    made = {shop.add(f"纸尿裤 第{number}款").product_id for number in range(7)}
    shop.sync()
    seen: list[int] = []
    cursor = None
    while True:
        hits = shop.index.search(Asked("zhinianku"), LEADER, 2, cursor, SAME)
        seen += hits.ids
        cursor = hits.next
        if cursor is None:
            break
    assert len(seen) == len(made)
    assert set(seen) == made


def test_a_cursor_of_a_level_that_there_is_not_is_refused(shop: Shop) -> None:
    from catalog.search.cursor import Cursor

    shop.add("纸尿裤")
    shop.sync()
    mark = Asked("纸尿裤").mark(LEADER)
    with pytest.raises(Problem):
        shop.index.search(Asked("纸尿裤"), LEADER, 2, Cursor(mark, 99, 5, 1).text(), SAME)
