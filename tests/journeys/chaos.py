"""A day on which everything happens at once: leaders, suppliers and platforms as they are.

A round: leaders order side by side; then platforms are in trouble while workers work, one of them
killed, leaders change their minds, suppliers ship or refuse, and platforms split, ship and cancel.
Between rounds time passes. The dice are seeded; which thread is first is not.
"""

import itertools
import json
import random
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from sqlalchemy import text

from connectors.model import Message
from kit import clock
from kit.errors import Problem
from kit.ids import outside
from sync.messages import heard
from tests import ali_stage
from tests.journeys import mortal
from tests.stage import Stage
from tests.trade.market import Goods, Market, ordered
from trade import cancelling, dearer, exceptions, purchases, short_balance
from trade import orders as ordering
from trade.after_sales import claim_answers, claims
from trade.after_sales.claims import ClaimedLine, ClaimRequest
from trade.parcels import shipping
from trade.parcels.shipping import Shipment
from trade.purchases import Supplier
from worker.queues import QUEUES
from worker.serve import drain
from worker.workshop import Workshop

JD, ALI, DOOR, OUTLET = "jd-vop", "ali", "manual", "outlet"
PRICE = 20_000
"""Fen of a piece at the platforms; free of freight."""
TOPPED_UP = 2_000 * PRICE
"""What an operator has our account at JD hold, once it is short."""
KINDS = 6
"""Goods of each platform; the price of the first one moves."""
LEADERS = 12
_SHIPPED = """
    SELECT DISTINCT p.order_id, p.party_id, o.sku_id FROM purchases p
    JOIN purchase_lines l ON l.purchase_id = p.id JOIN order_lines o ON o.id = l.order_line_id
    WHERE l.shipped > 0 AND p.source
"""
SHIPPED_THERE = f"{_SHIPPED} IN ('{JD}', '{ALI}')"
SHIPPED_HERE = f"{_SHIPPED} IN ('{DOOR}', '{OUTLET}')"
RETURN_TO = "王五 13900139000 某路 1 号"
THREADS = 4

REFUSED = {
    "not_orderable", "out_of_stock", "balance_short", "too_late", "shared_purchase", "wrong_state",
    "too_many_units", "not_shipped", "already_refunded", "under_claim", "which_parcel",
    "parcel_differs", "not_found", "advanced", "invalid", "sent_back",
}  # fmt: skip
"""What people are told who ask for too much."""


@dataclass
class Day:
    """One day's goods, people and platforms."""

    shop: Workshop
    stage: Stage
    forge: "subprocess.Popen[str]"
    folder: Path
    dice: random.Random
    market: Market = field(init=False)
    leaders: list[int] = field(init=False)
    goods: list[Goods] = field(default_factory=list, init=False)
    keys: list[tuple[str, str]] = field(default_factory=list, init=False)
    """Platform and the world's key of each of the platforms' goods."""
    placed: int = field(default=0, init=False)
    asked: int = field(default=0, init=False)
    pace: int = field(default=0, init=False)
    killed: int = field(default=0, init=False)
    topped_up: int = field(default=0, init=False)
    told: list[Message] = field(default_factory=list, init=False)
    left: set[str] = field(default_factory=set, init=False)
    """JD's orders that have left."""

    def __post_init__(self) -> None:
        mortal.hurry(self.shop)
        self.stage.act("jd", "purse", fen=10 * PRICE)
        self.market = Market(self.shop.db, self.shop.desk)
        self.leaders = [self.market.party(money=10**8) for _ in range(LEADERS - 1)]
        self.leaders.append(self.market.party(money=100 * PRICE))
        rules = itertools.cycle(get_args(dearer.Then))
        with self.shop.db.as_system() as session:
            for leader, then in zip(self.leaders, rules, strict=False):
                dearer.set_rule(session, leader, then=then, most=PRICE)
        for sku in self.stage.act("jd", "skus")[:KINDS]:
            key = self.stage.act("jd", "good", sku=sku)["key"]
            self._on_platform("jd", JD, str(sku), key)
        free = [one for one in ali_stage.offers(self.stage, 120) if one["free"] and one["moq"] == 1]
        for offer in free[:KINDS]:
            sku = offer["skus"][0]
            self._on_platform(
                "ali1688", ALI, sku["external_id"], sku["key"], seller=offer["seller"]
            )
        self.goods += [
            self.market.offer(source=DOOR, cost="10.00", stock=10**6),
            self.market.offer(source=OUTLET, cost="0.1234", stock=40),
        ]

    def _on_platform(self, platform: str, source: str, name: str, key: str, **more: Any) -> None:
        """Goods at a platform; every other one is had elsewhere too, at the same price."""
        self.stage.post("goods", platform=platform, key=key, stock=10**6, price=PRICE)
        cost = f"{PRICE / 100:.2f}"
        made = self.market.offer(source=source, external_id=name, cost=cost, **more)
        if len(self.goods) % 2:
            self.market.offer(sku_id=made.sku_id, source=OUTLET, cost=cost, stock=10**6)
        self.goods.append(made)
        self.keys.append((platform, key))

    def orders(self, many: int) -> None:
        """Leaders order side by side; some ask twice."""
        wanted, self.pace = [], many
        for _ in range(many):
            self.asked += 1
            some = self.dice.sample(self.goods, self.dice.choice([1, 1, 1, 2, 3]))
            lines = [(one.sku, self.dice.choice([1, 1, 2, 3])) for one in some]
            wanted.append((f"D{self.asked}", self.dice.choice(self.leaders), lines))
        wanted += self.dice.sample(wanted, many // 20)
        with ThreadPoolExecutor(THREADS) as pool:
            self.placed += sum(pool.map(self._order, wanted))

    def _order(self, wanted: tuple[str, int, list[tuple[str, int]]]) -> bool:
        reference, leader, lines = wanted
        made: list[bool] = []

        def place(session: Any) -> None:
            request = ordered(*lines, reference=reference)
            made.append(ordering.place(session, self.shop.desk, leader, request, clock.now())[1])

        self.tries(place)
        return bool(made and made[0])

    def tries(self, act: Callable[..., Any], *given: Any, **more: Any) -> None:
        """Somebody does something; to be refused is no fault."""
        try:
            with self.shop.db.as_system() as session:
                act(session, *given, **more)
        except Problem as problem:
            if problem.code not in REFUSED:
                raise

    def trouble(self) -> None:
        """Platforms fail before or after they did what was asked, ban, and change prices."""
        for platform in ("jd", "ali1688"):
            for _ in range(self.dice.randrange(6)):
                mode = self.dice.choice(["lost", "html_after", "empty_after", "drop", "status"])
                self.stage.fault(platform, mode, skip=self.dice.randrange(60))
            if self.dice.random() < 0.2:
                self.stage.fault(platform, "ban", seconds=0.3, skip=self.dice.randrange(60))
        for platform, key in (self.keys[0], self.keys[KINDS]):
            moved = PRICE * self.dice.choice([95, 100, 110]) // 100
            self.stage.post("goods", platform=platform, key=key, stock=10**6, price=moved)

    def work(self, beside: Callable[[], None], *, kill: bool) -> None:
        """A worker process, which may be killed, and one of ours, while something else happens."""
        self.starts(self.dice.randint(20, 2000) if kill else None)
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(beside)
            drain(self.shop, self.shop.redis, QUEUES)
            done.result()
        self.ends()

    def starts(self, die_at: int | None = None) -> None:
        """Wake whoever has something to do, and let a worker process begin."""
        mortal.DEEDS["relay"](self.shop, {})
        line = {
            "deed": "queues",
            "queues": list(QUEUES),
            "settings": self.shop.given.model_dump(mode="json"),
            "die_at": die_at,
            "trace": str(self.folder / "trace"),
        }
        assert self.forge.stdin
        self.forge.stdin.write(json.dumps(line) + "\n")
        self.forge.stdin.flush()

    def ends(self) -> None:
        """Wait until that process has ended, however it did."""
        assert self.forge.stdout
        self.killed += int(self.forge.stdout.readline()) != 0

    def time_passes(self) -> None:
        """Leases, waits, marks and bans run out. What was shipped is looked at again when the
        platform tells of it."""
        with self.shop.db.as_system() as session:
            session.execute(
                text("UPDATE purchases SET due_at = '2020-01-01Z' WHERE state <> 'shipped'")
            )
            session.execute(text("UPDATE platform_claims SET due_at = '2020-01-01Z'"))
            session.execute(text("UPDATE chores SET due_at = '2020-01-01Z'"))
        self.tops_up()
        self.shop.redis.flushdb()
        mortal.hurry(self.shop)

    def tops_up(self) -> None:
        """An operator pays in where the workbench says that our account is short."""
        with self.shop.db.as_system() as session:
            now = clock.now()
            for case in exceptions.waiting(session, self.shop.desk, now, kind="balance_short"):
                self.stage.act("jd", "purse", fen=TOPPED_UP)
                short_balance.topped_up(session, case["about"][1], now)
                self.topped_up += 1

    def people(self) -> None:
        """Leaders cancel and claim, suppliers at our own door ship, refuse and answer."""
        dice, desk, now = self.dice, self.shop.desk, clock.now()
        for order, party in self.rows(
            "SELECT id, party_id FROM orders WHERE status <> 'cancelled'"
        ):
            if dice.random() < 0.02:
                self.tries(cancelling.cancel, party, order, "不要了", now)
        for order, party, sku in [*self.some(SHIPPED_THERE), *self.some(SHIPPED_HERE)]:
            kind, amount = dice.choice([("refund", 1), ("return", None), ("refund", None)])
            line = ClaimedLine(outside("sku", sku), 1, amount)
            request = ClaimRequest(kind, (line,), "收到破损")
            self.tries(claims.open_claim, desk, party, order, request, now)
        self.doors()

    def doors(self, *, all_of_it: bool = False) -> None:
        """Suppliers at our own door."""
        dice, now = self.dice, clock.now()
        known = (
            "state IN ('submitted', 'accepted', 'partly_shipped') AND source IN (:door, :outlet)"
        )
        query = f"SELECT id, source, cancel_reason FROM purchases WHERE {known}"  # noqa: S608 - ours
        for purchase, source, cancel in self.rows(query, door=DOOR, outlet=OUTLET):
            door, name = Supplier(source), outside("pur", purchase)
            parcel = Shipment(name, "SF", f"SF{purchase:010d}")
            chance = dice.random()
            if (chance < 0.1 and not all_of_it) or cancel is not None:
                self.tries(purchases.refuse, door, name, "out_of_stock", "没货", now)
            elif chance < 0.8 or all_of_it:
                self.tries(shipping.ship, door, parcel, now)
        asked = """SELECT c.id, p.source FROM claims c JOIN purchases p ON p.id = c.purchase_id
                   WHERE c.state = 'open' AND p.source IN (:door, :outlet)"""
        for claim, source in self.rows(asked, door=DOOR, outlet=OUTLET):
            door, name = Supplier(source), outside("clm", claim)
            self.tries(claim_answers.approve, self.shop.desk, door, name, now, return_to=RETURN_TO)

    def platforms(self, *, all_of_it: bool = False) -> None:
        """JD and 1688 split, ship, cancel, take claims, and tell of it, twice and in any order."""
        stage, dice = self.stage, self.dice
        for one in stage.orders("jd"):
            refs = [leaf["id"] for leaf in one["leaves"]]
            chance = dice.random()
            if self.left.intersection(refs) and chance < 0.3:
                for leaf in refs:
                    stage.act("jd", "deliver", order=int(leaf))
            if one["state"] != "confirmed" or self.left.intersection(refs):
                continue
            if chance < 0.05 and not all_of_it:
                stage.act("jd", "cancel", order=int(one["id"]))
            elif chance < 0.2 and len(refs) == 1:
                stage.act("jd", "split", order=int(one["id"]))
            elif chance < 0.8 or all_of_it:
                self.left.update(refs)
                for leaf in refs:
                    number = f"JD{leaf}"
                    stage.act("jd", "ship", order=int(leaf), carrier="京东快递", number=number)
            self._tells(JD, [one["id"], *refs])
        for one in stage.orders("ali1688"):
            chance = dice.random()
            if one["status"] == "waitsellersend":
                if chance < 0.05 and not all_of_it:
                    stage.act("ali1688", "status", order=one["ref"], status="cancel")
                elif chance < 0.8 or all_of_it:
                    stage.act("ali1688", "ship", order=one["ref"])
                self._tells(ALI, [one["ref"]])
            elif one["status"] == "waitbuyerreceive" and chance < 0.3:
                stage.act("ali1688", "status", order=one["ref"], status="signinsuccess")
        stage.act("jd", "service", step=50, money=1)
        for refund in stage.act("ali1688", "refunds"):
            if refund["status"] == "waitselleragree":
                stage.act("ali1688", "refund", refund=refund["id"], status="refundsuccess")
        self.messages()

    def _tells(self, source: str, refs: Sequence[str]) -> None:
        name = f"m{len(self.told)}-{self.dice.random()}"
        self.told.append(Message(f"{source}/{name}", "order", refs=tuple(refs)))

    def messages(self) -> None:
        """What was told comes, most of it twice, some of it late, in any order."""
        self.dice.shuffle(self.told)
        now, self.told = self.told, self.told[: len(self.told) // 3]
        for source in (JD, ALI):
            mine = [one for one in now if one.id.startswith(source)]
            with self.shop.db.as_system() as session:
                heard(session, source, mine)

    def some(self, query: str) -> list[Any]:
        """Of what there is, as many as a tenth of a round's orders."""
        found = self.rows(query)
        return self.dice.sample(found, min(len(found), 1 + self.pace // 10))

    def gives_up(self) -> None:
        """Leaders cancel what no source sells at the agreed price."""
        held = """SELECT DISTINCT o.id, o.party_id FROM orders o
                  JOIN order_lines l ON l.order_id = o.id
                  WHERE o.held > 0 AND l.held_reason IS NOT NULL"""
        for order, party in self.rows(held):
            self.tries(cancelling.cancel, party, order, "没货了", clock.now())

    def rows(self, query: str, **named: Any) -> list[Any]:
        """What the database says."""
        with self.shop.db.as_system() as session:
            return list(session.execute(text(query), named).all())
