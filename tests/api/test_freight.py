"""Freight templates: written by their brand, named by its offers, counted wherever freight is."""

from typing import Any

from sqlalchemy import text

from catalog.sequencer import number_changes
from tests.api.shop import HOME, SOURCE, Goods, Shop

NAMED = {"kind": "template", "name": "江浙沪包邮"}
PATH = "/v1/freight-templates/江浙沪包邮"
TEMPLATE = {
    "by": "piece",
    "first": "8.00",
    "next": {"size": "2", "fee": "3.00"},
    "regions": [{"regions": ["440000"], "first": "0"}],
    "not_delivered": ["650000", "540000"],
}


def put(shop: Shop, body: Any = TEMPLATE, who: str = "brand", status: int = 200, **at: str) -> Any:
    answer = shop.ask(who, "PUT", PATH, json=body, params=at)
    assert answer.status_code == status, answer.text
    return answer.json()


def quote(shop: Shop, goods: Goods, quantity: int, region: str) -> Any:
    place = {"lines": [{"sku": goods.sku, "quantity": quantity}], "ship_to": HOME}
    place["ship_to"] = HOME | {"region": region}
    return shop.said("leader", "/v1/quotes", place)


def unsellable(shop: Shop, goods: Goods, region: str) -> list[str]:
    return [one["code"] for one in quote(shop, goods, 1, region)["unsellable"]]


def test_a_quote_counts_what_the_template_says_for_the_region_and_a_change_writes_no_offer(
    shop: Shop,
) -> None:
    goods = shop.offer(freight=NAMED)
    assert unsellable(shop, goods, "110105") == ["freight_unknown"]
    shown = put(shop)
    assert {name: shown[name] for name in TEMPLATE if name != "regions"} == {
        name: TEMPLATE[name] for name in TEMPLATE if name != "regions"
    }
    assert shop.got("brand", PATH) == shown
    slashed = shop.ask("brand", "PUT", "/v1/freight-templates/江%2F浙%2F沪", json=TEMPLATE)
    assert slashed.json()["id"] == "江/浙/沪"
    assert quote(shop, goods, 1, "110105")["freight"] == "8.00"
    assert quote(shop, goods, 4, "110105")["freight"] == "14.00"
    assert quote(shop, goods, 4, "440305")["freight"] == "0.00"
    assert unsellable(shop, goods, "650102") == ["not_deliverable"]

    def rows() -> Any:
        with shop.db.as_system() as session:
            terms = session.execute(text("SELECT xmin::text, * FROM terms")).all()
            return terms, session.execute(text("SELECT xmin::text, * FROM offers")).all()

    before = rows()
    put(shop, TEMPLATE | {"first": "9.50"})
    assert quote(shop, goods, 1, "110105")["freight"] == "9.50"
    assert rows() == before
    shop.ask("brand", "DELETE", PATH)
    assert unsellable(shop, goods, "110105") == ["freight_unknown"]


def test_a_leader_reads_what_it_costs_and_that_it_changed_and_never_the_name(shop: Shop) -> None:
    shop.offer(freight=NAMED)
    put(shop)
    shop.index()
    product = shop.got("leader", "/v1/products")["items"][0]["id"]
    page = shop.got("leader", f"/v1/products/{product}?region=110105")
    assert page["skus"][0]["freight"] == {
        "kind": "piece",
        "first_n": 1,
        "first": "8.00",
        "next_n": 2,
        "next": "3.00",
        "free_from": None,
    }
    assert "江浙沪包邮" not in str([page, shop.got("leader", f"/v1/products/{product}")])
    terms = shop.got("operator", f"/v1/products/{product}?region=440305")["skus"][0]["offers"][0]
    assert terms["terms"][0]["freight"] == NAMED | {"rule": {"kind": "free"}}
    put(shop)  # the same again tells nothing
    with shop.db.as_system() as session:
        number_changes(session)
    for who, goods in (("leader", {}), ("operator", {"source": SOURCE})):
        items = [one for one in shop.got(who, "/v1/changes")["items"] if one["kind"] == "rule"]
        assert [one["affects"] for one in items] == [{"freight": {"goods": [goods]}}]


def test_search_by_region_follows_where_a_template_delivers(shop: Shop) -> None:
    shop.offer(freight=NAMED)
    put(shop, {"by": "piece", "first": "8.00"})
    shop.index()
    assert len(shop.got("leader", "/v1/products?region=650102")["items"]) == 1
    put(shop)
    shop.index()
    assert shop.got("leader", "/v1/products?region=650102")["items"] == []
    assert len(shop.got("leader", "/v1/products?region=440305")["items"]) == 1


def test_templates_are_their_brands_own(shop: Shop) -> None:
    put(shop)
    assert shop.ask("rival", "GET", PATH).status_code == 404
    assert shop.ask("rival", "GET", PATH, params={"source": SOURCE}).status_code == 403
    assert shop.got("rival", "/v1/freight-templates")["items"] == []
    put(shop, {"by": "piece", "first": "1.00"}, who="rival")
    assert shop.got("brand", PATH)["first"] == "8.00"
    assert len(shop.got("operator", "/v1/freight-templates")["items"]) == 2
    assert shop.got("operator", f"{PATH}?source={SOURCE}")["first"] == "8.00"
    assert put(shop, {}, who="operator", status=422)["errors"]
    put(shop, {"by": "piece", "first": "2.00"}, who="operator", source=SOURCE)
    assert shop.got("brand", PATH)["first"] == "2.00"
    wrong = {
        "first": {"by": "piece"},
        "regions": {
            "by": "piece",
            "first": "1",
            "regions": ["44", {"regions": ["44"], "first": "2"}],
        },
        "next": {"by": "amount", "first": {"size": "100", "fee": "8"}, "next": "1"},
    }
    for field, body in wrong.items():
        assert put(shop, body, status=422)["errors"][0]["field"] == field
