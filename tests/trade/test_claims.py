"""Refund claims: what was paid goes back once, to the fen, on both sides."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from kit.errors import Problem
from kit.ids import outside
from tests.trade.market import NOW, Market
from tests.trade.test_supplier_door import TEAHOUSE, Shop
from trade import claim_views, claims
from trade.claims import ClaimedLine, ClaimRequest
from trade.invariants import violations


def claim(
    shop: Shop, units: int, amount: int | None = None, kind: str = "refund", now: datetime = NOW
) -> str:
    request = ClaimRequest(kind, (ClaimedLine(shop.goods.sku, units, amount),), "破损", ("照片1",))
    with shop.market.db.as_system() as session:
        (found,) = claims.open_claim(
            session, shop.market.desk, shop.leader, shop.order, request, now
        )
        return outside("clm", found)


def approve(shop: Shop, name: str, amount: int | None = None) -> None:
    with shop.market.db.as_system() as session:
        claims.approve(session, TEAHOUSE, name, amount, NOW)


def code(shop: Shop, units: int, amount: int | None = None, **fields: object) -> str:
    with pytest.raises(Problem) as caught:
        claim(shop, units, amount, **fields)  # type: ignore[arg-type]
    return caught.value.code


@pytest.fixture
def shop(market: Market) -> Shop:
    """Three units of 3.33 and 5.00 freight, shipped and paid."""
    shop = Shop(market)
    shop.ship("SF1234567890")
    return shop


def test_a_refund_goes_back_to_the_fen_on_both_sides(shop: Shop) -> None:
    approve(shop, claim(shop, 3))
    assert shop.market.balance(f"wallet:{shop.leader}") == 10_000 - 500
    assert shop.posted("sales") == shop.posted("payable:teahouse") == 500
    assert shop.seen()["lines"][0]["refunded"] == "9.99"


def test_an_approval_delivered_twice_refunds_once(shop: Shop) -> None:
    name = claim(shop, 1)
    for _ in range(2):
        approve(shop, name)
    assert shop.posted("sales") == 1499 - 333


def test_an_item_is_never_refunded_twice(shop: Shop) -> None:
    approve(shop, claim(shop, 3))
    assert code(shop, 1) == "already_refunded"


def test_open_claims_count_as_refunded(shop: Shop) -> None:
    claim(shop, 2)
    assert code(shop, 2) == "not_shipped"
    claim(shop, 1)
    assert code(shop, 1) == "not_shipped"


def test_a_refund_is_never_larger_than_what_was_received(shop: Shop) -> None:
    assert code(shop, 1, 334) == "amount_too_high"
    approve(shop, claim(shop, 1, 333))
    assert code(shop, 3, 667) == "amount_too_high"
    approve(shop, claim(shop, 3, 666))
    assert shop.posted("sales") == 500


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


def test_other_kinds_are_not_offered_and_say_so(shop: Shop) -> None:
    assert code(shop, 1, kind="exchange") == "not_offered"


def test_claims_end_with_the_return_window(shop: Shop) -> None:
    assert code(shop, 1, now=NOW + timedelta(days=15, seconds=1)) == "too_late"
    assert claim(shop, 1, now=NOW + timedelta(days=15))


def test_a_refused_claim_tells_why_without_naming_the_supplier(shop: Shop) -> None:
    name = claim(shop, 1)
    with shop.market.db.as_system() as session:
        claims.refuse(session, TEAHOUSE, name, "teahouse 已核实签收完好", ["签收图"], NOW)
    with shop.market.db.as_party(shop.leader) as session:
        view = claim_views.leader_get(session, shop.leader, name)
    assert (view["status"], view["answer"]) == ("refused", "供应商 已核实签收完好")
    with pytest.raises(Problem, match="refused already"):
        approve(shop, name)
    assert shop.posted("sales") == 1499


def test_a_cancelled_claim_frees_its_units(shop: Shop) -> None:
    name = claim(shop, 3)
    with shop.market.db.as_system() as session:
        claims.cancel(session, shop.leader, name, NOW)
    assert claim(shop, 3)


def test_a_refund_with_a_mark_up_returns_each_side_its_own(market: Market) -> None:
    shop = Shop(Market(market.db, replace(market.desk, markup_percent=Decimal(30))))
    shop.ship("SF1234567890")
    assert (shop.posted("sales"), shop.posted("payable:teahouse")) == (1299 + 500, 999 + 500)
    for _ in range(3):
        approve(shop, claim(shop, 1))
    assert (shop.posted("sales"), shop.posted("payable:teahouse")) == (500, 500)
    with market.db.as_system() as session:
        assert violations(session) == []


def test_both_sides_list_their_claims(shop: Shop) -> None:
    name = claim(shop, 1)
    with shop.market.db.as_system() as session:
        views, after = claim_views.supplier_page(session, TEAHOUSE, status="open")
    assert ([view["id"] for view in views], after) == ([name], None)
    with shop.market.db.as_party(shop.leader) as session:
        (view,), _ = claim_views.leader_page(session, shop.leader)
    assert "purchase" not in view
    assert view["lines"][0]["amount"] == "3.33"
