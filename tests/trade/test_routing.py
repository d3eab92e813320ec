"""Routing and freight as pure functions: units conserved, stock respected, nothing cheaper left."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.freight import Piece, parcel_freight
from catalog.stock import Level
from kit.money import line_amount
from trade import promise
from trade.routing import allocation, routing
from trade.routing.routing import Demand, Supply, route

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
FREE: dict[str, Any] = {"kind": "free"}
FLAT: dict[str, Any] = {"kind": "flat", "fee": "8.00", "free_from": "99.00"}
WEIGHT: dict[str, Any] = {
    "kind": "weight", "first_g": 1000, "first": "8.00", "next_g": 1000, "next": "2.00",
    "free_from": None,
}  # fmt: skip
PIECE: dict[str, Any] = {
    "kind": "piece", "first_n": 2, "first": "5.00", "next_n": 3, "next": "1.50", "free_from": None,
}  # fmt: skip


def supply(offer_id: int, sku_id: int = 1, cost: str = "10.00", **fields: Any) -> Supply:
    """An offer that can sell; `left` is its stated stock."""
    left = fields.pop("left", None)
    whole = {"source": "a", "freight": FREE, "stock": Level("in_stock", left, NOW)}
    return Supply(
        offer_id=offer_id,
        sku_id=sku_id,
        external_id=str(offer_id),
        cost=Decimal(cost),
        **whole | fields,
    )


def why(*supplies: Supply, quantity: int = 1, region: str = "440305") -> str:
    plan = route([Demand(0, 1, quantity)], supplies, region, NOW)
    return plan.unsellable[0]


@st.composite
def markets(draw: st.DrawFn) -> tuple[list[Demand], list[Supply]]:
    skus = draw(st.integers(1, 3))
    demands = [Demand(sku, sku, draw(st.integers(1, 4))) for sku in range(skus)]
    offers = st.builds(
        dict,
        cost=st.sampled_from(["1.00", "2.50", "2.51", "7.30"]),
        source=st.sampled_from(["a", "b", "c"]),
        freight=st.sampled_from([FREE, FLAT, PIECE, None]),
        left=st.none() | st.integers(0, 5),
        multiple=st.sampled_from([1, 1, 2]),
    )
    supplies = [
        supply(10 * sku + number, sku, **draw(offers))
        for sku in range(skus)
        for number in range(draw(st.integers(0, 3)))
    ]
    return demands, supplies


@given(markets())
def test_units_are_conserved_and_no_stock_is_exceeded(
    market: tuple[list[Demand], list[Supply]],
) -> None:
    demands, supplies = market
    plan = route(demands, supplies, "440305", NOW)
    for demand in demands:
        takes = plan.takes(demand.key)
        whole = 0 if demand.key in plan.unsellable else demand.quantity
        assert sum(take.units for take in takes) == whole
        for take in takes:
            assert take.supply.sku_id == demand.sku_id
            assert take.supply.left is None or take.units <= take.supply.left
            assert take.units % take.supply.multiple == 0
    sellers = [(buy.source, buy.seller) for buy in plan.purchases]
    assert len(sellers) == len(set(sellers))


FEE_BELOW: dict[str, Any] = {"kind": "flat", "fee": "6.00", "free_from": "9.00"}


@st.composite
def small_markets(draw: st.DrawFn) -> tuple[list[Demand], list[Supply]]:
    """Up to three lines with up to four offers each: stock, minima, multiples, what is sent free
    from an amount on, and stock that is doubtful."""
    skus = draw(st.integers(1, 3))
    demands = [Demand(sku, sku, draw(st.integers(1, 7 if skus == 1 else 4))) for sku in range(skus)]
    offers = st.builds(
        dict,
        cost=st.sampled_from(["1.00", "2.50", "2.51", "3.3333"]),
        source=st.sampled_from(["a", "b", "c"]),
        freight=st.sampled_from([FREE, FEE_BELOW, FLAT, PIECE]),
        left=st.none() | st.integers(0, 5),
        shown=st.none() | st.integers(0, 3),
        moq=st.sampled_from([1, 1, 2, 3]),
        multiple=st.sampled_from([1, 1, 2, 3]),
    )
    supplies = [
        supply(10 * sku + number, sku, **draw(offers))
        for sku in range(skus)
        for number in range(draw(st.integers(0, 4)))
    ]
    return demands, supplies


Way = tuple[tuple[Supply, int], ...]


def every_way(demand: Demand, supplies: list[Supply]) -> list[Way]:
    """Every division of a demand, counted out unit by unit."""
    mine = [one for one in supplies if one.sku_id == demand.sku_id]
    amounts = [
        [0]
        + [
            units
            for units in range(one.moq, demand.quantity + 1)
            if units % one.multiple == 0 and (one.left is None or units <= one.left)
        ]
        for one in mine
    ]
    return [
        tuple((one, units) for one, units in zip(mine, pick, strict=True) if units)
        for pick in product(*amounts)
        if sum(pick) == demand.quantity
    ]


def weight(way: Way) -> tuple[int, int]:
    """Takes that may be refused, then fen landed, counted anew."""
    total = risky = 0
    for source in {one.source for one, _ in way}:
        pieces = []
        for one, units in way:
            if one.source == source and one.cost is not None:
                cost = line_amount(one.cost, units)
                total += cost
                pieces.append(Piece(one.freight, units, None, cost))
        fee = parcel_freight(pieces)
        assert fee is not None
        total += fee
    risky = sum(one.shown is not None and units > one.shown for one, units in way)
    return risky, total


@given(small_markets())
def test_the_plan_is_the_best_of_all_that_there_are(
    market: tuple[list[Demand], list[Supply]],
) -> None:
    demands, supplies = market
    plan = route(demands, supplies, "440305", NOW)
    found = {demand.key: every_way(demand, supplies) for demand in demands}
    assert set(plan.unsellable) == {key for key, some in found.items() if not some}
    pick = product(*(some for some in found.values() if some))
    best = min(weight(tuple(take for way in chosen for take in way)) for chosen in pick)
    takes = [(take.supply, take.units) for buy in plan.purchases for take in buy.takes]
    assert weight(tuple(takes)) == best
    assert sum(buy.landed for buy in plan.purchases) == best[1]


def test_units_are_divided_so_that_minima_and_multiples_fit() -> None:
    threes, twos = supply(1, multiple=3), supply(2, cost="9.00", multiple=2)
    plan = route([Demand(0, 1, 7)], [threes, twos], "440305", NOW)
    assert {take.supply.offer_id: take.units for take in plan.takes(0)} == {1: 3, 2: 4}


def test_a_unit_is_bought_dearer_where_that_makes_a_delivery_free() -> None:
    dear = {"source": "a", "freight": {**FLAT, "free_from": "30.00"}}
    offers = [supply(1, 1, "21.00", **dear), supply(2, 2, "10.00", **dear),
              supply(3, 2, "9.00", source="b")]  # fmt: skip
    plan = route([Demand(0, 1, 1), Demand(1, 2, 3)], offers, "440305", NOW)
    assert {take.supply.offer_id: take.units for take in plan.takes(1)} == {2: 1, 3: 2}
    assert sum(buy.landed for buy in plan.purchases) == 2100 + 1000 + 1800


def test_a_large_order_of_many_offers_is_routed_by_improving_line_by_line() -> None:
    offers = [
        supply(100 * sku + n, sku, f"{1 + n}.00", left=4000, source="abcdef"[n], multiple=1 + n)
        for sku in range(8)
        for n in range(6)
    ]
    demands = [Demand(sku, sku, 9_999) for sku in range(8)]
    assert not route(demands, offers, "440305", NOW).unsellable


@given(markets())
def test_improving_line_by_line_conserves_units_too(
    market: tuple[list[Demand], list[Supply]],
) -> None:
    demands, supplies = market
    exact = route(demands, supplies, "440305", NOW)
    exhaustive, allocation.EXHAUSTIVE = allocation.EXHAUSTIVE, 0
    try:
        found = route(demands, supplies, "440305", NOW)
    finally:
        allocation.EXHAUSTIVE = exhaustive
    assert found.unsellable == exact.unsellable
    for demand in demands:
        units = [sum(take.units for take in plan.takes(demand.key)) for plan in (found, exact)]
        assert units[0] == units[1]


def test_goods_travel_together_where_that_is_cheaper() -> None:
    alone = {"freight": {**FLAT, "free_from": None}}
    offers = [
        supply(1, 1, "10.00", source="a", **alone),
        supply(2, 2, "10.00", source="b", **alone),
        supply(3, 2, "12.00", source="a", **alone),
    ]
    plan = route([Demand(0, 1, 1), Demand(1, 2, 1)], offers, "440305", NOW)
    assert [buy.source for buy in plan.purchases] == ["a"]
    assert plan.purchases[0].landed == 1000 + 1200 + 800


def test_sellers_of_one_source_send_parcels_of_their_own() -> None:
    offers = [supply(1, 1, seller="甲"), supply(2, 2, seller="乙")]
    plan = route([Demand(0, 1, 1), Demand(1, 2, 1)], offers, "440305", NOW)
    assert [buy.seller for buy in plan.purchases] == ["甲", "乙"]


def test_each_reason_is_told_apart() -> None:
    assert why() == "not_sold"
    assert why(supply(1, live=False)) == "not_sold"
    assert why(supply(1, resells=False)) == "not_sold"
    assert why(supply(1, price_until=NOW)) == "not_sold"
    assert why(supply(1, not_delivered_to=("44",))) == "not_deliverable"
    assert why(supply(1, freight=None)) == "freight_unknown"
    assert why(supply(1, freight={"kind": "template", "name": "江浙沪"})) == "freight_unknown"
    assert why(supply(1, freight=WEIGHT)) == "freight_unknown"
    assert why(supply(1, left=1), quantity=2) == "out_of_stock"
    assert why(supply(1, stock=Level("out", None, NOW))) == "out_of_stock"
    assert why(supply(1, multiple=6), quantity=4) == "quantity_step"
    assert why(supply(1, moq=3), quantity=2) == "quantity_step"


@pytest.mark.parametrize(("policy", "told"), [("ask", "stock_unknown"), ("hide", "not_sold")])
def test_unknown_stock_is_sold_asked_or_hidden_by_policy(policy: str, told: str) -> None:
    assert why(supply(1, stock=None, unknown_stock=policy)) == told
    assert not route([Demand(0, 1, 1)], [supply(1, stock=None)], "440305", NOW).unsellable


def test_in_stock_without_a_number_is_sellable_in_any_quantity() -> None:
    offer = supply(1, left=None)
    assert not route([Demand(0, 1, 99_999)], [offer], "440305", NOW).unsellable


def test_free_delivery_above_an_amount_counts_the_whole_parcel() -> None:
    only_free = {"freight": {"kind": "amount", "fee": None, "free_from": "99.00"}}
    offers = [supply(1, 1, "60.00", **only_free), supply(2, 2, "60.00", **only_free)]
    together = route([Demand(0, 1, 1), Demand(1, 2, 1)], offers, "440305", NOW)
    assert together.purchases[0].freight == 0
    assert route([Demand(0, 1, 1)], offers, "440305", NOW).unsellable == {0: "freight_unknown"}


@pytest.mark.parametrize(
    ("rule", "units", "grams", "fen"),
    [
        (FREE, 1, None, 0),
        (FLAT, 1, None, 800),
        (FLAT, 10, None, 0),
        (WEIGHT, 1, 1000, 800),
        (WEIGHT, 1, 1001, 1000),
        (WEIGHT, 3, 1000, 1200),
        (WEIGHT, 1, None, None),
        (PIECE, 2, None, 500),
        (PIECE, 3, None, 650),
        (PIECE, 5, None, 650),
        (PIECE, 6, None, 800),
        ({"kind": "template", "name": "江浙沪"}, 1, None, None),
        (None, 1, None, None),
    ],
)
def test_freight_is_counted_as_written_and_unknown_is_never_zero(
    rule: dict[str, Any] | None, units: int, grams: int | None, fen: int | None
) -> None:
    assert parcel_freight([Piece(rule, units, grams, units * 1000)]) == fen


def test_lines_under_one_rule_share_its_first_step() -> None:
    pieces = [Piece(WEIGHT, 1, 600, 0), Piece(dict(WEIGHT), 1, 600, 0), Piece(FLAT, 1, None, 0)]
    assert parcel_freight(pieces) == 1000 + 800


@given(
    st.lists(st.integers(1, 6), min_size=2, max_size=4),
    st.lists(st.tuples(st.none() | st.integers(0, 9), st.integers(1, 3)), min_size=1, max_size=3),
)
def test_lines_of_one_sku_share_its_stock_and_its_steps(
    wanted: list[int], offers: list[tuple[int | None, int]]
) -> None:
    demands = [Demand(key, 1, units) for key, units in enumerate(wanted)]
    supplies = [
        supply(number, 1, left=left, multiple=many) for number, (left, many) in enumerate(offers)
    ]
    plan = route(demands, supplies, "440305", NOW)
    units: dict[int, int] = {}
    for demand in demands:
        takes = plan.takes(demand.key)
        whole = 0 if demand.key in plan.unsellable else demand.quantity
        assert sum(take.units for take in takes) == whole
        for take in takes:
            offer = take.supply.offer_id
            units[offer] = units.get(offer, 0) + take.units
    for offer, taken in units.items():
        left, many = offers[offer]
        assert left is None or taken <= left
        assert taken % many == 0
    whole = [Demand(0, 1, sum(wanted))]
    assert bool(plan.unsellable) == bool(route(whole, supplies, "440305", NOW).unsellable)


def test_of_lines_for_one_sku_the_first_that_fit_are_served() -> None:
    demands = [Demand(0, 1, 9), Demand(1, 1, 3), Demand(2, 1, 3), Demand(3, 1, 2)]
    plan = route(demands, [supply(1, left=5)], "440305", NOW)
    assert plan.unsellable == {0: "out_of_stock", 2: "out_of_stock"}
    assert [(take.key, take.units) for take in plan.purchases[0].takes] == [(1, 3), (3, 2)]
    unknown = route(demands[1:2] + demands[3:], [supply(1, freight=None)], "440305", NOW)
    assert set(unknown.unsellable.values()) == {"freight_unknown"}


def test_an_offer_that_refused_is_switched_off() -> None:
    kept = routing.without([supply(1), supply(2)], {1})
    assert [s.live for s in kept] == [False, True]
    assert replace(kept[0], live=True) == supply(1)


@pytest.mark.parametrize(
    ("hours", "cutoff", "presale", "by"),
    [
        (48, None, None, NOW + timedelta(hours=48)),
        (48, "16:00", None, NOW + timedelta(hours=48)),
        (48, "09:00", None, datetime(2026, 3, 4, 16, tzinfo=UTC)),
        (None, "16:00", None, None),
        (48, None, date(2026, 4, 1), datetime(2026, 4, 1, 16, tzinfo=UTC)),
        (48, None, date(2026, 3, 1), NOW + timedelta(hours=48)),
    ],
)
def test_a_promise_counts_from_the_cutoff_in_shanghai(
    hours: int | None, cutoff: str | None, presale: date | None, by: datetime | None
) -> None:
    assert by == promise.ships_by(NOW, within_hours=hours, cutoff=cutoff, presale_ship_by=presale)
