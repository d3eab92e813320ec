"""Webhooks out: signed, in order per object, tried for a day, given up, and told again."""

import base64
import hmac
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from catalog.pricebook import Pricebook
from catalog.pricing import price_lists
from catalog.readers import Readership
from connectors.hooks import Rules
from kit import clock
from kit.db import Database
from kit.errors import Problem
from kit.ids import outside
from tests.trade.market import Market, make_desk, submitted
from tests.trade.receiver import Receiver, receiving, verified
from trade import cancelling, event_feed, events, exceptions, hooks, telling
from trade.after_sales import claims
from trade.after_sales.claims import ClaimedLine, ClaimRequest
from trade.event_feed import Cursor
from trade.lanes import OF_ENDPOINT, Lanes
from trade.models import Delivery, Party, Webhook
from trade.parcels import shipping
from trade.parcels.shipping import Shipment
from trade.purchases import Supplier

BEGINNING = Cursor(0, 0)
ANYWHERE = Rules(allow_private_hosts=True, allow_http=True)


@dataclass
class Street:
    """A market, one leader, and an endpoint that listens."""

    market: Market
    receiver: Receiver
    leader: int = 0
    number: int = 0
    secret: str = ""
    readers: Readership = field(
        default_factory=lambda: Readership(price_lists(make_desk().markup_percent), {}, Pricebook())
    )

    def listen(self, party: int, *kinds: str, url: str | None = None) -> dict[str, Any]:
        with self.market.db.as_system() as session:
            desk = self.market.desk
            made = hooks.create(session, desk, party, url or self.receiver.url, kinds)
        self.secret = made["secret"]
        self.number = self.row(made["id"]).id
        return made

    def row(self, name: str | None = None) -> Webhook:
        with self.market.db.as_system() as session:
            found = session.query(Webhook).all()
            return next(one for one in found if name is None or outside("whk", one.id) == name)

    def number_events(self) -> int:
        with self.market.db.as_system() as session:
            return events.number(session)

    def tell(self) -> None:
        """What the worker does for the endpoint."""
        self.number_events()
        ends = [clock.now() + timedelta(seconds=20)]
        with closing(Lanes(self.market.db)) as lanes:
            lanes.tell(self.market.desk, self.readers, ends)

    def due(self, span: timedelta = timedelta(0)) -> list[int]:
        """The endpoints that are due after that span."""
        with self.market.db.as_system() as session:
            return [one.webhook_id for one in telling.due(session, clock.now() + span)]

    def waiting(self) -> list[Delivery]:
        with self.market.db.as_system() as session:
            return session.query(Delivery).order_by(Delivery.about, Delivery.place).all()

    def pass_time(self, span: timedelta) -> None:
        """As if all of it had happened so much earlier."""
        with self.market.db.as_system() as session:
            asked = {"span": span}
            session.execute(
                text(
                    "UPDATE deliveries SET due_at = due_at - :span, tried_at = tried_at - :span,"
                    " leased_until = leased_until - :span"
                ),
                asked,
            )
            session.execute(
                text(
                    "UPDATE webhooks SET paused_until = paused_until - :span,"
                    " failing_since = failing_since - :span, former_until = former_until - :span"
                ),
                asked,
            )

    def placed(self, sku: str) -> int:
        return self.market.place(self.leader, (sku, 1), now=clock.now())

    def shipped(self) -> int:
        """An order whose goods have left; its id."""
        goods = self.market.offer(source="teahouse")
        order_id = self.placed(goods.sku)
        submitted(self.market)
        (bought,) = self.market.purchases(order_id)
        with self.market.db.as_system() as session:
            name = outside("pur", bought.id)
            parcel = Shipment(name, "顺丰", f"SF{order_id:010d}")
            shipping.ship(session, Supplier("teahouse"), parcel, clock.now())
        return order_id

    def page(self, party: int, after: Cursor = BEGINNING, limit: int = 100) -> event_feed.Page:
        with self.market.db.as_system() as session:
            row = session.get_one(Party, party)
            return event_feed.page(session, self.readers, row, after, limit, clock.now())


@pytest.fixture
def street(database: Database) -> Iterator[Street]:
    market = Market(database, replace(make_desk(), hooks=ANYWHERE))
    with receiving() as receiver:
        street = Street(market, receiver)
        street.leader = market.party(money=1_000_000)
        yield street


def test_a_leader_is_told_the_story_of_an_order_signed(street: Street) -> None:
    street.listen(street.leader, "order.*", "parcel.*")
    order_id = street.shipped()
    street.tell()
    heard = street.receiver.heard
    of_order = [one.said["type"] for one in heard if one.about == outside("ord", order_id)]
    assert of_order == ["order.placed", "order.shipped"]
    (parcel,) = [one.said for one in heard if one.said["type"] == "parcel.shipped"]
    assert parcel["data"]["order"] == outside("ord", order_id)
    assert parcel["data"]["tracking_number"] == f"SF{order_id:010d}"
    assert all(verified(street.secret, one.headers, one.body) for one in heard)
    genuine = _as_documented()
    assert all(genuine(street.secret, one.headers, one.body) for one in heard)
    assert not any(genuine(street.secret, one.headers, one.body + b" ") for one in heard)
    assert not any(verified(street.secret, one.headers, one.body + b" ") for one in heard)
    assert not street.waiting()


def _as_documented() -> Any:
    """What docs/webhooks.md tells integrators to verify messages by."""
    page = (Path(__file__).parents[2] / "docs/webhooks.md").read_text(encoding="utf-8")
    known: dict[str, Any] = {"base64": base64, "hmac": hmac, "time": time, "Mapping": Mapping}
    exec(page.partition("```python\n")[2].partition("```")[0], known)  # noqa: S102 - our own page
    return known["genuine"]


def test_a_leader_learns_of_no_purchase_and_no_source(street: Street) -> None:
    street.shipped()
    street.number_events()
    told = street.page(street.leader).items
    assert told
    assert not [one for one in told if one.kind.startswith("purchase.")]
    assert not [one for one in told if "purchase" in one.data or "teahouse" in str(one.data)]


def test_a_supplier_is_told_of_purchases_once_they_are_at_the_door(street: Street) -> None:
    brand = street.market.party("brand", source="teahouse")
    street.listen(brand, "purchase.*", "parcel.*", "claim.*")
    order_id = street.shipped()
    with street.market.db.as_system() as session:
        sku = session.execute(text("SELECT sku_id FROM order_lines")).scalar_one()
        asked = ClaimRequest("refund", (ClaimedLine(outside("sku", sku), 1),), "碎了")
        claims.open_claim(session, street.market.desk, street.leader, order_id, asked, clock.now())
    street.tell()
    kinds = {one.said["type"] for one in street.receiver.heard}
    assert kinds == {"purchase.submitted", "purchase.shipped", "parcel.shipped", "claim.opened"}
    assert not [one for one in street.receiver.heard if "order" in one.said["data"]]


def test_another_leader_is_told_nothing(street: Street) -> None:
    other = street.market.party()
    street.listen(other, "order.*", "parcel.*", "claim.*")
    street.shipped()
    street.tell()
    assert street.receiver.heard == []
    assert street.page(other).items == []


def test_an_operator_is_told_all(street: Street) -> None:
    operator = street.market.party("operator")
    street.shipped()
    street.number_events()
    kinds = {one.kind.partition(".")[0] for one in street.page(operator).items}
    assert kinds == {"order", "purchase", "parcel"}


def test_a_supplier_is_told_that_a_cancellation_is_asked(street: Street) -> None:
    brand = street.market.party("brand", source="teahouse")
    goods = street.market.offer(source="teahouse")
    order_id = street.placed(goods.sku)
    submitted(street.market)
    with street.market.db.as_system() as session:
        cancelling.cancel(session, street.leader, order_id, "不要了", clock.now())
    street.number_events()
    assert [one.kind for one in street.page(brand).items][-1] == "purchase.cancel_asked"


def test_pages_of_events_leave_nothing_out(street: Street) -> None:
    for _ in range(3):
        street.shipped()
    street.number_events()
    whole = street.page(street.leader).items
    after, found, more = Cursor(0, 0), [], True
    while more:
        page = street.page(street.leader, after, limit=2)
        found += page.items
        after, more = page.next, page.more
    assert found == whole


def test_an_endpoint_hears_of_one_object_in_order_whatever_fails(street: Street) -> None:
    street.listen(street.leader, "order.*", "parcel.*", "claim.*")
    failed: set[str] = set()

    def stumbles(one: Any) -> int:
        if one.id in failed:
            return 200
        failed.add(one.id)
        return 503

    street.receiver.answer = stumbles
    for _ in range(5):
        street.shipped()
    for _ in range(6):
        street.tell()
        street.pass_time(timedelta(hours=5))
    assert not street.waiting()
    by_object: dict[str, list[str]] = {}
    for one in street.receiver.taken():
        by_object.setdefault(one.about, []).append(one.said["type"])
    orders = [kinds for about, kinds in by_object.items() if about.startswith("ord_")]
    assert orders == [["order.placed", "order.shipped"]] * 5
    tried = [one.id for one in street.receiver.heard]
    assert len(tried) == 2 * len(set(tried))


def test_parallel_workers_never_have_two_messages_of_one_object_out(street: Street) -> None:
    street.listen(street.leader, "order.*")
    street.receiver.delay = 0.01
    order_ids = [street.shipped() for _ in range(6)]
    street.number_events()
    workers = [threading.Thread(target=street.tell) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert street.receiver.overlapped == []
    assert not street.waiting()
    for order_id in order_ids:
        about = outside("ord", order_id)
        kinds = [one.said["type"] for one in street.receiver.heard if one.about == about]
        assert kinds == ["order.placed", "order.shipped"]


def test_pauses_grow_to_four_hours() -> None:
    spans = [telling.pause(attempt).total_seconds() for attempt in range(1, 12)]
    assert spans[:4] == [5, 15, 45, 135]
    assert spans[-1] == 4 * 3600
    assert telling.pause(10_000) == timedelta(hours=4)


def test_a_message_is_tried_for_a_day_and_then_the_endpoint_counts_as_failing(
    street: Street,
) -> None:
    street.listen(street.leader, "order.*")
    street.receiver.answer = lambda _: 500
    goods = street.market.offer()
    street.placed(goods.sku)
    street.tell()
    assert street.row().failing_since is not None
    begun = clock.now()
    passed = timedelta(0)
    while waiting := street.waiting():
        assert street.row().state == "active"
        step = max(waiting[0].due_at, street.row().paused_until or begun) - clock.now()
        street.pass_time(step)
        passed += step
        street.tell()
        assert passed < timedelta(hours=25)
    assert passed > timedelta(hours=23, minutes=59)
    assert street.row().state == "failing"
    with street.market.db.as_system() as session:
        (case,) = exceptions.waiting(
            session, street.market.desk, clock.now(), kind="webhook_failing"
        )
    assert case["about"] == ("whk", street.number)
    assert "HTTP 500" in case["detail"]


def test_an_endpoint_that_takes_a_message_again_is_no_exception_any_more(street: Street) -> None:
    test_a_message_is_tried_for_a_day_and_then_the_endpoint_counts_as_failing(street)
    street.receiver.answer = lambda _: 200
    street.pass_time(timedelta(hours=1))
    street.shipped()
    street.tell()
    assert (street.row().state, street.row().failures) == ("active", 0)
    with street.market.db.as_system() as session:
        assert (
            exceptions.waiting(session, street.market.desk, clock.now(), kind="webhook_failing")
            == []
        )
    _what_was_given_up_is_named_until_a_replay_tells_it_again(street)


def _what_was_given_up_is_named_until_a_replay_tells_it_again(street: Street) -> None:
    name = outside("whk", street.number)

    def missed(after: str | None = None) -> Any:
        with street.market.db.as_system() as session:
            if after is not None:
                hooks.replay(session, street.readers, street.leader, name, after, clock.now())
            return hooks.get(session, street.leader, name)["missed"]

    told = missed()
    assert told["messages"] == 1
    assert missed("latest") == told  # it tells nothing of that again
    street.receiver.heard.clear()
    assert missed(told["after"]) is None
    street.tell()
    kinds = [one.said["type"] for one in street.receiver.taken()]
    assert kinds == ["order.placed", "order.placed", "order.shipped"]


def test_an_endpoint_that_fails_for_days_is_disabled_and_goes_on_when_resumed(
    street: Street,
) -> None:
    made = street.listen(street.leader, "order.*")
    test = street.receiver
    test.answer = lambda _: 500
    order_id = street.shipped()
    for _ in range(30):
        street.tell()
        street.pass_time(timedelta(hours=13))
        if street.row().state == "disabled":
            break
        street.shipped()
    assert street.row().state == "disabled"
    street.shipped()
    before = len(test.heard)
    street.tell()
    assert len(test.heard) == before
    test.answer = lambda _: 200
    with street.market.db.as_system() as session:
        hooks.resume(session, street.leader, made["id"], clock.now())
    street.tell()
    assert street.row().state == "active"
    assert not street.waiting()
    with street.market.db.as_system() as session:  # what was given up is told by a replay
        hooks.replay(session, street.readers, street.leader, made["id"], "0", clock.now())
    street.tell()
    taken = [one for one in test.taken() if one.about == outside("ord", order_id)]
    assert [one.said["type"] for one in taken][-2:] == ["order.placed", "order.shipped"]


def test_an_endpoint_that_is_gone_is_disabled_at_once(street: Street) -> None:
    street.listen(street.leader, "order.*")
    street.receiver.answer = lambda _: 410
    street.shipped()
    street.tell()
    assert street.row().state == "disabled"
    assert street.waiting()


def test_a_failing_endpoint_rests_instead_of_being_hurried(street: Street) -> None:
    street.listen(street.leader, "order.*")
    street.receiver.answer = lambda _: 500
    for _ in range(12):
        goods = street.market.offer()
        street.placed(goods.sku)
    street.tell()
    assert len(street.receiver.heard) < 12
    assert street.due() == []
    assert street.due(timedelta(hours=1)) == [street.number]


def test_an_endpoint_that_asks_for_a_pause_is_left_alone_for_so_long(street: Street) -> None:
    street.listen(street.leader, "order.*")
    street.receiver.answer = lambda _: 429
    street.receiver.more = {"retry-after": "600"}
    goods = street.market.offer()
    for _ in range(9):
        street.placed(goods.sku)
    street.tell()
    assert len(street.receiver.heard) <= OF_ENDPOINT
    assert street.due(timedelta(seconds=590)) == []
    assert street.due(timedelta(seconds=601)) == [street.number]


def test_a_redirect_is_not_followed(street: Street) -> None:
    street.listen(street.leader, "order.*")
    street.receiver.answer = lambda _: 302
    street.receiver.more = {"location": street.receiver.url}
    street.shipped()
    street.tell()
    assert len(street.receiver.heard) == 1
    assert "redirects are not followed" in str(street.row().failure)


def test_what_was_told_is_told_again_from_any_cursor_under_the_same_ids(street: Street) -> None:
    made = street.listen(street.leader, "order.*", "parcel.*")
    street.shipped()
    street.tell()
    middle = street.row(made["id"])
    cursor = str(Cursor(middle.told_events, middle.told_changes))
    street.shipped()
    street.tell()
    first = [one.id for one in street.receiver.heard]
    street.receiver.heard.clear()
    with street.market.db.as_system() as session:
        hooks.replay(session, street.readers, street.leader, made["id"], cursor, clock.now())
    street.tell()
    again = [one.id for one in street.receiver.heard]
    assert sorted(again) == sorted(first[3:])


def test_a_replay_ahead_of_what_was_told_skips_nothing(street: Street) -> None:
    made = street.listen(street.leader, "order.*")
    street.shipped()
    street.number_events()
    with street.market.db.as_system() as session:
        hooks.replay(session, street.readers, street.leader, made["id"], "latest", clock.now())
    street.tell()
    assert len(street.receiver.heard) == 2


def test_what_is_out_at_a_replay_is_told_again_and_in_order(street: Street) -> None:
    made = street.listen(street.leader, "order.*")
    street.shipped()
    street.number_events()
    desk = street.market.desk
    with street.market.db.as_system() as session:
        telling.spread(session, street.readers, street.number, clock.now())
        first = telling.claim(session, desk, street.number, clock.now())
        assert first is not None
        telling.settle(session, first, telling.Outcome(), clock.now())
        out = telling.claim(session, desk, street.number, clock.now())
        assert out is not None
    with street.market.db.as_system() as session:
        hooks.replay(session, street.readers, street.leader, made["id"], "0", clock.now())
    street.tell()
    assert street.receiver.heard == []  # nothing of this object while one of it is out
    with street.market.db.as_system() as session:
        telling.settle(session, out, telling.Outcome(), clock.now())
    street.pass_time(telling.LEASE)
    street.tell()
    assert [one.said["type"] for one in street.receiver.heard] == ["order.placed", "order.shipped"]


def test_an_endpoint_resumed_after_a_month_is_told_all_that_is_kept(street: Street) -> None:
    street.listen(street.leader, "order.*")
    goods = street.market.offer()
    orders = [street.placed(goods.sku) for _ in range(3)]
    street.number_events()
    first, second = (one.at for one in street.page(street.leader).items[:2])
    late = first + (second - first) / 2 + event_feed.KEPT
    with street.market.db.as_system() as session:
        assert telling.spread(session, street.readers, street.number, late) is True
    with street.market.db.as_system() as session:
        telling.spread(session, street.readers, street.number, late)
    assert {one.about for one in street.waiting()} == {outside("ord", one) for one in orders[1:]}


def test_a_cursor_older_than_thirty_days_has_expired(street: Street) -> None:
    street.shipped()
    street.number_events()
    with street.market.db.as_system() as session:
        late = clock.now() + timedelta(days=31)
        row = session.get_one(Party, street.leader)
        with pytest.raises(Problem) as caught:
            event_feed.page(session, street.readers, row, Cursor(0, 0), 10, late)
        assert (caught.value.status, caught.value.code) == (410, "cursor_expired")
        assert events.prune(session, late) == 1
    with pytest.raises(Problem, match="older than 30 days"):
        street.page(street.leader)
    with street.market.db.as_system() as session:
        newest = event_feed.cursor(session, "latest")
    assert street.page(street.leader, newest).items == []


def test_while_a_secret_changes_all_sign_for_a_day(street: Street) -> None:
    made = street.listen(street.leader, "order.*")
    known = [made["secret"]]
    with street.market.db.as_system() as session:
        desk, now = street.market.desk, clock.now()
        for _ in range(4):  # whoever got no answer asks again, and knows the first one only
            known.append(hooks.rotate(session, desk, street.leader, made["id"], now)["secret"])
        with pytest.raises(Problem, match="sign as well"):
            hooks.rotate(session, desk, street.leader, made["id"], now)
    goods = street.market.offer()
    street.placed(goods.sku)
    street.tell()
    (one,) = street.receiver.heard
    assert all(verified(secret, one.headers, one.body) for secret in known)
    fresh = known[-1]
    street.pass_time(timedelta(days=1, minutes=1))
    street.placed(goods.sku)
    street.tell()
    last = street.receiver.heard[-1]
    assert verified(fresh, last.headers, last.body)
    assert not verified(made["secret"], last.headers, last.body)


def test_secrets_are_kept_sealed(street: Street) -> None:
    made = street.listen(street.leader, "order.*")
    assert made["secret"].encode() not in street.row().secret
    with street.market.db.as_system() as session:
        assert "secret" not in hooks.get(session, street.leader, made["id"])


def test_a_message_whose_worker_died_is_sent_again_and_holds_its_object(street: Street) -> None:
    street.listen(street.leader, "order.*")
    street.shipped()
    street.number_events()
    with street.market.db.as_system() as session:
        telling.spread(session, street.readers, street.number, clock.now())
    with street.market.db.as_system() as session:
        lost = telling.claim(session, street.market.desk, street.number, clock.now())
    assert lost is not None
    street.tell()
    assert street.receiver.heard == []  # nothing of this object while it may be out
    street.pass_time(telling.LEASE)
    street.tell()
    assert [one.said["type"] for one in street.receiver.heard] == ["order.placed", "order.shipped"]
    outcome = telling.Outcome("too late")
    with street.market.db.as_system() as session:  # and whoever comes back late changes nothing
        telling.settle(session, lost, outcome, clock.now())
    assert not street.waiting()


def test_a_party_that_is_closed_is_told_nothing(street: Street) -> None:
    street.listen(street.leader, "order.*")
    street.shipped()
    with street.market.db.as_system() as session:
        session.get_one(Party, street.leader).active = False
    street.tell()
    assert street.receiver.heard == []


def test_an_endpoint_that_is_removed_leaves_no_messages(street: Street) -> None:
    made = street.listen(street.leader, "order.*")
    street.receiver.answer = lambda _: 500
    street.shipped()
    street.tell()
    with street.market.db.as_system() as session:
        hooks.remove(session, street.leader, made["id"])
    assert not street.waiting()


def test_events_are_numbered_once_they_are_committed(street: Street) -> None:
    db = street.market.db
    when: datetime = clock.now()
    with db.as_system() as slow:
        slow.execute(
            text("INSERT INTO events (kind, about, data, at) VALUES ('order.x', 'a', '{}', :at)"),
            {"at": when},
        )
        with db.as_system() as fast:
            fast.execute(
                text("INSERT INTO events (kind, about, data, at) VALUES ('order.x','b','{}',:at)"),
                {"at": when},
            )
        assert street.number_events() == 1
    assert street.number_events() == 1
    with db.as_system() as session:
        found = session.execute(text("SELECT about FROM events ORDER BY seq")).scalars().all()
    assert found == ["b", "a"]
