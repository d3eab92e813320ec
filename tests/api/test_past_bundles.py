"""Bundles and freight templates as they were, over HTTP."""

from datetime import datetime
from typing import Any

from sqlalchemy import text

from catalog.bundles import Part
from catalog.matching import joining
from catalog.reads import past
from catalog.shelf import Reader
from kit import clock
from kit.ids import outside
from tests.api.shop import SOURCE, Shop
from tests.api.test_past import asked
from tests.catalog.goods import NOW, Supply, product
from tests.trade.market import Goods
from trade.invariants import violations


def goods(shop: Shop, quantity: int | None = None, source: str = SOURCE, cost: str = "10") -> Goods:
    """Goods that a loader brought, for which leaders pay a tenth more."""
    with shop.db.as_system() as session:
        one = product(session, "绿茶", Supply(source, cost, quantity=quantity))
    number, [offer] = one.sku_id, one.offer_ids
    return Goods(outside("sku", number), number, offer, f"{source}-{number}")


def price(shop: Shop, goods: Goods, cost: str) -> None:
    path = f"/v1/listings/{goods.external_id}/price"
    answer = shop.ask("brand", "PUT", path, json={"price": cost})
    assert answer.status_code == 200, answer.text


def bundle(shop: Shop, sku: str, *parts: tuple[Goods, int]) -> None:
    named = [{"sku": goods.sku, "units": units} for goods, units in parts]
    answer = shop.ask("operator", "PUT", f"/v1/bundles/{sku}", json={"parts": named})
    assert answer.status_code == 200, answer.text


def made(shop: Shop, *parts: tuple[Goods, int]) -> str:
    named = [{"sku": goods.sku, "units": units} for goods, units in parts]
    return str(shop.said("operator", "/v1/bundles", {"title": "茶具礼盒", "parts": named})["sku"])


def history(shop: Shop, sku: str, who: str = "leader", since: datetime | None = None) -> Any:
    span = "" if since is None else f"?from={since:%Y-%m-%dT%H:%M:%S.%fZ}"
    return shop.got(who, f"/v1/skus/{sku}/price-history{span}")["items"]


def prices(shop: Shop, sku: str, who: str = "leader", since: datetime | None = None) -> list[str]:
    return [one["price"] for one in history(shop, sku, who, since)]


def test_a_bundle_is_as_its_parts_were_and_as_it_was_made_then(shop: Shop) -> None:
    tea, cup = goods(shop, 9), goods(shop, 3)
    before = clock.now()
    sku = made(shop, (tea, 2), (cup, 1))
    moments = [clock.now()]
    bundle(shop, sku, (tea, 2), (cup, 1))  # nothing new
    price(shop, tea, "20")
    moments.append(clock.now())
    bundle(shop, sku, (tea, 4))
    moments.append(clock.now())
    shop.ask("operator", "DELETE", f"/v1/bundles/{sku}")
    moments.append(clock.now())
    then = [shop.got("leader", asked(sku, one)) for one in (before, *moments)]
    told = [(one["price"], one["stock"]["quantity"]) for one in then]
    assert told == [(None, 0), ("33.00", 3), ("55.00", 3), ("88.00", 2), (None, 0)]
    assert not any("parts" in one["of_today"] for one in then)
    assert prices(shop, sku) == ["33.00", "55.00", "88.00"]
    assert prices(shop, sku, since=moments[1]) == ["55.00", "88.00"]
    assert prices(shop, sku, since=moments[3]) == []
    told = history(shop, sku, "operator")
    assert [(one["price"], one.get("source")) for one in told] == [
        ("30.00", None),
        ("50.00", None),
        ("80.00", None),
    ]
    assert prices(shop, tea.sku) == ["11.00", "22.00"]
    with shop.db.as_system() as session:
        assert violations(session) == []
        assert session.scalar(text("SELECT count(*) FROM bundle_versions")) == 2
        session.execute(text("UPDATE feed_head SET terms_since = clock_timestamp()"))
    assert "parts" in shop.got("leader", asked(sku, moments[0]))["of_today"]


def test_the_history_of_a_bundle_is_by_what_was_open_and_offered_then(shop: Shop) -> None:
    tea, cup = goods(shop), goods(shop, source="rival", cost="1")
    sku = made(shop, (tea, 1), (cup, 2))
    moments = [clock.now()]
    other = {"party": outside("pty", shop.parties["other"])}
    shop.ask("operator", "PUT", "/v1/grants/g?source=rival", json={"who": other})
    moments.append(clock.now())
    shop.ask("operator", "DELETE", "/v1/grants/g?source=rival")
    moments.append(clock.now())
    rules = [{"markup_percent": "100", "source": "rival"}]
    shop.ask("operator", "PUT", "/v1/pricing-rules", json={"version": 0, "rules": rules})
    moments.append(clock.now())
    then = [shop.got("leader", asked(sku, one)) for one in moments]
    told = [(one["granted"], one["price"]) for one in then]
    assert told == [(True, "13.20"), (False, None), (True, "13.20"), (True, "15.00")]
    assert prices(shop, sku) == ["13.20", "13.20", "15.00"]
    assert prices(shop, sku, "other") == ["13.20", "15.00"]
    assert SOURCE not in str(then) + str(history(shop, sku))


def test_an_offer_of_its_own_is_the_history_of_a_bundle_while_it_lasts(shop: Shop) -> None:
    tea, whole = goods(shop, 9), goods(shop, 3)
    bundle(shop, whole.sku, (tea, 3))
    off = {"title": "礼盒", "price": "10", "state": "off"}
    for state in (off, off | {"state": "live"}):
        put = shop.ask("brand", "PUT", f"/v1/listings/{whole.external_id}", json=state)
        assert put.status_code == 200, put.text
    assert prices(shop, whole.sku) == ["11.00", "33.00", "11.00"]
    told = history(shop, whole.sku, "operator")
    assert [(one["price"], one.get("source")) for one in told] == [
        ("10.00", SOURCE),
        ("30.00", None),
    ]


def test_parts_that_were_one_sku_then_shared_its_stock_then(shop: Shop) -> None:
    tea, same = goods(shop, 5), goods(shop, 5)
    sku = made(shop, (tea, 1), (same, 2))
    moments = [clock.now()]
    with shop.db.as_system() as session:
        joining.merge(session, same.sku_id, tea.sku_id, "operator")
    moments.append(clock.now())
    with shop.db.as_system() as session:
        joining.split(session, tea.sku_id, [same.offer_id], "operator")
    moments.append(clock.now())
    then = [shop.got("operator", asked(sku, one))["stock"]["quantity"] for one in moments]
    assert then == [2, 1, 2]


def test_where_a_template_sends_nothing_is_of_then(shop: Shop) -> None:
    tea = goods(shop)
    listing = {"title": "绿茶", "price": "7.7777", "freight": "全国"}
    put = shop.ask("brand", "PUT", f"/v1/listings/{tea.external_id}", json=listing)
    assert put.status_code == 200, put.text
    rate = {"by": "piece", "first": {"size": "1", "fee": "5.00"}}
    far, moments = "&region=110105", []
    for beyond in (["110000"], ["440000"]):
        body = rate | {"not_delivered": beyond}
        put = shop.ask("brand", "PUT", "/v1/freight-templates/全国", json=body)
        assert put.status_code == 200, put.text
        moments.append(clock.now())
    shop.ask("brand", "DELETE", "/v1/freight-templates/全国")
    moments.append(clock.now())
    shop.ask(
        "brand", "PUT", "/v1/freight-templates/全国", json=rate | {"not_delivered": ["110000"]}
    )
    moments.append(clock.now())
    then = [shop.got("leader", f"{asked(tea.sku, one)}{far}") for one in moments]
    assert [one["delivered"] for one in then] == [False, True, True, False]
    assert then[0]["of_today"] == ["names", "sources"]
    with shop.db.as_system() as session:
        assert violations(session) == []
    put = shop.ask(
        "brand", "PUT", f"/v1/listings/{tea.external_id}", json=listing | {"freight": "包邮"}
    )
    assert put.status_code == 200, put.text
    assert shop.got("leader", f"{asked(tea.sku, moments[3])}{far}")["delivered"] is False
    assert shop.got("leader", f"{asked(tea.sku, clock.now())}{far}")["delivered"] is True


def test_a_bundle_of_which_a_part_was_not_offered_was_neither_open_nor_shut() -> None:
    then = past.seen([], Reader("leader"), NOW, parts=[Part(1, 2)])
    assert (then.listed, then.granted, then.delivered) == (False, None, None)
