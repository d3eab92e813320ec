"""Tax withheld from earnings, by stated rules."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trade.settling.withholding import CUMULATIVE, INVOICED, MONTHLY, Month, withhold


@pytest.mark.parametrize(
    ("paid", "tax"),
    [
        (80_000, 0),
        (100_000, 4_000),
        (400_000, 64_000),
        (400_001, 64_000),
        (1_000_000, 160_000),
        (2_500_000, 400_000),
        (5_000_000, 1_000_000),
        (10_000_000, 2_500_000),
    ],
)
def test_labour_income_of_a_month_is_taxed_by_announcement_61(paid: int, tax: int) -> None:
    assert withhold("person", MONTHLY, paid, 3, []).tax == tax


def test_another_month_does_not_count() -> None:
    assert withhold("person", MONTHLY, 80_000, 3, [Month(2, 10_000_000, 2_500_000)]).tax == 0


def test_platform_income_is_taxed_over_the_year_by_announcement_16() -> None:
    first = withhold("person", CUMULATIVE, 1_000_000, 10, [])
    assert (first.taxed, first.tax) == (300_000, 9_000)
    second = withhold("person", CUMULATIVE, 1_000_000, 11, [Month(10, 1_000_000, 9_000)])
    assert (second.taxed, second.tax) == (600_000, 9_000)
    broken = withhold("person", CUMULATIVE, 1_000_000, 12, [Month(10, 1_000_000, 9_000)])
    assert broken.taxed == 1_100_000


@pytest.mark.parametrize("kind", ["individual_business", "company"])
def test_nothing_is_withheld_from_who_gives_an_invoice(kind: str) -> None:
    withheld = withhold(kind, MONTHLY, 10_000_000, 3, [])
    assert (withheld.tax, withheld.rule) == (0, INVOICED)


@settings(max_examples=40)
@given(st.lists(st.integers(1, 8_000_000), min_size=1, max_size=6))
def test_several_payouts_in_a_month_cost_what_one_would(parts: list[int]) -> None:
    year: list[Month] = []
    for part in parts:
        tax = withhold("person", MONTHLY, part, 5, year).tax
        assert 0 <= tax <= part
        year.append(Month(5, part, tax))
    whole = withhold("person", MONTHLY, sum(parts), 5, []).tax
    assert sum(one.withheld for one in year) == whole
