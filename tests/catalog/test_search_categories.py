"""Goods stand in our tree: found, counted and shown there, also when a person moves them."""

from sqlalchemy import text

from catalog.matching import categories
from catalog.search import Asked, search
from catalog.search.facets import Shelf
from tests.catalog.goods import NOW, Made, Supply
from tests.catalog.test_search import LEADER, Shop, policies, shop

__all__ = ["policies", "shop"]


def add(shop: Shop, title: str, category: str, source: str = "teahouse") -> Made:
    """A product that its source calls `category`."""
    made = shop.add(title, Supply(source), category=category)
    with shop.database.as_system() as session:
        session.execute(
            text("UPDATE offers SET category = :category WHERE id = ANY(:ids)"),
            {"category": category, "ids": made.offer_ids},
        )
    return made


def confirm(shop: Shop, source: str, theirs: str, ours: str) -> int:
    """What a person says and the chore does with it; returns how many products are marked."""
    with shop.database.as_system() as session:
        before = session.scalar(text("SELECT coalesce(max(mark), 0) FROM product_marks"))
        categories.confirm(session, source, theirs, ours)
        assert categories.shelve(session) == 1
        assert categories.shelve(session) == 0
        after = session.scalar(text("SELECT coalesce(max(mark), 0) FROM product_marks"))
    shop.sync()
    return int(after) - int(before)


def shown(shop: Shop, **asked: object) -> dict[str, str | None]:
    with shop.database.as_nobody() as session:
        found = search(session, shop.index, Asked(**asked), LEADER, NOW, 100)  # type: ignore[arg-type]
    return {card.title: card.category for card in found.items}


def test_a_parent_finds_its_children_by_code_and_by_name(shop: Shop) -> None:
    add(shop, "龙井", "饮品 > 绿茶")
    add(shop, "拿铁", "咖啡")
    add(shop, "奶粉", "母婴/奶粉")
    shop.sync()
    for food in ("food", "食品饮料", "食品飲料"):
        assert sorted(shop.find(category=food)) == ["拿铁", "龙井"]
    for tea in ("food.tea", "食品饮料 > 茶叶", "茶叶"):
        assert shown(shop, category=tea) == {"龙井": "食品饮料 > 茶叶"}


def test_goods_are_found_under_the_words_of_their_source_too(shop: Shop) -> None:
    add(shop, "龙井", "饮品 > 绿茶")
    add(shop, "雨花石", "杂货 > 奇石")
    shop.sync()
    assert shown(shop) == {"龙井": "食品饮料 > 茶叶", "雨花石": "奇石"}
    for theirs in ("奇石", "杂货", "杂货 > 奇石"):
        assert shop.find(category=theirs) == ["雨花石"]
    assert shop.find(category="绿茶") == shop.find(category="饮品 > 绿茶") == ["龙井"]
    assert shop.find(category=" > ") == []
    assert shop.find("食品饮料") == shop.find("绿茶") == ["龙井"]


def test_a_confirmed_mapping_moves_the_goods_of_that_source_and_no_others(shop: Shop) -> None:
    add(shop, "雨花石", "杂货 > 奇石")
    add(shop, "太湖石", "杂货 > 奇石")
    add(shop, "灵璧石", "杂货 > 奇石", source="other")
    shop.sync()
    assert confirm(shop, "teahouse", "杂货 > 奇石", "home") == 2
    assert sorted(shop.find(category="家居家纺")) == ["太湖石", "雨花石"]
    assert confirm(shop, "teahouse", "杂货 > 奇石", "home.tools") == 2
    assert shown(shop, category="home.tools").keys() == {"雨花石", "太湖石"}
    assert len(shop.find(category="奇石")) == 3


def test_categories_are_listed_as_the_tree_goes_then_those_of_no_place_in_it(shop: Shop) -> None:
    add(shop, "雨花石", "杂货 > 奇石")
    add(shop, "奶粉", "奶粉")
    add(shop, "龙井", "绿茶")
    add(shop, "牛奶", "牛奶")
    shop.sync()
    assert shop.index.categories(LEADER) == [
        Shelf("food", "食品饮料", None, 2),
        Shelf("food.milk", "食品饮料 > 乳品", "food", 1),
        Shelf("food.tea", "食品饮料 > 茶叶", "food", 1),
        Shelf("baby", "母婴", None, 1),
        Shelf("baby.formula", "母婴 > 奶粉", "baby", 1),
        Shelf(None, "奇石", None, 1),
    ]
