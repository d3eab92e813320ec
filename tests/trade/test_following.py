"""From a purchase at JD to a parcel at the leader's: the platform's truth becomes ours."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select, text

from connectors.jd_vop.source import VopSource
from connectors.registry import open_source
from connectors.surroundings import Surroundings
from kit import clock
from kit.inbox import Inbox, receive
from sandbox.jd.gate import APPS, PASSWORD, USER
from tests.stage import Stage
from tests.trade.market import JD_FREIGHT, Market, make_desk
from trade import cancelling, following, submit
from trade.desk import SourceTerms
from trade.invariants import violations
from trade.models import Order, OrderEvent, Parcel, ParcelLine, Purchase
from trade.settling import reconciling


@pytest.fixture
def market(market: Market) -> Market:
    """A platform takes a purchase at once; nobody exports it."""
    return replace(market, desk=make_desk(sources={"jd-vop": SourceTerms(accept="manual")}))


@pytest.fixture
def jd(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[VopSource]:
    secrets = ("VOPCLIENT8", APPS["VOPCLIENT8"], USER, PASSWORD)
    names = ("client_id", "client_secret", "username", "password")
    for name, secret in zip(names, secrets, strict=True):
        monkeypatch.setenv(f"F_{name}", secret)
    config: dict[str, Any] = {
        "kind": "jd_vop",
        "base_url": f"{stage.url}/jd",
        "calls_per_second": 5000,
        **{name: f"env:F_{name}" for name in names},
    }
    source = open_source("jd-vop", config, Surroundings(sleep=lambda _: None))
    assert isinstance(source, VopSource)
    yield source
    source.close()


@pytest.fixture
def order(market: Market, stage: Stage, jd: VopSource) -> int:
    """Two SKUs, three pieces each, bought and confirmed at JD."""
    offers = []
    for sku in stage.act("jd", "skus")[:2]:
        key = stage.act("jd", "good", sku=sku)["key"]
        stage.post("goods", platform="jd", key=key, stock=30, price=2000)
        offers.append(
            market.offer(source="jd-vop", external_id=str(sku), cost="20.00", freight=JD_FREIGHT)
        )
    leader = market.party(money=100_000)
    placed = market.place(leader, *((offer.sku, 3) for offer in offers))
    submit.drain(market.db, market.desk, "jd-vop", lambda _: jd, _soon())
    assert stage.orders("jd")[0]["state"] == "confirmed"
    return placed


def _soon() -> Any:
    return clock.now() + timedelta(seconds=20)


def follow(market: Market, jd: VopSource) -> Purchase:
    """Time passes, and JD is asked; the one purchase as it is then."""
    with market.db.as_system() as session:
        session.execute(text("UPDATE purchases SET due_at = '2020-01-01Z'"))
        assert following.due(session, clock.now()) in (["jd-vop"], [])
    following.drain(market.db, "jd-vop", lambda _: jd, _soon())
    with market.db.as_system() as session:
        return session.scalars(select(Purchase)).one()


def parcels(market: Market) -> dict[str, str]:
    with market.db.as_system() as session:
        return {row.tracking_number: row.carrier for row in session.scalars(select(Parcel))}


def ref(stage: Stage) -> str:
    return str(stage.orders("jd")[0]["our_ref"])


def test_a_parcel_of_the_platform_is_shipped_once(
    market: Market, stage: Stage, jd: VopSource, order: int
) -> None:
    assert follow(market, jd).state == "accepted"
    stage.act("jd", "ship", order=ref(stage), carrier="京东快递", number="JDVB000001")
    for _ in range(2):
        assert follow(market, jd).state == "shipped"
    assert parcels(market) == {"JDVB000001": "jd"}


def test_a_changed_number_replaces_the_former(
    market: Market, stage: Stage, jd: VopSource, order: int
) -> None:
    stage.act("jd", "ship", order=ref(stage), carrier="京东快递", number="JDVB000001")
    stage.act("jd", "ship", order=ref(stage), carrier="京东快递", number="JDVB000002")
    follow(market, jd)
    assert set(parcels(market)) == {"JDVB000001", "JDVB000002"}
    stage.act("jd", "renumber", order=ref(stage), number="JDVB000003")
    follow(market, jd)
    assert set(parcels(market)) == {"JDVB000001", "JDVB000003"}


def test_children_of_repeated_splits_ship_their_own_lines(
    market: Market, stage: Stage, jd: VopSource, order: int
) -> None:
    first = stage.act("jd", "split", order=ref(stage))
    follow(market, jd)
    leaves = stage.act("jd", "split", order=ref(stage))
    purchase = follow(market, jd)
    root = stage.orders("jd")[0]["id"]
    assert purchase.external_refs == [root, *map(str, leaves)]
    assert str(first[0]) not in purchase.external_refs
    for number, leaf in enumerate(leaves):
        stage.act("jd", "ship", order=leaf, carrier="京东快递", number=f"JDVB00000{number}")
        state = follow(market, jd).state
        assert state == ("shipped" if number == len(leaves) - 1 else "partly_shipped")
    assert len(parcels(market)) == len(leaves)


@pytest.mark.parametrize("number", ["JDVB000000", "JDVB000009"])
def test_parcels_that_jd_merges_into_one_number_are_one(
    market: Market, stage: Stage, jd: VopSource, order: int, number: str
) -> None:
    leaves = stage.act("jd", "split", order=ref(stage))
    for at, leaf in enumerate(leaves):
        stage.act("jd", "ship", order=leaf, carrier="京东快递", number=f"JDVB00000{at}")
    follow(market, jd)
    for leaf in leaves:
        stage.act("jd", "renumber", order=leaf, number=number)
    for _ in range(2):
        follow(market, jd)
        assert set(parcels(market)) == {number}
    with market.db.as_system() as session:
        assert session.scalar(select(func.sum(ParcelLine.quantity))) == 6
        told = session.scalars(select(OrderEvent).where(OrderEvent.kind == "parcel_merged")).all()
        assert [one.detail["was"] for one in told if one.detail] == ["JDVB000001"]
        today = clock.now().astimezone(clock.SHANGHAI).date()
        ours = reconciling.reconcile(session, "jd-vop", today, None)
        assert (ours.parcels, ours.units, ours.amount, ours.findings) == (1, 6, 12_000, [])
    stage.act("jd", "renumber", order=leaves[1], number="JDVB000004")
    follow(market, jd)
    for leaf in leaves:
        stage.act("jd", "deliver", order=leaf)
    follow(market, jd)
    assert set(parcels(market)) == {number, "JDVB000004"}
    with market.db.as_system() as session:
        assert session.scalars(select(Parcel.state).distinct()).all() == ["delivered"]
        assert session.get_one(Order, order).status == "delivered"
        assert violations(session) == []


def test_what_the_platform_cancels_goes_back_to_routing(
    market: Market, stage: Stage, jd: VopSource, order: int
) -> None:
    stage.act("jd", "cancel", order=ref(stage))
    assert follow(market, jd).state == "refused"


def test_a_cancellation_is_asked_of_the_platform_and_never_assumed(
    market: Market, stage: Stage, jd: VopSource, order: int
) -> None:
    with market.db.as_system() as session:
        party = session.scalars(select(Purchase.party_id)).one()
        cancelling.cancel(session, party, order, "changed her mind", clock.now())
    purchase = follow(market, jd)  # JD takes back no purchase that is confirmed
    assert purchase.state == "accepted"
    assert purchase.cancel_reason is None
    with market.db.as_system() as session:
        told = session.scalars(select(OrderEvent.kind)).all()
    assert "cancel_refused" in told


def test_a_cancellation_is_asked_at_once_also_while_the_platform_is_being_asked(
    market: Market, stage: Stage, jd: VopSource, order: int
) -> None:
    follow(market, jd)

    def cancel() -> None:
        with market.db.as_system() as session:
            party = session.scalars(select(Purchase.party_id)).one()
            cancelling.cancel(session, party, order, "changed her mind", clock.now())

    def due() -> list[str]:
        with market.db.as_system() as session:
            return following.due(session, clock.now())

    assert due() == []
    with market.db.as_system() as session:
        session.execute(text("UPDATE purchases SET due_at = '2020-01-01Z'"))
        (asked,) = following.claim(session, "jd-vop", clock.now())
    cancel()
    assert due() == ["jd-vop"]
    with market.db.as_system() as session:
        following.write_down(session, asked, following.look(jd, asked), clock.now())
    assert due() == ["jd-vop"]
    stage.fault("jd", "drop", "*cancel", times=9)
    following.drain(market.db, "jd-vop", lambda _: jd, _soon())
    with market.db.as_system() as session:
        assert following.due(session, clock.now() + following.CANCEL_AGAIN) == ["jd-vop"]


def test_what_failed_is_no_longer_told_once_the_platform_has_answered(
    market: Market, stage: Stage, jd: VopSource, order: int
) -> None:
    stage.fault("jd", "status", times=0)
    assert follow(market, jd).failure
    stage.calm()
    assert follow(market, jd).failure is None


def test_a_message_makes_its_purchase_due_and_may_come_too_early(
    market: Market, stage: Stage, jd: VopSource, order: int
) -> None:
    follow(market, jd)
    body = orjson.dumps({"topic": "parcel", "refs": [stage.orders("jd")[0]["id"]], "at": None})
    early = orjson.dumps({"topic": "order", "refs": ["404"], "at": None})
    with market.db.as_system() as session:
        receive(session, "messages:jd-vop", "m1", body)
        receive(session, "messages:jd-vop", "m2", early)
    stage.act("jd", "ship", order=ref(stage), carrier="京东快递", number="JDVB000001")
    following.drain(market.db, "jd-vop", lambda _: jd, _soon())
    assert set(parcels(market)) == {"JDVB000001"}
    with market.db.as_system() as session:
        waiting = session.scalars(select(Inbox.external_id).where(Inbox.handled_at.is_(None)))
        assert waiting.all() == ["m2"]
        later = clock.now() + following.UNMATCHED * 2
        following.hear(session, "jd-vop", later)
        assert session.scalars(select(Inbox).where(Inbox.handled_at.is_(None))).all() == []


def test_messages_about_others_orders_keep_none_of_ours_waiting(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "PAGE", 2)
    order = market.place(market.party(money=10_000), (market.offer(source="jd-vop").sku, 1))
    now = clock.now()
    with market.db.as_system() as session:
        (purchase,) = session.scalars(select(Purchase).where(Purchase.order_id == order))
        purchase.external_refs, purchase.due_at = ["77"], now + timedelta(days=1)
        for at in range(4):
            receive(session, "messages:jd-vop", f"m{at}", _message("404"))
        receive(session, "messages:jd-vop", "m5", _message("404", "77"))
    with market.db.as_system() as session:
        assert following.hear(session, "jd-vop", now) == 1
        session.expire_all()
        assert session.get_one(Purchase, purchase.id).due_at == now
        assert following.hear(session, "jd-vop", now) == 0


def test_messages_in_any_order_hold_no_purchase_while_they_wait_for_another(market: Market) -> None:
    """Whoever cancels an order locks its purchases one after the other."""
    skus = [market.offer(source="jd-vop", seller=seller).sku for seller in "ab"]
    order = market.place(market.party(money=10_000), *((sku, 1) for sku in skus))
    with market.db.as_system() as session:
        bought = session.scalars(
            select(Purchase).where(Purchase.order_id == order).order_by(Purchase.id)
        ).all()
        ids = [one.id for one in bought]
        for one in bought:
            one.external_refs = [f"p{one.id}"]
        for at, number in enumerate(reversed(ids)):
            receive(session, "messages:jd-vop", f"m{at}", _message(f"p{number}"))
    first, last = ids

    def heard() -> int:
        with market.db.as_system() as session:
            return following.hear(session, "jd-vop", clock.now())

    lock = text("SELECT FROM purchases WHERE id = :id FOR UPDATE NOWAIT")
    waits = text("""SELECT EXISTS (SELECT FROM pg_locks
        WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))""")
    with ThreadPoolExecutor(1) as pool, market.db.as_system() as session:
        session.execute(lock, {"id": first})
        hearing = pool.submit(heard)
        while not session.scalar(waits):
            assert not hearing.done()
        session.execute(lock, {"id": last})
        session.commit()
        assert hearing.result() == 2


def _message(*refs: str) -> bytes:
    return orjson.dumps({"topic": "order", "refs": refs, "at": None})


def test_a_platform_that_is_away_is_asked_again_later(
    market: Market, stage: Stage, jd: VopSource, order: int
) -> None:
    stage.fault("jd", "html", times=0)
    purchase = follow(market, jd)
    assert purchase.state == "accepted"
    assert purchase.due_at > clock.now()
    assert purchase.failure
    stage.calm()
    stage.act("jd", "ship", order=ref(stage), carrier="京东快递", number="JDVB000001")
    assert follow(market, jd).state == "shipped"
