"""Stock is shown lower the older it is, the faster it sells, the oftener its source was wrong."""

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.publishing import RISK, Record, published, quantity
from catalog.stock import Level
from tests.catalog.goods import NOW

HOUR = timedelta(hours=1)
units = st.integers(0, 400)
means = st.floats(0, 300)
chances = st.floats(0.001, 1)
risks = st.floats(0.001, 0.3)


def level(stated: int | None, state: str = "in_stock") -> Level:
    return Level(state, stated, NOW)


def refused(stated: int, shown: int, mean: float, falsity: float) -> float:
    """The chance by the rule's own words, term by term."""
    sold = [math.exp(n * math.log(mean) - mean - math.lgamma(n + 1)) for n in range(stated + 1)]
    more = max(0.0, 1 - math.fsum(sold[: stated - shown + 1]))
    return falsity * shown / (stated + 1) + more


def test_a_fresh_number_of_a_source_that_nobody_knows_is_shown_whole() -> None:
    assert published(level(30), timedelta(0), Record(velocity=100), RISK) == level(30)
    assert published(level(30), 1000 * HOUR, Record(), RISK) == level(30)


def test_an_old_number_of_goods_that_sell_is_shown_lower() -> None:
    shown = [published(level(30), n * HOUR, Record(2), RISK).quantity for n in (0, 1, 4, 8, 24)]
    # by Poisson at most 6, 14 and 25 are sold in 98 of 100 cases around 2, 8 and 16
    assert shown == [30, 24, 16, 5, 0]


def test_nothing_is_left_to_show_is_out_and_little_is_low() -> None:
    assert published(level(30), 24 * HOUR, Record(2), RISK) == level(0, "out")
    assert published(level(30), 8 * HOUR, Record(2), RISK) == level(5, "low")


@pytest.mark.parametrize(
    "one", [level(None), level(None, "unknown"), level(None, "low"), level(0, "out")]
)
def test_no_number_stays_no_number_and_nothing_stays_nothing(one: Level) -> None:
    assert published(one, 1000 * HOUR, Record(50, 100, 100), RISK) == one


def test_few_observations_mean_little_and_many_mean_much() -> None:
    shown = [
        published(level(100), timedelta(0), Record(0, tried, short), RISK).quantity
        for tried, short in [(0, 0), (1, 1), (20, 2), (20, 10), (1000, 5), (1000, 500)]
    ]
    assert shown == [100, 100, 96, 23, 100, 4]


def test_a_clock_that_is_behind_adds_nothing() -> None:
    assert published(level(3), -HOUR, Record(5), RISK) == level(3)


@given(units, means.filter(lambda mean: mean > 0.01), chances, risks)
def test_what_is_shown_keeps_the_risk_and_one_more_would_not(
    stated: int, mean: float, falsity: float, risk: float
) -> None:
    shown = quantity(stated, mean, falsity, risk)
    assert 0 <= shown <= stated
    if shown:
        assert refused(stated, shown, mean, falsity) <= risk + 1e-9
    if shown < stated:
        assert refused(stated, shown + 1, mean, falsity) > risk - 1e-9


@given(units, means, means, chances, chances, risks)
def test_older_faster_and_falser_never_shows_more(
    stated: int, a: float, b: float, f: float, g: float, risk: float
) -> None:
    less = quantity(stated, max(a, b), max(f, g), risk)
    assert less <= quantity(stated, min(a, b), min(f, g), risk)


@given(st.integers(0, 10**6), st.floats(0, 1e9), st.floats(0, 1), st.floats(0, 0.5))
def test_any_figures_have_an_answer(stated: int, mean: float, falsity: float, risk: float) -> None:
    assert 0 <= quantity(stated, min(mean, 1e5), falsity, risk) <= stated
