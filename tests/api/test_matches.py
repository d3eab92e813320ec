"""The review queue over HTTP: decisions, splits, brands' names."""

from typing import Any

from catalog.matching import settling
from connectors.model import Listing, page
from sync.guard import GuardLimits
from sync.importer import run_listing
from tests.api.shop import SOURCE, Shop
from tests.sync.test_importer import WHEN, row


def _offers(shop: Shop) -> None:
    for source, title in (
        ("beans-one", "晨雾咖啡豆意式拼配深度烘焙454g"),
        ("beans-two", "晨雾咖啡豆意式拼配深度烘焙日晒454g"),
    ):
        offered = [row(source, "68", brand="晨雾", title=title)]
        listing = Listing(as_of=WHEN, complete=True, notes={}, pages=iter([page(offered)]))
        run_listing(shop.db, source, listing, guard=GuardLimits())
        with shop.db.as_system() as session:
            settling.settle(session)


def _waiting(shop: Shop) -> Any:
    (one,) = shop.got("operator", "/v1/matches?state=review")["items"]
    return one


def test_a_likely_match_is_shown_with_evidence_accepted_and_split_again(shop: Shop) -> None:
    _offers(shop)
    one = _waiting(shop)
    assert (one["kind"], one["offer"]["external_id"]) == ("match", "beans-two")
    assert {"code", "weight", "words"} == set(one["evidence"][0])
    taken = shop.said("operator", f"/v1/matches/{one['id']}/accept", None, 200)
    assert (taken["state"], taken["offer"]["sku"]) == ("accepted", taken["sku"])
    assert shop.got("operator", "/v1/matches")["items"] == []
    named = {"offers": [{"source": "beans-two", "external_id": "beans-two"}]}
    product = f"/v1/products/{one['product']['id']}/split"
    moved = shop.said("operator", product, named, 200)["moved"]
    assert moved == [{"from": one["sku"], "to": one["offer"]["sku"]}]
    assert shop.said("operator", product, named, 409)["code"] == "not_split"


def test_a_split_and_a_rejection_are_taken_back_by_accepting_the_match(shop: Shop) -> None:
    _offers(shop)
    one = _waiting(shop)
    accept, reject = (f"/v1/matches/{one['id']}/{what}" for what in ("accept", "reject"))
    shop.said("operator", reject, None, 200)
    assert shop.got("operator", "/v1/matches?state=rejected")["items"][0]["id"] == one["id"]
    assert shop.said("operator", accept, None, 200)["state"] == "accepted"
    assert shop.said("operator", reject, None, 409)["code"] == "decided"
    named = {"offers": [{"source": "beans-two", "external_id": "beans-two"}]}
    shop.said("operator", f"/v1/products/{one['product']['id']}/split", named, 200)
    assert shop.got("operator", "/v1/matches?state=rejected")["items"][0]["id"] == one["id"]
    again = shop.said("operator", accept, None, 200)
    assert (again["state"], again["offer"]["sku"]) == ("accepted", one["sku"])
    found = shop.said("leader", "/v1/skus/lookup", {"skus": [one["offer"]["sku"]]}, 200)
    assert found["items"][0]["skus"][0]["id"] == one["sku"]


def test_an_operator_says_what_a_brand_is_called(shop: Shop) -> None:
    answer = shop.ask("operator", "PUT", "/v1/brand-names/MISTY", json={"brand": "晨雾"})
    assert answer.json() == {"name": "misty", "brand": "晨雾", "by": "operator"}
    listed = shop.got("operator", "/v1/brand-names?brand=晨雾")["items"]
    assert answer.json() in listed
    wrong = shop.ask("operator", "PUT", "/v1/brand-names/a%7Cb", json={"brand": "晨雾"})
    assert wrong.status_code == 422


def test_a_person_says_what_a_sources_category_is(shop: Shop) -> None:
    shop.offer(category="奇石")
    codes = {one["code"] for one in shop.got("operator", "/v1/category-tree")["items"]}
    assert "food.coffee" in codes
    said = {"source": "beans", "theirs": "咖啡 > 豆", "ours": "food.coffee"}
    answer = shop.ask("operator", "PUT", "/v1/category-mappings", json=said)
    assert answer.json() == said | {"state": "confirmed", "votes": 0}
    learnt = shop.said("operator", "/v1/category-mappings/learn", {"source": "beans"}, 200)
    assert learnt == {"learnt": 0}
    listed = shop.got("operator", "/v1/category-mappings?source=beans")["items"]
    assert listed == [answer.json()]
    unknown = shop.got("operator", f"/v1/category-mappings/unmapped?source={SOURCE}")
    assert unknown == {"items": [{"theirs": "奇石", "offers": 1}], "next": None}
    wrong = shop.ask("operator", "PUT", "/v1/category-mappings", json=said | {"ours": "none"})
    assert wrong.status_code == 422
