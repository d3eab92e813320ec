"""A SKU as it was, over HTTP."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from kit import clock
from kit.ids import outside
from tests.api.shop import Shop
from tests.catalog.goods import Supply, event, product
from trade.invariants import violations


def asked(sku: str, moment: datetime) -> str:
    return f"/v1/skus/{sku}/at?moment={moment:%Y-%m-%dT%H:%M:%S.%fZ}"


def at(sku: str, hours: float = 0) -> str:
    return asked(sku, clock.now() + timedelta(hours=hours))


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


def _rule(shop: Shop, path: str, by: str = "operator", /, **body: Any) -> None:
    answer = shop.ask(by, "PUT", f"/v1/{path}", json=body)
    assert answer.status_code == 200, answer.text


def _party(shop: Shop, who: str, **terms: Any) -> None:
    path = f"/v1/parties/{outside('pty', shop.parties[who])}"
    assert shop.ask("operator", "PATCH", path, json=terms).status_code == 200


def _tea(shop: Shop, *supplies: Supply) -> str:
    with shop.db.as_system() as session:
        return outside("sku", product(session, "绿茶", *supplies).sku_id)


def _seen(shop: Shop, sku: str, moments: list[datetime], who: str, more: str = "") -> list[Any]:
    """At each moment: whether brands had opened it to that reader, and whether it was for sale."""
    told = [shop.got(who, f"{asked(sku, one)}{more}") for one in moments]
    return [(one["granted"], one["listed"]) for one in told]


OPENED, SHUT = (True, True), (False, False)


def test_who_may_sell_what_is_of_the_moment_asked_for(shop: Shop) -> None:
    sku = _tea(shop, Supply("teahouse", "10"))
    moments = [clock.now()]
    to_leader = {"who": {"party": outside("pty", shop.parties["leader"])}}
    _rule(shop, "grants/g?source=teahouse", **to_leader)
    moments.append(clock.now())
    to_other = {"who": {"party": outside("pty", shop.parties["other"])}}
    _rule(shop, "grants/g?source=teahouse", **to_other, where=["440000"])
    moments.append(clock.now())
    shop.ask("operator", "DELETE", "/v1/grants/g?source=teahouse")
    moments.append(clock.now())
    assert _seen(shop, sku, moments, "leader") == [OPENED, OPENED, SHUT, OPENED]
    assert _seen(shop, sku, moments, "other") == [OPENED, SHUT, OPENED, OPENED]
    far = "&region=110105"
    assert _seen(shop, sku, moments, "other", far)[2][0] is False
    assert _seen(shop, sku, moments, "other", "&region=440305")[2][0] is True
    assert _seen(shop, sku, moments, "operator") == [OPENED] * 4


def test_a_grant_for_a_head_office_or_a_level_is_for_who_stood_there_then(shop: Shop) -> None:
    sku = _tea(shop, Supply("teahouse", "10"))
    head = outside("pty", shop.parties["other"])
    _rule(shop, "grants/head?source=teahouse", who={"party": head})
    _rule(shop, "grants/gold?source=teahouse", who={"level": "金牌"})
    moments = []
    for terms in ({}, {"parent": head}, {"parent": ""}, {"level": "金牌"}, {"level": "银牌"}):
        _party(shop, "leader", **terms)
        moments.append(clock.now())
    leader = f"&party={outside('pty', shop.parties['leader'])}"
    assert _seen(shop, sku, moments, "operator", leader) == [SHUT, OPENED, SHUT, OPENED, SHUT]
    shop.got("leader", asked(sku, moments[1]), 404)  # what is shut today has no past either


def test_prices_are_by_the_level_of_then_also_in_the_history(shop: Shop) -> None:
    sku = _tea(shop, Supply("teahouse", "10"))
    moments = [clock.now()]
    rules = [{"markup_percent": "30", "level": "金牌"}]
    _rule(shop, "pricing-rules", version=0, rules=rules)
    moments.append(clock.now())
    _party(shop, "leader", level="金牌")
    moments.append(clock.now())
    _rule(shop, "pricing-rules", version=1, rules=[{"markup_percent": "50"}])
    moments.append(clock.now())
    then = [shop.got("leader", asked(sku, one))["price"] for one in moments]
    assert then == ["11.00", "11.00", "13.00", "15.00"]
    span = f"from={moments[0]:%Y-%m-%dT%H:%M:%S.%fZ}"
    told = shop.got("leader", f"/v1/skus/{sku}/price-history?{span}")["items"]
    assert [one["price"] for one in told] == ["11.00", "13.00", "15.00"]
    assert told[1]["at"] > f"{moments[1]:%Y-%m-%dT%H:%M:%S.%f}"
    span = f"from={moments[-1]:%Y-%m-%dT%H:%M:%S.%fZ}"
    last = shop.got("leader", f"/v1/skus/{sku}/price-history?{span}")
    assert [one["price"] for one in last["items"]] == ["15.00"]


def test_goods_that_were_not_open_then_have_no_price_in_the_history(shop: Shop) -> None:
    sku = _tea(shop, Supply("teahouse", "10"), Supply("rival", "20"))
    to_other = {"who": {"party": outside("pty", shop.parties["other"])}}
    _rule(shop, "grants/g?source=teahouse", **to_other)
    shop.ask("operator", "DELETE", "/v1/grants/g?source=teahouse")
    told = [shop.got(who, f"/v1/skus/{sku}/price-history")["items"] for who in ("leader", "buyer")]
    assert [one["price"] for one in told[0]] == ["11.00", "22.00", "11.00"]
    assert [(one["source"], one["price"]) for one in told[1]] == [
        ("teahouse", "10.00"),
        ("rival", "20.00"),
        ("teahouse", "10.00"),
    ]


def test_the_corridor_is_of_the_moment_and_the_place(shop: Shop) -> None:
    sku = _tea(shop, Supply("teahouse", "10", ceiling="40"))
    moments = [clock.now()]
    _rule(shop, "price-policies/p", sku=sku, min_retail="12")
    _rule(shop, "price-policies/south", sku=sku, min_retail="15", regions=["440000"])
    moments.append(clock.now())
    _rule(shop, "price-policies/p", sku=sku, min_retail="13")
    moments.append(clock.now())
    shop.ask("operator", "DELETE", "/v1/price-policies/p")
    moments.append(clock.now())
    floors = [
        [shop.got("leader", f"{asked(sku, one)}{more}")["corridor"]["min"] for one in moments]
        for more in ("", "&region=440305")
    ]
    assert floors == [[None, "12.00", "13.00", None], [None, "15.00", "15.00", "15.00"]]
    assert shop.got("leader", asked(sku, moments[0]))["corridor"]["max"] == "40.00"


def test_what_past_orders_would_have_earned_is_by_the_level_of_their_time(shop: Shop) -> None:
    goods = shop.offer()
    _party(shop, "leader", level="金牌")
    shop.order(goods, 10)
    _party(shop, "leader", level="")
    shop.order(goods, 10)
    rules = [{"markup_percent": "100", "level": "金牌"}]
    told = shop.said("operator", "/v1/pricing-rules/preview", {"rules": rules}, 200)["history"]
    assert (told["lines"], told["dearer"], told["cheaper"]) == (2, 1, 0)
    assert told["would_have_earned"] == "85.55", "77.78 of the first, 7.77 of the second"


def test_the_stock_of_a_region_is_not_told_by_that_of_the_whole(shop: Shop) -> None:
    sku = _tea(shop, Supply("teahouse", "10", quantity=5))
    path = asked(sku, clock.now())
    for known in (True, False):
        there = shop.got("leader", f"{path}&region=440305")["stock"]
        assert (there is not None) is known
        assert shop.got("leader", path)["stock"] == {"state": "in_stock", "quantity": 5}
        with shop.db.as_system() as session:
            session.execute(
                text("""INSERT INTO stocks (offer_id, region, state, quantity, as_of)
                    SELECT id, '11', 'out', 0, now() FROM offers ON CONFLICT DO NOTHING""")
            )


def test_an_operator_asks_what_somebody_saw(shop: Shop) -> None:
    sku = _tea(shop, Supply("teahouse", "10"))
    _party(shop, "leader", level="金牌")
    _rule(shop, "grants/gold?source=teahouse", who={"level": "金牌"})
    _rule(shop, "pricing-rules", version=0, rules=[{"markup_percent": "30", "level": "金牌"}])
    moment = clock.now()
    _party(shop, "leader", level="")
    leader = outside("pty", shop.parties["leader"])
    told = shop.got("operator", f"{asked(sku, moment)}&party={leader}")
    assert (told["price"], told["granted"], "offers" in told) == ("13.00", True, False)
    assert told["of_today"] == ["names", "sources"]
    other = shop.got("operator", f"{asked(sku, moment)}&party={outside('pty', 2)}")
    assert (other["price"], other["granted"]) == (None, False)
    with shop.db.as_system() as session:  # as where older data was migrated
        session.execute(text("UPDATE feed_head SET rules_since = clock_timestamp()"))
    assert "rules" in shop.got("operator", asked(sku, moment))["of_today"]
    shop.got("operator", f"{asked(sku, moment)}&party=pty_nobody", 404)


def test_a_rule_that_is_not_kept_as_it_is_breaks_an_invariant(shop: Shop) -> None:
    sku = _tea(shop, Supply("teahouse", "10"))
    for max_per_order in (1, 2, 2):
        _rule(shop, "grants/g?source=teahouse", who={}, max_per_order=max_per_order)
        _rule(shop, "price-policies/p", sku=sku, min_retail=f"1{max_per_order}")
    _party(shop, "leader", level="金牌")
    _party(shop, "leader", level="")
    _party(shop, "other", parent=outside("pty", shop.parties["leader"]))
    shop.ask("operator", "DELETE", "/v1/price-policies/p")
    with shop.db.as_system() as session:
        kept = "SELECT count(*) FROM {}"
        for table, count in (
            ("grant_versions", 2),
            ("price_policy_versions", 2),
            ("party_standings", 2),
        ):
            assert session.scalar(text(kept.format(table))) == count
        assert violations(session) == []
        session.execute(text("UPDATE grants SET max_per_order = 9"))
        session.execute(text("UPDATE party_standings SET ended_at = now() WHERE ended_at IS NULL"))
        session.execute(text("UPDATE price_policy_versions SET ended_at = 'infinity'"))
        found = {one.detail.partition(" at ")[0] for one in violations(session)}
        assert found == {"its version says otherwise", "no version of it holds", "said two things"}
        session.rollback()


def test_what_a_source_said_of_its_goods_is_of_then(shop: Shop) -> None:
    sku = _tea(shop, Supply("teahouse", "10", refuses=["11"]))
    rules = [{"markup_percent": "50", "category": "茶"}, {"markup_percent": "20"}]
    _rule(shop, "pricing-rules", version=0, rules=rules)
    moment = clock.now()
    with shop.db.as_system() as session:
        offer = session.execute(text("SELECT id, sku_id FROM offers")).one()
        for version, was, now in (
            (2, {"category": None, "not_delivered_to": ["11"]}, {"category": "茶"}),
            (3, {"category": "茶", "max_retail": None}, {"category": "酒", "max_retail": 9}),
        ):
            between = clock.now() if version == 3 else moment
            event(session, offer.id, offer.sku_id, version, "product", was, now)
        session.execute(
            text("UPDATE offers SET category = '酒', max_retail = 9, not_delivered_to = NULL")
        )
    far = "&region=110105"
    then, later = (shop.got("leader", f"{asked(sku, at)}{far}") for at in (moment, clock.now()))
    assert [(x["price"], x["delivered"], x["corridor"]["max"]) for x in (then, later)] == [
        ("12.00", False, None),
        ("12.00", True, "9.00"),
    ]
    assert shop.got("leader", asked(sku, between))["price"] == "15.00"
