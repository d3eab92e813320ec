"""Searches through HTTP: forgiving, narrowed by facets, completed while typing."""

from tests.api.shop import SOURCE, Shop


def _goods(shop: Shop) -> None:
    shop.offer(brand="云岭")
    shop.index()


def test_goods_are_found_by_pinyin_and_by_an_operators_synonym(shop: Shop) -> None:
    _goods(shop)
    assert shop.got("leader", "/v1/products?q=molihuacha")["items"]
    assert not shop.got("leader", "/v1/products?q=香片")["items"]
    group = shop.said("operator", "/v1/synonyms", {"words": ["茉莉花茶", "香片"]})
    shop.app.state.office.index._thesaurus_until = 0.0
    assert shop.got("leader", "/v1/products?q=香片")["items"]
    changed = shop.ask(
        "operator", "PUT", f"/v1/synonyms/{group['id']}", json={"words": ["花茶", "香片茶"]}
    )
    assert changed.json()["words"] == ["花茶", "香片茶"]
    assert shop.ask("operator", "DELETE", f"/v1/synonyms/{group['id']}").status_code == 204
    assert shop.ask("operator", "DELETE", f"/v1/synonyms/{group['id']}").status_code == 404


def test_suggestions_complete_what_is_typed(shop: Shop) -> None:
    _goods(shop)
    for typed in ("茉", "moli", "mlhc"):
        found = shop.got("leader", f"/v1/suggestions?q={typed}")["items"]
        assert [one["text"] for one in found][:1] == ["茉莉花茶"]


def test_facets_count_what_this_reader_may_know(shop: Shop) -> None:
    _goods(shop)
    leader = shop.got("leader", "/v1/products/facets?q=茉莉花茶")["facets"]
    assert leader["mode"] == [{"value": "dropship", "products": 1}]
    assert "source" not in leader
    operator = shop.got("operator", "/v1/products/facets?q=茉莉花茶")["facets"]
    assert operator["source"] == [{"value": SOURCE, "products": 1}]


def test_a_province_may_be_asked_for_as_a_facet_names_it(shop: Shop) -> None:
    _goods(shop)
    for place in ("44", "4403", "440305"):
        assert shop.got("leader", f"/v1/products?region={place}")["items"]
    for place in ("99", "440"):
        refused = shop.ask("leader", "GET", f"/v1/products?region={place}")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "region")


def test_categories_are_ours_and_brands_are_counted(shop: Shop) -> None:
    shop.offer(brand="云岭", category="花茶")
    shop.index()
    tea = {"code": "food.tea", "name": "食品饮料 > 茶叶", "parent": "food", "products": 1}
    food = {"code": "food", "name": "食品饮料", "parent": None, "products": 1}
    assert shop.got("leader", "/v1/categories") == {"items": [food, tea]}
    (found,) = shop.got("leader", "/v1/products?category=food.tea")["items"]
    assert found["category"] == tea["name"]
    facets = shop.got("leader", "/v1/products/facets?category=food")["facets"]
    assert facets["category"][0] == {"value": "食品饮料", "products": 1}
