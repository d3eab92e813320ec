"""A supplier sees and answers claims at its own price, and a leader gets the same part of hers."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.db import Database
from kit.errors import Problem
from tests.trade.market import Market, make_desk
from tests.trade.test_claims import approve, claim, seen
from tests.trade.test_supplier_door import Shop
from trade.after_sales import claim_money, claim_views


@pytest.fixture
def shop(shared_database: Database) -> Shop:
    """Three units at 3.33 that the leader pays 4.329 for, shipped and paid: 12.99 against 9.99."""
    desk = make_desk(markup_percent=Decimal(30))
    shop = Shop(Market(shared_database, desk))
    shop.ship("SF1234567890")
    return shop


def at_the_door(shop: Shop, name: str, *, operates: bool = False) -> dict[str, Any]:
    with shop.market.db.as_system() as session:
        return claim_views.supplier_get(
            session, shop.market.desk, shop.door, name, operates=operates
        )


def test_a_supplier_sees_its_own_price_and_its_leader_hers(shop: Shop) -> None:
    name = claim(shop, 3)
    assert seen(shop, name)["lines"][0]["amount"] == "12.99"
    view = at_the_door(shop, name)
    assert (view["lines"][0]["amount"], view["lines"][0]["credited"]) == ("9.99", "0.00")
    assert "refunded" not in view["lines"][0]
    assert "leader" not in view
    side = at_the_door(shop, name, operates=True)["leader"]
    assert (side["asked"], side["approved"], side["refunded"]) == ("12.99", None, "0.00")


def test_a_supplier_agrees_in_its_own_price_and_the_house_gives_its_margin_back(
    shop: Shop,
) -> None:
    name = claim(shop, 3)
    with pytest.raises(Problem, match=r"between 0\.01 and 9\.99"):
        approve(shop, name, 1000)
    approve(shop, name, 333)
    view = at_the_door(shop, name)
    assert (view["approved"], view["lines"][0]["credited"]) == ("3.33", "3.33")
    assert seen(shop, name)["lines"][0]["refunded"] == "4.33"
    assert shop.posted("payable:teahouse") == 999 + 500 - 333
    assert shop.posted("sales") == 1299 + 500 - 433  # the house gives its 1.00 back


def test_the_house_agrees_in_what_the_leader_gets(shop: Shop) -> None:
    name = claim(shop, 3)
    approve(shop, name, 1299, house=True)
    view = at_the_door(shop, name)
    assert (view["approved"], view["lines"][0]["credited"]) == ("0.00", "0.00")
    assert (shop.posted("payable:teahouse"), shop.posted("loss:claims")) == (1499, -1299 - 500)


def test_goods_that_cost_their_supplier_nothing_are_agreed_to_without_an_amount(
    shared_database: Database,
) -> None:
    shop = Shop(Market(shared_database, make_desk(markup_percent=Decimal(30))))
    shop.ship("SF1234567890")
    name = claim(shop, 1, 1)  # a fen of hers is no fen of its
    assert at_the_door(shop, name)["lines"][0]["amount"] == "0.00"
    with pytest.raises(Problem, match="leave amount out"):
        approve(shop, name, 1)
    approve(shop, name)
    assert seen(shop, name)["lines"][0]["refunded"] == "0.01"


@given(
    st.integers(1, 5000),
    st.integers(0, 5000),
    st.lists(st.tuples(st.integers(1, 2000), st.sampled_from(["wait", "pay", "refuse"]))),
)
def test_what_is_asked_of_a_supplier_is_never_more_than_it_is_owed_and_in_the_end_all_of_it(
    captured: int, owed: int, steps: list[tuple[int, str]]
) -> None:
    line: Any = SimpleNamespace(captured=captured, owed=owed, charged=0, credited=0)
    pending: list[Any] = []
    for want, then in [*steps, (captured, "wait")]:
        share = min(want, captured - line.charged - sum(one.asked for one in pending))
        if not share:
            continue
        ask = SimpleNamespace(asked=share, asked_cost=claim_money.at_cost(line, pending, share))
        pending.append(ask)
        assert line.credited + sum(one.asked_cost for one in pending) <= owed
        if then != "wait":
            gone = pending.pop(0)
            line.charged += gone.asked if then == "pay" else 0
            line.credited += gone.asked_cost if then == "pay" else 0
    left = captured - line.charged - sum(one.asked for one in pending)
    last = claim_money.at_cost(line, pending, left) if left else 0
    assert line.credited + last + sum(one.asked_cost for one in pending) == owed


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.data())
def test_a_leader_gets_the_part_of_hers_that_its_supplier_gives(
    asked: int, cost: int, data: st.DataObject
) -> None:
    case: Any = SimpleNamespace(asked=asked, asked_cost=cost)
    agreed = data.draw(st.integers(1, cost))
    got = claim_money.at_price(case, agreed)
    assert 1 <= got <= asked
    assert got == asked or abs(got * cost - asked * agreed) <= max(cost, asked)
    assert claim_money.at_price(case, cost) == asked
