"""A worker killed anywhere in submit, and a Redis wiped meanwhile: one purchase, right money."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import text

from kit.ids import outside
from tests.soak import Soak
from tests.trade.market import NOW, Goods
from tests.worker.conftest import Works
from tests.worker.conftest import works as works
from trade import claim_answers, claims, invariants, shipping
from trade.claims import ClaimedLine, ClaimRequest
from trade.purchases import Supplier
from trade.shipping import Shipment
from worker.cron import perform

ROOT = Path(__file__).parents[2]
SOURCE = "manual"
PRICE = 1000
MONEY = 1000 * PRICE
SHARES = 6


@pytest.fixture(scope="module")
def forge() -> Iterator["subprocess.Popen[str]"]:
    """The warm process that forks workers; it holds no connection itself."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.journeys.mortal"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    assert process.stdin
    assert process.stdout
    process.stdin.close()
    assert process.wait(30) == 0
    process.stdout.close()


@dataclass
class Yard:
    """A leader who orders, mortal workers, and a supplier elsewhere who keeps a journal."""

    works: Works
    forge: "subprocess.Popen[str]"
    folder: Path
    leader: int = field(init=False)
    goods: Goods = field(init=False)

    def __post_init__(self) -> None:
        self.leader = self.works.market.party(money=MONEY)
        self.goods = self.works.market.offer(source=SOURCE, cost="10.00", stock=1000)
        self.journal.touch()

    @property
    def journal(self) -> Path:
        return self.folder / "journal"

    def order(self) -> int:
        order_id = self.works.market.place(self.leader, (self.goods.sku, 1))
        self.works.relay()
        return order_id

    def worker(self, die_at: int | None = None) -> int:
        """A worker process that works what waits; returns how it ended."""
        settings = self.works.shop.given.model_dump(mode="json")
        line = {
            "settings": settings,
            "die_at": die_at,
            "journal": str(self.journal),
            "trace": str(self.folder / "trace"),
        }
        assert self.forge.stdin
        assert self.forge.stdout
        self.forge.stdin.write(json.dumps(line) + "\n")
        self.forge.stdin.flush()
        return int(self.forge.stdout.readline())

    def boundaries(self) -> tuple[list[int], list[str]]:
        """Orders, and what a worker crosses when it submits one of them, start and end included.

        The first worker after a while also tidies the queues; those that die later do not.
        """
        done = []
        for _ in range(2):
            done.append(self.order())
            assert self.worker() == 0
        return done, json.loads((self.folder / "trace").read_text())

    def time_passes(self) -> None:
        """Leases, waits and marks run out; the sweeper comes by."""
        with self.works.shop.db.as_system() as session:
            session.execute(
                text("""UPDATE purchases SET due_at = '2020-01-01Z'
                        WHERE state IN ('ready', 'submitting')""")
            )
            session.execute(text("UPDATE chores SET due_at = '2020-01-01Z'"))
        for mark in self.works.shop.redis.keys("huopan:wake:*"):
            self.works.shop.redis.delete(mark)
        self.works.relay()
        perform(self.works.shop, "sweep")

    def sold(self) -> Counter[str]:
        return Counter(self.journal.read_text().split())

    def ends_well(self, orders: list[int]) -> None:
        """The supplier ships everything, the last order is refunded; all money is accounted for."""
        market, door = self.works.market, Supplier(SOURCE)
        for order_id in orders:
            (bought,) = market.purchases(order_id)
            parcel = Shipment(outside("pur", bought.id), "SF", f"SF{bought.id:010d}")
            with market.db.as_system() as session:
                shipping.ship(session, door, parcel, NOW)
        claim = ClaimRequest("refund", (ClaimedLine(self.goods.sku, 1, None),), "破损", ())
        with market.db.as_system() as session:
            (opened,) = claims.open_claim(session, market.desk, self.leader, orders[-1], claim, NOW)
            claim_answers.approve(session, market.desk, door, outside("clm", opened), NOW)
        assert market.balance(f"held:{self.leader}") == 0
        assert market.balance(f"wallet:{self.leader}") == MONEY - (len(orders) - 1) * PRICE
        with market.db.as_system() as session:
            assert invariants.violations(session) == []


@pytest.mark.soak
@pytest.mark.parametrize("share", range(SHARES))
def test_a_worker_killed_anywhere_in_submit_leaves_one_purchase_and_right_money(
    works: Works, forge: "subprocess.Popen[str]", tmp_path: Path, soak: Soak, share: int
) -> None:
    yard = Yard(works, forge, tmp_path)
    orders, crossed = yard.boundaries()
    assert {"the supplier gets the order", "the supplier has the order"} <= set(crossed)
    mine = [at for at in range(1, len(crossed) + 1) if at % SHARES == share]
    chosen = soak.sample(mine, 2, share)
    killed = 0
    for at in chosen:
        orders.append(yard.order())
        told = f"killed at {at} of {len(crossed)}: {crossed[at - 1]}"
        ended = yard.worker(die_at=at)
        assert ended in (-signal.SIGKILL, 0), told
        killed += ended == -signal.SIGKILL  # one that crossed less this time had nothing to die of
        if at % 2:
            works.shop.redis.flushdb()
        for _ in range(3):
            yard.time_passes()
            assert yard.worker() == 0, told
            if works.state(orders[-1]) == ["submitted"]:
                break
        assert works.state(orders[-1]) == ["submitted"], told
    assert killed > len(chosen) // 2
    assert sorted(yard.sold().values()) == [1] * len(orders)
    yard.ends_well(orders)
