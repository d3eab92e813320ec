"""Freight by templates: never negative, never less for more, free from the stated amount on."""

from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import freight_templates
from catalog.freight import Piece, parcel_freight
from catalog.freight_templates import Rate, Step, Template, Zone, rule
from connectors.feed.freight import freight
from kit.errors import Problem

FEES = st.decimals(0, 10_000, places=2)
SIZES = st.integers(1, 50).map(Decimal)
STEPS = st.builds(Step, FEES, SIZES)
KINDS = st.sampled_from(["piece", "weight", "amount"])


def template(*zones: Zone, by: Any = "piece", not_delivered: tuple[str, ...] = ()) -> Template:
    return Template(by, zones, not_delivered)


def cost(made: Template, region: str, units: int, goods: int = 0, grams: int | None = 500) -> Any:
    return parcel_freight([Piece(rule(made.content, region), units, grams, goods)])


@given(by=KINDS, first=STEPS, following=STEPS | st.none(), price=st.integers(1, 10**6))
def test_more_units_never_cost_less_to_send_and_nothing_is_negative(
    by: Any, first: Step, following: Step | None, price: int
) -> None:
    made = template(Zone((), Rate(first, following)), by=by)
    fees = [cost(made, "440305", units, units * price) for units in range(1, 40)]
    assert fees[0] >= 0
    assert fees == sorted(fees)


@given(by=KINDS, first=STEPS, following=STEPS | st.none(), limit=st.integers(1, 10**7))
def test_goods_travel_free_from_exactly_the_stated_amount(
    by: Any, first: Step, following: Step | None, limit: int
) -> None:
    plain = template(Zone((), Rate(first, following)), by=by)
    free = template(Zone((), Rate(first, following, Decimal(limit) / 100)), by=by)
    assert cost(free, "440305", 3, limit) == 0
    assert cost(free, "440305", 3, limit + 1) == 0
    assert cost(free, "440305", 3, limit - 1) == cost(plain, "440305", 3, limit - 1)


@given(first=STEPS, following=STEPS, units=st.integers(1, 500))
def test_pieces_are_counted_by_the_steps_begun(first: Step, following: Step, units: int) -> None:
    made = template(Zone((), Rate(first, following)))
    assert first.size is not None
    assert following.size is not None
    beyond = max(0, units - int(first.size))
    begun = -(-beyond // int(following.size))
    assert cost(made, "", units) == int(first.fee * 100) + begun * int(following.fee * 100)


def test_the_smallest_region_decides() -> None:
    made = template(
        Zone((), Rate(Step(Decimal(8)))),
        Zone(("44", "31"), Rate(Step(Decimal(5)))),
        Zone(("4403",), Rate(Step(Decimal(0)))),
    )
    fees = {code: cost(made, code, 1) for code in ("440305", "440106", "310115", "110105")}
    assert fees == {"440305": 0, "440106": 500, "310115": 500, "110105": 800}


def test_where_a_template_says_nothing_freight_is_unknown() -> None:
    made = template(Zone(("44",), Rate(Step(Decimal(5)))))
    assert cost(made, "110105", 1) is None
    assert cost(made, "440305", 1) == 500


def test_weight_counts_in_steps_of_grams_and_goods_without_weight_are_unknown() -> None:
    half = Rate(Step(Decimal(8)), Step(Decimal(2), Decimal("0.5")))
    made = template(Zone((), half), by="weight")
    assert cost(made, "440305", 1, grams=1000) == 800
    assert cost(made, "440305", 1, grams=1001) == 1000
    assert cost(made, "440305", 3, grams=700) == 800 + 3 * 200
    assert cost(made, "440305", 1, grams=None) is None


def test_amounts_count_in_steps_of_what_the_goods_cost() -> None:
    steps = Rate(Step(Decimal(10), Decimal(100)), Step(Decimal(3), Decimal(50)))
    made = template(Zone((), steps), by="amount")
    assert [cost(made, "", 1, goods) for goods in (1, 10_000, 10_001, 15_000, 15_001)] == [
        *(1000, 1000, 1300, 1300, 1600)
    ]


def test_offers_under_one_template_are_counted_together() -> None:
    made = template(Zone((), Rate(Step(Decimal(8)), Step(Decimal(2)))))
    pieces = [Piece(rule(made.content, "440305"), 1, None, 100) for _ in range(3)]
    assert parcel_freight(pieces) == 800 + 2 * 200


@pytest.mark.parametrize(
    "made",
    [
        template(),
        template(Zone((), Rate(Step(Decimal("0.001"))))),
        template(Zone((), Rate(Step(Decimal(-1))))),
        template(Zone((), Rate(Step(Decimal(10_001))))),
        template(Zone((), Rate(Step(Decimal(1), Decimal("0.5"))))),
        template(Zone((), Rate(Step(Decimal(1), Decimal(0))))),
        template(Zone((), Rate(Step(Decimal(1)), Step(Decimal(1)))), by="amount"),
        template(Zone(("44",), Rate(Step(Decimal(1)))), Zone(("44",), Rate(Step(Decimal(2))))),
    ],
)
def test_what_cannot_be_meant_is_refused(made: Template) -> None:
    with pytest.raises(Problem) as caught:
        freight_templates.check(made)
    assert caught.value.status == 422


@pytest.mark.parametrize("name", ["江浙沪包邮", "  ＳＴＤ　1 ", "标准-2", "a"])
def test_names_are_read_as_price_lists_are(name: str) -> None:
    assert orjson.loads(freight(name)) == {
        "kind": "template",
        "name": freight_templates.named(name),
    }
