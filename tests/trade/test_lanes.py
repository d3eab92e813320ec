"""Endpoints share lanes: a slow one, or one that fails in our own hands, holds up nobody else."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from catalog.pricebook import Pricebook
from catalog.pricing import price_lists
from catalog.readers import Readership
from connectors.hooks import Rules
from kit import clock
from kit.db import Database
from kit.ids import inside, outside
from tests.trade.market import Market, make_desk
from tests.trade.receiver import Gate, Receiver, receiving
from trade import event_feed, events, hooks, telling
from trade.lanes import OF_ENDPOINT, OF_PARTY, Lanes
from trade.models import Party, Webhook

BEGINNING = event_feed.Cursor(0, 0)
ANYWHERE = Rules(allow_private_hosts=True, allow_http=True)


@dataclass
class Town:
    """A market, and endpoints of several parties."""

    market: Market
    doors: ExitStack
    lanes: Lanes
    readers: Readership = field(
        default_factory=lambda: Readership(price_lists(make_desk().markup_percent), {}, Pricebook())
    )

    def party(self) -> int:
        return self.market.party(money=1_000_000)

    def listen(self, party: int, after: str = "latest") -> tuple[int, Receiver]:
        """A new endpoint of the party; its number, and who answers there."""
        receiver = self.doors.enter_context(receiving())
        with self.market.db.as_system() as session:
            desk = self.market.desk
            made = hooks.create(session, desk, party, receiver.url, ["order.*"])
            hooks.replay(session, self.readers, party, made["id"], after, clock.now())
        return inside("whk", made["id"]), receiver

    def orders(self, party: int, count: int) -> None:
        goods = self.market.offer()
        for _ in range(count):
            self.market.place(party, (goods.sku, 1), now=clock.now())

    def number(self) -> None:
        with self.market.db.as_system() as session:
            events.number(session)

    def tell(self, ends: Iterable[datetime] | None = None) -> bool:
        later = [clock.now() + timedelta(seconds=30)]
        return self.lanes.tell(self.market.desk, self.readers, later if ends is None else ends)

    def hook(self, number: int) -> Any:
        with self.market.db.as_system() as session:
            return session.get_one(Webhook, number)

    def due(self) -> list[int]:
        with self.market.db.as_system() as session:
            return [one.webhook_id for one in telling.due(session, clock.now())]


@pytest.fixture
def town(database: Database) -> Iterator[Town]:
    market = Market(database, replace(make_desk(), hooks=ANYWHERE))
    with ExitStack() as doors, closing(Lanes(database)) as lanes:
        yield Town(market, doors, lanes)


def test_a_party_with_many_slow_endpoints_has_its_share_of_the_lanes(town: Town) -> None:
    gate, many, few = Gate(), town.party(), town.party()
    for _ in range(4):
        town.listen(many)[1].answer = gate
    town.orders(many, 3)
    town.orders(few, 9)
    waiting: list[int] = []
    town.listen(few)[1].answer = gate.opened_by(9, lambda: waiting.append(gate.waiting))
    town.number()
    assert town.tell() is False
    assert max(waiting) <= OF_PARTY
    assert gate.stood == [True] * 12


def test_a_turn_ends_beside_what_is_out_and_begins_nothing_after_it(town: Town) -> None:
    gate, party = Gate(), town.party()
    town.orders(party, 9)
    hook, slow = town.listen(party, "0")
    slow.answer = gate
    town.number()

    def slices() -> Iterator[datetime]:
        while gate.came < OF_ENDPOINT:
            yield clock.now() + timedelta(seconds=0.1)

    assert town.tell(slices()) is True
    assert gate.stood == []
    gate.open.set()
    town.lanes.finish()
    assert (gate.came, gate.stood) == (OF_ENDPOINT, [True] * OF_ENDPOINT)
    assert town.due() == [hook]
    assert town.tell() is False
    assert gate.came == 9


def test_an_endpoint_whose_secret_cannot_be_opened_stops_no_other(town: Town) -> None:
    parties = [town.party() for _ in range(2)]
    broken, never = town.listen(parties[0])
    _, whole = town.listen(parties[1])
    with town.market.db.as_system() as session:
        session.get_one(Webhook, broken).secret = b"no seal of ours"
    for party in parties:
        town.orders(party, 3)
    town.number()
    assert town.tell() is False
    assert (len(never.heard), len(whole.heard)) == (0, 3)


def test_one_event_is_told_again_under_its_id_and_nothing_else(town: Town) -> None:
    party = town.party()
    hook, receiver = town.listen(party)
    name = outside("whk", hook)
    town.orders(party, 2)
    town.number()
    town.tell()
    first = receiver.heard[0].id

    def again(event: str) -> None:
        with town.market.db.as_system() as session:
            hooks.replay_one(session, town.readers, party, name, event, clock.now())

    again(first)
    town.orders(party, 1)
    town.number()
    with town.market.db.as_system() as session:
        row = session.get_one(Party, party)
        newest = event_feed.page(session, town.readers, row, BEGINNING, 9, clock.now()).items[-1]
    again(newest.id)  # comes by itself, once
    town.tell()
    assert sorted(one.id for one in receiver.heard[2:]) == sorted([first, newest.id])


def test_events_of_others_make_nobody_due_and_are_passed_by(town: Town) -> None:
    party = town.party()
    own, others = town.listen(party)[0], town.listen(town.party())[0]
    before = town.hook(others).told_events
    town.orders(party, 2)
    town.number()
    assert town.due() == [own]
    with town.market.db.as_system() as session:
        telling.pass_by(session)
        head = event_feed.heads(session)
    assert (town.hook(own).told_events, town.hook(others).told_events) == (before, head.events)
    assert head.events > before
