"""Price rules: which one decides, and what it makes of a cost."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.pricing import NOBODY, Buyer, Goods, PriceList, Rule, price_list
from kit.money import ending_in, marked_up

NOW = datetime(2026, 11, 1, tzinfo=UTC)
TEA = Goods("teahouse", "云岭", "茶 > 绿茶")
GOLD = Buyer(party=7, above=frozenset({3}), level="gold")
BASE = PriceList("resale", Decimal(10))


def _rule(number: int, percent: str, **named: object) -> Rule:
    return Rule(number, Decimal(percent), **named)  # type: ignore[arg-type]


def _price(*rules: Rule, buyer: Buyer = GOLD, cost: str = "10", now: datetime = NOW) -> Decimal:
    return price_list(BASE, rules, buyer, now).price(Decimal(cost), TEA)


def test_goods_are_in_their_sources_category_and_in_ours_with_all_above() -> None:
    for category in ("茶", "茶 > 绿茶", "food.tea", "food", "食品饮料", "食品饮料 > 茶叶"):
        assert TEA.is_in(category)
    for category in ("绿茶", "茶叶", "food.te", "baby"):
        assert not TEA.is_in(category)
    mapped = TEA._replace(ours="home.tools")
    assert mapped.is_in("家居家纺")
    assert mapped.is_in("茶")
    assert not mapped.is_in("food")
    assert not Goods("teahouse").is_in("food")


def test_without_a_rule_the_lists_own_mark_up_counts() -> None:
    assert _price() == Decimal("11")


@pytest.mark.parametrize(
    "named",
    [
        {"source": "teahouse"},
        {"brand": "云岭"},
        {"category": "茶"},
        {"category": "茶 > 绿茶"},
        {"cost_from": Decimal(10)},
        {"cost_below": Decimal("10.01")},
        {"level": "gold"},
        {"group": 3},
        {"group": 7},
        {"party": 7},
        {"valid_from": NOW},
        {"valid_until": NOW + timedelta(seconds=1)},
    ],
)
def test_a_rule_counts_for_what_it_names(named: dict[str, object]) -> None:
    assert _price(_rule(1, "50", **named)) == Decimal("15")


@pytest.mark.parametrize(
    "named",
    [
        {"source": "other"},
        {"brand": "Nord"},
        {"category": "茶 > 绿"},
        {"category": "绿茶"},
        {"cost_from": Decimal("10.01")},
        {"cost_below": Decimal(10)},
        {"level": "silver"},
        {"group": 4},
        {"party": 3},
        {"valid_from": NOW + timedelta(seconds=1)},
        {"valid_until": NOW},
    ],
)
def test_a_rule_counts_for_nothing_else(named: dict[str, object]) -> None:
    assert _price(_rule(1, "50", **named)) == Decimal("11")


def test_priority_then_the_fewest_readers_then_the_fewest_goods_then_the_younger_decide() -> None:
    general, younger = _rule(1, "20"), _rule(2, "21")
    branded = _rule(3, "30", brand="云岭")
    level = _rule(4, "40", level="gold")
    party = _rule(5, "50", party=7)
    loud = _rule(6, "60", priority=1)
    rules = [general, younger, branded, level, party, loud]
    for expected in ("16", "15", "14", "13", "12.1", "12"):
        assert _price(*rules) == Decimal(expected)
        rules.pop()


def test_nobody_gets_rules_for_everybody_only() -> None:
    assert _price(_rule(1, "50", level="gold"), buyer=NOBODY) == Decimal("11")


@pytest.mark.parametrize(
    ("named", "price"),
    [
        ({"floor": Decimal("12.50")}, "12.50"),
        ({"ceiling": Decimal("10.40")}, "10.40"),
        ({"ending": Decimal("0.9")}, "11.9"),
        ({"ending": Decimal("0.9"), "ceiling": Decimal("11.50")}, "11.50"),
        ({"ending": Decimal("0")}, "11"),
    ],
)
def test_floor_ceiling_and_ending(named: dict[str, Decimal], price: str) -> None:
    assert _price(_rule(1, "10", **named)) == Decimal(price)


MONEY = st.decimals("0.0001", "100000", places=4)
RULES = st.builds(
    Rule,
    id=st.integers(1, 50),
    markup_percent=st.decimals("-20", "300", places=2),
    priority=st.integers(0, 2),
    cost_from=st.none() | MONEY,
    cost_below=st.none() | MONEY,
    floor=st.none() | MONEY,
    ending=st.none() | st.sampled_from([Decimal("0.9"), Decimal("0.99"), Decimal(0)]),
)


@given(st.lists(RULES, max_size=6), st.lists(MONEY, min_size=1, max_size=6))
def test_a_larger_quantity_never_has_a_higher_unit_price(
    rules: list[Rule], costs: list[Decimal]
) -> None:
    tiers = [[units * 10, str(c)] for units, c in enumerate(sorted(costs, reverse=True), 1)]
    prices_of = price_list(BASE, rules, NOBODY, NOW)
    most = prices_of.price(max(costs), TEA)
    paid = prices_of.tiers(tiers, TEA, most)
    assert paid is not None
    prices = [most, *(price for _, price in paid)]
    assert prices == sorted(prices, reverse=True)


@given(MONEY, st.sampled_from([Decimal("0.9"), Decimal("0.99"), Decimal("0.5"), Decimal(0)]))
def test_an_ending_raises_a_price_by_less_than_a_yuan(price: Decimal, ending: Decimal) -> None:
    raised = ending_in(price, ending)
    assert price <= raised < price + 1
    assert raised % 1 == ending


@given(MONEY, st.decimals("0", "300", places=2))
def test_lists_with_one_mark_price_alike(cost: Decimal, percent: Decimal) -> None:
    one, other = PriceList("a", percent), PriceList("b", percent.normalize())
    assert one.mark == other.mark
    assert one.price(cost, TEA) == other.price(cost, TEA) == marked_up(cost, percent)
