"""The review queue over HTTP: decisions, splits, brands' names."""

from typing import Any

from sqlalchemy import text

from catalog.matching import joining, settling
from catalog.sequencer import number_changes
from connectors.model import Listing, page
from sync.guard import GuardLimits
from sync.importer import run_listing
from tests.api.shop import HOME, SOURCE, Shop, ordering
from tests.api.test_pricing import worded
from tests.sync.test_importer import WHEN, row
from tests.trade.market import Goods


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


def test_goods_that_bear_two_brands_are_of_neither_until_a_person_says(shop: Shop) -> None:
    words = ("小米", "红米", "红米/小米", "小米、红米")
    skus = worded(shop, *words)
    rules = [{"markup_percent": str(n), "brand": word} for n, word in ((50, "小米"), (60, "红米"))]
    put = {"version": 0, "rules": rules}
    assert shop.ask("operator", "PUT", "/v1/pricing-rules", json=put).is_success

    def paid() -> list[str]:
        found = shop.said("leader", "/v1/skus/lookup", {"skus": skus}, 200)["items"]
        return [one["skus"][0]["price"] for one in found]

    assert paid() == ["15.00", "16.00", "11.00", "11.00"]
    shop.index()
    found = [len(shop.got("leader", f"/v1/products?brand={word}")["items"]) for word in words]
    assert found == [1, 1, 2, 2]
    unsure = shop.got("operator", "/v1/brand-wordings/unsure")["items"]
    assert [(one["wording"], one["brands"], one["offers"]) for one in unsure] == [
        ("小米、红米", ["小米", "红米"], 1),
        ("红米/小米", ["红米", "小米"], 1),
    ]
    said = {"wording": "小米/红米", "brand": "红米"}
    answer = shop.ask("operator", "PUT", "/v1/brand-wordings", json=said)
    assert answer.json() == {"name": "小米/红米", "brand": "红米", "by": "operator"}
    assert paid() == ["15.00", "16.00", "16.00", "16.00"]
    assert shop.got("operator", "/v1/brand-wordings/unsure")["items"] == []
    for wrong in ({"wording": "小米", "brand": "红米"}, {"wording": "小米/红米", "brand": "a|b"}):
        assert shop.ask("operator", "PUT", "/v1/brand-wordings", json=wrong).status_code == 422


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


def _picked(shop: Shop) -> tuple[Goods, Goods]:
    """Two SKUs that a leader picked, at 20.00 and 30.00."""
    one, other = shop.offer(stock=9), shop.offer(stock=9)
    for goods, price in ((one, "20.00"), (other, "30.00")):
        rule = {"retail_price": price, "code": f"c{price}"}
        assert shop.ask("leader", "PUT", _pick(goods), json=rule).status_code == 200
    return one, other


def _merge(shop: Shop, one: Goods, other: Goods) -> None:
    with shop.db.as_system() as session:
        joining.merge(session, one.sku_id, other.sku_id, "operator")


def _pick(goods: Goods) -> str:
    return f"/v1/selections/{goods.sku}"


def test_what_is_ordered_by_a_merged_sku_is_sold_at_the_price_picked_for_it(shop: Shop) -> None:
    one, other = _picked(shop)
    _merge(shop, one, other)
    for line, price in (
        ({"code": "c20.00"}, "20.00"),
        ({"sku": one.sku}, "20.00"),
        ({"sku": other.sku}, "30.00"),
    ):
        order = shop.said("leader", "/v1/orders", ordering(one, lines=[line | {"quantity": 1}]))
        assert (order["lines"][0]["sku"], order["lines"][0]["retail_price"]) == (other.sku, price)
    shop.ask("leader", "DELETE", _pick(other))
    assert shop.order(other)["lines"][0]["retail_price"] == "20.00"
    quote = {"lines": [{"sku": other.sku, "quantity": 1}], "ship_to": HOME}
    quoted = shop.said("leader", "/v1/quotes", quote)["id"]
    third = shop.offer(stock=9)
    _merge(shop, other, third)
    assert shop.order(third, quote=quoted, max_total=None)["lines"][0]["sku"] == third.sku


def test_what_brands_say_of_a_merged_sku_counts_under_either_name(shop: Shop) -> None:
    one, other = _picked(shop)
    for named in (one, other):
        policy = {"sku": named.sku, "min_retail": "31.00"}
        assert shop.ask("brand", "PUT", "/v1/price-policies/p", json=policy).status_code == 200
        grant = {"what": {"sku": named.sku}, "max_per_day": 5}
        assert shop.ask("brand", "PUT", "/v1/grants/g", json=grant).status_code == 200
        _merge(shop, one, other)
        for goods in (one, other):
            picked = shop.got("leader", _pick(goods))
            assert picked["corridor"] == {"min": "31.00", "max": None}
            told = shop.got("leader", f"/v1/skus/{goods.sku}/sellable?region=440305")
            assert [reason["code"] for reason in told["reasons"]] == ["outside_corridor"]
            refused = shop.said("leader", "/v1/orders", ordering(goods), 409)
            assert refused["code"] == "outside_corridor"
            wrong = shop.ask("leader", "PUT", _pick(goods), json={"retail_price": "30.50"})
            assert wrong.json()["errors"][0]["code"] == "outside_corridor"


def test_a_limit_counts_what_was_ordered_before_a_merge(shop: Shop) -> None:
    one, other = shop.offer(stock=9), shop.offer(stock=9)
    grant = {"what": {}, "max_per_day": 5}
    assert shop.ask("brand", "PUT", "/v1/grants/g", json=grant).status_code == 200
    shop.order(one, 4)
    _merge(shop, one, other)
    for goods in (one, other):
        asked = f"/v1/skus/{goods.sku}/sellable?region=440305&quantity="
        assert shop.got("leader", f"{asked}1")["sellable"] is True
        told = shop.got("leader", f"{asked}2")
        assert [reason["code"] for reason in told["reasons"]] == ["limit_per_day"]
        refused = shop.said("leader", "/v1/orders", ordering(goods, 2), 409)
        assert refused["errors"][0]["code"] == "limit_per_day"


def test_whoever_picked_a_merged_sku_hears_that_it_is_one_of_two_again(shop: Shop) -> None:
    one, other = shop.offer(stock=9), shop.offer(stock=9)
    shop.ask("leader", "PUT", _pick(one), json={"retail_price": "20.00"})
    heard, after = [], "0"
    for kind in ("merge", "split"):
        with shop.db.as_system() as session:
            if kind == "merge":
                joining.merge(session, one.sku_id, other.sku_id, "operator")
            else:
                joining.split(session, other.sku_id, [one.offer_id], "operator")
        with shop.db.as_system() as session:
            number_changes(session)
        told = shop.got("leader", f"/v1/changes?scope=selection&after={after}")
        heard += [one["now"]["affects"]["match"] for one in told["items"] if one["kind"] == "rule"]
        after = told["next"]
    assert heard == [{"merge": [one.sku, other.sku]}, {"split": [other.sku, one.sku]}]


def test_codes_of_a_merged_sku_find_the_goods_that_it_leads_to(shop: Shop) -> None:
    one = shop.offer(stock=9, gtin="06901234567892", mpn="MX-77")
    other = shop.offer(stock=9)
    with shop.db.as_system() as session:
        session.execute(
            text("UPDATE skus SET gtin = :gtin WHERE id = :id"),
            {"gtin": "06901234567892", "id": one.sku_id},
        )

    def found(asked: str) -> Any:
        return [item["title"] for item in shop.got("leader", f"/v1/products?{asked}")["items"]]

    shop.index()
    asked = ("q=6901234567892", "gtin=6901234567892", f"q={one.sku}", "q=MX-77")
    [own] = {tuple(found(each)) for each in asked}
    _merge(shop, one, other)
    shop.index()
    [led] = {tuple(found(each)) for each in asked}
    assert len(own) == len(led) == 1
    assert own != led
    assert list(led) == found(f"q={other.sku}")


def test_goods_of_an_order_go_by_either_name_after_a_merge(shop: Shop) -> None:
    one, other = shop.offer(stock=9), shop.offer(stock=9)
    shipped, early = shop.shipped(one), shop.order(one, 2)
    _merge(shop, one, other)
    late = shop.order(other, 2)
    for order, name in ((early, other), (late, one)):
        asked = {"reason": "不要了", "lines": [name.sku]}
        told = shop.said("leader", f"/v1/orders/{order['id']}/cancel", asked, 200)
        assert told["status"] == "cancelled"
    line = {"sku": other.sku, "quantity": 1}
    claim = {"kind": "refund", "lines": [line], "reason": "坏了"}
    path = f"/v1/orders/{shipped['id']}/claims"
    twice = claim | {"lines": [line, line | {"sku": one.sku}]}
    assert shop.said("leader", path, twice, 422)["errors"][0]["code"] == "duplicate"
    claimed = shop.said("leader", path, claim)["items"][0]
    assert [part["sku"] for part in claimed["lines"]] == [one.sku]
