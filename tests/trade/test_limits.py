"""What brands allow binds routing, however the offers are cut."""

from collections import Counter
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.trade.market import NOW
from trade.routing.routing import Demand, Supply, route


@st.composite
def markets(draw: st.DrawFn) -> list[Supply]:
    """Offers of one SKU by two sources, each with the limit that its brand sets."""
    allowed = {source: draw(st.none() | st.integers(0, 8)) for source in "ab"}
    return [
        Supply(
            offer_id=number,
            sku_id=1,
            source=source,
            external_id=str(number),
            cost=Decimal(draw(st.integers(1, 9))),
            freight={"kind": "free"},
            granted=draw(st.booleans()),
            allowed=allowed[source],
            limit="limit_per_order",
            moq=draw(st.integers(1, 3)),
            multiple=draw(st.integers(1, 3)),
        )
        for number, source in enumerate(draw(st.lists(st.sampled_from("ab"), max_size=5)))
    ]


@given(markets(), st.integers(1, 12))
def test_no_source_sells_more_than_its_brand_allows(supplies: list[Supply], wanted: int) -> None:
    plan = route([Demand(0, 1, wanted)], supplies, "440305", NOW)
    takes = plan.takes(0)
    assert sum(take.units for take in takes) == (0 if 0 in plan.unsellable else wanted)
    assert all(take.supply.granted for take in takes)
    sold: Counter[str] = Counter()
    for take in takes:
        sold[take.supply.source] += take.units
    for supply in supplies:
        assert supply.allowed is None or sold[supply.source] <= supply.allowed


def test_the_limit_is_told_and_not_a_shortage() -> None:
    supply = Supply(1, 1, "a", "1", Decimal(1), freight={"kind": "free"})
    limited = Supply(
        1, 1, "a", "1", Decimal(1), freight={"kind": "free"}, allowed=2, limit="limit_per_day"
    )
    assert not route([Demand(0, 1, 3)], [supply], "", NOW).unsellable
    assert route([Demand(0, 1, 3)], [limited], "", NOW).unsellable == {0: "limit_per_day"}
