"""A SKU as it was, over HTTP."""

from datetime import timedelta

from kit import clock
from kit.ids import outside
from tests.api.shop import Shop
from tests.catalog.goods import Supply, product


def at(sku: str, hours: float = 0) -> str:
    moment = clock.now() + timedelta(hours=hours)
    return f"/v1/skus/{sku}/at?moment={moment:%Y-%m-%dT%H:%M:%S.%fZ}"


def test_a_moment_is_told_to_each_reader_in_its_own_way(shop: Shop) -> None:
    with shop.db.as_system() as session:
        made = product(session, "绿茶", Supply("teahouse", "10", quantity=5))
    sku = outside("sku", made.sku_id)
    then = shop.got("operator", at(sku))
    assert (then["listed"], then["stock"]) == (True, {"state": "in_stock", "quantity": 5})
    assert [(one["source"], one["costs"]) for one in then["offers"]] == [
        ("teahouse", {"dropship": "10.00"})
    ]
    before = shop.got("leader", at(sku, hours=-1))
    assert (before["listed"], before["price"]) == (False, None)
    assert before.get("offers") is None


def test_what_has_not_come_yet_is_refused(shop: Shop) -> None:
    sku = shop.offer(stock=3).sku
    problem = shop.got("leader", at(sku, hours=1), 422)
    assert problem["errors"][0]["field"] == "moment"
    shop.got("leader", at("sku_nothere"), 404)
