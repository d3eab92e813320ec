"""Claims about goods bought at JD and 1688: claimed once there, followed to the end, booked."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text, update

from connectors.trading import Part
from kit import clock
from kit.ids import outside
from tests import ali_stage
from tests.stage import Stage
from tests.trade.market import Goods, Market, make_desk
from tests.trade.test_following import jd as jd
from trade import exceptions, following, submit
from trade.after_sales import (
    claim_answers,
    claim_views,
    claims,
    platform_answers,
    platform_claims,
    platform_differences,
    taking_back,
)
from trade.after_sales.claims import ClaimedLine, ClaimRequest
from trade.after_sales.platform_leaves import Take, allocate
from trade.after_sales.platform_verdicts import Answered, paid, verdict
from trade.desk import SourceTerms
from trade.invariants import violations
from trade.models import PlatformClaim, Posting
from trade.purchases import Supplier


class Counter:
    """A leader's order at a platform, shipped and delivered there, and claims on it."""

    def __init__(self, market: Market, stage: Stage, code: str, name: str, source: Any) -> None:
        self.stage, self.code, self.name, self.source = stage, code, name, source
        terms = SourceTerms(accept="manual", platform=True)
        self.market = Market(market.db, make_desk(sources={code: terms}))
        self.leader = market.party(money=1_000_000)

    def buy(self, *goods: tuple[Goods, int]) -> int:
        placed = self.market.place(self.leader, *((one.sku, units) for one, units in goods))
        submit.drain(self.market.db, self.market.desk, self.code, lambda _: self.source, soon())
        return placed

    def follow(self) -> None:
        with self.market.db.as_system() as session:
            session.execute(text("UPDATE purchases SET due_at = '2020-01-01Z'"))
        following.drain(self.market.db, self.code, lambda _: self.source, soon())

    def claim(self, order: int, sku: str, units: int, kind: str = "return", **more: Any) -> str:
        line = ClaimedLine(sku, units, more.pop("amount", None))
        request = ClaimRequest(kind, (line,), more.pop("reason", "收到破损"))
        with self.market.db.as_system() as session:
            (found,) = claims.open_claim(
                session, self.market.desk, self.leader, order, request, clock.now()
            )
        return outside("clm", found)

    def work(self) -> int:
        """Time passes, and the platform is talked to until nothing is due."""
        with self.market.db.as_system() as session:
            session.execute(update(PlatformClaim).values(due_at=clock.now()))
        return taking_back.drain(
            self.market.db, self.market.desk, self.code, lambda _: self.source, soon()
        )

    def seen(self, claim: str) -> dict[str, Any]:
        with self.market.db.as_system() as session:
            assert violations(session) == []
        with self.market.db.as_party(self.leader) as session:
            return claim_views.leader_get(session, self.market.desk, self.leader, claim)

    def send_back(self, claim: str) -> None:
        with self.market.db.as_system() as session:
            claims.send_back(
                session, self.market.desk, self.leader, claim, "顺丰", "SF7777777777", clock.now()
            )

    def rows(self) -> list[PlatformClaim]:
        with self.market.db.as_system() as session:
            return list(session.scalars(select(PlatformClaim).order_by(PlatformClaim.id)))

    def waiting(self) -> list[str]:
        """What waits for a person."""
        with self.market.db.as_system() as session:
            found = exceptions.waiting(session, self.market.desk, clock.now())
        return [one["kind"] for one in found]

    def posted(self, account: str) -> int:
        with self.market.db.as_system() as session:
            came = select(func.coalesce(func.sum(Posting.amount), 0))
            into = session.scalar(came.where(Posting.destination == account))
            out = session.scalar(came.where(Posting.source == account))
            return int(into or 0) - int(out or 0)


def soon() -> Any:
    return clock.now() + timedelta(seconds=20)


@pytest.fixture
def at_jd(market: Market, stage: Stage, jd: Any) -> tuple[Counter, int, Goods]:
    """Three pieces at 20.00, on their way from JD, whose parcels are free, and delivered."""
    counter = Counter(market, stage, "jd-vop", "jd", jd)
    stage.act("jd", "freight", fen=0)
    sku = stage.act("jd", "skus")[0]
    key = stage.act("jd", "good", sku=sku)["key"]
    stage.post("goods", platform="jd", key=key, stock=30, price=2000)
    goods = market.offer(source="jd-vop", external_id=str(sku), cost="20.00")
    order = counter.buy((goods, 3))
    deliver(counter)
    return counter, order, goods


def deliver(counter: Counter) -> None:
    ref = counter.stage.orders("jd")[0]["our_ref"]
    counter.stage.act("jd", "ship", order=ref, carrier="京东快递", number="JDVB000001")
    counter.stage.act("jd", "deliver", order=ref)
    counter.follow()


def applied(counter: Counter) -> int:
    """How many after-sale services were applied for at JD."""
    return sum(one["call"].endswith("createAfsApply") for one in counter.stage.calls("jd"))


def test_a_return_goes_to_the_platform_and_is_paid_when_the_platform_pays(
    at_jd: tuple[Counter, int, Goods],
) -> None:
    counter, order, goods = at_jd
    name = counter.claim(order, goods.sku, 2)
    assert counter.work() >= 2
    assert (counter.rows()[0].state, counter.seen(name)["status"]) == ("open", "open")
    counter.stage.act("jd", "service", step=22)
    counter.work()
    view = counter.seen(name)
    assert view["status"] == "approved"
    assert "供应商备件库" in view["return_to"]
    assert "京东" not in str(view)
    counter.send_back(name)
    counter.work()
    assert counter.rows()[0].told_number == "SF7777777777"
    assert counter.seen(name)["status"] == "returning"
    assert counter.posted("sales") == 6000
    counter.stage.act("jd", "service", step=40)
    counter.work()
    assert counter.seen(name)["status"] == "received"
    counter.stage.act("jd", "service", step=50, money=4000)
    counter.work()
    assert counter.seen(name)["lines"][0]["refunded"] == "40.00"
    assert (counter.posted("sales"), counter.posted("payable:jd-vop")) == (2000, 2000)
    assert counter.waiting() == []
    assert counter.work() == 0


@pytest.mark.parametrize("mode", ["lost", "drop"])
def test_a_timeout_after_success_never_claims_twice(
    at_jd: tuple[Counter, int, Goods], mode: str
) -> None:
    counter, order, goods = at_jd
    name = counter.claim(order, goods.sku, 1)
    counter.stage.fault("jd", mode, "*createAfsApply")
    counter.work()
    counter.work()
    counter.work()
    (row,) = counter.rows()
    assert (row.state, applied(counter)) == ("open", 1 if mode == "lost" else 2)
    other = counter.claim(order, goods.sku, 1)  # of the same SKU: each service bears its own name
    counter.work()
    assert [one.claim_ref for one in counter.rows()] == [
        f"{row.ref}/{goods.external_id}/C{one.id}" for one in counter.rows()
    ]
    assert counter.seen(name)["status"] == counter.seen(other)["status"] == "open"


def test_a_worker_that_died_while_asking_is_asked_about_first(
    at_jd: tuple[Counter, int, Goods],
) -> None:
    counter, order, goods = at_jd
    counter.claim(order, goods.sku, 1)
    with counter.market.db.as_system() as session:
        (job,) = platform_claims.take(session, counter.market.desk, "jd-vop", soon())
    assert job.asked is None
    counter.work()  # its lease is over: the leaf is looked up, and the claim made
    with counter.market.db.as_system() as session:
        session.execute(update(PlatformClaim).values(state="asking", claim_ref=None))
    counter.work()
    assert (counter.rows()[0].state, applied(counter)) == ("open", 1)


def test_a_late_answer_changes_nothing_once_its_lease_is_lost(
    at_jd: tuple[Counter, int, Goods],
) -> None:
    counter, order, goods = at_jd
    counter.claim(order, goods.sku, 1)
    with counter.market.db.as_system() as session:
        (job,) = platform_claims.take(session, counter.market.desk, "jd-vop", soon())
    counter.work()
    heard = taking_back.talk(counter.source, job)
    with counter.market.db.as_system() as session:
        assert not platform_answers.write_down(
            session, counter.market.desk, job, heard, clock.now()
        )


def test_units_are_claimed_at_the_leaf_that_holds_them(
    at_jd: tuple[Counter, int, Goods],
) -> None:
    counter, order, goods = at_jd
    name = counter.claim(order, goods.sku, 3)
    leaves = counter.stage.act("jd", "split", order=counter.stage.orders("jd")[0]["our_ref"])
    for leaf in leaves:
        counter.stage.act("jd", "deliver", order=leaf)
    counter.work()
    rows = counter.rows()
    assert {row.ref for row in rows} <= {str(leaf) for leaf in leaves}
    assert sum(row.quantity for row in rows) == 3
    assert {row.state for row in rows} == {"open"}
    counter.stage.act("jd", "service", step=50, money=6000 // len(rows))
    counter.work()
    assert counter.seen(name)["lines"][0]["refunded"] == "60.00"


def test_goods_that_have_not_arrived_are_claimed_when_they_have(
    market: Market, stage: Stage, jd: Any
) -> None:
    counter = Counter(market, stage, "jd-vop", "jd", jd)
    stage.act("jd", "freight", fen=0)
    sku = stage.act("jd", "skus")[0]
    key = stage.act("jd", "good", sku=sku)["key"]
    stage.post("goods", platform="jd", key=key, stock=30, price=2000)
    goods = market.offer(source="jd-vop", external_id=str(sku), cost="20.00")
    order = counter.buy((goods, 1))
    ref = stage.orders("jd")[0]["our_ref"]
    stage.act("jd", "ship", order=ref, carrier="京东快递", number="JDVB000001")
    counter.follow()
    counter.claim(order, goods.sku, 1)
    counter.work()
    assert (counter.rows()[0].state, applied(counter)) == ("new", 0)
    assert counter.rows()[0].due_at > clock.now() + timedelta(minutes=30)
    stage.act("jd", "deliver", order=ref)
    counter.work()
    assert (counter.rows()[0].state, applied(counter)) == ("open", 1)


def test_what_a_platform_refuses_is_told_without_its_name(
    at_jd: tuple[Counter, int, Goods],
) -> None:
    counter, order, goods = at_jd
    name = counter.claim(order, goods.sku, 1)
    counter.work()
    counter.stage.act("jd", "service", step=20, name="京东审核不通过")
    counter.work()
    view = counter.seen(name)
    assert view["status"] == "refused"
    assert view["answer"] == "供应商审核不通过"
    assert counter.posted("sales") == 6000


def test_a_platform_that_gives_back_less_pays_the_leader_in_proportion_and_shows(
    at_jd: tuple[Counter, int, Goods],
) -> None:
    counter, order, goods = at_jd
    name = counter.claim(order, goods.sku, 2)
    counter.work()
    counter.stage.act("jd", "service", step=50, money=3000)
    counter.work()
    assert counter.seen(name)["lines"][0]["refunded"] == "30.00"
    assert counter.posted("payable:jd-vop") == 3000
    assert counter.waiting() == ["claim_difference"]
    with counter.market.db.as_system() as session:  # the rest came after all
        platform_differences.counted(session, counter.rows()[0].id, 4000, clock.now())
    assert counter.posted("payable:jd-vop") == 2000
    assert counter.waiting() == []
    assert counter.seen(name)["status"] == "refunded"


def test_what_a_platform_takes_no_claim_about_waits_for_a_person(
    at_jd: tuple[Counter, int, Goods],
) -> None:
    counter, order, goods = at_jd
    name = counter.claim(order, goods.sku, 1, "refund", amount=500)  # JD pays whole pieces only
    counter.work()
    assert counter.rows()[0].state == "failed"
    assert counter.waiting() == ["claim_refused_by_source"]  # one case of one claim
    with counter.market.db.as_system() as session:
        claim_answers.approve(session, counter.market.desk, Supplier("jd-vop"), name, clock.now())
    assert counter.seen(name)["lines"][0]["refunded"] == "5.00"
    assert (counter.posted("loss:claims"), counter.posted("payable:jd-vop")) == (-500, 6000)
    assert counter.waiting() == []


def test_a_claim_is_withdrawn_there_before_it_ends_here(
    at_jd: tuple[Counter, int, Goods],
) -> None:
    counter, order, goods = at_jd
    first, second = (counter.claim(order, goods.sku, 1) for _ in range(2))
    with counter.market.db.as_system() as session:
        claims.cancel(session, counter.market.desk, counter.leader, first, clock.now())
    assert counter.seen(first)["status"] == "cancelled"  # nobody was asked yet
    counter.work()
    with counter.market.db.as_system() as session:
        claims.cancel(session, counter.market.desk, counter.leader, second, clock.now())
    assert counter.seen(second)["status"] == "open"
    counter.work()
    assert counter.seen(second)["status"] == "cancelled"
    assert [row.state for row in counter.rows()] == ["cancelled", "cancelled"]


def test_a_message_makes_its_claims_due(at_jd: tuple[Counter, int, Goods]) -> None:
    counter, order, goods = at_jd
    counter.claim(order, goods.sku, 1)
    counter.work()
    (row,) = counter.rows()
    now = clock.now()
    with counter.market.db.as_system() as session:
        assert platform_claims.due(session, now) == []
        assert platform_claims.hear(session, "jd-vop", [row.ref or ""], now) == 1
        assert platform_claims.due(session, now) == ["jd-vop"]


@pytest.fixture
def at_1688(
    market: Market, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Counter, int, Goods]]:
    """Four pieces at 1688, on their way and signed for."""
    for name, value in ali_stage.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    counter = Counter(market, stage, "ali", ali_stage.NAME, ali_stage.opened(stage))
    sku = ali_stage.an_offer(stage, free=True)["skus"][0]
    cost = str(sku["piece_price"] or sku["price"])
    goods = market.offer(
        source="ali", external_id=sku["external_id"], cost=f"{int(cost) / 100:.2f}"
    )
    order = counter.buy((goods, 4))
    ref = stage.orders(ali_stage.NAME)[0]["ref"]
    stage.act(ali_stage.NAME, "ship", order=ref)
    stage.act(ali_stage.NAME, "status", order=ref, status="signinsuccess")
    counter.follow()
    yield counter, order, goods
    ali_stage.close_all()


def test_a_partial_refund_at_1688_is_claimed_once_and_settled_to_the_fen(
    at_1688: tuple[Counter, int, Goods],
) -> None:
    counter, order, goods = at_1688
    name = counter.claim(order, goods.sku, 1, "refund", amount=100, reason="坏果")
    counter.stage.fault(ali_stage.NAME, "lost", "*createRefund")
    counter.work()
    counter.work()
    (refund,) = counter.stage.act(ali_stage.NAME, "refunds")
    assert refund["payment"] == 90  # 1688 charged a tenth less than was agreed
    other = counter.claim(order, goods.sku, 1, "refund", amount=100, reason="坏果")
    counter.work()  # 1688 handles one refund of a line at a time
    assert [row.state for row in counter.rows()] == ["open", "new"]
    counter.stage.act(ali_stage.NAME, "refund", refund=refund["id"], status="refundsuccess")
    counter.work()
    assert counter.seen(name)["lines"][0]["refunded"] == "1.00"
    counter.work()
    assert len(counter.stage.act(ali_stage.NAME, "refunds")) == 2
    assert counter.seen(other)["status"] == "open"
    assert counter.waiting() == []


def parts(*found: tuple[str, str, int]) -> list[Part]:
    return [Part(ref, state, (("1", units),)) for ref, state, units in found]  # type: ignore[arg-type]


@given(
    wanted=st.integers(1, 9),
    leaves=st.lists(
        st.tuples(st.sampled_from(["delivered", "shipped", "cancelled"]), st.integers(1, 4)),
        max_size=4,
    ),
    taken=st.integers(0, 3),
)
def test_leaves_never_give_more_units_than_they_hold(
    wanted: int, leaves: list[tuple[str, int]], taken: int
) -> None:
    tree = parts(*((str(n), state, units) for n, (state, units) in enumerate(leaves)))
    under = {"0": taken}
    found = allocate("1", wanted, tree, under, {})
    held = {part.ref: dict(part.lines)["1"] - under.get(part.ref, 0) for part in tree}
    assert all(0 < one.quantity <= held[one.ref] for one in found)
    assert not any(leaves[int(one.ref)][0] == "cancelled" for one in found)
    there = sum(max(held[part.ref], 0) for part in tree if part.state != "cancelled")
    assert sum(one.quantity for one in found) == min(wanted, there)


def test_goods_that_arrived_are_claimed_first() -> None:
    tree = parts(("7", "shipped", 2), ("8", "delivered", 1))
    assert allocate("1", 2, tree, {}, {}) == [Take("8", 1), Take("7", 1)]
    alone = [replace(tree[0], lines=())]
    assert allocate("1", 2, alone, {"7": 1}, {"1": 2}) == [Take("7", 1)]


@pytest.mark.parametrize(
    ("states", "word"),
    [
        (["open", "refunded"], "wait"),
        (["failed", "refunded"], "wait"),
        (["approved", "received"], "approved"),
        (["received", "refused"], "received"),
        (["refunded", "refused"], "refunded"),
        (["replaced", "refused"], "replaced"),
        (["refused", "cancelled"], "refused"),
        (["cancelled", "cancelled"], "cancelled"),
    ],
)
def test_a_claim_has_come_as_far_as_its_slowest_part(states: list[str], word: str) -> None:
    assert verdict([Answered(state, 0, 0) for state in states]) == word


@given(st.integers(0, 10**6), st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900))))
def test_the_leader_is_never_paid_more_than_asked(asked: int, given: list[tuple[int, int]]) -> None:
    found = paid(asked, [Answered("refunded", came, due) for came, due in given])
    assert 0 <= found <= asked
    if all(came >= due for came, due in given):
        assert found == asked
