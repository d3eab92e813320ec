"""Ids outside: opaque, never rude, and the same for ever."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kit import ids
from kit.errors import Problem

GIVEN = ["ord_M36cmK", "ord_z0cpoV", "ord_tjNMF0"]
"""What partners have written down."""

RUDE = next(n for n in range(100_000) if ids._FILLED.encode([n]) != ids._SQIDS.encode([n]))


@given(st.integers(0, ids.LARGEST))
@example(0)
@example(61)
@example(RUDE)
def test_ids_are_those_of_the_library(number: int) -> None:
    outside = ids.outside("sku", number)
    assert outside == f"sku_{ids._SQIDS.encode([number])}"
    assert ids.inside("sku", outside) == number


def test_whoever_names_what_is_not_there_is_told_in_words() -> None:
    for prefix, noun in (("quo", "quote"), ("ltr", "dead letter"), ("run", "run"), ("sku", "SKU")):
        with pytest.raises(Problem, match=f"^there is no {noun} 'x'$"):
            ids.inside(prefix, "x")


def test_ids_stay_what_they_were() -> None:
    assert [ids.outside("ord", n) for n in (1, 7, 1_000_000)] == GIVEN
    with pytest.raises(Problem):
        ids.inside("ord", "ord_77777")
