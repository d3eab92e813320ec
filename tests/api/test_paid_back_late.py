"""What a seller at 1688 pays back of goods that have left, and that no claim of ours asked for, is
booked once and goes to the leader as with any other claim."""

import re
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from kit import clock, inbox
from tests.api.platforms import ALI, Trade
from tests.api.test_left_anyway import bought, followed, owed, there
from tests.api.test_paid_back_in_part import cancel, says, shipped, two
from trade import following
from trade.parcels import tracking


def booked(trade: Trade) -> None:
    """Twice, as workers do."""
    for _ in range(2):
        followed(trade, ALI)
        trade.claimed(ALI)


def kinds(trade: Trade) -> list[str]:
    return [one["kind"] for one in trade.shop.got("operator", "/v1/exceptions")["items"]]


def claims(trade: Trade) -> list[Any]:
    return list(trade.shop.got("leader", "/v1/claims")["items"])


def back(trade: Trade) -> list[str]:
    return sorted((x["refunded"] for one in claims(trade) for x in one["lines"]), key=float)


def by_hand(trade: Trade, fen: int, carriage: int = 0) -> None:
    """A person asks for money at 1688 itself, and its seller pays."""
    order = there(trade, ALI)
    trade.stage.act("ali1688", "refund_by_hand", order=order, fen=fen, carriage=carriage)


def stand(trade: Trade) -> tuple[list[str], str, bool]:
    return kinds(trade), owed(trade, ALI), trade.balanced()


def test_a_refund_that_is_agreed_to_after_the_goods_left_is_paid_once(trade: Trade) -> None:
    order, _ = bought(trade, ALI)
    trade.stage.post("clock", ahead=60)
    (refund,) = cancel(trade, order)
    shipped(trade)
    followed(trade, ALI)
    assert trade.told(order, "cancel_too_late")
    with trade.shop.db.as_system() as session:
        tracking.work_one(session, trade.shop.app.state.office.terms.desk, clock.now())
    assert stand(trade) == (["parcel_stuck"], "46.00", True)
    says(trade, refund, "refundsuccess")
    trade.stage.act("ali1688", "status", order=there(trade, ALI), status="terminated")
    booked(trade)
    (claim,) = claims(trade)
    assert (claim["kind"], claim["status"], back(trade)) == ("refund", "refunded", ["44.00"])
    assert re.search("1688|ali", str(claim)) is None
    (parcel,) = trade.seen(order)["parcels"]
    assert (parcel["status"], trade.told(order, "parcel_returned")) == ("collected", [])
    assert stand(trade) == (["freight_returned"], "6.00", True)


def test_what_is_paid_back_by_hand_is_paid_in_the_same_part_and_each_time(trade: Trade) -> None:
    two(trade)
    shipped(trade)
    followed(trade, ALI)
    by_hand(trade, 1002)
    booked(trade)
    assert (back(trade), stand(trade)) == (["5.51", "5.51"], ([], "37.98", True))
    by_hand(trade, 2998, 800)
    booked(trade)
    assert back(trade) == ["5.51", "5.51", "16.49", "16.49"]
    assert stand(trade) == (["freight_returned"], "8.00", True)


def test_a_refund_is_seen_behind_twenty_that_came_to_nothing(trade: Trade) -> None:
    bought(trade, ALI)
    shipped(trade)
    for _ in range(20):
        by_hand(trade, 100)
        says(trade, trade.stage.act("ali1688", "refunds")[-1], "refundclose")
    by_hand(trade, 1000)
    booked(trade)
    assert (back(trade), stand(trade)) == (["11.00"], ([], "36.00", True))


def test_what_comes_back_long_after_is_seen_by_its_message(trade: Trade) -> None:
    bought(trade, ALI)
    shipped(trade)
    trade.stage.act("ali1688", "status", order=there(trade, ALI), status="success")
    followed(trade, ALI)
    long_ago = clock.now() - timedelta(days=40)
    with trade.shop.db.as_system() as session:
        session.execute(text("UPDATE purchases SET updated_at = :then"), {"then": long_ago})
    by_hand(trade, 4000)
    followed(trade, ALI)
    assert claims(trade) == []
    with trade.shop.db.as_system() as session:
        told = b'{"topic": "order", "refs": ["%s"], "at": null}' % there(trade, ALI).encode()
        inbox.receive(session, f"messages:{ALI}", "m1", told)
        assert following.hear(session, ALI, clock.now()) == 1
    booked(trade)
    assert (back(trade), stand(trade)) == (["44.00"], ([], "6.00", True))


def test_money_for_what_the_house_has_paid_already_is_no_leaders(trade: Trade) -> None:
    order, goods = bought(trade, ALI)
    shipped(trade)
    trade.stage.act("ali1688", "status", order=there(trade, ALI), status="signinsuccess")
    followed(trade, ALI)
    asked = {"kind": "refund", "lines": [{"sku": goods.sku, "quantity": 2}], "reason": "质量问题"}
    asked["evidence"] = ["外箱破损，照片已交客服"]
    trade.shop.said("leader", f"/v1/orders/{order}/claims", asked, 201)
    for _ in range(3):
        trade.claimed(ALI)
    (case,) = trade.shop.got("operator", "/v1/exceptions?kind=claim_refused_by_source")["items"]
    trade.shop.said("operator", f"/v1/exceptions/{case['id']}/approve", {}, 200)
    assert (back(trade), stand(trade)) == (["44.00"], ([], "46.00", True))
    by_hand(trade, 4000)
    booked(trade)
    assert (back(trade), stand(trade)) == (["44.00"], ([], "6.00", True))


def test_what_is_paid_back_after_it_was_refused_is_the_leaders(trade: Trade) -> None:
    order, goods = bought(trade, ALI)
    shipped(trade)
    trade.stage.act("ali1688", "status", order=there(trade, ALI), status="signinsuccess")
    followed(trade, ALI)
    asked = {"kind": "refund", "lines": [{"sku": goods.sku, "quantity": 2}], "reason": "坏果"}
    trade.shop.said("leader", f"/v1/orders/{order}/claims", asked | {"evidence": ["照片"]}, 201)
    for _ in range(3):
        trade.claimed(ALI)
    (refund,) = trade.stage.act("ali1688", "refunds")
    for status, refunded in (("waitbuyermodify", ["0.00"]), ("refundsuccess", ["0.00", "44.00"])):
        says(trade, refund, status)
        with trade.shop.db.as_system() as session:
            session.execute(text("UPDATE platform_claims SET due_at = '2020-01-01Z'"))
        trade.claimed(ALI)
        booked(trade)
        assert back(trade) == refunded
    assert stand(trade) == ([], "6.00", True)
