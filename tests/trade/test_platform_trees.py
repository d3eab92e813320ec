"""What a platform's tree of orders makes of a purchase, whatever was split, cancelled or hidden."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from catalog import bundles
from connectors.trading import Part, Progress, SourceParcel
from kit.db import Database
from kit.ids import inside, outside
from tests.trade.market import NOW, Market, make_desk, submitted
from tests.trade.test_supplier_door import Shop
from trade import following
from trade.following import Due, Seen
from trade.invariants import violations
from trade.models import OrderEvent, OrderLine, Parcel, Purchase, Stray


@pytest.fixture
def market(shared_database: Database) -> Market:
    return Market(shared_database, make_desk())


@pytest.fixture
def shop(market: Market) -> Shop:
    """A submitted purchase of three at 3.33 with 5.00 freight."""
    return Shop(market)


def parcel(number: str) -> tuple[SourceParcel, ...]:
    return (SourceParcel("顺丰", number),)


def leaf(shop: Shop, ref: str, units: int, state: str = "open", number: str = "") -> Part:
    lines = ((shop.goods.external_id, units),) if units else ()
    return Part(f"{ref}{shop.order}", state, lines, parcel(number) if number else ())  # type: ignore[arg-type]


def told(shop: Shop, *parts: Part, kept: bool = False, cancel: str | None = None) -> Purchase:
    """The platform tells of these parts; books and units must add up."""
    with shop.market.db.as_system() as session:
        due = Due(inside("pur", shop.name), shop.order, shop.name, cancel, 1499)
        progress = Progress(shop.name, tuple(one.ref for one in parts), parts)
        seen = Seen(progress, kept=kept)
        following.write_down(session, due, seen, NOW)
        session.flush()
        assert violations(session) == []
        return session.get_one(Purchase, due.purchase_id)


def line(shop: Shop) -> OrderLine:
    with shop.market.db.as_system() as session:
        return session.scalars(select(OrderLine).where(OrderLine.order_id == shop.order)).one()


def kinds(shop: Shop) -> Sequence[str]:
    with shop.market.db.as_system() as session:
        return session.scalars(
            select(OrderEvent.kind).where(OrderEvent.order_id == shop.order)
        ).all()


def test_what_was_taken_back_while_nobody_heard_is_cancelled_and_not_bought_again(
    shop: Shop,
) -> None:
    shop.cancel()
    row = told(shop, leaf(shop, "P", 3, "cancelled"), kept=True, cancel="不要了")
    assert row.state == "cancelled"
    assert (line(shop).unrouted, line(shop).cancelled) == (0, 3)
    assert not {"cancel_too_late", "cancel_refused"} & set(kinds(shop))
    assert shop.market.balance(f"wallet:{shop.leader}") == 10_000


def test_of_a_cancellation_that_came_too_late_for_a_part_the_other_part_is_paid_back(
    shop: Shop,
) -> None:
    shop.cancel()
    parts = leaf(shop, "A", 1, "cancelled"), leaf(shop, "B", 2)
    row = told(shop, *parts, kept=True, cancel="不要了")
    assert (row.state, row.cancel_reason) == ("submitted", None)
    assert (line(shop).unrouted, line(shop).cancelled) == (0, 1)
    assert kinds(shop)[-2:] == ["cancelled", "cancel_refused"]


def test_a_single_leaf_ships_what_it_holds_and_no_more(shop: Shop) -> None:
    for _ in range(2):
        row = told(shop, leaf(shop, "A", 1, "shipped", "SF1234567890"))
        assert (row.state, line(shop).shipped) == ("partly_shipped", 1)
    both = (
        leaf(shop, "A", 1, "shipped", "SF1234567890"),
        leaf(shop, "B", 2, "shipped", "SF2234567890"),
    )
    assert told(shop, *both).state == "shipped"


def test_a_single_leaf_that_hides_its_goods_ships_all(shop: Shop) -> None:
    assert told(shop, leaf(shop, "A", 0, "shipped", "SF1234567890")).state == "shipped"


def test_units_of_a_cancelled_leaf_go_back_to_routing_while_others_of_their_sku_stay(
    shop: Shop,
) -> None:
    parts = leaf(shop, "A", 2), leaf(shop, "B", 1, "cancelled")
    for _ in range(2):
        row = told(shop, *parts)
        assert (row.state, line(shop).unrouted) == ("submitted", 1)
    sent = leaf(shop, "A", 2, "shipped", "SF1234567890"), parts[1]
    assert told(shop, *sent).state == "shipped"
    assert (line(shop).unrouted, line(shop).shipped) == (1, 2)


def test_what_a_leaf_that_hides_its_goods_may_hold_is_not_bought_again(shop: Shop) -> None:
    parts = leaf(shop, "A", 0), leaf(shop, "B", 1, "cancelled")
    for _ in range(2):
        row = told(shop, *parts)
        assert (row.state, line(shop).unrouted) == ("submitted", 1)


def test_leaves_in_one_waybill_are_one_parcel_and_each_unit_is_paid_once(shop: Shop) -> None:
    first = leaf(shop, "A", 1, "shipped", "SF1234567890")
    assert told(shop, first, leaf(shop, "B", 2)).state == "partly_shipped"
    for _ in range(2):
        assert told(shop, first, leaf(shop, "B", 2, "shipped", "SF1234567890")).state == "shipped"
    (parcel,) = shop.seen()["parcels"]
    assert parcel["lines"][0]["quantity"] == 3
    assert shop.posted("sales") == 1499


def test_a_parcel_goes_by_the_carrier_that_its_platform_told_last(shop: Shop) -> None:
    for carrier in ("中通", "顺丰", "顺丰"):
        sent = replace(leaf(shop, "A", 1, "shipped"), parcels=(SourceParcel(carrier, "SF123456"),))
        told(shop, sent, leaf(shop, "B", 2))
    assert [one["carrier"] for one in shop.seen()["parcels"]] == ["sf"]
    assert line(shop).shipped == 1
    assert kinds(shop).count("parcel_renumbered") == 1


def test_a_parcel_that_cannot_be_taken_keeps_no_other_back(shop: Shop) -> None:
    odd = (SourceParcel("某某快递", "SF1234567890"), SourceParcel("顺丰", "?"))
    parts = (
        replace(leaf(shop, "A", 1, "shipped"), parcels=odd),
        leaf(shop, "B", 2, "shipped", "sf 2234567890"),
    )
    row = told(shop, *parts)
    assert (row.state, line(shop).shipped) == ("partly_shipped", 2)
    assert row.failure is not None


def test_a_sku_on_two_lines_is_shipped_leaf_by_leaf(market: Market) -> None:
    """Two bundles of one unit and a unit by itself are bought as one offer."""
    shop = Shop(market, units=1)
    with market.db.as_system() as session:
        made = bundles.create(session, "礼盒", None, None, [])
        bundles.put(session, made, {shop.goods.sku_id: 1}, "", shop.leader)
    shop.order = market.place(shop.leader, (shop.goods.sku, 1), (outside("sku", made), 2))
    submitted(market)
    shop.name = outside("pur", market.purchases(shop.order)[0].id)
    parts = [leaf(shop, "A", 2, "shipped", "SF1234567890"), leaf(shop, "B", 1)]
    assert told(shop, *parts).state == "partly_shipped"
    parts[1] = leaf(shop, "B", 1, "shipped", "SF2234567890")
    for some in (parts, parts[::-1]):
        assert told(shop, *some).state == "shipped"
        numbers = [one["tracking_number"] for one in shop.seen()["parcels"]]
        assert numbers == ["SF1234567890", "SF2234567890"]


def test_a_parcel_is_watched_until_it_has_arrived(shop: Shop) -> None:
    due = leaf(shop, "A", 3, "shipped", "SF1234567890")
    row = told(shop, due)
    late = NOW + timedelta(days=20)

    def asked(moment: datetime) -> bool:
        with shop.market.db.as_system() as session:
            found = following.claim(session, "teahouse", moment)
            session.rollback()
        return row.id in [one.purchase_id for one in found]

    assert asked(late)
    assert not asked(NOW + timedelta(days=31))  # nothing was ever told of it
    told(shop, replace(due, state="delivered"))
    assert not asked(late)


def test_what_its_recipient_refused_goes_back_and_is_never_taken_to_have_arrived(
    shop: Shop,
) -> None:
    sent = leaf(shop, "A", 1, "shipped", "SF1234567890")
    others = leaf(shop, "B", 2, "shipped", "SF2234567890")
    told(shop, sent, others)
    for now_is in (replace(sent, state="refused"), leaf(shop, "A", 1, "cancelled")):
        told(shop, now_is, others)
        assert [one["status"] for one in shop.seen()["parcels"]] == ["returned", "shipped"]
    assert line(shop).unrouted == line(shop).cancelled == 0
    assert kinds(shop).count("parcel_returned") == 1


def test_what_was_to_be_cancelled_is_bought_nowhere_else_when_its_source_gives_up_later(
    shop: Shop,
) -> None:
    shop.cancel()
    assert told(shop, leaf(shop, "A", 3), kept=True, cancel="不要了").cancel_reason is None
    told(shop, leaf(shop, "A", 2), leaf(shop, "B", 1, "cancelled"))
    assert (line(shop).unrouted, line(shop).cancelled) == (0, 1)
    assert told(shop, leaf(shop, "A", 2, "cancelled")).state == "cancelled"
    assert kinds(shop)[-2:] == ["cancelled", "cancelled"]
    assert shop.market.balance(f"wallet:{shop.leader}") == 10_000


def test_what_left_anyway_keeps_its_parcel_beside_others_and_is_followed_by_its_new_number(
    shop: Shop,
) -> None:
    sent = leaf(shop, "A", 1, "shipped", "SF1234567890")
    for number in ("SF2234567890", "SF2234567890", "SF3234567890", "SF3234567890"):
        told(shop, sent, leaf(shop, "B", 2, "cancelled", number))
        with shop.market.db.as_system() as session:
            parcels = session.execute(
                select(Parcel.tracking_number, Stray.quantity)
                .outerjoin(Stray, Stray.parcel_id == Parcel.id)
                .where(Parcel.order_id == shop.order)
                .order_by(Parcel.id)
            ).all()
        assert parcels == [("SF1234567890", None), (number, 2)]
    assert kinds(shop).count("parcel_renumbered") == kinds(shop).count("left_anyway") == 1
