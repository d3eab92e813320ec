"""Freight that a platform gives back beyond the goods: told apart, proposed, posted once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from kit import clock
from kit.errors import Problem
from kit.ids import outside
from tests.stage import Stage
from tests.trade.market import JD_FREIGHT, Goods, Market
from tests.trade.test_following import jd as jd
from tests.trade.test_taking_back import Counter, deliver
from trade import exceptions, order_lists
from trade.after_sales import freight_returns, platform_differences
from trade.invariants import violations
from trade.models import Difference
from trade.settling import reconciliations

FREIGHT = 600
Sold = tuple[Counter, int, Goods]


@pytest.fixture
def sold(market: Market, stage: Stage, jd: Any) -> Sold:
    """Three pieces at 20.00 with the freight that JD charges, delivered."""
    counter = Counter(market, stage, "jd-vop", "jd", jd)
    sku = stage.act("jd", "skus")[0]
    key = stage.act("jd", "good", sku=sku)["key"]
    stage.post("goods", platform="jd", key=key, stock=30, price=2000)
    goods = market.offer(source="jd-vop", external_id=str(sku), cost="20.00", freight=JD_FREIGHT)
    order = counter.buy((goods, 3))
    deliver(counter)
    return counter, order, goods


def back(sold: Sold, units: int, fen: int, reason: str = "收到破损") -> str:
    """A claim on so many units, for which JD gives so much back."""
    counter, order, goods = sold
    name = counter.claim(order, goods.sku, units, reason=reason)
    counter.work()
    counter.stage.act("jd", "service", step=50, money=fen)
    counter.work()
    counter.seen(name)  # the books add up
    return name


def accepted(counter: Counter) -> None:
    (case,) = cases(counter)
    with counter.market.db.as_system() as session:
        freight_returns.accept(session, case["about"][1], clock.now())
        assert violations(session) == []


def cases(counter: Counter) -> list[dict[str, Any]]:
    with counter.market.db.as_system() as session:
        return exceptions.waiting(
            session, counter.market.desk, clock.now(), kind=freight_returns.CODE
        )


def compared(counter: Counter) -> list[Any]:
    """What the comparison of today says of it, kept."""
    with counter.market.db.as_system() as session:
        today = clock.now().astimezone(clock.SHANGHAI).date()
        found = order_lists.reconcile_orders(session, counter.code, today, [])
        reconciliations.record(session, found, clock.now())
        known = select(Difference).where(Difference.code == freight_returns.CODE)
        return list(session.scalars(known))


def test_freight_that_came_back_lowers_what_we_owe_and_is_the_platforms_to_bear(
    sold: Sold,
) -> None:
    counter = sold[0]
    name = back(sold, 3, 6000 + FREIGHT)
    assert counter.seen(name)["freight_refunded"] == "6.00"  # a fault: the house paid it
    assert counter.posted("loss:claims") == -FREIGHT
    assert counter.waiting() == [freight_returns.CODE]
    (case,) = cases(counter)
    assert (case["money"], case["actions"]) == (FREIGHT, ("accept", "dismiss"))
    assert counter.posted("payable:jd-vop") == FREIGHT
    accepted(counter)
    assert counter.posted("payable:jd-vop") == 0
    assert (counter.posted("loss:claims"), counter.posted("sales")) == (0, 0)
    assert counter.waiting() == []
    with pytest.raises(Problem, match="no freight"), counter.market.db.as_system() as session:
        freight_returns.accept(session, case["about"][1], clock.now())


def test_a_leader_who_changed_her_mind_is_paid_no_freight_though_it_came_back(sold: Sold) -> None:
    counter = sold[0]
    name = back(sold, 3, 6000 + FREIGHT, reason="七天无理由")
    accepted(counter)
    assert counter.seen(name)["freight_refunded"] == "0.00"
    assert (counter.posted("sales"), counter.posted("payable:jd-vop")) == (FREIGHT, 0)
    assert counter.posted("loss:claims") == 0


def test_freight_that_came_back_before_the_house_pays_it_is_no_loss(sold: Sold) -> None:
    counter = sold[0]
    back(sold, 1, 2000 + 300)
    accepted(counter)
    assert counter.posted("payable:jd-vop") == 4000 + FREIGHT - 300
    back(sold, 2, 4000)
    assert counter.posted("loss:claims") == 300 - FREIGHT
    assert counter.posted("payable:jd-vop") == FREIGHT - 300


def test_no_more_is_freight_than_was_charged_and_the_rest_is_a_difference(sold: Sold) -> None:
    counter = sold[0]
    back(sold, 1, 2000 + FREIGHT + 200)
    assert sorted(counter.waiting()) == ["claim_difference", freight_returns.CODE]
    accepted(counter)
    back(sold, 1, 2000 + 100)
    assert cases(counter) == []
    assert counter.waiting() == ["claim_difference", "claim_difference"]


def test_what_is_no_freight_is_counted_under_its_claim(sold: Sold) -> None:
    counter = sold[0]
    back(sold, 1, 2500)
    (difference,) = compared(counter)
    assert (difference.amount, difference.state) == (-500, "open")
    name = outside("dif", difference.id)
    with counter.market.db.as_system() as session:
        assert reconciliations.dismiss(session, name, "多退", clock.now())["note"] == "多退"
    assert "claim_difference" in counter.waiting()
    with counter.market.db.as_system() as session:
        platform_differences.counted(session, counter.rows()[0].id, 2500, clock.now())
        assert violations(session) == []
    assert counter.posted("payable:jd-vop") == 6000 + FREIGHT - 2500


def test_a_days_comparison_proposes_the_same_entry_and_posts_it_once(sold: Sold) -> None:
    counter = sold[0]
    back(sold, 3, 6000 + FREIGHT)
    (difference,) = compared(counter)
    name = outside("dif", difference.id)
    with counter.market.db.as_system() as session:
        told = reconciliations.view(session.get_one(Difference, difference.id))
        assert told["proposal"] == {
            "source": "payable:jd-vop",
            "destination": "cost",
            "amount": "6.00",
        }
        for _ in range(2):
            told = reconciliations.accept(session, name, clock.now())
            assert told["status"] == "accepted"
    assert counter.posted("payable:jd-vop") == 0
    assert (cases(counter), [one.state for one in compared(counter)]) == ([], ["accepted"])


@given(st.integers(-500, 2000), st.integers(-100, 900), st.none() | st.integers(0, 2000))
def test_freight_is_within_what_was_charged(beyond: int, left: int, told: int | None) -> None:
    found = freight_returns.within(beyond, left, told)
    assert 0 <= found <= max(left, 0)
    assert found <= max(beyond, 0) if told is None else found <= told
