"""Price rules through the operator's door: what leaders see, quote, order and search by."""

from typing import Any

from sqlalchemy import text

from catalog.matching import categories
from connectors.model import Listing, page
from kit.ids import inside, outside
from sync.guard import GuardLimits
from sync.importer import run_listing
from tests.api.shop import COST, HOME, SOURCE, Shop
from tests.sync.test_importer import WHEN, row

RULES = "/v1/pricing-rules"


def _put(shop: Shop, *rules: dict[str, Any], version: int = 0, status: int = 200) -> Any:
    body = {"version": version, "rules": list(rules)}
    answer = shop.ask("operator", "PUT", RULES, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def _price(shop: Shop, sku: str, who: str = "leader") -> Any:
    """What the caller sees, quotes and would order it for; all the same."""
    looked = shop.said(who, "/v1/skus/lookup", {"skus": [sku]}, 200)["items"][0]["skus"][0]
    lines = [{"sku": sku, "quantity": 1}]
    quoted = shop.said(who, "/v1/quotes", {"lines": lines, "ship_to": HOME})["lines"][0]
    picked = shop.ask(who, "PUT", f"/v1/selections/{sku}", json={"markup_percent": "10"}).json()
    assert looked["price"] == quoted["unit_price"] == picked["price"]
    return looked["price"]


def test_rules_decide_what_leaders_see_quote_and_pick(shop: Shop) -> None:
    goods = shop.offer()
    assert _price(shop, goods.sku) == "8.5555"
    answer = _put(shop, {"markup_percent": "50", "ending": "0.9", "source": SOURCE})
    assert answer["version"] == 1
    assert answer["rules"][0]["ending"] == "0.90"
    assert _price(shop, goods.sku) == "11.90"
    shop.index()
    told = [shop.got(who, "/v1/changes")["items"][-1] for who in ("leader", "operator")]
    assert [one["affects"]["pricing"]["goods"] for one in told] == [[{}], [{"source": SOURCE}]]
    event = shop.got("leader", "/v1/events")["items"][-1]
    assert (event["type"], event["data"]["affects"]) == ("price.changed", told[0]["affects"])


def test_a_rule_for_nobody_is_refused_by_its_place_and_former_sets_stay_readable(
    shop: Shop,
) -> None:
    one = {"markup_percent": "5"}
    strange = outside("pty", 10**9)
    for field, party in (("party", "pty_x"), ("group", strange)):
        rules = {"version": 0, "rules": [one, one | {field: party}]}
        for method, path in (("PUT", RULES), ("POST", f"{RULES}/preview")):
            body = rules if method == "PUT" else {"rules": rules["rules"]}
            told = shop.ask("operator", method, path, json=body)
            assert (told.status_code, told.json()["detail"]) == (
                422,
                f"rules.1.{field}: there is no party {party!r}",
            )
    _put(shop, one | {"priority": 3})
    _put(shop, version=1)
    assert shop.got("operator", f"{RULES}?version=1")["rules"][0]["priority"] == 3
    assert shop.got("operator", RULES)["rules"] == []
    assert shop.got("operator", f"{RULES}?version=0")["rules"] == []
    assert shop.got("operator", f"{RULES}?version=9", 404)["code"] == "not_found"


def test_a_party_a_group_and_a_level_have_prices_of_their_own(shop: Shop) -> None:
    goods = shop.offer()
    head = shop.join("head", "leader", money=10_000)
    store = shop.join("store", "leader", money=10_000)
    terms = {"parent": head, "level": "金牌"}
    answer = shop.ask("operator", "PATCH", f"/v1/parties/{store}", json=terms)
    assert answer.status_code == 200, answer.text
    version = _put(shop, {"markup_percent": "30", "level": "金牌"})["version"]
    assert (_price(shop, goods.sku, "store"), _price(shop, goods.sku)) == ("10.111", "8.5555")
    shop.index()
    found = shop.got("store", "/v1/products?q=茉莉花茶&price_min=10&price_max=10.2")["items"]
    assert [one["price_from"] for one in found] == ["10.111"]
    group = {"markup_percent": "40", "group": head}
    version = _put(shop, group, version=version)["version"]
    assert (_price(shop, goods.sku, "store"), _price(shop, goods.sku, "head")) == ("10.8888",) * 2
    own = {"markup_percent": "0", "party": store}
    _put(shop, group, own, version=version)
    assert _price(shop, goods.sku, "store") == COST
    assert _price(shop, goods.sku) == "8.5555"


def test_null_ends_where_a_party_stands(shop: Shop) -> None:
    goods, store = shop.offer(), shop.join("store", "leader")
    path, head = f"/v1/parties/{store}", shop.join("head", "leader")
    shop.ask("operator", "PATCH", path, json={"parent": head, "level": "金牌"})
    _put(shop, {"markup_percent": "30", "level": "金牌"}, {"markup_percent": "30", "group": head})
    assert _price(shop, goods.sku, "store") == "10.111"
    shop.ask("operator", "PATCH", path, json={"terms": "T+7"})
    assert shop.got("operator", path)["parent"] == head
    told = shop.ask("operator", "PATCH", path, json={"parent": None, "level": None}).json()
    assert (told["parent"], told["level"], told["terms"]) == (None, None, "T+7")
    assert _price(shop, goods.sku, "store") == "8.5555"


def test_rules_made_from_a_former_version_are_refused(shop: Shop) -> None:
    _put(shop, {"markup_percent": "20"})
    refused = _put(shop, {"markup_percent": "30"}, version=0, status=409)
    assert refused["code"] == "version_changed"
    assert shop.got("operator", RULES)["rules"][0]["markup_percent"] == "20"


def test_a_rule_that_cannot_be_meant_is_named(shop: Shop) -> None:
    wrong = {"markup_percent": "5", "floor": "10", "ceiling": "9"}
    told = _put(shop, {"markup_percent": "5"}, wrong, status=422)
    assert told["errors"][0]["field"] == "rules.1.ceiling"


def test_a_preview_shows_goods_and_past_orders_and_changes_nothing(shop: Shop) -> None:
    goods = shop.offer()
    shop.order(goods, 10)
    body = {"rules": [{"markup_percent": "0"}], "skus": [goods.sku]}
    told = shop.said("operator", f"{RULES}/preview", body, 200)
    assert told["items"] == [
        {
            "sku": goods.sku,
            "title": told["items"][0]["title"],
            "cost": COST,
            "price": "8.5555",
            "price_then": COST,
            "rule": 1,
        }
    ]
    assert told["history"] == {
        "lines": 1,
        "earned": "7.78",
        "would_have_earned": "0.00",
        "dearer": 0,
        "cheaper": 1,
        "below_cost": 0,
        "of_today": ["names", "offers"],
    }
    assert shop.got("operator", RULES)["rules"] == []
    sampled = shop.said("operator", f"{RULES}/preview", {"rules": []}, 200)["items"]
    assert [one["sku"] for one in sampled] == [goods.sku]
    assert inside("sku", goods.sku)


def test_only_operators_know_the_rules(shop: Shop) -> None:
    for who in ("leader", "brand", "buyer"):
        assert shop.ask(who, "GET", RULES).status_code == 403


def worded(shop: Shop, *words: str) -> list[str]:
    """SKUs at 10.00 of these brands."""
    rows = [row(f"q{n}", "10", brand=word) for n, word in enumerate(words)]
    listing = Listing(as_of=WHEN, complete=True, notes={}, pages=iter([page(rows)]))
    run_listing(shop.db, "queyu", listing, guard=GuardLimits())
    with shop.db.as_system() as session:
        asked = text("SELECT sku_id FROM offers WHERE source = 'queyu' ORDER BY external_id")
        return [outside("sku", sku) for sku in session.scalars(asked)]


def test_a_rule_for_a_brand_counts_however_its_goods_are_worded(shop: Shop) -> None:
    words = ("雀语QUEYU", "QUEYU（雀语）", "QY", "晨雾")
    skus = worded(shop, *words)

    def paid() -> list[str]:
        found = shop.said("leader", "/v1/skus/lookup", {"skus": skus}, 200)["items"]
        return [one["skus"][0]["price"] for one in found]

    rule = {"markup_percent": "50", "brand": "雀语"}
    told = shop.said("operator", f"{RULES}/preview", {"rules": [rule], "skus": skus}, 200)
    assert [one["price_then"] for one in told["items"]] == ["15.00", "15.00", "11.00", "11.00"]
    assert _put(shop, rule)["rules"][0]["brand"] == "雀语"
    assert paid() == ["15.00", "15.00", "11.00", "11.00"]
    assert shop.ask("operator", "PUT", "/v1/brand-names/QY", json={"brand": "queyu"}).is_success
    assert paid() == ["15.00", "15.00", "15.00", "11.00"]
    shop.index()
    found = shop.got("leader", "/v1/products?brand=qy")["items"]
    assert {one["brand"] for one in found} == {"雀语QUEYU", "QUEYU（雀语）", "QY"}
    facets = shop.got("leader", "/v1/products/facets?brand=QY")["facets"]
    assert {"value": "雀语", "products": 3} in facets["brand"]
    told = [one.get("affects") for one in shop.got("leader", "/v1/changes")["items"]]
    assert {"brand": {"goods": [{"brand": "qy"}, {"brand": "雀语"}]}} in told


def test_a_rule_for_a_category_of_ours_follows_what_people_say_of_a_sources(shop: Shop) -> None:
    goods = shop.offer(category="花茶")
    _put(shop, {"markup_percent": "50", "ending": "0.9", "category": "食品饮料 > 茶叶"})
    assert _price(shop, goods.sku) == "11.90"
    said = {"source": SOURCE, "theirs": "花茶", "ours": "food.coffee"}
    assert shop.ask("operator", "PUT", "/v1/category-mappings", json=said).status_code == 200
    assert _price(shop, goods.sku) == "8.5555"
    with shop.db.as_system() as session:
        assert categories.shelve(session) == 1
    shop.index()
    told = shop.got("leader", "/v1/changes")["items"][-1]["affects"]
    assert told == {"category": {"goods": [{"category": "食品饮料 > 咖啡"}]}}


def test_what_is_shown_and_previewed_is_what_is_paid_whichever_source_a_rule_is_for(
    shop: Shop,
) -> None:
    goods = shop.offer()
    shop.market.offer(sku_id=goods.sku_id, source="rival", cost="9")
    parts = [{"sku": goods.sku, "units": 2}]
    bundle = shop.said("operator", "/v1/bundles", {"title": "两盒装", "parts": parts})["sku"]
    rules = [{"markup_percent": "100", "source": SOURCE}, {"markup_percent": "20"}]
    asked = {"rules": rules, "skus": [goods.sku, bundle]}
    tried = shop.said("operator", f"{RULES}/preview", asked, 200)["items"]
    _put(shop, *rules)
    paid = [_price(shop, sku) for sku in (goods.sku, bundle)]
    assert paid == ["15.5554", "31.1108"], "the dearer source would be cheaper, and is not bought"
    told = [(one["cost"], one["price"], one["price_then"], one["rule"]) for one in tried]
    assert told == [("7.7777", "8.5555", paid[0], 1), ("15.5554", "17.111", paid[1], None)]
    sellable = shop.got("leader", f"/v1/skus/{goods.sku}/sellable?region=440305")
    assert sellable["price"] == paid[0]
