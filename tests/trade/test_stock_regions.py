"""Stock that a source states for everywhere and for regions at once."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from catalog import stock
from catalog.models import Stock
from catalog.stock import Level, Statement, level_of
from tests.trade.market import NOW, Goods, Market

SHENZHEN, GUANGZHOU, BEIJING = "440305", "440106", "110101"


def state(market: Market, goods: Goods, region: str, quantity: int | None, hours: int = 0) -> None:
    with market.db.as_system() as session:
        session.merge(
            Stock(
                offer_id=goods.offer_id,
                region=region,
                state="out" if quantity == 0 else "in_stock",
                quantity=quantity,
                as_of=NOW + timedelta(hours=hours),
            )
        )


def test_a_region_with_its_own_number_goes_before_everywhere(market: Market) -> None:
    goods = market.offer(stock=9)
    state(market, goods, "44", 2)
    market.reserve(goods, 2, "a", SHENZHEN)
    assert market.left(goods, SHENZHEN) == market.left(goods, GUANGZHOU) == 0


def test_what_a_region_took_is_gone_from_everywhere(market: Market) -> None:
    goods = market.offer(stock=9)
    state(market, goods, "44", 4)
    market.reserve(goods, 4, "a", SHENZHEN)
    assert market.left(goods, BEIJING) == 5


def test_a_total_that_is_sold_out_leaves_nothing_in_a_region(market: Market) -> None:
    goods = market.offer(stock=9)
    state(market, goods, "44", 4)
    market.reserve(goods, 9, "a", BEIJING)
    assert market.left(goods, SHENZHEN) == 0


def test_a_region_in_stock_without_number_is_bound_by_the_number_for_everywhere(
    market: Market,
) -> None:
    goods = market.offer(stock=9)
    state(market, goods, "44", None)
    assert market.left(goods, SHENZHEN) == 9


def test_a_region_that_has_more_than_everywhere_is_believed(market: Market) -> None:
    goods = market.offer(stock=0)
    state(market, goods, "44", 4)
    assert (market.left(goods, SHENZHEN), market.left(goods, BEIJING)) == (4, 0)


def test_a_reservation_counts_in_a_region_that_is_stated_later(market: Market) -> None:
    goods = market.offer(stock=9)
    market.reserve(goods, 3, "a", SHENZHEN)
    state(market, goods, "44", 4)
    state(market, goods, "11", 4)
    assert (market.left(goods, SHENZHEN), market.left(goods, BEIJING)) == (1, 4)


def test_a_reservation_is_settled_once_every_statement_counts_it_in(market: Market) -> None:
    goods = market.offer(stock=9)
    state(market, goods, "44", 4)
    market.reserve(goods, 3, "a", SHENZHEN)
    with market.db.as_system() as session:
        stock.known(session, ["a"], NOW + timedelta(hours=1))
    state(market, goods, "44", 4, hours=2)
    with market.db.as_system() as session:
        assert stock.settle(session) == 0
    assert (market.left(goods, SHENZHEN), market.left(goods, BEIJING)) == (4, 6)
    state(market, goods, "", 9, hours=2)
    with market.db.as_system() as session:
        assert stock.settle(session) == 1
    assert market.left(goods, BEIJING) == 9


def test_what_somebody_works_on_is_settled_in_another_round(market: Market) -> None:
    goods = market.offer(stock=9)
    for reference in ("a", "b"):
        market.reserve(goods, 3, reference, SHENZHEN)
    with market.db.as_system() as session:
        stock.known(session, ["b", "a"], NOW + timedelta(hours=1))
    state(market, goods, "", 9, hours=2)
    with market.db.as_system() as working:
        stock.release(working, {"a": 1})
        with market.db.as_system() as session:
            assert stock.settle(session) == 1
    with market.db.as_system() as session:
        assert stock.settle(session) == 1


def test_goods_that_only_regions_have_are_on_hand_in_no_stated_number(market: Market) -> None:
    goods = market.offer(stock=None)
    state(market, goods, "44", 4)
    state(market, goods, "11", 0)
    assert market.level(goods, "") == Level("in_stock", None, NOW)
    assert market.level(goods, "310101") is None


def test_reservations_keep_where_the_goods_go(market: Market) -> None:
    goods = market.offer(stock=9)
    market.reserve(goods, 1, "a", SHENZHEN)
    with market.db.as_system() as session:
        assert session.scalars(text("SELECT region FROM reservations")).all() == [SHENZHEN]


@given(
    st.dictionaries(
        st.sampled_from(["", "44", "4403", "11"]),
        st.tuples(st.none() | st.integers(1, 50), st.integers(0, 60)),
        min_size=1,
    )
)
def test_no_statement_that_covers_a_region_is_oversold(
    said: dict[str, tuple[int | None, int]],
) -> None:
    stated = [
        Statement(NOW, region, "in_stock", quantity, taken)
        for region, (quantity, taken) in said.items()
    ]
    covering = [one for one in stated if SHENZHEN.startswith(one.region)]
    if not covering:
        return
    level = level_of(stated, SHENZHEN)
    own = max(covering, key=lambda one: len(one.region))
    if own.left is not None:
        assert level.quantity is not None
        assert level.quantity <= own.left
    totals = [one.left for one in covering if (one.quantity or 0) >= (own.quantity or 0)]
    known = [one for one in totals if one is not None]
    assert level.quantity == min(known, default=None)
