"""Amounts are shared without a fen lost or made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.money import portion, split

fen = st.integers(-(10**12), 10**12)
weights = st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any)


@given(fen, weights)
def test_splits_conserve_fen_and_no_share_is_a_fen_from_its_due(
    amount: int, given_weights: list[int]
) -> None:
    shares = split(amount, given_weights)
    assert sum(shares) == amount
    whole = sum(given_weights)
    for share, weight in zip(shares, given_weights, strict=True):
        assert abs(share * whole - amount * weight) < whole
        assert weight or share == 0


@given(fen, st.lists(st.integers(0, 50), min_size=1, max_size=12).filter(any))
def test_portions_taken_one_after_the_other_add_up_to_the_whole(
    amount: int, takes: list[int]
) -> None:
    whole, done, paid = sum(takes), 0, 0
    for units in takes:
        paid += portion(amount, done, units, whole)
        done += units
    assert paid == amount


@pytest.mark.parametrize("wrong", [[], [0, 0], [1, -1]])
def test_what_cannot_be_shared_is_refused(wrong: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        split(100, wrong)
