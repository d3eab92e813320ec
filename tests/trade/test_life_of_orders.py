"""Orders through every mixture of acts: what must always hold, holds after each of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from kit import clock
from kit.errors import Problem
from kit.ids import outside
from tests.trade.market import NOW, Goods, Market, submitted
from trade import cancelling, claims, purchases, rerouting, shipping
from trade.claims import ClaimedLine, ClaimRequest
from trade.invariants import violations
from trade.models import Claim, OrderLine, Purchase, PurchaseLine
from trade.purchases import Supplier
from trade.shipping import Shipment

DEPOSIT = 1_000_000
REFUSALS = {
    "wrong_state", "not_orderable", "too_late", "shared_purchase", "too_many_units",
    "which_parcel", "parcel_differs", "not_shipped", "already_refunded", "not_found",
    "balance_short",
}  # fmt: skip

choice = st.integers(0, 1000)


@contextmanager
def expected_refusal() -> Iterator[None]:
    """People may ask for what is refused; anything else is a fault."""
    try:
        yield
    except Problem as problem:
        if problem.code not in REFUSALS:
            raise


class Life(RuleBasedStateMachine):
    """One leader, two suppliers of the same two goods, and whatever people do."""

    def __init__(self, market: Market) -> None:
        super().__init__()
        self.market = market
        self.orders: list[int] = []
        self.numbers = 0

    @initialize()
    def open_the_market(self) -> None:
        flat = {"kind": "flat", "fee": "5.01", "free_from": None}
        self.leader = self.market.party(money=DEPOSIT)
        first = self.market.offer(cost="3.33", stock=40, freight=flat)
        second = self.market.offer(cost="0.1234", stock=40)
        self.market.offer(sku_id=first.sku_id, source="manual", cost="3.33", freight=flat)
        self.market.offer(sku_id=second.sku_id, source="manual", cost="0.12", stock=9)
        self.goods: list[Goods] = [first, second]

    def act(self, function: Any, *arguments: Any, **named: Any) -> None:
        """Do it in one transaction; an expected refusal leaves nothing behind."""
        with expected_refusal(), self.market.db.as_system() as session:
            function(session, *arguments, **named)

    def purchase(self, pick: int) -> Purchase | None:
        with self.market.db.as_system() as session:
            found = select(Purchase).where(Purchase.party_id == self.leader).order_by(Purchase.id)
            rows = session.scalars(found).all()
            return rows[pick % len(rows)] if rows else None

    @rule(units=st.lists(st.integers(0, 7), min_size=2, max_size=2).filter(any))
    def order(self, units: list[int]) -> None:
        lines = [(g.sku, n) for g, n in zip(self.goods, units, strict=True) if n]
        with expected_refusal():
            self.orders.append(self.market.place(self.leader, *lines))

    @precondition(lambda self: self.orders)
    @rule()
    def submit(self) -> None:
        submitted(self.market, "teahouse")
        submitted(self.market, "manual")

    @precondition(lambda self: self.orders)
    @rule(pick=choice)
    def accept(self, pick: int) -> None:
        if row := self.purchase(pick):
            self.act(purchases.accept, Supplier(row.source), outside("pur", row.id), NOW)

    @precondition(lambda self: self.orders)
    @rule(pick=choice)
    def refuse(self, pick: int) -> None:
        if row := self.purchase(pick):
            name = outside("pur", row.id)
            self.act(purchases.refuse, Supplier(row.source), name, "out_of_stock", "没货", NOW)

    @precondition(lambda self: self.orders)
    @rule(pick=choice, units=st.none() | st.integers(1, 3), again=st.booleans())
    def ship(self, pick: int, units: int | None, again: bool) -> None:  # noqa: FBT001
        if row := self.purchase(pick):
            self.numbers += not again
            lines = None if units is None else {1: units}
            number = f"SF{self.numbers:010d}"
            parcel = Shipment(outside("pur", row.id), "顺丰", number, lines)
            self.act(shipping.ship, Supplier(row.source), parcel, NOW)

    @precondition(lambda self: self.orders)
    @rule()
    def reroute(self) -> None:
        rerouting.drain(self.market.db, self.market.desk, clock.now() + timedelta(seconds=20))

    @precondition(lambda self: self.orders)
    @rule(pick=choice, one=st.booleans())
    def cancel(self, pick: int, one: bool) -> None:  # noqa: FBT001
        order_id = self.orders[pick % len(self.orders)]
        skus = None
        if one:
            with self.market.db.as_system() as session:
                found = select(OrderLine.sku_id).where(OrderLine.order_id == order_id)
                skus = [outside("sku", sku_id) for sku_id in session.scalars(found)][:1]
        self.act(cancelling.cancel, self.leader, order_id, "不要了", NOW, skus=skus)

    @precondition(lambda self: self.orders)
    @rule(pick=choice, units=st.integers(1, 3))
    def claim(self, pick: int, units: int) -> None:
        order_id = self.orders[pick % len(self.orders)]
        with self.market.db.as_system() as session:
            found = select(OrderLine.sku_id).where(OrderLine.order_id == order_id)
            sku_id = session.scalars(found).first()
        assert sku_id is not None
        request = ClaimRequest("refund", (ClaimedLine(outside("sku", sku_id), units),), "破损")
        self.act(claims.open_claim, self.market.desk, self.leader, order_id, request, NOW)

    @precondition(lambda self: self.orders)
    @rule(pick=choice, answer=st.sampled_from(["all", "one fen", "refuse", "cancel"]))
    def answer(self, pick: int, answer: str) -> None:
        with self.market.db.as_system() as session:
            rows = session.execute(
                select(Claim.id, Purchase.source)
                .join(Purchase, Purchase.id == Claim.purchase_id)
                .where(Claim.party_id == self.leader)
                .order_by(Claim.id)
            ).all()
        if not rows:
            return
        name, supplier = outside("clm", rows[pick % len(rows)].id), Supplier(rows[0].source)
        if answer == "cancel":
            self.act(claims.cancel, self.leader, name, NOW)
        elif answer == "refuse":
            self.act(claims.refuse, supplier, name, "已签收", [], NOW)
        else:
            self.act(claims.approve, supplier, name, None if answer == "all" else 1, NOW)

    @invariant()
    def everything_adds_up(self) -> None:
        with self.market.db.as_system() as session:
            assert violations(session) == []
            lines = session.scalars(
                select(PurchaseLine)
                .join(Purchase, Purchase.id == PurchaseLine.purchase_id)
                .where(Purchase.party_id == getattr(self, "leader", 0))
            ).all()
            assert all(line.credited <= line.owed for line in lines)
            assert all(
                line.credited == line.owed
                for line in lines
                if line.captured and line.refunded == line.captured
            )


def test_money_and_units_add_up_after_every_act(market: Market) -> None:
    run_state_machine_as_test(
        lambda: Life(market),
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],  # shrinking would run on real servers
            suppress_health_check=list(HealthCheck),
        ),
    )
