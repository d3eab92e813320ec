"""Searches, facets and lists hold what brands opened to the reader, and nothing else."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from catalog.grants import Grant, Grants
from catalog.reads import product_cards
from catalog.scopes import Scope
from catalog.search import Asked
from catalog.shelf import Reader
from kit import clock
from tests.catalog.goods import NOW, Supply
from tests.catalog.test_search import BUYER, LEADER, Shop, policies, shop

__all__ = ["policies", "shop"]

AHEAD = clock.now() + timedelta(days=9)


@pytest.fixture
def stocked(shop: Shop) -> dict[str, int]:
    """Goods of two brands that use grants, and of one source that does not; SKUs by title."""
    goods = {
        "茶": (Supply("brand", "5"),),
        "饼": (Supply("brand", "5"), Supply("other", "6")),
        "杯": (Supply("other", "7"),),
        "壶": (Supply("brand", "8"), Supply("open", "9")),
        "碗": (Supply("open", "3"),),
        "盘": (Supply("brand", "4"), Supply("own-use", "3")),
    }
    made = {title: shop.add(title, *supplies, brand=title) for title, supplies in goods.items()}
    said = {"茶": "茶 > 绿茶", "饼": "茶", "壶": "茶具"}
    with shop.database.as_system() as session:
        for title, one in made.items():
            session.execute(
                text("UPDATE offers SET brand = :brand, category = :category WHERE sku_id = :id"),
                {"brand": f"{title}牌", "category": said.get(title), "id": one.sku_id},
            )
    shop.sync()
    return {title: one.sku_id for title, one in made.items()}


def reading(reader: Reader, *scopes: Scope) -> Reader:
    named = tuple(Grant(number, scope) for number, scope in enumerate(scopes, start=1))
    closed = frozenset({"brand", "other"})
    return replace(reader, grants=Grants(closed=closed, named=named, party=1))


def seen(shop: Shop, reader: Reader, **asked: object) -> str:
    """Titles that a search finds, with what each list says beside it checked."""
    ids = shop.index.search(Asked(**asked), reader, 100).ids  # type: ignore[arg-type]
    facets = shop.index.facets(Asked(**asked), reader)  # type: ignore[arg-type]
    with shop.database.as_nobody() as session:
        cards = product_cards(session, ids, reader, NOW)
    assert len(cards) == len(ids)
    assert {one.value for one in facets["brand"]} == {card.title for card in cards}
    if not asked:
        assert [one.value for one in shop.index.brands(reader)] == sorted(c.title for c in cards)
    return "".join(sorted(card.title for card in cards))


def test_goods_are_found_and_counted_as_far_as_grants_reach(
    shop: Shop, stocked: dict[str, int]
) -> None:
    open_to_all = "壶碗"
    for scopes, more in {
        (): "",
        (Scope("brand"),): "茶饼盘",
        (Scope("other"),): "饼杯",
        (Scope(),): "茶饼杯盘",
        (Scope("brand", stocked["茶"]), Scope("other", stocked["茶"])): "茶",
        (Scope("brand", stocked["茶"]), Scope("other", stocked["杯"])): "茶杯",
        (Scope("brand", brand="饼牌"),): "饼",
        (Scope("other", brand="茶牌"),): "",
        (Scope("brand", category="茶"),): "茶饼",
        (Scope("brand", category="茶 > 绿茶"),): "茶",
        (Scope("brand", category="绿茶"),): "",
        (Scope("brand", category="food.tea"),): "茶",
        (Scope("brand", brand="茶牌", category="食品饮料"),): "茶",
        (Scope("brand", brand="饼牌", category="茶"),): "饼",
        (Scope("brand", brand="饼牌", category="茶 > 绿茶"),): "",
        (Scope("brand", stocked["饼"], category="茶"),): "饼",
        (Scope("brand", since=AHEAD),): "",
        (Scope("brand", until=AHEAD),): "茶饼盘",
        (Scope("open", category="茶"),): "",
    }.items():
        assert seen(shop, reading(LEADER, *scopes)) == "".join(sorted(open_to_all + more)), scopes


def test_purpose_region_and_own_goods_count_as_on_the_page(
    shop: Shop, stocked: dict[str, int]
) -> None:
    assert "盘" in seen(shop, reading(BUYER))  # its open source serves procurement only
    assert "盘" not in seen(shop, reading(LEADER))
    there = reading(LEADER, Scope("other", regions=("44",)))
    assert "杯" in seen(shop, there)
    assert "杯" in seen(shop, there, region="440305")
    assert "杯" not in seen(shop, there, region="110105")
    supplier = replace(LEADER, grants=Grants(closed=frozenset({"brand", "other"}), own="other"))
    assert seen(shop, supplier) == "".join(sorted("饼杯壶碗"))
