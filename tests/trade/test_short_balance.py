"""Our account at a source is short: a queue by deadline, told as one, bought nowhere else."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.errors import BalanceShort, OutcomeUnknown
from connectors.model import Placed, PurchaseOrder
from kit import clock
from tests.trade.market import Market
from tests.trade.test_submit import Platform, all_due, drain
from trade import cancelling, exceptions, short_balance
from trade.invariants import violations
from trade.models import Purchase


@dataclass
class Purse(Platform):
    """A source that sells as long as our money there lasts; CNY."""

    money: Decimal = Decimal(0)
    asked: list[str] = field(default_factory=list)

    def place(self, order: PurchaseOrder) -> Placed:
        self.asked.append(order.our_ref)
        cost = sum(line.cost * line.quantity for line in order.lines)
        if cost > self.money:
            raise BalanceShort("3017", "您的余额不足")
        placed = super().place(order)
        self.money -= cost
        return placed


@pytest.fixture
def queue(market: Market) -> list[Purchase]:
    """Three purchases of 20 CNY, with another source beside; the last must leave first."""
    leader = market.party(money=100_000)
    goods = market.offer(source="manual", cost="10.00")
    found = [
        one for _ in range(3) for one in market.purchases(market.place(leader, (goods.sku, 2)))
    ]
    with market.db.as_system() as session:
        for days, one in zip((3, 2, 1), found, strict=True):
            leaves_in(session, one, days)
    return found


def leaves_in(session: Session, one: Purchase, days: int) -> None:
    by = {"by": clock.now() + timedelta(days=days), "id": one.id}
    session.execute(text("UPDATE purchases SET ship_by = :by WHERE id = :id"), by)


def states(market: Market, queue: list[Purchase]) -> list[str]:
    with market.db.as_system() as session:
        return [session.get_one(Purchase, one.id).state for one in queue]


def cases(market: Market) -> list[dict[str, object]]:
    with market.db.as_system() as session:
        return exceptions.waiting(session, market.desk, clock.now())


def test_what_money_comes_buys_what_must_leave_first(market: Market, queue: list[Purchase]) -> None:
    purse = Purse()
    drain(market, purse)
    assert states(market, queue) == ["ready"] * 3
    [case] = cases(market)
    assert (case["kind"], case["money"], case["actions"]) == ("balance_short", 6000, ("retry",))
    assert "manual: 3 waiting" in str(case["detail"])
    purse.money, purse.asked = Decimal(20), []
    drain(market, purse)
    assert purse.asked == []  # it is not time
    with market.db.as_system() as session:
        short_balance.topped_up(session, queue[0].id, clock.now())
    drain(market, purse)
    assert purse.asked == [queue[2].our_ref, queue[1].our_ref]
    assert states(market, queue) == ["ready", "ready", "accepted"]
    purse.money = Decimal(100)
    all_due(market)
    drain(market, purse)
    assert states(market, queue) == ["accepted"] * 3
    assert set(purse.held.values()) == {1}
    assert cases(market) == []
    with market.db.as_system() as session:
        assert violations(session) == []


def test_a_newer_purchase_does_not_overtake_what_waits(
    market: Market, queue: list[Purchase]
) -> None:
    purse = Purse()
    drain(market, purse)
    leader = market.party(money=100_000)
    late = market.place(leader, (market.offer(source="manual", cost="1.00").sku, 1))
    [newer] = market.purchases(late)
    with market.db.as_system() as session:
        leaves_in(session, newer, 4)
    purse.money, purse.asked = Decimal(5), []
    drain(market, purse)
    assert purse.asked == []
    all_due(market)
    drain(market, purse)
    assert purse.asked == [queue[2].our_ref]
    assert states(market, [newer]) == ["ready"]
    assert "4 waiting" in str(cases(market)[0]["detail"])


def test_one_is_tried_at_a_time_and_a_lost_answer_holds_up_nobody(
    market: Market, queue: list[Purchase]
) -> None:
    purse = Purse()
    drain(market, purse)
    all_due(market)
    purse.money, purse.after = Decimal(100), OutcomeUnknown("timeout", "?")
    drain(market, purse)
    assert states(market, queue) == ["submitting"] * 3
    all_due(market)
    drain(market, purse.healed())
    assert states(market, queue) == ["accepted"] * 3
    assert set(purse.held.values()) == {1}


def test_a_leader_may_cancel_what_waits_for_money(market: Market, queue: list[Purchase]) -> None:
    drain(market, Purse())
    with market.db.as_system() as session:
        cancelling.cancel(session, queue[0].party_id, queue[0].order_id, "不要了", clock.now())
    assert states(market, queue) == ["cancelled", "ready", "ready"]
    assert "manual: 2 waiting" in str(cases(market)[0]["detail"])
