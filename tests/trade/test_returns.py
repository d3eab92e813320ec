"""Claims that move goods: returns, exchanges, reissues, intercepts; rules, deadlines, secrecy."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from catalog.models import Offer
from kit.db import Database
from kit.errors import Problem
from kit.ids import inside, outside
from tests.trade.market import NOW, Market, make_desk, submitted
from tests.trade.test_claims import advance, approve, claim, code, refuse, seen
from tests.trade.test_supplier_door import Shop
from trade import exceptions
from trade.after_sales import (
    bearing,
    claim_answers,
    claim_deadlines,
    claim_views,
    claimable,
    claims,
)
from trade.after_sales.claim_states import CLOSED, MOVES, OPEN, STATES
from trade.after_sales.claimable import Bought
from trade.after_sales.eligibility import KINDS, RULES, Facts, objections
from trade.desk import ClaimTerms
from trade.models import Claim, ClaimLine, ClaimMove, Parcel, ParcelLine, PurchaseLine
from trade.parcels import tracking

HOUSE = "teahouse 退货组 13800138001 金华市某路 1 号"


@pytest.fixture
def market(shared_database: Database) -> Market:
    return Market(shared_database, make_desk())


@pytest.fixture
def shop(market: Market) -> Shop:
    """Three units of 3.33 and 5.00 freight, shipped and paid."""
    shop = Shop(market)
    shop.ship("SF1234567890")
    return shop


def send_back(shop: Shop, name: str, number: str = "ZT0000000001", now: datetime = NOW) -> None:
    with shop.market.db.as_system() as session:
        claims.send_back(session, shop.market.desk, shop.leader, name, "中通快递", number, now)


def received(shop: Shop, name: str) -> None:
    with shop.market.db.as_system() as session:
        claim_answers.received(session, shop.market.desk, shop.door, name, NOW)


def reissue(shop: Shop, name: str, number: str) -> None:
    with shop.market.db.as_system() as session:
        claim_answers.reissue(session, shop.market.desk, shop.door, name, "顺丰", number, NOW)


def silence(shop: Shop, now: datetime) -> None:
    """Nobody says anything until `now`."""
    with shop.market.db.as_system() as session:
        while claim_deadlines.work_one(session, shop.market.desk, now):
            continue


def refusal(act: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(Problem) as caught:
        act(*arguments, **named)
    return caught.value.code


def waiting(shop: Shop) -> list[str]:
    """Kinds of exceptions about this order."""
    with shop.market.db.as_system() as session:
        own = set(session.scalars(select(Claim.id).where(Claim.order_id == shop.order)))
        late = NOW + timedelta(days=99)
        cases = exceptions.waiting(session, shop.market.desk, late, kind="claim_unanswered")
        return [one["kind"] for one in cases if one["about"][1] in own]


def test_a_return_is_paid_when_its_goods_are_back_and_not_before(shop: Shop) -> None:
    name = claim(shop, 2, kind="return")
    assert refusal(send_back, shop, name) == "wrong_state"
    approve(shop, name, return_to=HOUSE)
    view = seen(shop, name)
    assert (view["status"], view["approved"]) == ("approved", "6.66")
    assert view["return_to"] == HOUSE.replace("teahouse", "供应商")
    assert shop.posted("sales") == 1499
    for _ in range(2):
        send_back(shop, name)
    send_back(shop, name, "ZT0000000002")
    assert seen(shop, name)["sent_back"] == {"carrier": "zto", "tracking_number": "ZT0000000002"}
    for _ in range(2):
        received(shop, name)
    assert seen(shop, name)["status"] == "refunded"
    assert (shop.posted("sales"), shop.posted("payable:teahouse")) == (1499 - 666, 1499 - 666)
    assert code(shop, 2) == "under_claim"  # one unit is left here
    assert claim(shop, 1)
    told = [event["kind"] for event in shop.seen()["timeline"]]
    assert told[-6:-1] == [
        "claim_approved", "goods_sent_back", "goods_sent_back", "goods_received", "refunded",
    ]  # fmt: skip


def test_goods_go_back_to_the_last_address_that_a_supplier_gave(market: Market) -> None:
    shop = Shop(market, source="silk")
    shop.ship("SF1234567890")
    first, second = claim(shop, 1, kind="return"), claim(shop, 1, kind="return")
    assert refusal(approve, shop, first) == "invalid"
    approve(shop, first, return_to=HOUSE)
    approve(shop, second)
    assert seen(shop, second)["return_to"] == seen(shop, first)["return_to"]


def test_an_exchange_sends_units_once_they_are_back_and_moves_no_money(shop: Shop) -> None:
    name = claim(shop, 2, kind="exchange")
    approve(shop, name, return_to=HOUSE)
    assert refusal(reissue, shop, name, "SF9000000001") == "wrong_state"
    send_back(shop, name)
    received(shop, name)
    assert seen(shop, name)["status"] == "received"
    for _ in range(2):
        reissue(shop, name, "SF9000000001")
    assert seen(shop, name)["reissued"] == {"carrier": "sf", "tracking_number": "SF9000000001"}
    assert shop.posted("sales") == shop.posted("payable:teahouse") == 1499
    order = shop.seen()
    assert [p["claim"] for p in order["parcels"]] == [None, name]
    assert order["lines"][0]["shipped"] == 3
    assert claim(shop, 3)  # the new units may be claimed like the old ones


def test_a_reissue_leaves_at_once_and_its_number_may_change(shop: Shop) -> None:
    name = claim(shop, 1, kind="reissue", reason="漏发")
    assert refusal(reissue, shop, name, "SF1234567890") == "invalid"  # the parcel itself
    reissue(shop, name, "SF9000000001")
    reissue(shop, name, "SF9000000002")
    assert seen(shop, name)["status"] == "reissued"
    assert [p["tracking_number"] for p in shop.seen()["parcels"]] == [
        "SF1234567890", "SF9000000002",
    ]  # fmt: skip
    with shop.market.db.as_system() as session:
        own = select(ParcelLine.quantity).join(Parcel, Parcel.id == ParcelLine.parcel_id)
        own = own.where(Parcel.order_id == shop.order).order_by(Parcel.id)
        assert session.scalars(own).all() == [3, 1]


def test_the_waybill_of_a_reissue_is_no_new_number_of_the_first_parcel(shop: Shop) -> None:
    reissue(shop, claim(shop, 1, kind="reissue"), "SF9000000001")
    shop.ship("SF9000000001")  # the supplier's sheet has it too
    shop.ship("SF1234567899")  # and this one corrects the first
    assert [p["tracking_number"] for p in shop.seen()["parcels"]] == [
        "SF1234567899", "SF9000000001",
    ]  # fmt: skip


def test_goods_that_came_back_wrong_may_be_refused_after_all(shop: Shop) -> None:
    name = claim(shop, 3, kind="return", reason="不喜欢")
    approve(shop, name, return_to=HOUSE)
    advance(shop, name, 500)
    send_back(shop, name)
    refuse(shop, name, "空包裹")
    view = seen(shop, name)
    assert (view["status"], view["answer"], view["approved"]) == ("refused", "空包裹", None)
    assert shop.market.balance(f"wallet:{shop.leader}") == 10_000 - 1499
    assert shop.posted("advances") == 0


def test_an_intercepted_parcel_turns_round_by_itself(shop: Shop) -> None:
    name = claim(shop, 3, kind="return", reason="拦截")
    approve(shop, name)  # without an address
    silence(shop, NOW + timedelta(days=9))
    assert seen(shop, name)["status"] == "approved"
    received(shop, name)
    assert shop.posted("sales") == 500
    assert code(shop, 1, kind="exchange", reason="intercept") == "intercept_kind"


# Silence


def upcoming(shop: Shop, name: str) -> str | None:
    """What its supplier is told of what silence means."""
    with shop.market.db.as_system() as session:
        told = claim_views.supplier_get(session, shop.market.desk, shop.door, name)
    return told["then"]  # type: ignore[no-any-return]


def test_silence_past_the_stated_time_is_consent(shop: Shop) -> None:
    name = claim(shop, 3)
    assert upcoming(shop, name) == "agreed"
    silence(shop, NOW + timedelta(hours=47))
    assert seen(shop, name)["status"] == "open"
    silence(shop, NOW + timedelta(hours=48))
    assert seen(shop, name)["status"] == "refunded"
    assert upcoming(shop, name) is None
    assert shop.posted("payable:teahouse") == 0
    with shop.market.db.as_system() as session:
        found = select(ClaimMove).where(ClaimMove.claim_id == inside("clm", name))
        moves = session.scalars(found.order_by(ClaimMove.id)).all()
    assert [move.event for move in moves] == ["open", "approve", "refund"]
    assert moves[1].detail == {"outcome": "silent", "amount": 999}


@pytest.mark.parametrize(
    ("terms", "kind"),
    [
        ({"when_silent": "escalate"}, "refund"),
        ({"silent_most": 998}, "refund"),
        ({}, "return"),  # nobody knows where to send it
        ({}, "exchange"),
        ({}, "reissue"),
    ],
)
def test_what_silence_cannot_agree_to_waits_for_an_operator(
    market: Market, terms: dict[str, Any], kind: str
) -> None:
    shop = Shop(Market(market.db, make_desk(claims=ClaimTerms(**terms))), source="paper")
    shop.ship("SF1234567890")
    name = claim(shop, 3, kind=kind)
    assert (waiting(shop), seen(shop, name)["escalated_at"]) == ([], None)
    assert upcoming(shop, name) == "operator"
    silence(shop, NOW + timedelta(hours=49))
    told = seen(shop, name)
    assert (told["status"], told["due_at"]) == ("open", None)
    assert told["escalated_at"] == NOW + timedelta(hours=49)
    assert upcoming(shop, name) == "operator"
    assert waiting(shop) == ["claim_unanswered"]
    refuse(shop, name)
    assert waiting(shop) == []


def test_a_platform_is_never_taken_to_have_agreed(shop: Shop) -> None:
    terms = shop.market.desk.terms("teahouse")
    desk = make_desk(sources={"teahouse": replace(terms, platform=True)})
    platform = Shop(Market(shop.market.db, desk))
    platform.ship("SF1234567891")
    name = claim(platform, 3)
    assert upcoming(platform, name) == "operator"
    silence(platform, NOW + timedelta(days=3))
    assert seen(platform, name)["status"] == "open"
    assert waiting(platform) == ["claim_unanswered"]


def test_a_return_that_is_not_sent_back_in_time_is_over(shop: Shop) -> None:
    name = claim(shop, 3, kind="return")
    approve(shop, name, return_to=HOUSE)
    advance(shop, name, 100)
    assert upcoming(shop, name) == "cancelled"
    silence(shop, NOW + timedelta(days=7))
    assert seen(shop, name)["status"] == "cancelled"
    assert shop.market.balance(f"wallet:{shop.leader}") == 10_000 - 1499
    assert claim(shop, 3)


def test_a_supplier_who_does_not_say_received_is_taken_to_have_it(shop: Shop) -> None:
    name = claim(shop, 3, kind="return")
    approve(shop, name, return_to=HOUSE)
    send_back(shop, name)
    assert upcoming(shop, name) == "received"
    silence(shop, NOW + timedelta(days=10))
    assert seen(shop, name)["status"] == "refunded"


def test_what_was_kept_back_of_returned_units_is_not_asked_for_others(shop: Shop) -> None:
    name = claim(shop, 2, 300, kind="return")
    assert code(shop, 1, 334) == "amount_too_high"
    approve(shop, name, 1, return_to=HOUSE)
    received(shop, name)
    approve(shop, claim(shop, 1))
    assert shop.seen()["lines"][0]["refunded"] == "3.34"
    assert code(shop, 1) == "already_refunded"  # the one unit that stays


def test_a_return_leaves_the_others_all_of_their_money(shop: Shop) -> None:
    approve(shop, claim(shop, 1, 200))
    name = claim(shop, 1, kind="return")
    approve(shop, name, return_to=HOUSE)
    received(shop, name)
    assert code(shop, 2, 467) == "amount_too_high"
    approve(shop, claim(shop, 2))
    assert shop.seen()["lines"][0]["refunded"] == "9.99"


def test_what_has_arrived_is_not_stopped_for_other_goods_that_still_move(market: Market) -> None:
    shop = Shop(market)
    other = market.offer(cost="6.67")
    shop.order = market.place(shop.leader, (shop.goods.sku, 1), (other.sku, 1))
    submitted(market)
    shop.name = outside("pur", market.purchases(shop.order)[0].id)
    shop.ship("SF1234567890", {1: 1})
    shop.ship("SF2234567890", {2: 1})
    with market.db.as_system() as session:
        own = select(Parcel.id).where(Parcel.tracking_number == "SF1234567890")
        arrived = session.scalars(own.where(Parcel.order_id == shop.order)).one()
        tracking.found_delivered(session, arrived, NOW)
    assert code(shop, 1, reason="拦截") == "delivered"
    shop.goods = other
    assert claim(shop, 1, reason="拦截")


# Rules


def facts(**fields: Any) -> Facts:
    whole: dict[str, Any] = {
        "kind": "return", "cause": "no_reason", "quantity": 1, "amount": None, "shipped": 3,
        "under_claim": 0, "returned": 0, "most": 333, "now": NOW, "until": NOW, "delivered": True,
        "returnable": None, "abroad": False,
    }  # fmt: skip
    return Facts(**whole | fields)


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        ({}, []),
        ({"shipped": 0, "until": None, "most": 0}, ["not_shipped"]),
        ({"quantity": 4}, ["not_shipped"]),
        ({"under_claim": 3}, ["under_claim"]),
        ({"returned": 3}, ["sent_back"]),
        ({"until": NOW - timedelta(seconds=1)}, ["too_late"]),
        ({"returnable": False}, ["not_returnable"]),
        ({"returnable": False, "cause": "damaged"}, []),
        ({"returnable": False, "kind": "refund"}, []),
        ({"abroad": True}, ["from_abroad"]),
        ({"abroad": True, "cause": "damaged"}, []),
        ({"abroad": True, "kind": "exchange", "cause": "damaged"}, ["from_abroad"]),
        ({"cause": "intercept"}, ["delivered"]),
        ({"cause": "intercept", "delivered": False}, []),
        ({"most": 0}, ["already_refunded"]),
        ({"most": 0, "kind": "reissue"}, []),  # it cost nothing
        ({"most": 0, "kind": "reissue", "paid_back": True}, ["already_refunded"]),
        ({"amount": 334}, ["amount_too_high"]),
        ({"amount": 0}, ["no_amount"]),
        ({"amount": 1, "kind": "exchange"}, ["no_amount"]),
    ],
)
def test_each_rule_objects_with_its_code(fields: dict[str, Any], codes: list[str]) -> None:
    assert [reason.code for reason in objections(facts(**fields))] == codes


def bought(
    line_id: int, units: int, refunded: int = 0, under_claim: int = 0, until: datetime = NOW
) -> Bought:
    line = PurchaseLine(
        id=line_id, shipped=units, captured=units * 1000, refunded=refunded, returned=0
    )
    pending = [ClaimLine(quantity=under_claim, asked=under_claim * 1000, refunded=0)]
    return Bought(line, pending, until, delivered=True, returnable=None, abroad=False)


@pytest.mark.parametrize(
    ("goods", "units", "chosen"),
    [
        ([bought(1, 1, refunded=1000), bought(2, 1)], 1, [(2, 1, 1000)]),
        ([bought(1, 1, refunded=500), bought(2, 1)], 1, [(2, 1, 1000)]),
        ([bought(1, 1, refunded=500), bought(2, 1)], 2, [(1, 1, 500), (2, 1, 1000)]),
        ([bought(1, 2, refunded=1000), bought(2, 1)], 2, [(1, 1, 1000), (2, 1, 1000)]),
        ([bought(1, 2, refunded=1000), bought(2, 1)], 3, [(1, 2, 1000), (2, 1, 1000)]),
        ([bought(1, 2, under_claim=1), bought(2, 1)], 2, [(1, 1, 1000), (2, 1, 1000)]),
        ([bought(1, 1, until=NOW - timedelta(1)), bought(2, 1)], 2, [(2, 1, 1000)]),
    ],
)
def test_units_whose_money_went_back_are_claimed_last(
    goods: list[Bought], units: int, chosen: list[tuple[int, int, int]]
) -> None:
    found = claimable.choose(goods, units, NOW)
    assert [(one.line.id, count, most) for one, count, most in found] == chosen


def test_the_end_of_claims_is_told_as_it_is_in_china() -> None:
    until = datetime(2026, 3, 1, 17, 30, tzinfo=UTC)
    (reason,) = objections(facts(until=until))
    assert "2026-03-02 01:30" in reason.message


def test_what_may_be_claimed_is_shown_before_it_is_asked(shop: Shop) -> None:
    claim(shop, 1)
    with shop.market.db.as_system() as session:
        own = Offer.id == shop.goods.offer_id
        session.execute(update(Offer).where(own).values(returnable=False))
        found = claimable.options(
            session, shop.market.desk, shop.leader, shop.order, "no_reason", NOW
        )
    shown = {one["kind"]: (one["quantity"], one["amount"], one["reasons"]) for one in found}
    assert shown["refund"] == (2, "6.66", [])
    assert shown["reissue"] == (2, "0.00", [])
    assert shown["return"][2][0]["code"] == shown["exchange"][2][0]["code"] == "not_returnable"
    assert code(shop, 1, kind="return", reason="无理由") == "not_returnable"
    assert claim(shop, 1, kind="return", reason="坏果")


@given(st.text(max_size=30))
def test_every_reason_has_a_cause(reason: str) -> None:
    assert bearing.cause_of(reason) in bearing.CAUSES


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("坏果 3 个", "spoiled"),
        ("收到就碎了", "damaged"),
        ("少件", "missing"),
        ("漏发", "missing"),
        ("瓶盖漏液", "damaged"),
        ("发错颜色", "wrong_goods"),
        ("7天无理由", "no_reason"),
        ("no-reason", "no_reason"),
        ("快递丢失", "lost"),
        ("杯子有裂痕", "damaged"),
        ("少了一包", "missing"),
        ("肉不新鲜", "spoiled"),
        ("型号不对", "wrong_goods"),
        ("想", "other"),
    ],
)
def test_reasons_are_read_as_people_write_them(reason: str, cause: str) -> None:
    assert bearing.cause_of(reason) == cause


def test_the_states_of_a_claim_are_one_table() -> None:
    assert {"refunded", "reissued", "refused", "cancelled"} == CLOSED
    assert OPEN < STATES
    assert {event for was, event in MOVES if was in CLOSED} == {"send_anyway"}  # see recalls
    assert len(RULES) == len(set(RULES))
    assert set(KINDS) == {"refund", "return", "exchange", "reissue"}
