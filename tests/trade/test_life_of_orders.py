"""Orders through every mixture of acts: what must always hold, holds after each of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
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
from sqlalchemy import select, text

from kit import clock
from kit.errors import Problem
from kit.ids import outside
from tests.trade.market import NOW, Goods, Market, submitted
from trade import cancelling, held_orders, purchases, rerouting
from trade.after_sales import claim_answers, claim_deadlines, claims
from trade.after_sales.claims import ClaimedLine, ClaimRequest
from trade.after_sales.eligibility import KINDS, PAID
from trade.held_orders import Choice
from trade.invariants import violations
from trade.models import Claim, OrderLine, Purchase, PurchaseLine
from trade.parcels import shipping
from trade.parcels.shipping import Shipment
from trade.purchases import Supplier
from trade.settling import earnings
from trade.sharing import shares
from trade.sharing.shares import Terms

DEPOSIT = 1_000_000
REFUSALS = {
    "wrong_state", "not_orderable", "too_late", "shared_purchase", "too_many_units",
    "which_parcel", "parcel_differs", "not_shipped", "already_refunded", "not_found",
    "balance_short", "under_claim", "sent_back", "wrong_kind", "advanced", "already_advanced",
    "advance_limit", "nothing_asked", "postage_not_paid", "amount_too_high",
}  # fmt: skip

ANSWERS = (
    "agree", "one fen", "house", "refuse", "received", "reissue", "advance", "send back", "cancel",
)  # fmt: skip

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
        self.market.offer(sku_id=first.sku_id, source="dear", cost="4.44", freight=flat)
        self.market.offer(sku_id=second.sku_id, source="dear", cost="0.55", stock=40)
        self.goods: list[Goods] = [first, second]
        with self.market.db.as_system() as session:
            terms = Terms([one.sku for one in self.goods], Decimal("4.4321"), 123_456)
            sharer = self.market.party()
            told = shares.create(session, self.market.desk, sharer, terms, NOW)
            self.codes = [None, told["code"]]

    def act(self, function: Any, *arguments: Any, **named: Any) -> None:
        """Do it in one transaction; an expected refusal leaves nothing behind."""
        with expected_refusal(), self.market.db.as_system() as session:
            function(session, *arguments, **named)

    def purchase(self, pick: int) -> Purchase | None:
        with self.market.db.as_system() as session:
            found = select(Purchase).where(Purchase.party_id == self.leader).order_by(Purchase.id)
            rows = session.scalars(found).all()
            return rows[pick % len(rows)] if rows else None

    @rule(
        units=st.lists(st.integers(0, 7), min_size=2, max_size=2).filter(any),
        helps=st.booleans(),
    )
    def order(self, units: list[int], helps: bool) -> None:  # noqa: FBT001
        lines = [(g.sku, n) for g, n in zip(self.goods, units, strict=True) if n]
        with expected_refusal():
            self.orders.append(self.market.place(self.leader, *lines, share=self.codes[helps]))

    @precondition(lambda self: self.orders)
    @rule()
    def submit(self) -> None:
        submitted(self.market, "teahouse")
        submitted(self.market, "manual")
        submitted(self.market, "dear")

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
    @rule(pick=choice)
    def release(self, pick: int) -> None:
        order_id, later = self.orders[pick % len(self.orders)], NOW + timedelta(days=90)
        self.act(earnings.release, self.market.desk, order_id, later)

    @precondition(lambda self: self.orders)
    @rule()
    def reroute(self) -> None:
        rerouting.drain(self.market.db, self.market.desk, clock.now() + timedelta(seconds=20))

    @precondition(lambda self: self.orders)
    @rule(pick=choice, take=st.sampled_from(["new_price", "refund", "nothing"]))
    def choose(self, pick: int, take: Any) -> None:
        """What becomes of units that nobody sends: their leader chooses, or her time is over."""
        order_id = self.orders[pick % len(self.orders)]
        for _ in range(2):  # by its source, and by the next one
            self.submit()
            for row in self.market.purchases(order_id):
                name = outside("pur", row.id)
                self.act(purchases.refuse, Supplier(row.source), name, "out_of_stock", "没货", NOW)
            self.reroute()
        if take == "nothing":
            with self.market.db.as_system() as session:
                session.execute(text("UPDATE proposals SET deadline = held_since"))
                held_orders.work_one(session, clock.now())
            return
        said = Choice(take, max_total=10**9)
        self.act(held_orders.choose, self.market.desk, self.leader, order_id, said, NOW)

    @precondition(lambda self: self.orders)
    @rule(pick=choice, one=st.booleans(), some=st.none() | st.integers(1, 3))
    def cancel(self, pick: int, one: bool, some: int | None) -> None:  # noqa: FBT001
        order_id = self.orders[pick % len(self.orders)]
        skus, units = None, {}
        if one:
            with self.market.db.as_system() as session:
                found = select(OrderLine).where(OrderLine.order_id == order_id)
                line = session.scalars(found.order_by(OrderLine.line)).first()
            assert line is not None
            skus = [outside("sku", line.sku_id)]
            units = {skus[0]: min(some, line.quantity)} if some else {}
        self.act(cancelling.cancel, self.leader, order_id, "不要了", NOW, skus=skus, units=units)

    @precondition(lambda self: self.orders)
    @rule(
        pick=choice,
        units=st.integers(1, 3),
        amount=st.none() | st.integers(1, 400),
        kind=st.sampled_from(KINDS),
        reason=st.sampled_from(["破损", "七天无理由"]),
    )
    def claim(self, pick: int, units: int, amount: int | None, kind: str, reason: str) -> None:
        order_id = self.orders[pick % len(self.orders)]
        with self.market.db.as_system() as session:
            found = select(OrderLine.sku_id).where(OrderLine.order_id == order_id)
            sku_id = session.scalars(found).first()
        assert sku_id is not None
        line = ClaimedLine(outside("sku", sku_id), units, amount if kind in PAID else None)
        request = ClaimRequest(kind, (line,), reason)
        self.act(claims.open_claim, self.market.desk, self.leader, order_id, request, NOW)

    @precondition(lambda self: self.orders)
    @rule(pick=choice, answer=st.sampled_from(ANSWERS))
    def answer(self, pick: int, answer: str) -> None:
        with self.market.db.as_system() as session:
            rows = session.execute(
                select(Claim.id, Claim.kind, Purchase.source)
                .join(Purchase, Purchase.id == Claim.purchase_id)
                .where(Claim.party_id == self.leader)
                .order_by(Claim.id)
            ).all()
        if not rows:
            return
        row, desk = rows[pick % len(rows)], self.market.desk
        name, door, to = outside("clm", row.id), Supplier(row.source), "王五 13900139000 某路 1 号"
        number = f"SF{1_000_000 + row.id:010d}"
        match answer:
            case "agree":
                self.act(claim_answers.approve, desk, door, name, NOW, return_to=to)
            case "one fen":
                part = 1 if row.kind in PAID else None
                self.act(claim_answers.approve, desk, door, name, NOW, amount=part, return_to=to)
            case "house":
                self.act(claim_answers.approve, desk, door, name, NOW, return_to=to, house=True)
            case "refuse":
                self.act(claim_answers.refuse, desk, door, name, "已签收", [], NOW)
            case "received":
                self.act(claim_answers.received, desk, door, name, NOW)
            case "reissue":
                self.act(claim_answers.reissue, desk, door, name, "顺丰", number, NOW)
            case "advance":
                self.act(claim_answers.advance, desk, name, door, None, NOW)
            case "send back":
                back = (desk, self.leader, name, "顺丰", number, NOW)
                self.act(claims.send_back, *back, postage=row.id % 3 * 100 or None, proof=["单据"])
            case "cancel":
                self.act(claims.cancel, desk, self.leader, name, NOW)

    @precondition(lambda self: self.orders)
    @rule(days=st.integers(1, 12))
    def time_passes_in_silence(self, days: int) -> None:
        later = NOW + timedelta(days=days)
        with self.market.db.as_system() as session:
            claim_deadlines.work_one(session, self.market.desk, later)

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
                if line.captured and line.charged == line.captured
            )
            assert all(line.refunded <= line.captured for line in lines)


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
