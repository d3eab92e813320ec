"""What a brand has sold: by day of Shanghai, SKU and region, at its own price, its own goods."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from catalog.matching import wordings
from kit.clock import SHANGHAI
from kit.errors import Problem
from kit.ids import inside
from tests.api.shop import HOME, SOURCE, Shop
from trade import sales

BEIJING = HOME | {"region": "110105", "address": "建国路 1 号"}


def test_sales_are_units_and_own_amounts_by_day_sku_and_region(shop: Shop) -> None:
    tea, cup = shop.offer(), shop.offer()
    order = shop.shipped(tea, 3)
    shop.order(cup, 2, ship_to=BEIJING)
    shop.order(cup, 5)
    gone = shop.order(cup, 4)
    shop.said("leader", f"/v1/orders/{gone['id']}/cancel", {"reason": "不要了"}, 200)
    shop.submitted()
    claim = shop.said(
        "leader",
        f"/v1/orders/{order['id']}/claims",
        {"kind": "refund", "lines": [{"sku": tea.sku, "quantity": 1}], "reason": "坏了"},
    )["items"][0]
    shop.said("brand", f"/v1/claims/{claim['id']}/approve", {}, 200)
    by_sku = {one["sku"]: one for one in shop.got("brand", "/v1/sales?group_by=sku")["items"]}
    assert by_sku[tea.sku] | {"title": ""} == {
        "sku": tea.sku,
        "external_id": tea.external_id,
        "title": "",
        "purchases": 1,
        "units": 3,
        "shipped": 3,
        "returned": 0,
        "amount": "23.33",
        "refunds": "7.77",
    }
    with shop.db.as_system() as session:  # the books say the same of what was shipped
        owed = "SELECT sum(amount) FROM postings WHERE destination = :payable"
        assert session.scalar(text(owed), {"payable": f"payable:{SOURCE}"}) == 2333
    assert (by_sku[cup.sku]["units"], by_sku[cup.sku]["amount"]) == (7, "54.45")
    by_region = shop.got("brand", "/v1/sales?group_by=region")
    assert [(one["region_name"], one["units"]) for one in by_region["items"]] == [
        ("广东省", 8),
        ("北京市", 2),
    ]
    today = datetime.now(SHANGHAI).date().isoformat()
    page = shop.got("brand", f"/v1/sales?from={today}&to={today}&group_by=day,sku&limit=1")
    assert page["items"][0]["day"] == today
    assert page["total"]["units"] == 10
    rest = shop.got("brand", f"/v1/sales?group_by=day,sku&limit=1&cursor={page['next']}")
    assert {rest["items"][0]["sku"], page["items"][0]["sku"]} == {tea.sku, cup.sku}
    assert rest["next"] is None
    assert shop.got("operator", f"/v1/sales?source={SOURCE}")["total"] == page["total"]
    assert shop.got("rival", "/v1/sales")["total"]["units"] == 0
    for word in ("8.56", "25.67", order["id"], order["reference"]):  # the leader's own
        assert word not in str((by_sku, by_region, page)), word


def test_a_brand_is_one_however_its_goods_are_worded(shop: Shop) -> None:
    for word, units in (("雀语", 1), ("雀语QUEYU", 2)):
        goods = shop.offer()
        with shop.db.as_system() as session:
            wordings.register(session, [word])
            named = {"word": word, "sku": inside("sku", goods.sku)}
            session.execute(text("UPDATE offers SET brand = :word WHERE sku_id = :sku"), named)
        shop.order(goods, units)
    shop.submitted()
    by_brand = shop.got("brand", "/v1/sales?group_by=brand")["items"]
    assert [(one["brand"], one["units"]) for one in by_brand] == [("雀语", 3)]


def test_a_day_is_a_day_in_shanghai(shop: Shop) -> None:
    goods = shop.offer()
    shop.order(goods, 1)
    shop.submitted()
    late = datetime(2026, 3, 4, 15, 59, 59, tzinfo=UTC)  # 23:59:59 there
    for moment, day in ((late, "2026-03-04"), (late.replace(hour=16), "2026-03-05")):
        with shop.db.as_system() as session:
            session.execute(text("UPDATE purchases SET created_at = :at"), {"at": moment})
        found = shop.got("brand", "/v1/sales?from=2026-03-04&to=2026-03-05")["items"]
        assert [one["day"] for one in found] == [day]
        assert bool(shop.got("brand", f"/v1/sales?from={day}&to={day}")["items"])
    assert shop.got("brand", "/v1/sales?from=2026-03-05T01:00:00%2B08:00")["items"] == []
    assert shop.got("brand", "/v1/sales?from=2026-03-05T00:00:00Z")["items"] == []


def test_what_cannot_be_told_is_refused(shop: Shop) -> None:
    for query in (
        "group_by=party",
        "group_by=day,sku,region,brand",
        "from=2026-03-05&to=2026-03-04",
        "from=2000-01-01&to=2026-01-01",
        "from=9999-12-31&to=9999-12-31",
        "from=x",
        "group_by=day;drop",
    ):
        assert shop.ask("brand", "GET", f"/v1/sales?{query}").status_code == 422, query


@given(st.dates(), st.dates())
def test_a_span_is_whole_days_of_shanghai_or_refused(first: date, last: date) -> None:
    try:
        found = sales.span(first, last, datetime(2026, 11, 26, tzinfo=UTC))
    except Problem:
        assert not 0 <= (last - first).days < sales.MOST_DAYS or last.year in (1, 9999)
    else:
        assert (found.until - found.since).days == (last - first).days + 1
