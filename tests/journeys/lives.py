"""Lives of orders, step by step, from accepting to refund, at each kind of source.

A life is a generator of steps. Each is done by a process that may die of it (tests.journeys.mortal)
and names when it is done; between two steps the platform does its part. What is asked at the end of
a life is the platform's own truth.
"""

import email
import email.policy
import io
import json
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
from sqlalchemy import text

from kit.ids import outside
from tests import ali_stage
from tests.far_servers import Post
from tests.journeys import mortal
from tests.stage import Stage
from tests.trade.market import JD_FREIGHT, Goods, Market
from tests.trade.order_sheets import csv_text, picked, row, sent
from trade import dearer
from worker.queues import QUEUES
from worker.serve import drain
from worker.workshop import Workshop

JD, ALI, UNPAID, DOOR, MAILED = "jd-vop", "ali", "ali-unpaid", "manual", "mailed"
MONEY = 10**9
UNITS = 2
PATIENCE = 6
"""Rounds of sweeper and workers in which everything must have been finished."""

_OF_NOW = "id > (SELECT max(id) - 4 FROM purchases)"
"""Only the youngest purchases are asked about: a life would cost what all before it cost together.
"""

Given = dict[str, Any]
QUEUES_WORKED: Given = {"deed": "queues"}


@dataclass(frozen=True)
class Step:
    """Something that a process does. `person`: nobody repeats it but who asked for it."""

    name: str
    given: Given
    done: Callable[[], bool]
    person: bool = False


@dataclass
class Town:
    """A workshop on real servers in front of the sandbox, mortal processes, and a leader."""

    shop: Workshop
    stage: Stage
    forge: "subprocess.Popen[str]"
    folder: Path
    post: Post
    market: Market = field(init=False)
    leader: int = field(init=False)
    goods: dict[str, Goods] = field(init=False)
    number: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        mortal.hurry(self.shop)
        self.market = Market(self.shop.db, self.shop.desk)
        self.leader = self.market.party(money=MONEY)
        self.goods = {DOOR: picked(self.market, self.leader, "TEA", source=DOOR)}
        self.goods[MAILED] = self.market.offer(source=MAILED)
        sku = self.stage.act("jd", "skus")[0]
        key = self.stage.act("jd", "good", sku=sku)["key"]
        self.stage.post("goods", platform="jd", key=key, stock=100_000, price=2000)
        self.goods[JD] = self.market.offer(
            source=JD, external_id=str(sku), cost="20.00", freight=JD_FREIGHT
        )
        found = ali_stage.an_offer(self.stage, free=True)["skus"][0]
        cost = f"{int(found['piece_price'] or found['price']) / 100:.2f}"
        for code in (ALI, UNPAID):
            name = found["external_id"]
            self.goods[code] = self.market.offer(source=code, external_id=name, cost=cost)
        self.stage.post(
            "goods", platform="ali1688", key=found["key"], stock=100_000, price=found["price"]
        )

    def worker(self, given: Given, die_at: int | None = None) -> int:
        """A process that does what is given; returns how it ended."""
        line = given | {
            "settings": self.shop.given.model_dump(mode="json"),
            "die_at": die_at,
            "trace": str(self.folder / "trace"),
        }
        assert self.forge.stdin
        assert self.forge.stdout
        self.forge.stdin.write(json.dumps(line) + "\n")
        self.forge.stdin.flush()
        return int(self.forge.stdout.readline())

    def crossed(self) -> list[str]:
        """What the last worker crossed that lived."""
        return list(json.loads((self.folder / "trace").read_text()))

    def goes_on(self, step: Step) -> None:
        """Who asked asks again, the sweeper comes by and workers work, until the step is done."""
        if step.person:
            self.does(step.given)
        for _ in range(PATIENCE):
            if step.done():
                return
            self.due()
            if step.person:  # the database may just have been busy with who died
                self.does(step.given)
            if step.given["deed"] == "queues":  # the next step is for the next one to die of
                drain(self.shop, self.shop.redis, QUEUES)
        assert step.done(), f"{step.name}: {self.looks()}"

    def does(self, given: Given) -> None:
        """What a mortal does, done by somebody who lives."""
        mortal.DEEDS[given["deed"]](self.shop, given)

    def wake(self) -> None:
        """Cron's pulse."""
        self.does({"deed": "relay"})

    def time_passes(self) -> None:
        """Leases, waits, marks and rests of budgets run out."""
        with self.shop.db.as_system() as session:
            session.execute(text(f"UPDATE purchases SET due_at = '2020-01-01Z' WHERE {_OF_NOW}"))  # noqa: S608
            for table in ("platform_claims", "supplier_sheets", "chores"):
                session.execute(text(f"UPDATE {table} SET due_at = '2020-01-01Z'"))  # noqa: S608
        for mark in self.shop.redis.keys("huopan:wake:*"):
            self.shop.redis.delete(mark)

    def looks(self) -> list[Any]:
        """What a person would look at who asks why."""
        with self.shop.db.as_system() as session:
            return [
                list(session.execute(text(query)).all())
                for query in (
                    "SELECT id, state, failure FROM purchases ORDER BY id DESC LIMIT 3",
                    "SELECT id, state, due_at FROM platform_claims ORDER BY id DESC LIMIT 3",
                    "SELECT id, source, state, purchases, attempts, failure, cutoff_at, due_at"
                    " FROM supplier_sheets ORDER BY id DESC LIMIT 3",
                )
            ]

    def one(self, query: str, **named: Any) -> Any:
        """The one value of a query; None when there is no row."""
        with self.shop.db.as_system() as session:
            return session.execute(text(query), named).scalar()

    def accepted(self, source: str) -> Iterator[Step]:
        """Accept and relay."""
        self.number += 1
        name = f"L{self.number}"
        goods = self.goods[source]
        given = {"party": self.leader, "sku": goods.sku, "units": UNITS, "reference": name}
        once = self.answers("SELECT count(*) = 1 FROM orders WHERE reference = :name", name=name)
        yield Step("accept", {"deed": "accept"} | given, once, person=True)
        relayed = self.answers("SELECT count(*) = 0 FROM outbox WHERE relayed_at IS NULL")
        yield Step("relay", {"deed": "relay"}, relayed)

    def order(self) -> int:
        """The youngest order."""
        return int(self.one("SELECT max(id) FROM orders"))

    def purchase(self) -> Any:
        """The one purchase of the youngest order."""
        (bought,) = self.market.purchases(self.order())
        return bought

    def answers(self, query: str, **named: Any) -> Callable[[], bool]:
        """Whether a query says yes."""
        return lambda: bool(self.one(query, **named))

    def claims_are(self, state: str) -> Callable[[], bool]:
        """Whether what was asked of a platform last stands so."""
        return self.answers(
            "SELECT state = :state FROM platform_claims ORDER BY id DESC", state=state
        )

    def is_in(self, *states: str) -> Callable[[], bool]:
        """Whether the youngest order's purchase has come to one of these states."""
        return lambda: self.purchase().state in states

    def due(self) -> None:
        """What waits to be asked about is due, and somebody is woken."""
        self.time_passes()
        self.wake()

    def claimed(self, source: str, kind: str, units: int, amount: int | None) -> Step:
        """The leader opens a claim on the youngest order; who finds none asks again."""
        order = self.order()
        given = {"deed": "claim", "party": self.leader, "order": order, "units": units}
        given |= {"sku": self.goods[source].sku, "kind": kind, "amount": amount}
        many = """SELECT count(*) FROM claims c JOIN purchases p ON p.id = c.purchase_id
                  WHERE p.order_id = :order"""

        def opened() -> bool:
            if self.one(many, order=order) == 0:
                self.does(given)
            return bool(self.one(many, order=order) == 1)

        return Step("claim", given, opened)

    def claim(self) -> Any:
        """The youngest claim: (id, state)."""
        with self.shop.db.as_system() as session:
            return session.execute(
                text("SELECT id, state FROM claims ORDER BY id DESC LIMIT 1")
            ).one()


def jd(town: Town) -> Iterator[Step]:
    """Held and confirmed at JD, shipped, claimed there, paid back."""
    yield from town.accepted(JD)
    yield Step("submit and confirm", QUEUES_WORKED, town.is_in("accepted"))
    ref = town.purchase().our_ref
    number = f"JDVB{town.number:06d}"
    town.stage.act("jd", "ship", order=ref, carrier="京东快递", number=number)
    town.due()
    yield Step("track and capture", QUEUES_WORKED, town.is_in("shipped"))
    town.stage.act("jd", "deliver", order=ref)
    yield town.claimed(JD, "return", 1, None)
    town.due()
    yield Step("claim at JD", QUEUES_WORKED, town.claims_are("open"))
    town.stage.act("jd", "service", step=50, money=2000)
    town.due()
    yield Step("refund", QUEUES_WORKED, lambda: town.claim().state == "refunded")
    (there,) = [one for one in town.stage.orders("jd") if one["our_ref"] == ref]
    assert (there["state"], there["lines"]) == (
        "confirmed",
        {town.goods[JD].external_id: UNITS},
    )
    assert town.purchase().external_refs == [there["id"]]
    services = town.stage.act("jd", "services")
    assert [one["num"] for one in services if one["order"] == there["id"]] == [1]


def ali(town: Town) -> Iterator[Step]:
    """Made and paid at 1688, shipped, refunded in part."""
    yield from town.accepted(ALI)
    yield Step("submit and pay", QUEUES_WORKED, town.is_in("accepted"))
    (ref,) = town.purchase().external_refs
    town.stage.act("ali1688", "ship", order=ref)
    town.stage.act("ali1688", "status", order=ref, status="signinsuccess")
    town.due()
    yield Step("track and capture", QUEUES_WORKED, town.is_in("shipped"))
    yield town.claimed(ALI, "refund", 1, 100)
    town.due()
    yield Step("claim at 1688", QUEUES_WORKED, town.claims_are("open"))
    (refund,) = [one for one in town.stage.act("ali1688", "refunds") if one["ref"] == ref]
    assert refund["payment"] == 100
    town.stage.act("ali1688", "refund", refund=refund["id"], status="refundsuccess")
    town.due()
    yield Step("refund", QUEUES_WORKED, lambda: town.claim().state == "refunded")
    our_ref = town.purchase().our_ref
    (there,) = [one for one in town.stage.orders("ali1688") if one["our_ref"] == our_ref]
    assert (there["ref"], there["payments"]) == (ref, 1)
    assert there["lines"] == {town.goods[ALI].external_id: UNITS}


def cancelled(town: Town) -> Iterator[Step]:
    """Made at 1688 and not paid, when the leader changes her mind."""
    yield from town.accepted(UNPAID)
    yield Step("submit", QUEUES_WORKED, town.is_in("accepted"))
    order = town.order()
    yield Step(
        "cancel",
        {"deed": "cancel", "party": town.leader, "order": order},
        lambda: town.purchase().state == "cancelled" or town.purchase().cancel_reason is not None,
        person=True,
    )
    town.stage.post("clock", ahead=11)  # 1688 closes nothing that is younger
    town.wake()
    yield Step("cancel at 1688", QUEUES_WORKED, town.is_in("cancelled"))
    town.stage.post("clock", ahead=0)
    our_ref = town.purchase().our_ref
    (there,) = [one for one in town.stage.orders("ali1688") if one["our_ref"] == our_ref]
    assert (there["status"], there["payments"]) == ("cancel", 0)
    assert town.one("SELECT held FROM orders WHERE id = :order", order=order) == 0
    assert town.one("SELECT status FROM orders WHERE id = :order", order=order) == "cancelled"


def door(town: Town) -> Iterator[Step]:
    """From a sheet to a supplier at our own door, who ships and agrees to a refund."""
    town.number += 1
    name = f"S{town.number}"
    sheet = sent(town.market, town.leader, csv_text(row(name, "TEA", UNITS)))
    given = {"deed": "confirm sheet", "party": town.leader, "sheet": sheet}
    told = "SELECT status IN ('confirmed', 'placing', 'done') FROM order_imports ORDER BY id DESC"
    yield Step("confirm a sheet", given, town.answers(told), person=True)
    town.due()
    once = "SELECT count(*) = 1 FROM orders WHERE reference = :name"
    yield Step("place a sheet", QUEUES_WORKED, town.answers(once, name=name))
    town.due()
    yield Step("submit", QUEUES_WORKED, town.is_in("submitted"))
    purchase = outside("pur", town.purchase().id)
    parcel = {
        "deed": "ship",
        "source": DOOR,
        "purchase": purchase,
        "number": f"SF{town.number:010d}",
    }
    yield Step("ship and capture", parcel, town.is_in("shipped"), person=True)
    yield town.claimed(DOOR, "refund", 1, 100)
    claim = {"deed": "approve", "source": DOOR, "claim": outside("clm", town.claim().id)}
    yield Step("refund", claim, lambda: town.claim().state == "refunded", person=True)


def mailed(town: Town) -> Iterator[Step]:
    """In a sheet that a supplier is mailed at cut-off, who ships it."""
    long_ago = "timestamptz '2020-01-01Z' + id * interval '1 day'"
    with town.shop.db.as_system() as session:  # the next cut-off has come
        session.execute(text(f"UPDATE supplier_sheets SET cutoff_at = {long_ago}"))  # noqa: S608
    yield from town.accepted(MAILED)
    yield Step("submit", QUEUES_WORKED, town.is_in("submitted"))
    made = town.answers(
        "SELECT EXISTS (SELECT FROM sheet_purchases"
        " WHERE purchase_id = (SELECT max(id) FROM purchases))"
    )
    yield Step("cut off", {"deed": "cut off"}, made, person=True)
    town.due()
    yield Step("send", QUEUES_WORKED, town.is_in("accepted"))
    purchase = town.purchase()
    parcel = {"deed": "ship", "source": MAILED, "purchase": outside("pur", purchase.id)}
    parcel |= {"number": f"SF{town.number:010d}"}
    yield Step("ship and capture", parcel, town.is_in("shipped"), person=True)
    told = [sheet for sheet, refs in _mailed_sheets(town.post).items() if purchase.our_ref in refs]
    assert len(told) == 1


def _mailed_sheets(post: Post) -> dict[str, set[str]]:
    """What each sheet that was mailed asks for; one that came twice came byte for byte."""
    mails: dict[str, set[bytes]] = defaultdict(set)
    for _, content in post.mails:
        mails[email.message_from_bytes(content)["Message-ID"]].add(content)
    sheets = {}
    for name, (content,) in mails.items():
        parsed = email.message_from_bytes(content, policy=email.policy.default)
        (part,) = parsed.iter_attachments()
        (table,) = openpyxl.load_workbook(io.BytesIO(part.get_content())).worksheets
        sheets[name] = {str(cells[0]) for cells in table.iter_rows(2, values_only=True)}
    return sheets


def dearer_holds(town: Town) -> Iterator[Step]:
    """Held at JD for more freight than was agreed: what its leader absorbs is paid and shipped, and
    what she wants cancelled then is given back."""
    yield from _held_dearer(town, "absorb")
    ref = town.purchase().our_ref
    yield Step("confirm", QUEUES_WORKED, lambda: _at_jd(town, ref) == "confirmed")
    town.stage.act("jd", "ship", order=ref, carrier="京东快递", number=f"JDVB{town.number:06d}")
    town.due()
    yield Step("track and capture", QUEUES_WORKED, town.is_in("shipped"))
    assert (town.purchase().freight_price, town.purchase().freight_cost) == (900, 900)
    yield from _held_dearer(town, "cancel")
    ref = town.purchase().our_ref
    yield Step("give back", QUEUES_WORKED, town.is_in("refused"))
    town.due()
    over = town.answers("SELECT status = 'cancelled' FROM orders ORDER BY id DESC")
    yield Step("pay back", QUEUES_WORKED, over)
    assert (_at_jd(town, ref), town.purchase().state) == ("cancelled", "refused")


def _held_dearer(town: Town, then: dearer.Then) -> Iterator[Step]:
    """JD asks 3.00 more once the order is accepted."""
    with town.shop.db.as_system() as session:
        dearer.set_rule(session, town.leader, then=then, most=300)
    town.stage.act("jd", "freight", fen=600)
    yield from town.accepted(JD)
    town.stage.act("jd", "freight", fen=900)
    yield Step("submit and decide", QUEUES_WORKED, town.is_in("accepted", "refused"))
    town.due()


def _at_jd(town: Town, our_ref: str) -> str:
    """How the one order under a reference stands there; "" where there is none."""
    found = [one["state"] for one in town.stage.orders("jd") if one["our_ref"] == our_ref]
    assert len(found) <= 1 or found[:-1] == ["cancelled"] * (len(found) - 1)
    return found[-1] if found else ""


LIVES: dict[str, Callable[[Town], Iterator[Step]]] = {
    "jd": jd,
    "ali": ali,
    "cancelled": cancelled,
    "dearer": dearer_holds,
    "door": door,
    "mailed": mailed,
}
