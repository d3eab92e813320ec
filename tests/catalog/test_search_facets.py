"""Facets: how many goods there are of each kind, as a reader sees them."""

import pytest

from catalog.search import Asked
from catalog.shelf import Reader
from tests.catalog.goods import Supply
from tests.catalog.test_search import LEADER, OPERATOR, Shop, policies, shop

__all__ = ["policies", "shop"]


def _facets(shop: Shop, reader: Reader = LEADER, **asked: object) -> dict[str, dict[str, int]]:
    found = shop.index.facets(Asked(**asked), reader)  # type: ignore[arg-type]
    return {name: {one.value: one.products for one in values} for name, values in found.items()}


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    shop.add("绿茶", Supply(price="5"), brand="云岭", category="茶 > 绿茶", msrp="12")
    shop.add("红茶", Supply(price="30"), brand="云岭", category="茶 > 红茶", msrp="40")
    shop.add("茶杯", Supply("b", "30", refuses=["65"]), brand="Nord", category="器具")
    shop.add("茶饼", Supply(source="own-use"), brand="内部")
    shop.sync()
    return shop


def test_every_facet_counts_what_the_reader_sees(stocked: Shop) -> None:
    found = _facets(stocked)
    assert found["brand"] == {"云岭": 2, "Nord": 1}
    assert found["category"] == {"食品饮料": 2, "食品饮料 > 茶叶": 2, "器具": 1}
    assert found["mode"] == {"dropship": 3}
    assert found["price"] == {"0-10": 1, "20-50": 2}
    assert found["margin"] == {"10-20": 1, "50-": 1}
    assert found["region"] == {"65": 2}
    assert "source" not in found


def test_sources_are_counted_for_operators_only(stocked: Shop) -> None:
    assert _facets(stocked, OPERATOR)["source"] == {"teahouse": 2, "b": 1}


def test_a_facet_in_use_still_counts_its_other_values(stocked: Shop) -> None:
    found = _facets(stocked, brand="云岭")
    assert found["brand"] == {"云岭": 2, "Nord": 1}
    assert found["price"] == {"0-10": 1, "20-50": 1}


def test_facets_count_what_the_words_found(stocked: Shop) -> None:
    assert _facets(stocked, text="绿茶")["brand"] == {"云岭": 1}
    assert _facets(stocked, text="lvcha")["brand"] == {"云岭": 1}
    assert _facets(stocked, text="没有的东西")["brand"] == {}
