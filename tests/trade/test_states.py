"""The literal state table, and the status of an order as a function of its parts."""

import pytest

from trade.states import CLOSED, MOVES, OPEN, STATES, Units, order_status


def test_every_state_is_reached_and_closed_ones_are_left_by_nothing() -> None:
    assert {state for state, _ in MOVES} == OPEN
    assert {"shipped", "refused", "cancelled"} == CLOSED
    assert STATES - {"ready"} <= set(MOVES.values())


def test_silence_moves_nothing_that_a_supplier_may_hold() -> None:
    held = {"submitted", "accepted", "partly_shipped"}
    assert {event for state, event in MOVES if state in held} <= {
        "accept", "refuse", "ship", "ship_part", "cancel", "charge",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "purchases", "status"),
    [
        ([(2, 0, 0, 0, False)], ["ready"], "pending"),
        ([(2, 0, 0, 0, False)], ["submitting"], "pending"),
        ([(2, 0, 0, 0, False)], ["submitted"], "processing"),
        ([(2, 0, 0, 0, False)], ["accepted", "ready"], "processing"),
        ([(2, 2, 0, 0, False)], ["refused"], "processing"),
        ([(2, 2, 0, 0, True)], ["refused"], "held"),
        ([(2, 0, 0, 0, False), (1, 1, 0, 0, True)], ["accepted", "refused"], "held"),
        ([(2, 0, 1, 0, False)], ["partly_shipped"], "partly_shipped"),
        ([(2, 0, 2, 0, False)], ["shipped"], "shipped"),
        ([(2, 0, 1, 1, False)], ["shipped"], "partly_cancelled"),
        ([(2, 0, 0, 2, False)], ["cancelled"], "cancelled"),
        ([(2, 0, 0, 2, False), (1, 0, 0, 0, False)], ["cancelled", "accepted"], "processing"),
        ([(2, 0, 0, 2, False), (1, 0, 1, 0, False)], ["cancelled", "shipped"], "partly_cancelled"),
    ],
)
def test_an_orders_status_follows_from_its_parts(
    lines: list[tuple[int, int, int, int, bool]], purchases: list[str], status: str
) -> None:
    assert order_status([Units(*line) for line in lines], purchases) == status
