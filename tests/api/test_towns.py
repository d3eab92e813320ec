"""An address is read to its town or to its district: neither quote, order nor stock comes apart."""

from pathlib import Path

from tests.api.shop import HOME, Shop, ordering
from tests.towns import few, using

IN_WORDS = HOME | {"region": "440305"}
"""The town stands in its address alone."""


def test_an_order_is_the_same_before_and_after_the_table_of_towns_came(
    shop: Shop, tmp_path: Path
) -> None:
    goods = shop.offer(stock=9)
    bodies = [ordering(goods, reference=f"R-{at}", ship_to=IN_WORDS) for at in range(2)]
    with using(tmp_path / "none.csv"):
        before = shop.said("leader", "/v1/orders", bodies[0], 201)
        lines = [{"sku": goods.sku, "quantity": 1}]
        quote = shop.said("leader", "/v1/quotes", {"lines": lines, "ship_to": IN_WORDS})
    with using(few(tmp_path)):
        assert shop.said("leader", "/v1/orders", bodies[0], 200)["id"] == before["id"]
        batch = shop.said("leader", "/v1/orders/batch", {"items": bodies[:1]}, 200)
        assert batch["items"][0]["status"] == 200
        more = ordering(goods, reference="R-q", quote=quote["id"], max_total=None, ship_to=IN_WORDS)
        assert shop.said("leader", "/v1/orders", more, 201)["ship_to"]["region"] == "440305007"
        after = shop.said("leader", "/v1/orders", bodies[1], 201)
        assert after["ship_to"]["place"] == {
            "province": "广东省",
            "city": "深圳市",
            "county": "南山区",
            "town": "粤海街道",
        }
        exact = bodies[1] | {"ship_to": HOME}
        assert shop.said("leader", "/v1/orders", exact, 200)["id"] == after["id"]
        elsewhere = bodies[1] | {"ship_to": HOME | {"region": "440305008"}}
        assert shop.said("leader", "/v1/orders", elsewhere, 409)["code"] == "reference_conflict"
    with using(tmp_path / "none.csv"):
        assert shop.said("leader", "/v1/orders", bodies[1], 200)["id"] == after["id"]


def test_a_city_and_its_town_are_enough(shop: Shop, tmp_path: Path) -> None:
    body = ordering(shop.offer(), ship_to={"text": "张三 13800138000 深圳市粤海街道科技园1号"})
    with using(few(tmp_path)):
        placed = shop.said("leader", "/v1/orders", body, 201)
        path = f"/v1/orders/{placed['id']}/reveal"
        told = shop.said("leader", path, {"purpose": "看看"}, 200)
    assert (told["region"], told["address"]) == ("440305007", "粤海街道科技园1号")
    with using(tmp_path / "none.csv"):
        asked = shop.said("leader", "/v1/orders", body | {"reference": "R-none"}, 422)
    assert "南山区" in asked["errors"][0]["message"]
