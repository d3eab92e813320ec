"""Help-selling: who pays and earns what, to the fen, over re-shares and refunds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from kit.errors import Problem
from kit.ids import outside
from tests.trade.market import HOME, NOW, Goods, Market, submitted
from trade import quotes
from trade.after_sales import claim_answers, claims
from trade.after_sales.claims import ClaimedLine, ClaimRequest
from trade.invariants import violations
from trade.ledger import standing
from trade.models import Earning
from trade.parcels import shipping
from trade.parcels.shipping import Shipment
from trade.planning import LineRequest
from trade.purchases import Supplier
from trade.quotes import Quoting
from trade.settling import earnings
from trade.sharing import plans, shares
from trade.sharing.shares import Terms

DOOR = Supplier("teahouse")


@dataclass
class Stall:
    """A sharer, a helper, and goods that cost 10.00, are shared at 15.00 with 10 %."""

    market: Market
    sharer: int
    helper: int
    goods: Goods
    code: str

    def share(self, price: str = "15.00", ppm: int = 100_000, **fields: Any) -> str:
        with self.market.db.as_system() as session:
            terms = Terms([self.goods.sku], Decimal(price), ppm, **fields)
            told = shares.create(session, self.market.desk, self.sharer, terms, NOW)
            return str(told["code"])

    def join(self, party: int, code: str) -> str:
        with self.market.db.as_system() as session:
            return str(shares.join(session, party, code, NOW)["code"])

    def posted(self, account: str) -> int:
        with self.market.db.as_system() as session:
            return standing(session, account)

    def sent(self, order: int, units: int, number: str) -> None:
        submitted(self.market)
        with self.market.db.as_system() as session:
            (purchase,) = self.market.purchases(order)
            name = outside("pur", purchase.id)
            shipping.ship(session, DOOR, Shipment(name, "顺丰", number, {1: units}), NOW)

    def refund(self, party: int, order: int, units: int, amount: int | None = None) -> None:
        with self.market.db.as_system() as session:
            line = ClaimedLine(self.goods.sku, units, amount)
            request = ClaimRequest("refund", (line,), "破损")
            (found,) = claims.open_claim(session, self.market.desk, party, order, request, NOW)
            claim = outside("clm", found)
            claim_answers.approve(session, self.market.desk, DOOR, claim, NOW)

    def release(self, now: datetime) -> None:
        with self.market.db.as_system() as session:
            for order in earnings.due(session, self.market.desk, now, after=0, limit=10):
                earnings.release(session, self.market.desk, order, now)

    def whole(self) -> None:
        with self.market.db.as_system() as session:
            assert violations(session) == []


@pytest.fixture
def stall(market: Market) -> Stall:
    made = Stall(
        market,
        market.party(),
        market.party(money=100_000),
        market.offer(cost="10.00", freight={"kind": "flat", "fee": "5.00", "free_from": None}),
        "",
    )
    made.code = made.share()
    return made


def refused(act: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        act()
    return caught.value


def test_the_helper_pays_retail_less_commission_and_the_rest_is_the_sharers(stall: Stall) -> None:
    page = stall.join(stall.helper, stall.code)
    order = stall.market.place(stall.helper, (stall.goods.sku, 3), share=page)
    freight = 100_000 - stall.market.balance(f"wallet:{stall.helper}") - 4050
    assert stall.posted(f"frozen:{stall.sharer}") == 0
    stall.sent(order, 2, "SF1000000001")
    assert stall.posted(f"frozen:{stall.sharer}") == 700
    stall.sent(order, 1, "SF1000000002")
    assert stall.posted(f"frozen:{stall.sharer}") == 1050
    assert stall.posted("sales") == 4050 + freight - 1050
    stall.whole()


def test_refunds_claw_back_per_unit_and_the_sharer_earns_nothing_on_her_own(stall: Stall) -> None:
    order = stall.market.place(stall.helper, (stall.goods.sku, 3), share=stall.code)
    stall.sent(order, 3, "SF2000000001")
    stall.refund(stall.helper, order, 1)
    assert stall.posted(f"frozen:{stall.sharer}") == 700
    stall.release(NOW + timedelta(days=22))
    assert stall.posted(f"earned:{stall.sharer}") == 0
    stall.release(NOW + timedelta(days=23))
    stall.release(NOW + timedelta(days=24))
    assert stall.posted(f"earned:{stall.sharer}") == 700
    stall.whole()
    stall.refund(stall.helper, order, 2)
    assert stall.posted(f"frozen:{stall.sharer}") == stall.posted(f"earned:{stall.sharer}") == 0
    stall.whole()
    rich = stall.market.party(money=10_000)
    stall.sharer = rich
    own = stall.market.place(rich, (stall.goods.sku, 1), share=stall.share())
    with stall.market.db.as_system() as session:
        found = select(Earning).where(Earning.order_id == own)
        assert session.scalars(found).all() == []


def test_a_quote_under_a_share_is_consent_to_its_price(stall: Stall) -> None:
    lines = [LineRequest(3, stall.goods.sku)]
    market = stall.market
    with market.db.as_system() as session:
        desk, helper = market.desk, stall.helper
        plain = quotes.quote(session, desk, Quoting(helper, lines, HOME), NOW)
        told = quotes.quote(session, desk, Quoting(helper, lines, HOME, stall.code), NOW)
    assert (plain["total"], told["total"]) == ("35.00", "45.50")
    cheap = refused(
        lambda: market.place(
            helper, (stall.goods.sku, 3), share=stall.code, quote=plain["id"], max_total=None
        )
    )
    assert cheap.code == "price_changed"
    market.place(helper, (stall.goods.sku, 3), share=stall.code, quote=told["id"], max_total=None)
    assert market.balance(f"held:{helper}") == 4550


def test_a_third_earner_is_refused_with_the_path(stall: Stall) -> None:
    page, third = stall.join(stall.helper, stall.code), stall.market.party(money=10_000)
    for act in (
        lambda: stall.join(third, page),
        lambda: stall.market.place(third, (stall.goods.sku, 1), share=page),
    ):
        problem = refused(act)
        assert problem.code == "third_earner"
        assert problem.detail.count("→") == 2
    assert refused(lambda: stall.join(stall.sharer, stall.code)).code == "own_share"
    assert stall.join(stall.helper, stall.code) == page


def test_a_share_with_a_negative_rest_is_refused_when_made_and_when_ordered(stall: Stall) -> None:
    problem = refused(lambda: stall.share("11.00", 100_000))
    assert (problem.status, problem.errors[0].code) == (422, "negative_rest")
    stall.share("11.12", 100_000)
    with stall.market.db.as_system() as session:
        session.connection().exec_driver_sql("UPDATE prices SET price = 13.51")
    order = refused(
        lambda: stall.market.place(stall.helper, (stall.goods.sku, 1), share=stall.code)
    )
    assert (order.status, order.code) == (409, "negative_rest")
    assert "13.51" not in order.detail


def test_a_share_is_for_its_goods_its_helpers_and_its_time(stall: Stall) -> None:
    other = stall.market.offer()
    foreign = refused(lambda: stall.market.place(stall.helper, (other.sku, 1), share=stall.code))
    assert foreign.errors[0].code == "not_shared"
    named = stall.share(to=[outside("pty", stall.sharer)])
    assert refused(lambda: stall.join(stall.helper, named)).status == 404
    ends = stall.share(until=NOW + timedelta(hours=1))
    late = NOW + timedelta(hours=2)
    over = refused(
        lambda: stall.market.place(stall.helper, (stall.goods.sku, 1), share=ends, now=late)
    )
    assert over.code == "share_closed"
    with stall.market.db.as_system() as session:
        shares.close(session, stall.sharer, stall.code, NOW)
    assert refused(lambda: stall.join(stall.helper, stall.code)).code == "share_closed"


@settings(max_examples=60)
@given(
    st.decimals("0.01", "500", places=4),
    st.integers(0, plans.MILLION),
    st.integers(1, 500),
    st.lists(st.integers(0, 10**6), max_size=6),
)
def test_fen_are_conserved_over_any_shipments_and_refunds(
    retail: Decimal, ppm: int, quantity: int, steps: Sequence[int]
) -> None:
    """Wallet = supplier and house + sharer, after every parcel and refund."""
    paid = plans.helper_pays(retail, ppm, quantity)
    kept = plans.commission(retail, ppm, quantity)
    earning, shipped, refunded, clawed = paid // 3, 0, 0, 0
    assert kept >= 0
    assert paid + kept == plans.helper_pays(retail, 0, quantity)
    for step in steps:
        shipped = min(quantity, shipped + step % quantity + 1)
        captured = paid * shipped // quantity
        accrued = plans.accrued(earning, shipped, quantity)
        refunded = min(captured, refunded + step % (captured + 1))
        clawed = max(clawed, plans.clawed(accrued, refunded, captured))
        assert 0 <= clawed <= accrued <= captured
        if refunded == captured:
            assert clawed == accrued or captured == 0
    assert plans.accrued(earning, quantity, quantity) == earning


@given(st.lists(st.text(min_size=1), max_size=5))
def test_no_path_of_re_shares_has_more_than_two_earners(path: list[str]) -> None:
    if len(path) <= 2:
        plans.check_path(path)
    else:
        assert refused(lambda: plans.check_path(path)).code == "third_earner"
