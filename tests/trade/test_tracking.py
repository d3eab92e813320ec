"""Parcels on their way: carriers by any name, news in any order, arrival by units, stuck parcels,
orders that are over."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from connectors.jd_vop.source import VopSource
from connectors.trading import TrackEvent
from kit.db import Database
from kit.errors import Problem
from tests.stage import Stage
from tests.trade.market import NOW, Market, make_desk
from tests.trade.test_claims import approve, claim, refuse
from tests.trade.test_following import follow, ref
from tests.trade.test_following import jd as jd
from tests.trade.test_following import order as order
from tests.trade.test_supplier_door import TEAHOUSE, Shop
from trade import exceptions, order_views
from trade.desk import SourceTerms, TrackingTerms
from trade.invariants import violations
from trade.models import Order, Parcel
from trade.parcels import carriers, parcel_news, shipping, tracking
from trade.parcels.shipping import Shipment
from trade.states import Units, order_status

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STORY = (
    (0, "【深圳市】快件已揽收", "collected"),
    (5, "快件离开【深圳转运中心】", "in_transit"),
    (30, "派件中，派件员 李四 13800138001，请准备签收", "out_for_delivery"),
    (33, "已签收，签收人：王小明", "delivered"),
)


@pytest.fixture
def street(shared_database: Database) -> Market:
    """A market of many orders; each test looks at its own."""
    return Market(shared_database, make_desk())


def news(upto: int) -> list[TrackEvent]:
    return [TrackEvent(NOW + hours * HOUR, words) for hours, words, _ in STORY[:upto]]


def told(shop: Shop, upto: int, now: datetime = NOW + DAY, **more: Any) -> Parcel:
    """The carrier's story so far, in any order, with repetitions."""
    events = news(upto)[::-1] + news(upto)
    with shop.market.db.as_system() as session:
        row = session.get_one(Order, shop.order, with_for_update=True)
        own = select(Parcel).where(Parcel.order_id == shop.order).order_by(Parcel.id)
        parcel = session.scalars(own).first()
        assert parcel is not None
        named = {"delivered": False, "alone": True} | more
        tracking.record(session, row, parcel, events, now=now, **named)
    return parcel


def later(shop: Shop, moment: datetime) -> None:
    with shop.market.db.as_system() as session:
        while tracking.work_one(session, shop.market.desk, moment):
            session.flush()
        assert violations(session) == []


def waiting(shop: Shop, now: datetime) -> list[str]:
    """Kinds of exceptions about parcels of this order."""
    own = {purchase.id for purchase in shop.market.purchases(shop.order)}
    with shop.market.db.as_system() as session:
        cases = exceptions.waiting(session, shop.market.desk, now, kind="parcel_stuck")
        return [one["kind"] for one in cases if one["about"][1] in own]


@pytest.mark.parametrize("name", ["顺丰", "顺丰速运（集团）", "SF", "顺丰速运有限公司", "shunfeng"])
def test_a_carrier_is_known_by_any_of_its_names(name: str) -> None:
    assert carriers.code(name.replace("（集团）", "")) == "sf"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("POSTB", "chinapost"), ("HTKY", "best"), ("TTKDEX", "tiantian"), ("京东配送", "jd"),
        ("2608021499_235", "ane"), ("圆通速递股份有限公司", "yto"), ("极兔速递", "jt"),
    ],
)  # fmt: skip
def test_platforms_codes_are_the_same_carriers(name: str, code: str) -> None:
    assert carriers.code(name) == code
    assert carriers.code(carriers.name(code)) == code


def test_no_name_means_two_carriers() -> None:
    names = [name for code, names in carriers.NAMES.items() for name in {code, *names}]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("carrier", "number", "code"),
    [("中通", "SF1234567890123", "carrier_differs"), ("顺丰", "13800138000", "telephone")],
)
def test_a_number_that_is_another_carriers_or_a_telephone_is_refused(
    street: Market, carrier: str, number: str, code: str
) -> None:
    shop = Shop(street)
    with pytest.raises(Problem) as caught, street.db.as_system() as session:
        shipping.ship(session, TEAHOUSE, Shipment(shop.name, carrier, number), NOW)
    assert caught.value.errors[0].code == code
    assert shipping.waybill(carrier, number, trusted=True)  # what a platform tells is as it is


@pytest.mark.parametrize(("words", "state"), [(words, state) for _, words, state in STORY])
def test_news_are_read_into_states(words: str, state: str) -> None:
    assert parcel_news.state(words) == state


def test_news_name_neither_people_nor_platforms() -> None:
    words = "您的京东订单已签收，签收人：王小明，电话 13800138001，感谢使用1688"
    assert parcel_news.told(words) == "您的订单已签收，签收人：***，电话 138****8001，感谢使用"
    said = "尊敬的王小明先生，已由【张三】签收，电话138-0013-8001"
    assert parcel_news.told(said) == "尊敬的***先生，已由【***】签收，电话138****8001"
    assert parcel_news.state(said) == "delivered"
    assert parcel_news.told("已由丰巢柜代收") == "已由丰巢柜代收"


TURNED = ((0, "已揽收"), (5, "客户拒收，快件退回中"), (20, "派件中"), (30, "已签收"))


def test_what_is_signed_for_on_its_way_back_has_not_arrived() -> None:
    story = [TrackEvent(NOW + hours * HOUR, words) for hours, words in TURNED]
    back = [one.state for one in parcel_news.read(story)]
    assert back == ["collected", "returned", "returned", "returned"]
    story.insert(2, TrackEvent(NOW + 6 * HOUR, "已取消退回，重新派送"))
    assert [one.state for one in parcel_news.read(story)][-2:] == ["out_for_delivery", "delivered"]


def test_what_might_be_sent_back_is_not_on_its_way_back() -> None:
    assert parcel_news.state("已签收，如需退回请联系快递员") == "delivered"


def test_a_parcel_that_went_back_never_counts_as_arrived_and_may_be_claimed(
    street: Market,
) -> None:
    shop = Shop(street)
    shop.ship("SF1234567890")
    for upto in (2, 4):
        with street.db.as_system() as session:
            row = session.get_one(Order, shop.order, with_for_update=True)
            parcel = session.scalars(select(Parcel).where(Parcel.order_id == shop.order)).one()
            heard = [TrackEvent(NOW + hours * HOUR, words) for hours, words in TURNED[:upto]]
            tracking.record(
                session, row, parcel, heard[-2:], delivered=False, alone=True, now=NOW + 2 * DAY
            )
    later(shop, NOW + 60 * DAY)
    seen = shop.seen()
    assert (seen["parcels"][0]["status"], seen["lines"][0]["delivered"]) == ("returned", 0)
    assert [one["kind"] for one in seen["timeline"]].count("parcel_returned") == 1
    assert waiting(shop, NOW + 60 * DAY) == ["parcel_stuck"]
    approve(shop, claim(shop, 3, reason="拒收", now=NOW + 35 * DAY))
    assert waiting(shop, NOW + 60 * DAY) == []  # nothing is at stake any more


def test_a_carriers_clock_that_is_ahead_keeps_no_later_news_back(street: Market) -> None:
    shop = Shop(street)
    shop.ship("SF1234567890")
    parcel = told(shop, 2, now=NOW + HOUR)
    assert parcel.last_event_at == NOW + HOUR
    told(shop, 1, now=NOW + 3 * HOUR)
    assert told(shop, 3, now=NOW + 6 * HOUR).last_event_at == NOW + 6 * HOUR
    events = shop.seen()["parcels"][0]["events"]
    assert [one["at"] for one in events] == sorted(one["at"] for one in events)


def test_a_parcel_left_before_its_carrier_had_it(street: Market) -> None:
    shop = Shop(street)
    with street.db.as_system() as session:
        parcel = Shipment(shop.name, "顺丰", "SF1234567890")
        shipping.ship(session, shop.door, parcel, NOW + 2 * HOUR)
    told(shop, 1)
    events = shop.seen()["parcels"][0]["events"]
    assert [(one["kind"], one["at"]) for one in events] == [("shipped", NOW), ("collected", NOW)]


def test_news_come_in_any_order_and_are_kept_once(street: Market) -> None:
    shop = Shop(street)
    shop.ship("SF1234567890")
    for upto in (2, 1, 3, 3):
        told(shop, upto)
    (seen,) = shop.seen()["parcels"]
    assert [event["kind"] for event in seen["events"]] == [
        "shipped", "collected", "in_transit", "out_for_delivery",
    ]  # fmt: skip
    assert "13800138001" not in str(seen)
    assert (seen["status"], seen["delivered_at"]) == ("out_for_delivery", None)
    told(shop, 4, NOW + 2 * DAY)
    (seen,) = shop.seen()["parcels"]
    assert (seen["status"], seen["delivered_at"]) == ("delivered", NOW + 33 * HOUR)
    assert "王小明" not in str(seen)
    told(shop, 2)
    assert shop.seen()["status"] == "delivered"


def test_units_arrive_parcel_by_parcel(street: Market) -> None:
    shop = Shop(street)
    shop.ship("SF1234567890", {1: 1})
    told(shop, 4, NOW + 2 * DAY)
    view = shop.seen()
    assert (view["status"], view["lines"][0]["delivered"]) == ("partly_shipped", 1)
    shop.ship("SF1234567891")
    assert shop.seen()["status"] == "shipped"
    later(shop, NOW + 7 * DAY)  # nobody tells of the second
    view = shop.seen()
    assert (view["status"], view["lines"][0]["delivered"]) == ("delivered", 3)
    told_of = [event for event in view["timeline"] if event["kind"] == "parcel_delivered"]
    assert [event["detail"]["assumed"] for event in told_of] == [False, True]


def test_news_of_several_parcels_of_one_platform_order_make_none_of_them_arrive(
    street: Market,
) -> None:
    shop = Shop(street)
    shop.ship("SF1234567890")
    told(shop, 4, alone=False)
    assert shop.seen()["status"] == "shipped"
    told(shop, 4, alone=False, delivered=True)
    assert shop.seen()["status"] == "delivered"


def test_a_parcel_without_news_is_stuck_and_free_again_with_the_next(street: Market) -> None:
    desk = make_desk(tracking=TrackingTerms(moving_hours=10))
    shop = Shop(Market(street.db, desk))
    shop.ship("SF1234567890")
    later(shop, NOW + 3 * DAY)
    assert waiting(shop, NOW + 3 * DAY) == []  # nobody ever tells of it
    told(shop, 2)
    later(shop, NOW + 14 * HOUR)
    assert waiting(shop, NOW + 14 * HOUR) == []
    later(shop, NOW + 15 * HOUR)
    later(shop, NOW + 16 * HOUR)
    assert waiting(shop, NOW + 16 * HOUR) == ["parcel_stuck"]
    kinds = [event["kind"] for event in shop.seen()["timeline"]]
    assert kinds.count("parcel_stuck") == 1
    told(shop, 3)
    assert waiting(shop, NOW + 31 * HOUR) == []


def test_a_platforms_parcel_that_no_carrier_takes_is_stuck(street: Market) -> None:
    desk = make_desk(sources={"teahouse": SourceTerms(platform=True)})
    shop = Shop(Market(street.db, desk))
    shop.ship("SF1234567890")
    later(shop, NOW + 2 * DAY)
    assert waiting(shop, NOW + 2 * DAY) == ["parcel_stuck"]


def test_an_order_is_completed_when_nothing_of_it_may_be_claimed_any_more(street: Market) -> None:
    shop = Shop(street)
    shop.ship("SF1234567890")
    told(shop, 4, NOW + 2 * DAY)
    name = claim(shop, 1, now=NOW + 3 * DAY)
    later(shop, NOW + 20 * DAY)
    assert shop.seen()["status"] == "delivered"  # a claim is open
    refuse(shop, name)
    later(shop, NOW + 20 * DAY)
    assert shop.seen()["status"] == "completed"
    with pytest.raises(Problem) as caught:
        claim(shop, 1, now=NOW + 20 * DAY)
    assert caught.value.code == "too_late"


@pytest.mark.parametrize(
    ("units", "over", "status"),
    [
        ((2, 0, 1), "", "shipped"),
        ((2, 0, 2), "", "delivered"),
        ((1, 1, 1), "", "partly_cancelled"),
        ((1, 1, 1), "over", "completed"),
        ((2, 0, 2), "over", "completed"),
        ((1, 0, 1), "", "partly_shipped"),
    ],
)
def test_an_order_has_arrived_when_all_its_units_have(
    units: tuple[int, int, int], over: str, status: str
) -> None:
    shipped, cancelled, delivered = units
    lines = [Units(2, 0, shipped, cancelled, held=False, delivered=delivered)]
    assert order_status(lines, ["shipped"], completed=bool(over)) == status


def test_what_the_platform_says_of_a_parcel_becomes_the_leaders(
    market: Market, stage: Stage, jd: VopSource, order: int
) -> None:
    stage.act("jd", "ship", order=ref(stage), carrier="京东快递", number="JDVB000001")
    follow(market, jd)
    stage.act("jd", "deliver", order=ref(stage))
    follow(market, jd)
    follow(market, jd)
    with market.db.as_system() as session:
        row = session.get_one(Order, order)
        view = order_views.by_id(session, row.party_id, order)
        assert violations(session) == []
    assert view["status"] == "delivered"
    (parcel,) = view["parcels"]
    assert len(parcel["events"]) > 1
    assert "京东" not in str(view)


def test_cancelling_and_shipping_at_once_end_in_one_of_both(street: Market) -> None:
    """Whichever comes first: never both, never neither, and the money with it."""
    ended = set()
    for turn in range(6):
        shop = Shop(street, submit=turn % 2 == 1)

        def attempt(act: Any, *given: Any) -> str:
            try:
                act(*given)
            except Problem as problem:
                return problem.code
            return ""

        acts = [(shop.cancel,), (shop.ship, f"SF12345678{turn:02d}")]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda one: attempt(*one), acts if turn % 3 else acts[::-1]))
        view = shop.seen()
        assert view["status"] in ("cancelled", "shipped"), view["status"]
        assert (view["status"] == "shipped") == bool(view["parcels"])
        spent = 1499 if view["status"] == "shipped" else 0
        assert street.balance(f"wallet:{shop.leader}") == 10_000 - spent
        assert street.balance(f"held:{shop.leader}") == 0
        ended.add(view["status"])
    with street.db.as_system() as session:
        assert violations(session) == []
    assert ended
