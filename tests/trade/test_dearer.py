"""No rule for dearer sources ever buys above what was agreed plus the limit; books balance."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from catalog import bundles, heard_prices
from catalog.heard_prices import Heard
from catalog.models import Change, Offer, Price
from connectors.errors import OutOfStock, PriceChanged
from connectors.model import Placed, PurchaseOrder
from kit import clock
from kit.db import Database
from kit.errors import Problem
from kit.ids import outside
from tests.trade.market import Goods, Market, make_desk
from trade import cancelling, dearer, invariants, promise, purchases, rerouting, submit, unserved
from trade.models import Order, OrderEvent, OrderLine, Purchase, PurchaseLine
from trade.purchases import Supplier
from trade.refusal import PRICE_CHANGED


@dataclass
class Fickle:
    """A source whose prices (CNY by external id) are its own; `silent` refuses without telling."""

    asks: dict[str, Decimal] = field(default_factory=dict)
    empty: bool = False
    silent: bool = False
    sold: list[PurchaseOrder] = field(default_factory=list)

    def place(self, order: PurchaseOrder) -> Placed:
        if self.empty:
            raise OutOfStock("empty", "没货了")
        if any(self.asks.get(line.external_id, 0) > line.cost for line in order.lines):
            raise PriceChanged("dear", "涨价了", prices={} if self.silent else self.asks)
        self.sold.append(order)
        return Placed((f"X-{order.our_ref}",), awaits_supplier=False)

    def find(self, our_ref: str) -> Placed | None:
        return None

    def cancel(self, our_ref: str, reason: str) -> None:
        return None


def work(market: Market, platform: Fickle, *, held: bool = False) -> None:
    until = clock.now() + timedelta(seconds=60)
    rerouting.drain(market.db, market.desk, until, held=held)
    while submit.drain(market.db, market.desk, "manual", lambda _: platform, until):
        rerouting.drain(market.db, market.desk, until)


def rule(market: Market, party: int, then: dearer.Then, most: int = 0) -> int:
    with market.db.as_system() as session:
        dearer.set_rule(session, party, then=then, most=most)
    return party


def refuse(market: Market, purchase: Purchase, code: str) -> None:
    with market.db.as_system() as session:
        supplier, name = Supplier(purchase.source), purchase.our_ref
        purchases.refuse(session, supplier, name, code, "供不了", clock.now())


def line_of(market: Market, order: int, number: int = 1) -> OrderLine:
    with market.db.as_system() as session:
        return session.scalars(
            select(OrderLine).where(OrderLine.order_id == order, OrderLine.line == number)
        ).one()


def kinds(market: Market, order: int) -> list[str]:
    with market.db.as_system() as session:
        found = select(OrderEvent.kind).where(OrderEvent.order_id == order)
        return list(session.scalars(found.order_by(OrderEvent.id)))


def balanced(market: Market) -> None:
    with market.db.as_system() as session:
        assert not invariants.violations(session)


PRICES = st.integers(780, 1000)
"""Fen; 800 was agreed."""

Move = tuple[int, int, bool]
"""What the source asks for the one and the other now, and whether it tells."""


@pytest.mark.soak
def test_no_rule_buys_above_what_was_agreed_and_the_limit(
    shared_database: Database, *, in_full: bool
) -> None:
    market = Market(shared_database, make_desk())

    @settings(max_examples=300 if in_full else 4, deadline=None)
    @given(
        then=st.sampled_from(["hold", "reroute", "absorb", "cancel"]),
        most=st.integers(1, 700),
        quantity=st.integers(1, 3),
        moves=st.lists(st.tuples(PRICES, PRICES, st.booleans()), min_size=1, max_size=3),
        spare=st.sampled_from([0, 150, 100_000]),
    )
    def holds(then: dearer.Then, most: int, quantity: int, moves: list[Move], spare: int) -> None:
        goods = [market.offer(source="manual", cost="8.00") for _ in range(2)]
        market.offer(sku_id=goods[0].sku_id, source="other", cost="8.00", category="later")
        agreed = 800 * quantity * 2
        party = rule(market, market.party(money=agreed + spare), then, most)
        order = market.place(party, *((one.sku, quantity) for one in goods))
        platform = Fickle()
        for *fen, silent in moves:
            names = [one.external_id for one in goods]
            platform.asks = {name: Decimal(x) / 100 for name, x in zip(names, fen, strict=True)}
            platform.silent = silent
            work(market, platform, held=True)
        with market.db.as_system() as session:
            total = session.get_one(Order, order).total
            bought = session.scalars(
                select(PurchaseLine)
                .join(OrderLine, OrderLine.id == PurchaseLine.order_line_id)
                .where(OrderLine.order_id == order, PurchaseLine.cancelled == 0)
            )
            assert sum(line.cost for line in bought) <= total
        assert agreed <= total <= agreed + (most if then == "absorb" else 0)
        assert total <= agreed + spare
        purse = market.balance(f"wallet:{party}") + market.balance(f"held:{party}")
        assert purse == agreed + spare
        with market.db.as_system() as session:  # nothing is left for the next example to look at
            cancelling.cancel(session, party, order, "不等了", clock.now())

    holds()
    balanced(market)


def bought_dearer(market: Market, then: dearer.Then = "absorb") -> tuple[int, Goods, Fickle]:
    """An order of two units whose source asks 10.50 where 10.00 was agreed, worked once."""
    party = rule(market, market.party(money=10_000), then, 100)
    goods = market.offer(source="manual", cost="10.00")
    order = market.place(party, (goods.sku, 2))
    platform = Fickle({goods.external_id: Decimal("10.50")})
    work(market, platform)
    return order, goods, platform


def test_what_was_absorbed_comes_back_when_the_source_does_not_send_it(market: Market) -> None:
    order, _, platform = bought_dearer(market)
    assert line_of(market, order).amount == 2100
    [purchase] = [one for one in market.purchases(order) if one.state == "accepted"]
    refuse(market, purchase, "out_of_stock")
    work(market, platform)
    line = line_of(market, order)
    assert (line.amount, line.unit_price, line.unrouted) == (2000, Decimal("10.00"), 2)
    assert market.balance(f"held:{line.party_id}") == 2000
    with market.db.as_system() as session:
        cancelling.cancel(session, line.party_id, order, "不等了", clock.now())
    assert market.balance(f"wallet:{line.party_id}") == 10_000
    balanced(market)


def test_a_wallet_that_cannot_pay_the_rise_holds_the_line(market: Market) -> None:
    party = rule(market, market.party(money=2050), "absorb", 100)
    goods = market.offer(source="manual", cost="10.00")
    order = market.place(party, (goods.sku, 2))
    work(market, Fickle({goods.external_id: Decimal("10.50")}))
    assert (line_of(market, order).held_reason, kinds(market, order)[-1]) == (dearer.HELD, "held")
    assert (market.balance(f"wallet:{party}"), market.balance(f"held:{party}")) == (50, 2000)
    balanced(market)


def test_a_line_of_which_some_has_left_is_not_charged(market: Market) -> None:
    party = rule(market, market.party(money=10_000), "absorb", 1000)
    goods = market.offer(source="manual", cost="10.00", stock=1)
    market.offer(sku_id=goods.sku_id, source="other", cost="10.00", stock=1)
    order = market.place(party, (goods.sku, 2))
    work(market, Fickle({goods.external_id: Decimal("10.50")}))
    line = line_of(market, order)
    assert (line.unrouted, line.amount, line.held_reason) == (1, 2000, dearer.HELD)
    balanced(market)


def test_a_new_rule_counts_for_what_waits_already(market: Market) -> None:
    order, _, platform = bought_dearer(market, "hold")
    assert line_of(market, order).held_reason == dearer.HELD
    rule(market, line_of(market, order).party_id, "absorb", 100)
    work(market, platform, held=True)
    assert (line_of(market, order).amount, line_of(market, order).unrouted) == (2100, 0)
    balanced(market)


def test_parts_of_a_bundle_are_held_where_goods_would_be_cancelled(market: Market) -> None:
    party = rule(market, market.party(money=10_000), "cancel")
    part = market.offer(source="manual", cost="10.00")
    with market.db.as_system() as session:
        whole = bundles.create(session, "礼盒", None, None, [])
        bundles.put(session, whole, {part.sku_id: 2}, "", party)
    order = market.place(party, (outside("sku", whole), 1))
    work(market, Fickle({part.external_id: Decimal("10.50")}))
    with market.db.as_system() as session:
        line = session.scalars(select(OrderLine).where(OrderLine.order_id == order)).one()
    assert (line.cancelled, line.held_reason) == (0, dearer.HELD)
    balanced(market)


def test_a_supplier_at_our_own_door_may_say_that_it_costs_more(market: Market) -> None:
    party = rule(market, market.party(money=10_000), "cancel")
    goods = market.offer(source="manual", cost="10.00")
    order = market.place(party, (goods.sku, 2))
    work(market, Fickle())
    refuse(market, market.purchases(order)[0], PRICE_CHANGED)
    rerouting.drain(market.db, market.desk, clock.now() + timedelta(seconds=60))
    assert line_of(market, order).cancelled == 2
    assert market.balance(f"wallet:{party}") == 10_000
    balanced(market)


def test_a_promise_is_kept_by_the_day() -> None:
    now = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
    promised = now + timedelta(hours=48)
    assert promise.keeps(promised + timedelta(hours=13), promised, now)  # still that day there
    assert not promise.keeps(promised + timedelta(hours=14), promised, now)
    assert not promise.keeps(None, promised, now)
    assert promise.keeps(None, None, now)
    assert promise.keeps(None, promised, promised + timedelta(days=1))  # broken already


def test_another_source_must_keep_the_promise(market: Market) -> None:
    party = rule(market, market.party(money=10_000), "reroute")
    goods = market.offer(source="manual", cost="10.00")
    later = market.offer(sku_id=goods.sku_id, source="other", cost="10.00", stock="out")
    order = market.place(party, (goods.sku, 1), now=clock.now())
    with market.db.as_system() as session:
        session.execute(text("UPDATE stocks SET state = 'in_stock'"))
        slow = {"offer": later.offer_id}
        session.execute(
            text("UPDATE terms SET ships_within_hours = 96 WHERE offer_id = :offer"), slow
        )
    work(market, Fickle({goods.external_id: Decimal("10.50")}))
    assert line_of(market, order).held_reason == unserved.TOO_LATE


def test_absorbing_needs_a_limit(market: Market) -> None:
    party = market.party()
    with pytest.raises(Problem, match="absorb_most"):
        rule(market, party, "absorb")
    rule(market, party, "absorb", 500)
    with pytest.raises(Problem, match="absorb_most"), market.db.as_system() as session:
        dearer.set_rule(session, party, most=0)


def test_a_price_of_several_is_no_lower_price_of_one(market: Market) -> None:
    goods = market.offer(cost="10.00")

    def told(units: int, price: str, hours: int = 0) -> Decimal:
        at = clock.now() - timedelta(hours=hours)
        with market.db.as_system() as session:
            heard_prices.write(session, [Heard(goods.offer_id, units, Decimal(price))], at)
            return session.scalars(select(Price.price)).one()

    assert told(10, "9.00") == 10
    assert told(10, "11.00") == 11
    assert told(1, "9.50") == Decimal("9.50")
    assert told(1, "12.00", hours=1) == Decimal("9.50")  # older than what is known
    with market.db.as_system() as session:
        changes = session.scalars(select(Change.now).order_by(Change.version)).all()
        assert session.get_one(Offer, goods.offer_id).version == 3
    assert changes == [{"dropship": "11.0000"}, {"dropship": "9.5000"}]
