"""Operators' own rules of routing: kill switches, what is preferred, what serves last."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import Problem
from tests.trade.test_routing import FLAT, NOW, every_way, markets, small_markets, supply, weight
from trade.routing import routing_facts
from trade.routing.routing import Demand, Plan, Supply, route
from trade.routing.routing_rules import Rule, Rulebook, When, applied, check
from trade.routing.takes import Ruling

Market = tuple[list[Demand], list[Supply]]
LATER = NOW + timedelta(hours=1)
HOME = "440305"


def routed(market: Market, *rules: Rule) -> Plan:
    demands, supplies = market
    return route(demands, applied(Rulebook(1, rules), supplies, HOME, NOW), HOME, NOW)


def never(until: Any = LATER, **when: Any) -> Rule:
    return Rule("stop", "never", When(**when), until=until)


def bought(plan: Plan) -> dict[int, int]:
    """Units by offer."""
    return {take.supply.offer_id: take.units for buy in plan.purchases for take in buy.takes}


@given(markets(), st.integers(-5, 5))
@settings(max_examples=50)
def test_a_kill_switch_never_routes_to_its_source_whatever_else_is_preferred(
    market: Market, priority: int
) -> None:
    likes = Rule("likes", "prefer", When(source="a"), priority, percent=Decimal(-50))
    plan = routed(market, never(source="a"), likes)
    assert all(buy.source != "a" for buy in plan.purchases)
    without = route(market[0], [one for one in market[1] if one.source != "a"], HOME, NOW)
    assert bought(plan) == bought(without)
    assert plan.unsellable.keys() == without.unsellable.keys()


@given(small_markets())
@settings(max_examples=50)
def test_rules_that_have_ended_or_are_for_other_goods_change_nothing(market: Market) -> None:
    ended = never(until=NOW, source="a")
    elsewhere = Rule("far", "last", When(region="54"))
    off = Rule("off", "last", When(source="a"))
    switch = Rule("switch", "never", When(rule="off"), until=LATER)
    plain = route(*market, HOME, NOW)
    assert routed(market) == routed(market, ended, elsewhere, off, switch) == plain


@st.composite
def ruled_markets(draw: st.DrawFn) -> Market:
    demands, supplies = draw(small_markets())
    rulings = st.none() | st.builds(
        Ruling,
        st.just("r"),
        st.sampled_from(["prefer", "last"]),
        st.sampled_from([Decimal("-1.2"), Decimal(0), Decimal("0.7")]),
        st.sampled_from([Decimal(-30), Decimal(0), Decimal(40)]),
    )
    return demands, [replace(one, ruling=draw(rulings)) for one in supplies]


def judged(way: tuple[tuple[Supply, int], ...]) -> tuple[int, int, int]:
    """Units that serve last, then takes that may be refused, then fen as rules weigh them."""
    risky, landed = weight(way)
    last = 0
    for one, units in way:
        if one.ruling is not None and one.cost is not None:
            cost = int((one.cost * units * 100).quantize(Decimal(1), "ROUND_HALF_UP"))
            extra = one.ruling.per_unit * 100 * units + cost * one.ruling.percent / 100
            landed += int((cost + extra).quantize(Decimal(1), "ROUND_HALF_UP")) - cost
            last += units * (one.ruling.then == "last")
    return last, risky, landed


@given(ruled_markets())
@settings(max_examples=60)
def test_the_plan_is_the_best_as_rules_weigh_it(market: Market) -> None:
    demands, supplies = market
    plan = route(demands, supplies, HOME, NOW)
    found = [some for demand in demands if (some := every_way(demand, supplies))]
    best = min(judged(tuple(t for way in pick for t in way)) for pick in product(*found))
    takes = tuple((take.supply, take.units) for buy in plan.purchases for take in buy.takes)
    assert judged(takes) == best


@given(small_markets())
@settings(max_examples=30)
def test_facts_that_were_written_down_are_routed_as_they_were(market: Market) -> None:
    plan = routed(market, Rule("late", "last", When(source="b")))
    facts = routing_facts.read(
        orjson.loads(orjson.dumps({"facts": routing_facts.stored(plan.facts)}))
    )
    assert facts is not None
    again = route(facts.demands, facts.supplies, facts.region, facts.now)
    assert bought(again) == bought(route(*market, HOME, NOW))


TEA = ([Demand(0, 1, 3)], [supply(1, cost="10.00"), supply(2, cost="11.00", source="b", left=2)])


def test_the_decision_names_the_rule_that_made_an_alternative_lose() -> None:
    def lost(*rules: Rule) -> list[tuple[int, str, str | None]]:
        offers = [*TEA[1], supply(3, cost="19.00", source="c", freight=FLAT)]
        return [(x.offer_id, x.code, x.rule) for x in routed((TEA[0], offers), *rules).lost]

    dearer = [(2, "dearer", None), (3, "dearer", None)]
    assert lost() == dearer
    assert lost(never(source="a"))[0] == (1, "ruled_out", "stop")
    assert lost(Rule("slow", "prefer", When(seller="x"), per_unit=Decimal(20))) == dearer
    slow = Rule("slow", "prefer", When(source="a"), per_unit=Decimal(20))
    assert (1, "ruled", "slow") in lost(slow)
    liked = Rule("liked", "prefer", When(source="c"), percent=Decimal(-90))
    assert lost(liked) == [(1, "ruled", "liked"), (2, "dearer", None)]


def test_what_serves_last_serves_only_what_nothing_else_can() -> None:
    plan = routed(TEA, Rule("late", "last", When(source="a")))
    assert bought(plan) == {1: 1, 2: 2}
    assert sum(buy.landed for buy in plan.purchases) == 1000 + 2 * 1100
    assert bought(routed(TEA, Rule("late", "last", When(sku=1)))) == {1: 3}


def test_the_higher_priority_decides_then_the_rule_for_fewer_goods_then_the_later() -> None:
    def ruling(*rules: Rule) -> str | None:
        [one] = applied(Rulebook(1, rules), [supply(1)], HOME, NOW)
        return one.ruling.rule if one.ruling else None

    wide, narrow = Rule("w", "last", When(source="a")), Rule("n", "last", When(source="a", sku=1))
    assert ruling(narrow, wide) == "n"
    assert ruling(narrow, replace(wide, priority=1)) == "w"
    assert ruling(wide, replace(wide, id="later")) == "later"


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ([never(until=None, source="a")], "rules.0.until"),
        ([never()], "rules.0.when"),
        ([never(rule="nothing")], "rules.0.when.rule"),
        ([never(rule="stop")], "rules.0.when.rule"),
        ([Rule("a", "last", When(rule="b"))], "rules.0.when.rule"),
        ([Rule("a", "prefer")], "rules.0.per_unit"),
        ([Rule("a", "last", percent=Decimal(1))], "rules.0.per_unit"),
        ([Rule("a", "prefer", percent=Decimal(-100))], "rules.0.percent"),
        ([Rule("a", "last"), Rule("a", "last")], "rules.1.id"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused_by_field(rules: list[Rule], field: str) -> None:
    with pytest.raises(Problem) as caught:
        check(rules)
    assert [error.field for error in caught.value.errors] == [field]
