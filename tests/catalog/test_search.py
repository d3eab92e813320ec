"""Searching the index: what is found, in which order, and how far."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from catalog.pricing import PriceList, price_lists
from catalog.readers import Readership
from catalog.search import Asked, Indexer, SearchIndex, open_indexer, search
from catalog.sequencer import number_changes
from catalog.shelf import Reader, SourcePolicy
from kit.db import Database
from kit.errors import Problem
from kit.ids import outside
from tests.catalog.goods import NOW, Made, Supply, product, reprice

LISTS = price_lists(Decimal(20))
LEADER = Reader("leader", LISTS["resale"])
OPERATOR = Reader("operator", LISTS["resale"])
BUYER = Reader("buyer", LISTS["procure"])


class Shop:
    """A catalogue, its index, and short words for both."""

    def __init__(self, database: Database, writer: Indexer, index: SearchIndex) -> None:
        self.database, self.writer, self.index = database, writer, index

    def add(self, title: str, *supplies: Supply, **given: object) -> Made:
        with self.database.as_system() as session:
            return product(session, title, *supplies, **given)  # type: ignore[arg-type]

    def sync(self) -> None:
        with self.database.as_system() as session:
            number_changes(session)
        while self.writer.step():
            continue

    def find(self, words: str = "", reader: Reader = LEADER, **asked: object) -> list[str]:
        """Titles found, re-read from the database."""
        with self.database.as_nobody() as session:
            found = search(session, self.index, Asked(words, **asked), reader, NOW, 100)  # type: ignore[arg-type]
        return [card.title for card in found.items]


@pytest.fixture
def policies() -> dict[str, SourcePolicy]:
    return {"own-use": SourcePolicy(serves=frozenset({"procure"}))}


@pytest.fixture
def shop(database: Database, tmp_path: Path, policies: dict[str, SourcePolicy]) -> Iterator[Shop]:
    with open_indexer(database, tmp_path, Readership(LISTS, policies).per_list(NOW)) as writer:
        yield Shop(database, writer, SearchIndex(tmp_path))


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("云岭山野高山绿茶250克", "绿茶"),
        ("云岭山野高山绿茶250克", "山野 绿茶"),
        ("云岭山野高山绿茶250克", "绿茶 250克"),
        ("星野 iPhone 15 手机壳 透明", "iphone15手机壳"),
        ("星野iPhone15手机壳透明", "iPhone 15"),
        ("Ａ４打印纸 500张", "a4打印纸"),
        ("婴儿纸尿裤 L码", "Ｌ码 纸尿裤"),
        ("智能运动手机支架", "智能手机"),
        ("晨露牌南国绿茶叶", "茶叶"),
        ("晨露牌苔藓微景观瓶", "藓微景"),
        ("SM-G9910 保护膜", "sm-g9910"),
    ],
)
def test_goods_are_found_as_people_write_them(shop: Shop, title: str, words: str) -> None:
    shop.add("毫不相干的搪瓷盆")
    shop.add(title)
    shop.sync()
    assert shop.find(words) == [title]


def test_brand_category_and_attributes_are_searched(shop: Shop) -> None:
    shop.add("250克装", brand="云岭", category="饮品 > 绿茶", attributes={"产地": "信阳"})
    shop.sync()
    assert shop.find("云岭") == shop.find("绿茶 信阳") == shop.find("云岭 饮品") == ["250克装"]
    assert shop.find("云岭 红茶") == ["250克装"]  # most of what was asked, where nothing has it all
    assert shop.find("红茶") == []


def test_an_exact_code_comes_first(shop: Shop) -> None:
    gtin = "06901234567892"
    for number in range(3):
        shop.add(f"书签 6901234567892 第{number}款")
    ours = shop.add("山野绿茶", gtin=gtin)
    shop.sync()
    assert shop.find("6901234567892")[0] == shop.find(gtin)[0] == "山野绿茶"
    assert shop.find(outside("sku", ours.sku_id)) == ["山野绿茶"]
    assert shop.find(gtin="6901234567892") == ["山野绿茶"]
    for printed in (
        "6 901234 567892",
        "690-1234-567892",
        "条码：6901234567892",
        "EAN 06901234567892",
    ):
        assert shop.find(printed) == ["山野绿茶"], printed


def test_words_in_the_title_come_before_words_elsewhere_and_goods_on_hand_before_others(
    shop: Shop,
) -> None:
    shop.add("茶杯", attributes={"适用": "绿茶"})
    shop.add("绿茶", Supply(state="out", quantity=0))
    shop.add("绿茶礼盒装送长辈")
    shop.add("绿茶散装")
    shop.sync()
    assert shop.find("绿茶") == ["绿茶散装", "绿茶礼盒装送长辈", "绿茶", "茶杯"]


def test_filters_narrow(shop: Shop) -> None:
    shop.add("甲", Supply(price="10"), brand="云岭", category="茶 > 绿茶", msrp="24")
    shop.add("乙", Supply(price="20", state="out", quantity=0), brand="云岭", category="茶 > 红茶")
    shop.add("丙", Supply("b", "30", bulk="25", refuses=["65", "54"]), category="器具", msrp="37")
    shop.add("丁", Supply(price=None, bulk="5"), brand="Ｙunling")
    shop.sync()
    find: Callable[..., list[str]] = lambda **asked: sorted(shop.find(**asked))  # noqa: E731
    assert find(brand="云岭") == ["乙", "甲"]
    assert find(brand="yunling") == ["丁"]
    assert find(category="茶") == ["乙", "甲"]
    assert find(category="茶 > 红茶") == ["乙"]
    assert find(mode="bulk") == ["丁", "丙"]
    assert find(price_min=Decimal(12), price_max=Decimal("24.00")) == ["乙", "甲"]
    assert find(price_max=Decimal("11.9999")) == ["丁"]
    assert find(margin_min=Decimal(50)) == ["甲"]
    assert find(margin_min=Decimal(2)) == ["丙", "甲"]
    assert find(in_stock=True) == ["丁", "丙", "甲"]
    assert find(in_stock=False) == ["乙"]
    assert find(region="650102") == ["丁", "乙", "甲"]
    assert find(region="440305") == ["丁", "丙", "乙", "甲"]


def test_sorting(shop: Shop) -> None:
    shop.add("甲", Supply(price="10.0001"), msrp="20")
    shop.add("乙", Supply(price="9"), msrp="10")
    shop.add("丙", Supply(price="10"))
    shop.sync()
    assert shop.find(sort="price") == ["乙", "丙", "甲"]
    assert shop.find(sort="-price") == ["甲", "丙", "乙"]
    assert shop.find(sort="-margin") == ["甲", "乙", "丙"]
    assert shop.find(sort="newest") == ["丙", "乙", "甲"]
    with pytest.raises(Problem, match="sort by one of"):
        shop.find(sort="colour")


def test_source_narrows_only_for_readers_who_may_know_sources(shop: Shop) -> None:
    shop.add("甲", Supply("zebra"))
    shop.add("乙", Supply("lynx"))
    shop.sync()
    assert shop.find(source="zebra", reader=OPERATOR) == ["甲"]
    assert sorted(shop.find(source="zebra")) == ["乙", "甲"]
    assert shop.find("zebra") == shop.find("source:zebra") == []


def test_visibility_is_decided_in_the_query(
    shop: Shop, database: Database, policies: dict[str, SourcePolicy]
) -> None:
    shop.add("甲", Supply("own-use", "1"))
    shop.add("乙", Supply("open", "2"))
    shop.sync()
    assert shop.index.search(Asked(), LEADER, 10).ids == [2]
    assert shop.index.search(Asked(sort="price"), BUYER, 10).ids == [1, 2]


def test_changes_reach_the_index_and_vanished_goods_leave_it(shop: Shop) -> None:
    made = shop.add("甲", Supply(price="10"))
    shop.add("乙", Supply(price="11"))
    shop.sync()
    assert shop.find(sort="price") == ["甲", "乙"]
    with shop.database.as_system() as session:
        reprice(session, made, 2, "12")
    shop.sync()
    assert shop.find(sort="price") == ["乙", "甲"]
    with shop.database.as_system() as session:
        session.execute(text("UPDATE offers SET state = 'gone' WHERE id = 1"))
        session.execute(
            text(
                "INSERT INTO changes (offer_id, version, kind, sku_id, at)"
                " VALUES (1, 3, 'gone', 1, clock_timestamp())"
            )
        )
    shop.sync()
    assert shop.index.search(Asked(), LEADER, 10).ids == [2]


def test_a_page_shows_the_database_not_the_index(shop: Shop) -> None:
    made = shop.add("甲", Supply(price="10"))
    shop.add("乙", Supply(price="11"))
    shop.sync()
    with shop.database.as_system() as session:
        reprice(session, made, 2, "15")
        session.execute(text("UPDATE offers SET state = 'off' WHERE id = 2"))
    with shop.database.as_nobody() as session:
        page = search(session, shop.index, Asked(), Reader("leader", PriceList()), NOW, 10)
    assert [(card.title, card.price_from) for card in page.items] == [("甲", 15)]


def test_a_cursor_of_another_search_is_refused(shop: Shop) -> None:
    for title in "甲乙丙":
        shop.add(title)
    shop.sync()
    after = shop.index.search(Asked(sort="price"), LEADER, 1).next
    assert after is not None
    assert len(shop.index.search(Asked(sort="price"), LEADER, 5, after).ids) == 2
    for asked, cursor in [(Asked(sort="newest"), after), (Asked(sort="price"), after[:-3])]:
        with pytest.raises(Problem, match="another search"):
            shop.index.search(asked, LEADER, 5, cursor)
    for cursor in ("", "x", "!", "é"):
        with pytest.raises(Problem, match="another search"):
            shop.index.search(Asked(sort="price"), LEADER, 5, cursor)


def test_without_an_index_search_says_when_to_come_back(database: Database, tmp_path: Path) -> None:
    with pytest.raises(Problem) as refused:
        SearchIndex(tmp_path).search(Asked("茶"), LEADER, 10)
    assert (refused.value.status, refused.value.code) == (503, "search_not_ready")
    assert refused.value.retry_after
