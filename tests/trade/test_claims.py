"""Refund claims: what was paid goes back once, to the fen, on both sides, borne as rules say."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from kit.db import Database
from kit.errors import Problem
from kit.ids import outside
from tests.trade.market import NOW, Market, make_desk
from tests.trade.test_supplier_door import Shop
from trade.after_sales import claim_answers, claim_views, claims
from trade.after_sales.claims import ClaimedLine, ClaimRequest
from trade.desk import ClaimTerms
from trade.invariants import violations
from trade.models import Order, Parcel
from trade.parcels import tracking


def claim(
    shop: Shop,
    units: int,
    amount: int | None = None,
    kind: str = "refund",
    now: datetime = NOW,
    reason: str = "破损",
) -> str:
    request = ClaimRequest(kind, (ClaimedLine(shop.goods.sku, units, amount),), reason, ("照片1",))
    with shop.market.db.as_system() as session:
        (found,) = claims.open_claim(
            session, shop.market.desk, shop.leader, shop.order, request, now
        )
        return outside("clm", found)


def approve(shop: Shop, name: str, amount: int | None = None, **more: Any) -> None:
    with shop.market.db.as_system() as session:
        claim_answers.approve(
            session, shop.market.desk, shop.door, name, NOW, amount=amount, **more
        )


def refuse(shop: Shop, name: str, reason: str = "已签收") -> None:
    with shop.market.db.as_system() as session:
        claim_answers.refuse(session, shop.market.desk, shop.door, name, reason, ["签收图"], NOW)


def advance(shop: Shop, name: str, amount: int | None = None) -> None:
    with shop.market.db.as_system() as session:
        claim_answers.advance(session, shop.market.desk, name, shop.door, amount, NOW)


def seen(shop: Shop, name: str) -> dict[str, Any]:
    """The claim as its leader sees it; books and units must add up."""
    with shop.market.db.as_system() as session:
        assert violations(session) == []
    with shop.market.db.as_party(shop.leader) as session:
        return claim_views.leader_get(session, shop.market.desk, shop.leader, name)


def code(shop: Shop, units: int, amount: int | None = None, **fields: object) -> str:
    with pytest.raises(Problem) as caught:
        claim(shop, units, amount, **fields)  # type: ignore[arg-type]
    return caught.value.code


@pytest.fixture
def market(shared_database: Database) -> Market:
    return Market(shared_database, make_desk())


@pytest.fixture
def shop(market: Market) -> Shop:
    """Three units of 3.33 and 5.00 freight, shipped and paid."""
    shop = Shop(market)
    shop.ship("SF1234567890")
    return shop


def test_a_refund_goes_back_to_the_fen_on_both_sides(shop: Shop) -> None:
    approve(shop, claim(shop, 3))
    assert shop.market.balance(f"wallet:{shop.leader}") == 10_000
    assert shop.posted("sales") == shop.posted("payable:teahouse") == 0
    assert shop.seen()["lines"][0]["refunded"] == "9.99"


def test_an_approval_delivered_twice_refunds_once(shop: Shop) -> None:
    name = claim(shop, 1)
    for _ in range(2):
        approve(shop, name)
    assert shop.posted("sales") == 1499 - 333


def test_an_item_is_never_refunded_twice(shop: Shop) -> None:
    approve(shop, claim(shop, 3))
    assert code(shop, 1) == "already_refunded"


def test_a_sku_named_twice_in_one_claim_is_refused(shop: Shop) -> None:
    twice = (ClaimedLine(shop.goods.sku, 2), ClaimedLine(shop.goods.sku, 2))
    request = ClaimRequest("refund", twice, "破损")
    with pytest.raises(Problem, match="once"), shop.market.db.as_system() as session:
        claims.open_claim(session, shop.market.desk, shop.leader, shop.order, request, NOW)


def test_open_claims_count_as_refunded(shop: Shop) -> None:
    claim(shop, 2)
    assert code(shop, 2) == "under_claim"
    claim(shop, 1)
    assert code(shop, 1) == "under_claim"


def test_a_refund_is_never_larger_than_what_was_received(shop: Shop) -> None:
    assert code(shop, 1, 334) == "amount_too_high"
    approve(shop, claim(shop, 1, 333))
    assert code(shop, 3, 667) == "amount_too_high"
    approve(shop, claim(shop, 3, 666))
    assert shop.posted("sales") == 0


def test_a_partial_approval_takes_the_suppliers_share_in_proportion(shop: Shop) -> None:
    approve(shop, claim(shop, 3), 100)
    assert shop.posted("payable:teahouse") == 1499 - 100
    with pytest.raises(Problem, match=r"approve between 0\.01 and 8\.99"):
        approve(shop, claim(shop, 3), 900)


def test_only_what_was_shipped_can_be_claimed(market: Market) -> None:
    shop = Shop(market)
    assert code(shop, 1) == "not_shipped"
    shop.ship("SF1234567890", {1: 2})
    assert code(shop, 3) == "not_shipped"
    assert claim(shop, 2)


def test_claims_end_with_the_return_window(shop: Shop) -> None:
    over = NOW + timedelta(days=7 + 15)  # nobody said that it arrived
    assert code(shop, 1, now=over + timedelta(seconds=1)) == "too_late"
    assert claim(shop, 1, now=over)
    with shop.market.db.as_system() as session:
        (parcel,) = session.scalars(select(Parcel).where(Parcel.order_id == shop.order))
        order = session.get_one(Order, shop.order)
        tracking.arrive(session, order, parcel, NOW + timedelta(days=1), NOW)
    assert code(shop, 1, now=NOW + timedelta(days=16, seconds=1)) == "too_late"


def test_a_refused_claim_tells_why_without_naming_the_supplier(shop: Shop) -> None:
    name = claim(shop, 1)
    refuse(shop, name, "teahouse 已核实签收完好")
    view = seen(shop, name)
    assert (view["status"], view["answer"]) == ("refused", "供应商 已核实签收完好")
    with pytest.raises(Problem, match="refused already"):
        approve(shop, name)
    assert shop.posted("sales") == 1499


def test_a_cancelled_claim_frees_its_units(shop: Shop) -> None:
    name = claim(shop, 3)
    with shop.market.db.as_system() as session:
        claims.cancel(session, shop.market.desk, shop.leader, name, NOW)
    assert claim(shop, 3)


def test_a_refund_with_a_mark_up_returns_each_side_its_own(market: Market) -> None:
    shop = Shop(Market(market.db, replace(market.desk, markup_percent=Decimal(30))))
    shop.ship("SF1234567890")
    assert (shop.posted("sales"), shop.posted("payable:teahouse")) == (1299 + 500, 999 + 500)
    for _ in range(3):
        approve(shop, claim(shop, 1))
    assert (shop.posted("sales"), shop.posted("payable:teahouse")) == (0, 0)
    with market.db.as_system() as session:
        assert violations(session) == []


def test_both_sides_list_their_claims(market: Market) -> None:
    shop = Shop(market, source="silk")
    shop.ship("SF1234567890")
    name = claim(shop, 1)
    with shop.market.db.as_system() as session:
        views, after = claim_views.supplier_page(
            session, shop.market.desk, shop.door, status="open"
        )
    assert ([view["id"] for view in views], after) == ([name], None)
    with shop.market.db.as_party(shop.leader) as session:
        (view,), _ = claim_views.leader_page(session, shop.market.desk, shop.leader)
    assert "purchase" not in view
    assert view["lines"][0]["amount"] == "3.33"


def test_what_the_house_agrees_to_is_not_taken_from_the_supplier(shop: Shop) -> None:
    name = claim(shop, 1)
    approve(shop, name, house=True)
    assert shop.posted("payable:teahouse") == 1499
    assert (shop.posted("sales"), shop.posted("loss:claims")) == (1499, -333)
    assert seen(shop, name)["status"] == "refunded"
    approve(shop, claim(shop, 2))  # its supplier bears only its own part
    assert shop.posted("payable:teahouse") == 1499 - 666


def test_an_advance_is_paid_at_once_and_settled_by_the_agreement(shop: Shop) -> None:
    name = claim(shop, 3)
    advance(shop, name, 400)
    assert seen(shop, name)["lines"][0]["refunded"] == "4.00"
    assert (shop.posted("advances"), shop.posted("sales")) == (-400, 1499)
    approve(shop, name)
    assert seen(shop, name)["lines"][0]["refunded"] == "9.99"
    assert (shop.posted("advances"), shop.posted("sales")) == (0, 0)
    assert shop.market.balance(f"wallet:{shop.leader}") == 10_000


@pytest.mark.parametrize(("reason", "keeps", "lost"), [("破损", 400, 400), ("七天无理由", 0, 0)])
def test_a_refused_advance_is_borne_by_whom_the_rules_say(
    shop: Shop, reason: str, keeps: int, lost: int
) -> None:
    name = claim(shop, 3, reason=reason)
    advance(shop, name, 400)
    refuse(shop, name)
    assert seen(shop, name)["lines"][0]["refunded"] == f"{keeps / 100:.2f}"
    assert (shop.posted("advances"), shop.posted("loss:claims")) == (0, -lost)
    assert shop.market.balance(f"wallet:{shop.leader}") == 10_000 - 1499 + keeps
    assert shop.posted("payable:teahouse") == 1499


def test_a_leader_who_cannot_give_an_advance_back_keeps_it_at_the_houses_cost(shop: Shop) -> None:
    name = claim(shop, 3, reason="不想要了")
    advance(shop, name, 400)
    other = shop.market.offer(cost="86.00", freight={"kind": "free"})
    shop.market.place(shop.leader, (other.sku, 1))
    refuse(shop, name)
    assert seen(shop, name)["lines"][0]["refunded"] == "4.00"
    assert (shop.posted("advances"), shop.posted("loss:claims")) == (0, -400)


def test_more_advanced_than_agreed_is_split_between_supplier_and_house(shop: Shop) -> None:
    name = claim(shop, 3)
    advance(shop, name, 700)
    approve(shop, name, 300)
    assert seen(shop, name)["lines"][0]["refunded"] == "7.00"
    assert shop.posted("payable:teahouse") == 1499 - 300
    assert (shop.posted("loss:claims"), shop.posted("advances")) == (-400, 0)


def test_advances_at_once_keep_to_their_limit_together(market: Market) -> None:
    limited = Market(market.db, make_desk(claims=ClaimTerms(advance_most=500, advance_total=600)))
    one = Shop(limited)
    two = Shop(limited, leader=one.leader)
    for number, shop in enumerate((one, two)):
        shop.ship(f"SF123456789{number}")
    first, second = claim(one, 2), claim(two, 2)
    with ThreadPoolExecutor(1) as pool:
        with limited.db.as_system() as session:
            claim_answers.advance(session, limited.desk, first, one.door, 500, NOW)
            later = pool.submit(advance, two, second, 500)
            with pytest.raises(TimeoutError):
                later.result(timeout=0.2)
        with pytest.raises(Problem, match=r"at most 1\.00"):
            later.result()


def test_advances_keep_to_their_limits(market: Market) -> None:
    terms = ClaimTerms(advance_most=500, advance_total=600)
    shop = Shop(Market(market.db, make_desk(claims=terms)))
    shop.ship("SF1234567890")
    first, second = claim(shop, 2), claim(shop, 1)
    with pytest.raises(Problem, match=r"at most 5\.00"):
        advance(shop, first, 501)
    advance(shop, first)
    with pytest.raises(Problem, match="already"):
        advance(shop, first)
    with pytest.raises(Problem, match=r"at most 1\.00"):
        advance(shop, second, 101)
    with pytest.raises(Problem) as caught, market.db.as_system() as session:
        claims.cancel(session, shop.market.desk, shop.leader, first, NOW)
    assert caught.value.code == "advanced"
