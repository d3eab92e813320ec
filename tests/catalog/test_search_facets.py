"""Facets: how many goods there are of each kind, as a reader sees them."""

from decimal import Decimal

import pytest

from catalog.search import Asked
from catalog.shelf import Reader
from tests.catalog.goods import Supply
from tests.catalog.test_search import BUYER, LEADER, OPERATOR, Shop, policies, shop

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
    assert found["margin"] == {"0-": 2, "10-": 2, "20-": 1, "30-": 1, "40-": 1, "50-": 1}
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


def test_a_search_narrowed_by_a_value_finds_what_its_facet_counted(
    stocked: Shop,
) -> None:
    for cost in ("8.3333", "16.6667", "16.6666", "41.6667", "41.6668", "4166.6667"):
        stocked.add("茶盘", Supply(price=cost), msrp="50")  # 10, 20, 19.9999, 50, 50.0002, 5000
    stocked.add("茶盘", Supply(price="37.5"), msrp="50")  # a margin of just 10 percent
    stocked.add("茶叶盒", Supply(price="3"), msrp="3")
    stocked.sync()
    assert _facets(stocked)["price"] == {
        "0-10": 3, "10-20": 3, "20-50": 5, "50-100": 2, "1000-5000": 1, "5000-": 1,
    }  # fmt: skip
    for reader in (LEADER, OPERATOR, BUYER):
        searches: list[dict[str, object]] = [
            {},
            {"text": "茶"},
            {"text": "茶叶盘"},
            {"brand": "云岭"},
        ]
        for narrowing in searches:
            found = _facets(stocked, reader, **narrowing)
            for name, products in found["price"].items():
                low, high = name.split("-")
                most = Decimal(high) if high else None
                shown = _found(stocked, reader, price_min=Decimal(low), price_max=most, **narrowing)
                assert products == len(shown), name
            for facet in found.keys() - {"price", "margin", *narrowing}:
                for name, products in found[facet].items():
                    shown = _found(stocked, reader, **{facet: name}, **narrowing)
                    assert products == len(shown), (facet, name)
            for name, products in found["margin"].items():
                least = Decimal(name.removesuffix("-"))
                assert products == len(_found(stocked, reader, margin_min=least, **narrowing)), name


def _found(shop: Shop, reader: Reader, *, text: str = "", **asked: object) -> list[str]:
    return shop.find(text, reader, **asked)


def test_a_price_at_which_nothing_is_found_leaves_others_to_choose(stocked: Shop) -> None:
    dear: dict[str, object] = {"text": "绿茶", "price_min": Decimal(900)}
    assert _found(stocked, LEADER, **dear) == []
    assert _facets(stocked, **dear)["price"] == {"0-10": 1}
    assert _facets(stocked, **dear)["brand"] == {}
