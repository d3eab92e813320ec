"""Submit: one purchase whatever happens between claiming, talking and writing down."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from connectors.errors import (
    BalanceShort,
    NotAuthorised,
    OutcomeUnknown,
    OutOfStock,
    PriceChanged,
    Refused,
    SupplierError,
    TryLater,
    Unreadable,
)
from connectors.model import Placed, PurchaseOrder
from kit import clock
from tests.trade.market import Market, submitted
from trade import cancelling, exceptions, following, submit
from trade.invariants import violations
from trade.models import Purchase, PurchaseMove
from trade.talking import Claimed


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Platform:
    """A source that keeps what it was asked, and fails as told before or after keeping it."""

    held: Counter[str] = field(default_factory=Counter)
    calls: list[str] = field(default_factory=list)
    before: BaseException | None = None
    after: BaseException | None = None
    asking: BaseException | None = None
    refused: tuple[str, ...] = ()
    holds: bool = False
    confirming: BaseException | None = None
    confirmed: Counter[str] = field(default_factory=Counter)
    cancelling: BaseException | None = None
    given_up: list[str] = field(default_factory=list)
    freight: str | None = "0.00"
    asks: dict[str, Decimal | None] = field(default_factory=dict)

    def place(self, order: PurchaseOrder) -> Placed:
        self.calls.append("place")
        if self.before is not None:
            raise self.before
        self.held[order.our_ref] += 1
        goods = sum(x.cost * x.quantity for x in order.lines if x.external_id not in self.refused)
        self.asks[order.our_ref] = None if self.freight is None else goods + Decimal(self.freight)
        if self.after is not None:
            raise self.after
        return self._placed(order.our_ref, held=self.holds)

    def _placed(self, our_ref: str, *, held: bool) -> Placed:
        freight = None if self.freight is None else Decimal(self.freight)
        return Placed(
            (f"X-{our_ref}",),
            awaits_supplier=False,
            refused=self.refused,
            held=held,
            amount=self.asks[our_ref],
            freight=freight,
        )

    def find(self, our_ref: str) -> Placed | None:
        self.calls.append("find")
        if self.asking is not None:
            raise self.asking
        held = self.holds and not self.confirmed[our_ref]
        return self._placed(our_ref, held=held) if self.held[our_ref] else None

    def confirm(self, our_ref: str, most: Decimal | None = None) -> Placed:
        self.calls.append("confirm")
        self.confirmed[our_ref] += 1
        if self.confirming is not None:
            raise self.confirming
        return Placed((f"X-{our_ref}",), awaits_supplier=False)

    def cancel(self, our_ref: str, reason: str) -> None:
        if self.cancelling is not None:
            raise self.cancelling
        self.given_up.append(our_ref)

    def healed(self) -> "Platform":
        self.before = self.after = self.asking = self.confirming = self.cancelling = None
        self.calls.clear()
        return self


@pytest.fixture
def order(market: Market) -> int:
    """A placed order of two units at source `manual`."""
    leader = market.party(money=10_000)
    return market.place(leader, (market.offer(source="manual", cost="10.00").sku, 2))


def drain(market: Market, platform: Platform) -> int:
    until = clock.now() + timedelta(seconds=20)
    return submit.drain(market.db, market.desk, "manual", lambda _: platform, until)


def all_due(market: Market) -> None:
    """Time passes: every wait and every lease has run out."""
    with market.db.as_system() as session:
        session.execute(text("UPDATE purchases SET due_at = '2020-01-01Z'"))


def only(market: Market, order: int) -> Purchase:
    (purchase,) = market.purchases(order)
    return purchase


def events(market: Market) -> list[str]:
    with market.db.as_system() as session:
        return list(session.scalars(select(PurchaseMove.event).order_by(PurchaseMove.id)))


def test_a_taken_purchase_keeps_what_the_source_calls_it(market: Market, order: int) -> None:
    drain(market, Platform())
    purchase = only(market, order)
    assert (purchase.state, purchase.external_refs) == ("accepted", [f"X-{purchase.our_ref}"])
    assert purchase.lease is None


@pytest.mark.parametrize("error", [OutcomeUnknown("timeout", "?"), Unreadable("html", "?")])
def test_write_is_not_repeated_when_unknown(
    market: Market, order: int, error: SupplierError
) -> None:
    platform = Platform(after=error)
    drain(market, platform)
    assert only(market, order).state == "submitting"
    all_due(market)
    drain(market, platform.healed())
    assert platform.calls == ["find"]
    assert only(market, order).state == "accepted"
    assert set(platform.held.values()) == {1}


def test_what_never_arrived_is_placed_after_asking(market: Market, order: int) -> None:
    platform = Platform(before=OutcomeUnknown("timeout", "?"))
    drain(market, platform)
    all_due(market)
    drain(market, platform.healed())
    assert platform.calls == ["find", "place"]
    assert set(platform.held.values()) == {1}


def test_what_a_source_only_holds_is_confirmed(market: Market, order: int) -> None:
    platform = Platform(holds=True)
    drain(market, platform)
    assert platform.calls == ["place", "confirm"]
    assert only(market, order).state == "accepted"


@pytest.mark.parametrize("found", [False, True])
@pytest.mark.parametrize(
    ("freight", "more", "told"),
    [
        ("0.01", 1, "asks 20.01 with 0.01 freight; agreed were 20.00 with 0.00 freight"),
        (None, 2000, "does not say what it asks; agreed were 20.00 with 0.00 freight"),
    ],
)
def test_a_hold_that_costs_more_than_was_agreed_or_nobody_says_what_is_not_bought(
    market: Market, order: int, freight: str | None, more: int, told: str, *, found: bool
) -> None:
    platform = Platform(holds=True, freight=freight, after=OutcomeUnknown("?", "?"))
    if not found:
        platform.after = None
    drain(market, platform)
    if found:
        all_due(market)
        drain(market, platform.healed())
    assert platform.calls == ["find" if found else "place"]
    assert (only(market, order).state, platform.given_up) == ("accepted", [])
    with market.db.as_system() as session:
        (case,) = exceptions.waiting(session, market.desk, clock.now(), kind="charged_more")
    assert (case["kind"], case["money"], case["actions"]) == (
        "charged_more",
        more,
        ("accept", "refuse"),
    )
    assert case["detail"] == f"its source {told}; it is held and not paid"


def test_a_hold_that_rises_before_it_is_paid_is_asked_about_and_not_given_up(
    market: Market, order: int
) -> None:
    platform = Platform(holds=True, confirming=PriceChanged("raised", "?"))
    drain(market, platform)
    assert (only(market, order).state, platform.given_up) == ("submitting", [])
    platform.asks[only(market, order).our_ref] = Decimal("20.01")
    platform.confirmed.clear()
    all_due(market)
    drain(market, platform.healed())
    assert platform.calls == ["find"]
    assert (only(market, order).state, only(market, order).overcharged) == ("accepted", 1)


def test_what_a_source_refused_of_a_purchase_is_not_part_of_what_was_agreed(market: Market) -> None:
    goods = [market.offer(source="manual", cost="10.00") for _ in range(2)]
    order = market.place(market.party(money=10_000), *((one.sku, 1) for one in goods))
    platform = Platform(holds=True, freight="5.00", refused=(goods[1].external_id,))
    drain(market, platform)
    assert platform.calls == ["place"]
    (row, *_) = market.purchases(order)
    assert (row.state, row.overcharged, row.asked_freight) == ("accepted", 500, 500)
    assert not set(platform.confirmed)


def is_asked_about_and_bought(market: Market, order: int, platform: Platform) -> None:
    """Of what its source may hold nothing is known, until it is well again."""
    assert only(market, order).state == "submitting"
    all_due(market)
    platform.confirmed.clear()
    drain(market, platform.healed())
    assert platform.calls == ["find", "confirm"]
    assert only(market, order).state == "accepted"


@pytest.mark.parametrize(
    "error", [TryLater("busy", "?"), NotAuthorised("expired", "?"), OutcomeUnknown("lost", "?")]
)
def test_a_hold_whose_confirmation_failed_is_asked_about_and_bought_once(
    market: Market, order: int, error: SupplierError
) -> None:
    platform = Platform(holds=True, confirming=error)
    drain(market, platform)
    is_asked_about_and_bought(market, order, platform)
    assert set(platform.held.values()) == {1}


def test_a_hold_that_cannot_be_bought_is_given_up_and_goes_back_to_routing(
    market: Market, order: int
) -> None:
    platform = Platform(holds=True, confirming=Refused("frozen", "?"))
    drain(market, platform)
    purchase = only(market, order)
    assert (purchase.state, platform.given_up) == ("refused", [purchase.our_ref])


@pytest.mark.parametrize("kept", [Refused("paid", "a part of it is"), OutcomeUnknown("lost", "?")])
def test_what_its_source_may_still_hold_is_not_bought_elsewhere(
    market: Market, order: int, kept: SupplierError
) -> None:
    platform = Platform(holds=True, confirming=BalanceShort("short", "?"), cancelling=kept)
    drain(market, platform)
    is_asked_about_and_bought(market, order, platform)


@pytest.mark.parametrize(
    "error", [TryLater("busy", "?"), NotAuthorised("expired", "?"), OutOfStock("gone", "?")]
)
def test_a_failed_question_leaves_the_outcome_unknown(
    market: Market, order: int, error: SupplierError
) -> None:
    platform = Platform(after=OutcomeUnknown("timeout", "?"))
    drain(market, platform)
    platform.healed().asking = error
    all_due(market)
    drain(market, platform)
    assert only(market, order).state == "submitting"
    all_due(market)
    drain(market, platform.healed())
    assert platform.calls == ["find"]
    assert set(platform.held.values()) == {1}


def at_place(platform: Platform) -> None:
    platform.before = Killed()


def at_reply(platform: Platform) -> None:
    platform.after = Killed()


@pytest.mark.parametrize("kill", [at_place, at_reply])
def test_a_worker_killed_while_talking_leaves_one_purchase(
    market: Market, order: int, kill: Callable[[Platform], None]
) -> None:
    platform = Platform()
    kill(platform)
    with pytest.raises(Killed):
        drain(market, platform)
    assert only(market, order).state == "submitting"
    all_due(market)
    drain(market, platform.healed())
    assert only(market, order).state == "accepted"
    assert set(platform.held.values()) == {1}


def test_a_worker_killed_before_writing_down_leaves_one_purchase(
    market: Market, order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = Platform()

    def killed(*_: object) -> bool:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(submit, "write_down", killed)
        with pytest.raises(Killed):
            drain(market, platform)
    all_due(market)
    drain(market, platform.healed())
    assert platform.calls == ["find"]
    assert set(platform.held.values()) == {1}


def test_a_claim_that_was_not_committed_never_happened(market: Market, order: int) -> None:
    def die_claiming() -> None:
        with market.db.as_system() as session:
            assert submit.claim(session, market.desk, "manual", clock.now())
            raise Killed

    with pytest.raises(Killed):
        die_claiming()
    assert only(market, order).state == "ready"
    assert drain(market, Platform()) == 1


def test_a_leased_purchase_is_left_alone_until_the_lease_ends(market: Market, order: int) -> None:
    with market.db.as_system() as session:
        assert len(submit.claim(session, market.desk, "manual", clock.now())) == 1
    assert drain(market, Platform()) == 0
    with market.db.as_system() as session:
        assert submit.due(session, clock.now()) == []
        later = clock.now() + timedelta(seconds=market.desk.lease_seconds + 1)
        assert submit.due(session, later) == ["manual"]


def test_a_late_worker_whose_lease_was_lost_writes_nothing(market: Market, order: int) -> None:
    with market.db.as_system() as session:
        (late,) = submit.claim(session, market.desk, "manual", clock.now())
    all_due(market)
    drain(market, Platform())
    outcome = submit.Outcome(error=OutOfStock("gone", "?"))
    with market.db.as_system() as session:
        assert not submit.write_down(session, market.desk, late, outcome, clock.now())
    assert only(market, order).state == "accepted"


def test_try_later_waits_as_long_as_the_source_says(market: Market, order: int) -> None:
    platform = Platform(before=TryLater("busy", "稍后再试", wait=90))
    began = clock.now()
    drain(market, platform)
    purchase = only(market, order)
    assert (purchase.state, purchase.failure) == ("ready", "稍后再试")
    assert purchase.due_at - began >= timedelta(seconds=90)
    all_due(market)
    drain(market, platform.healed())
    assert platform.calls == ["place"]


def test_a_refusal_returns_the_units_to_routing(market: Market, order: int) -> None:
    platform = Platform(before=OutOfStock("3008", "没货"))
    drain(market, platform)
    assert only(market, order).state == "refused"
    with market.db.as_system() as session:
        assert session.scalars(text("SELECT unrouted FROM order_lines")).all() == [2]
        topics = session.scalars(text("SELECT topic FROM outbox ORDER BY id")).all()
    assert topics == ["purchases.submit", "orders.reroute"]
    all_due(market)
    assert drain(market, platform.healed()) == 0


def test_a_faulty_account_pauses_all_its_purchases_and_says_why(market: Market) -> None:
    leader = market.party(money=100_000)
    goods = market.offer(source="manual")
    orders = [market.place(leader, (goods.sku, 1)) for _ in range(submit.BATCH + 3)]
    platform = Platform(before=NotAuthorised("session-expired", "授权已过期，请重新授权"))
    drain(market, platform)
    assert len(platform.calls) <= submit.BATCH
    paused = [only(market, order) for order in orders]
    assert {p.state for p in paused} == {"ready"}
    assert {p.failure for p in paused} == {"授权已过期，请重新授权"}
    assert drain(market, platform) == 0


def test_a_line_that_the_source_declined_goes_back_to_routing_alone(market: Market) -> None:
    leader = market.party(money=10_000)
    first, second = market.offer(source="manual"), market.offer(source="manual")
    order = market.place(leader, (first.sku, 1), (second.sku, 1))
    drain(market, Platform(refused=(second.external_id,)))
    assert only(market, order).state == "accepted"
    with market.db.as_system() as session:
        found = session.scalars(text("SELECT unrouted FROM order_lines ORDER BY line")).all()
    assert found == [0, 1]


def test_a_cancellation_asked_while_submitting_wins_when_nothing_was_placed(
    market: Market, order: int
) -> None:
    with market.db.as_system() as session:
        (claimed,) = submit.claim(session, market.desk, "manual", clock.now())
    leader = only(market, order).party_id
    with market.db.as_system() as session:
        cancelling.cancel(session, leader, order, "不要了", clock.now())
    assert only(market, order).state == "submitting"
    with market.db.as_system() as session:
        outcome = submit.Outcome(error=TryLater("busy", "?"))
        submit.write_down(session, market.desk, claimed, outcome, clock.now())
    assert only(market, order).state == "cancelled"
    assert market.balance(f"wallet:{leader}") == 10_000


def cancelled_by(market: Market, order: int) -> int:
    """Its leader cancels the order; returns the leader."""
    leader = only(market, order).party_id
    with market.db.as_system() as session:
        cancelling.cancel(session, leader, order, "不要了", clock.now())
    return leader


def worked(market: Market, platform: Platform, claimed: Claimed) -> None:
    submit._work(market.db, market.desk, platform, claimed)  # type: ignore[arg-type]


def claimed_now(market: Market) -> Claimed:
    with market.db.as_system() as session:
        return submit.claim(session, market.desk, "manual", clock.now())[0]


def test_a_cancellation_seen_before_we_talk_places_nothing(market: Market, order: int) -> None:
    claimed, platform = claimed_now(market), Platform()
    leader = cancelled_by(market, order)
    worked(market, platform, claimed)
    assert platform.calls == []
    assert only(market, order).state == "cancelled"
    assert market.balance(f"wallet:{leader}") == 10_000


def test_a_cancellation_and_a_refusal_at_once_cancel_it(market: Market, order: int) -> None:
    claimed = claimed_now(market)
    leader = cancelled_by(market, order)  # when it was placed already
    with market.db.as_system() as session:
        outcome = submit.Outcome(error=OutOfStock("none", "没货"))
        submit.write_down(session, market.desk, claimed, outcome, clock.now())
        assert violations(session) == []
    assert only(market, order).state == "cancelled"
    assert market.balance(f"wallet:{leader}") == 10_000


@pytest.mark.parametrize("fault", ["before", "after"])
def test_a_cancelled_purchase_of_unknown_outcome_is_asked_about_and_never_placed(
    market: Market, order: int, fault: str
) -> None:
    platform, placed = Platform(**{fault: OutcomeUnknown("cut", "?")}), fault == "after"  # type: ignore[arg-type]
    drain(market, platform)
    leader = cancelled_by(market, order)
    all_due(market)
    drain(market, platform.healed())
    assert platform.calls == ["find"]
    purchase = only(market, order)
    assert purchase.state == ("accepted" if placed else "cancelled")
    if placed:
        with market.db.as_system() as session:  # and it is asked back at once
            assert following.due(session, clock.now()) == ["manual"]
    else:
        assert market.balance(f"wallet:{leader}") == 10_000


def test_a_cancellation_while_we_talk_is_asked_of_the_source_at_once(
    market: Market, order: int
) -> None:
    platform = Platform(holds=True)

    class Late(Platform):
        def place(self, order_: PurchaseOrder) -> Placed:
            told = platform.place(order_)
            cancelled_by(market, order)
            return told

    late = Late()
    worked(market, late, claimed_now(market))
    assert late.calls == []  # what is only held is not bought
    purchase = only(market, order)
    assert (purchase.state, purchase.cancel_reason) == ("accepted", "不要了")
    with market.db.as_system() as session:
        assert following.due(session, clock.now()) == ["manual"]
        kinds = session.scalars(text("SELECT kind FROM events ORDER BY id")).all()
        topics = session.scalars(text("SELECT topic FROM outbox ORDER BY id")).all()
    assert "purchase.cancel_asked" in kinds
    assert topics[-1] == following.NEWS


def test_lines_that_the_source_declines_are_not_bought_elsewhere_once_cancelled(
    market: Market,
) -> None:
    leader = market.party(money=10_000)
    first, second = market.offer(source="manual"), market.offer(source="manual")
    market.offer(sku_id=second.sku_id)
    order = market.place(leader, (first.sku, 1), (second.sku, 1))
    claimed = claimed_now(market)
    cancelled_by(market, order)
    placed = Platform(refused=(second.external_id,)).place(claimed.order)
    with market.db.as_system() as session:
        outcome = submit.Outcome(placed=placed)
        submit.write_down(session, market.desk, claimed, outcome, clock.now())
    with market.db.as_system() as session:
        lines = session.execute(text("SELECT unrouted, cancelled FROM order_lines ORDER BY line"))
        assert [tuple(line) for line in lines] == [(0, 0), (0, 1)]
        assert violations(session) == []


def test_many_drains_at_once_place_everything_once(market: Market) -> None:
    leader = market.party(money=1_000_000)
    goods = market.offer(source="manual")
    for _ in range(40):
        market.place(leader, (goods.sku, 1))
    platform = Platform()
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: drain(market, platform), range(2)))
    assert sum(done) == 40
    assert sorted(platform.held.values()) == [1] * 40


def test_a_file_suppliers_purchase_is_taken_and_accepted_when_exported(market: Market) -> None:
    leader = market.party(money=10_000)
    order = market.place(leader, (market.offer().sku, 1))
    assert submitted(market) == 1
    assert only(market, order).state == "submitted"
    assert events(market) == ["claim", "taken"]
