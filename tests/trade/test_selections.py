"""What leaders pick: their own price rule, checked against the brand's corridor."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from kit.errors import Problem
from tests.trade.market import NOW, Goods, Market
from trade import selections
from trade.selections import Rule


def put(market: Market, party: int, goods: Goods, **rule: Any) -> dict[str, Any]:
    with market.db.as_party(party) as session:
        return selections.put(session, market.desk, party, goods.sku, Rule(**rule), NOW)


def refused(market: Market, party: int, goods: Goods, **rule: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        put(market, party, goods, **rule)
    return caught.value


def test_a_mark_up_is_computed_when_read_on_what_the_leader_pays(market: Market) -> None:
    market = Market(market.db, replace(market.desk, markup_percent=Decimal(10)))
    view = put(market, market.party(), market.offer(cost="10.00"), markup_percent=Decimal(50))
    assert (view["price"], view["retail_price"]) == ("11.00", "16.50")


def test_a_rule_outside_the_corridor_is_refused_with_the_limit(market: Market) -> None:
    leader = market.party()
    goods = market.offer(cost="10.00", min_retail=Decimal(12), max_retail=Decimal(20))
    assert "at least 12.00" in refused(market, leader, goods, retail_price=Decimal(11)).detail
    assert "at most 20.00" in refused(market, leader, goods, markup_percent=Decimal(101)).detail
    assert put(market, leader, goods, markup_percent=Decimal(100))["retail_price"] == "20.00"


def test_exactly_one_of_the_two_prices_is_given(market: Market) -> None:
    leader, goods = market.party(), market.offer()
    assert refused(market, leader, goods).status == 422
    both = {"retail_price": Decimal(20), "markup_percent": Decimal(5)}
    assert refused(market, leader, goods, **both).status == 422


def test_a_code_is_unique_for_its_leader_and_free_for_others(market: Market) -> None:
    leader, other = market.party(), market.party()
    first, second = market.offer(), market.offer()
    put(market, leader, first, retail_price=Decimal(20), code="A1")
    problem = refused(market, leader, second, retail_price=Decimal(20), code="A1")
    assert (problem.status, problem.code) == (409, "code_taken")
    assert put(market, other, second, retail_price=Decimal(20), code="A1")["code"] == "A1"


def test_picking_again_changes_the_rule(market: Market) -> None:
    leader, goods = market.party(), market.offer()
    put(market, leader, goods, retail_price=Decimal(20), code="A1")
    view = put(market, leader, goods, markup_percent=Decimal(30), note="主推")
    assert (view["retail_price"], view["code"], view["note"]) == ("13.00", None, "主推")


def test_a_batch_tells_of_each_item(market: Market) -> None:
    leader, goods = market.party(), market.offer()
    rules = [
        (goods.sku, Rule(Decimal(20))),
        ("sku_nothing", Rule(Decimal(20))),
        (goods.sku, Rule()),
    ]
    with market.db.as_party(leader) as session:
        results = selections.put_many(session, market.desk, leader, rules, NOW)
    assert [getattr(result, "status", 200) for result in results] == [200, 404, 422]


def test_selections_are_listed_page_by_page_and_only_ones_own(market: Market) -> None:
    leader, other = market.party(), market.party()
    skus = [market.offer() for _ in range(3)]
    for goods in skus:
        put(market, leader, goods, retail_price=Decimal(20))
    put(market, other, skus[0], retail_price=Decimal(30))
    seen: list[str] = []
    after = None
    with market.db.as_party(leader) as session:
        for _ in range(2):
            views, after = selections.page(session, market.desk, leader, NOW, limit=2, after=after)
            seen += [view["sku"] for view in views]
        selections.remove(session, leader, skus[0].sku)
        selections.remove(session, leader, skus[0].sku)
        with pytest.raises(Problem, match="not among your selections"):
            selections.get(session, market.desk, leader, skus[0].sku, NOW)
    assert seen == [goods.sku for goods in skus]
    with market.db.as_party(other) as session:
        assert selections.get(session, market.desk, other, skus[0].sku, NOW)
