"""Bundles as values: the scarcest part decides, unknown is not zero, no fen is lost."""

from dataclasses import replace
from decimal import Decimal
from math import gcd

from hypothesis import given
from hypothesis import strategies as st

from catalog.bundles import composed, scarcest
from catalog.shelf import NOT_FOR_SALE, Display, Stock
from trade.bundling import apart, shared, together
from trade.planning import PricedLine, Resolved
from trade.routing.routing import Supply, Take
from trade.sharing.share_orders import divided

STOCKS = st.one_of(
    st.integers(0, 50).map(lambda n: Stock("in_stock" if n > 5 else "low" if n else "out", n)),
    st.sampled_from([Stock("in_stock", None), Stock("unknown", None), Stock("low", None)]),
)
PARTS = st.lists(st.tuples(st.integers(1, 6), STOCKS), min_size=1, max_size=5)


def seen(price: str | None, *, moq: int = 1, multiple: int = 1) -> Display:
    return Display(
        price=None if price is None else Decimal(price),
        tiers=None,
        moq=moq,
        multiple=multiple,
        stock=Stock("in_stock", None),
        freight={"kind": "free"},
        ships_within_hours=24,
        corridor=(None, None),
        modes=("dropship",),
        as_of=None,
    )


@given(PARTS)
def test_the_scarcest_part_decides_and_unknown_is_not_zero(
    parts: list[tuple[int, Stock]],
) -> None:
    found = scarcest(parts)
    known = [stock.quantity // units for units, stock in parts if stock.quantity is not None]
    states = {stock.state for _, stock in parts}
    if "out" in states or 0 in known:
        assert found == Stock("out", 0)
    elif "unknown" in states:
        assert found == Stock("unknown", None)
    else:
        assert found.state in ("in_stock", "low")
        assert found.quantity == (min(known) if known else None)


def test_a_bundle_costs_what_its_parts_cost_or_is_not_for_sale() -> None:
    assert composed([(2, seen("3.3333")), (1, seen("0.01"))]).price == Decimal("6.6766")
    assert composed([(2, seen("3.33")), (1, seen(None))]) == NOT_FOR_SALE


@given(
    st.lists(
        st.tuples(st.integers(1, 12), st.integers(1, 30), st.integers(1, 12)),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 500),
)
def test_whatever_quantity_a_bundle_allows_its_parts_allow(
    parts: list[tuple[int, int, int]], quantity: int
) -> None:
    found = composed([(units, seen("1", moq=moq, multiple=many)) for units, moq, many in parts])
    fits = all(
        quantity * units >= moq and quantity * units % many == 0 for units, moq, many in parts
    )
    assert (quantity >= found.moq and quantity % found.multiple == 0) is fits
    assert gcd(found.moq, found.multiple) == found.multiple


@given(
    st.lists(st.tuples(st.integers(1, 5), st.decimals(0, 500, places=4)), min_size=1, max_size=6),
    st.integers(1, 200),
)
def test_shares_of_parts_add_up_to_the_line_which_is_rounded_once(
    parts: list[tuple[int, Decimal]], quantity: int
) -> None:
    lines = apart(3, quantity, [(sku, units) for sku, (units, _) in enumerate(parts)])
    assert [line.quantity for line in lines] == [units * quantity for units, _ in parts]
    takes = {
        line.key: [(price, Take(line.key, Supply(1, line.sku_id, "a", "x", price), line.quantity))]
        for line, (_, price) in zip(lines, parts, strict=True)
    }
    unit, amount, shared = together(lines, takes, quantity)
    exact = sum((units * price for units, price in parts), Decimal(0))
    assert unit == exact
    assert abs(amount - exact * quantity * 100) <= Decimal("0.5")
    assert sum(part.amount for part in shared) == amount
    assert min(part.amount for part in shared) >= 0


def test_a_part_that_two_lines_ask_for_is_noticed() -> None:
    lines = [*apart(0, 1, [(7, 1), (8, 2)]), *apart(1, 1, [(9, 1)])]
    assert shared([line.demand for line in lines]) == set()
    lines += apart(4, 1, [(8, 1)])
    assert shared([line.demand for line in lines]) == {2000, 1004}


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=6), st.integers(0, 10_000))
def test_a_sharer_earns_no_less_on_a_part_than_nothing(own: list[int], more: int) -> None:
    parts = apart(2, 3, [(sku, 1) for sku in range(len(own))])
    priced = [replace(part, amount=fen) for part, fen in zip(parts, own, strict=True)]
    line = PricedLine(Resolved(2, 9, None, 3, None), Decimal(0), sum(own), tuple(priced))
    paid, rests = divided(sum(own) + more, line)
    assert sum(part.amount for part in paid) == sum(own) + more
    assert set(rests) == {part.key for part in parts}
    assert sum(rests.values()) == more
    assert min(rests.values()) >= 0
