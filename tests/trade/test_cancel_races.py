"""A cancellation races shipping at 1688 and JD, in any order, told twice, late or never, with a
worker that dies between asking and writing: in the end each unit that left there left here, and the
books add up after every step."""

import random
from collections import Counter as Count
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select, text

from kit import clock
from kit.errors import Problem
from tests import ali_stage
from tests.soak import Soak
from tests.stage import Stage
from tests.trade.market import JD_FREIGHT, Market
from tests.trade.test_following import jd as jd
from tests.trade.test_taking_back import Counter
from trade import cancelling, following
from trade.following import Due, Seen
from trade.invariants import violations
from trade.models import PurchaseLine, Stray

ALI = ali_stage.NAME
RACES, STEPS = 20, 14
FEE = {"kind": "flat", "fee": "8.00"}


class Race:
    """An order of two SKUs, and the answers about it that are not written down yet."""

    def __init__(self, counter: Counter, order: int, dice: random.Random) -> None:
        self.counter, self.order, self.dice = counter, order, dice
        self.kept: list[tuple[Due, Seen]] = []

    def cancel(self) -> None:
        market, now = self.counter.market, clock.now()
        try:
            with market.db.as_system() as session:
                cancelling.cancel(session, self.counter.leader, self.order, "不要了", now)
        except Problem as problem:
            assert problem.code == "too_late"  # noqa: PT017 - or it is taken

    def ask(self) -> None:
        """What a worker heard is written down later, or never."""
        db, code = self.counter.market.db, self.counter.code
        with db.as_system() as session:
            session.execute(text("UPDATE purchases SET due_at = '2020-01-01Z'"))
            due = following.claim(session, code, clock.now())
        self.kept += [(one, following.look(self.counter.source, one)) for one in due]

    def write(self, at: int | None = None) -> None:
        if not self.kept:
            return
        told = self.kept.pop(self.dice.randrange(len(self.kept)) if at is None else at)
        for _ in range(self.dice.choice([1, 1, 2])):
            with self.counter.market.db.as_system() as session:
                following.write_down(session, *told, clock.now())
                session.flush()
                assert violations(session) == []

    def die(self) -> None:
        self.kept.clear()

    def follow(self) -> None:
        self.ask()
        self.write(-1)

    def run(self, *theirs: Callable[[], None]) -> None:
        ours = [self.cancel, self.ask, self.write, self.die, self.follow, self.follow]
        for _ in range(STEPS):
            self.dice.choice([*ours, *theirs])()

    def left(self) -> Count[str]:
        """Units that left by our books, whoever wanted them."""
        found: Count[str] = Count()
        with self.counter.market.db.as_system() as session:
            for line in session.scalars(select(PurchaseLine)):
                found[line.external_id] += line.shipped
                stray = select(Stray.quantity).where(Stray.purchase_line_id == line.id)
                found[line.external_id] += sum(session.scalars(stray))
        return +found


@pytest.fixture(params=range(RACES))
def dice(request: pytest.FixtureRequest, soak: Soak) -> random.Random:
    """The dice of a race; a sample is one of them, and costs no more than that."""
    number, about = request.param, request.function.__name__
    if number not in soak.sample(range(RACES), 1, about=about):
        pytest.skip("the other races are for the soak")
    return random.Random(f"{soak.seed}{about}{number}")  # noqa: S311 - the same in every run


@pytest.fixture
def at_1688(market: Market, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter]:
    for name, value in ali_stage.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    stage.act(ALI, "freight", fen=800)
    yield Counter(market, stage, "ali", ALI, ali_stage.opened(stage))
    ali_stage.close_all()


@pytest.mark.soak
def test_at_1688_what_left_and_what_was_paid_back_are_told_apart(
    dice: random.Random, at_1688: Counter, stage: Stage
) -> None:
    market = at_1688.market
    goods = []
    for sku in ali_stage.an_offer(stage, skus=2)["skus"][:2]:
        stage.post("goods", platform=ALI, key=sku["key"], price=2000, stock=50)
        name = sku["external_id"]
        goods.append(market.offer(source="ali", external_id=name, cost="20.00", freight=FEE))
    race = Race(at_1688, at_1688.buy((goods[0], 2), (goods[1], 3)), dice)
    stage.post("clock", ahead=60)

    def truth() -> dict[str, Any]:
        return stage.orders(ALI)[0]

    def answer(*words: str) -> None:
        for one in stage.act(ALI, "refunds"):
            if one["status"] == "waitselleragree":
                stage.act(ALI, "refund", refund=one["id"], status=dice.choice(words))
                return

    def decide() -> None:
        answer("refundsuccess", "refundsuccess", "waitbuyermodify")

    def ship() -> None:
        much = dice.choice([{}, {"lines": 1}, {"lines": 1, "pieces": 1}])
        stage.act(ALI, "ship", order=truth()["ref"], **much)

    race.run(decide, decide, ship)
    for _ in range(4):
        answer("refundsuccess")
        race.follow()
    sent: Count[str] = Count()
    for part in at_1688.source.track(truth()["our_ref"]).parts:
        for parcel in part.parcels:
            sent.update(dict(parcel.lines))
    assert race.left() == +Count({k: min(n, truth()["lines"][k]) for k, n in sent.items()})


@pytest.mark.soak
def test_at_jd_what_left_of_a_split_order_is_counted_whoever_cancelled(
    dice: random.Random, market: Market, stage: Stage, jd: Any
) -> None:
    counter = Counter(market, stage, "jd-vop", "jd", jd)
    goods = []
    for sku in stage.act("jd", "skus")[:2]:
        key = stage.act("jd", "good", sku=sku)["key"]
        stage.post("goods", platform="jd", key=key, price=2000, stock=30)
        found = {"source": "jd-vop", "external_id": str(sku), "cost": "20.00"}
        goods.append(counter.market.offer(freight=JD_FREIGHT, **found))
    race = Race(counter, counter.buy((goods[0], 2), (goods[1], 3)), dice)
    sent, gone = Count[str](), set[str]()

    def split() -> None:
        if not gone:
            stage.act("jd", "split", order=stage.orders("jd")[0]["our_ref"])

    def ship() -> None:
        here = [one for one in stage.orders("jd")[0]["leaves"] if one["id"] not in gone]
        if here:
            leaf = dice.choice(here)
            gone.add(leaf["id"])
            number = f"JDVB{leaf['id']}"
            stage.act("jd", "ship", order=int(leaf["id"]), carrier="京东", number=number)
            sent.update(leaf["lines"])

    def drop() -> None:
        leaf = dice.choice(stage.orders("jd")[0]["leaves"])
        if leaf["id"] not in gone:
            stage.act("jd", "cancel", order=int(leaf["id"]))

    race.run(split, ship, drop)
    for _ in range(2):
        race.follow()
    assert race.left() == sent
