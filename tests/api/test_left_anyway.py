"""Goods that leave although their source had taken them back: a case for a person at once, and
nobody is charged twice."""

from typing import Any

import pytest
from sqlalchemy import text

from kit import clock, inbox
from tests.api.platforms import ALI, JD, Trade
from tests.api.shop import SOURCE, Shop
from tests.trade.market import Goods
from trade import following, watching
from trade.invariants import violations
from trade.settling import payables, reconciling

NAMES = {JD: "jd", ALI: "ali1688"}


def due(trade: Trade) -> None:
    with trade.shop.db.as_system() as session:
        session.execute(text("UPDATE purchases SET due_at = '2020-01-01Z'"))


def followed(trade: Trade, source: str) -> None:
    due(trade)
    trade.followed(source)


def bought(trade: Trade, source: str, **fields: Any) -> tuple[str, Goods]:
    """Two at 20.00, confirmed at JD or paid at 1688."""
    goods = trade.goods(source, 2000, freight={"kind": "flat", "fee": "6.00"}, **fields)
    trade.stage.act(NAMES[source], "freight", fen=600)
    order = trade.ordered(goods, quantity=2)
    trade.worked(source)
    return order, goods


def there(trade: Trade, source: str) -> str:
    return str(trade.stage.orders(NAMES[source])[0]["id" if source == JD else "ref"])


def given_back(trade: Trade) -> str:
    """A leader cancels, and the seller at 1688 pays back."""
    order, _ = bought(trade, ALI)
    trade.stage.post("clock", ahead=60)
    trade.shop.said("leader", f"/v1/orders/{order}/cancel", {"reason": "不要了"}, 200)
    followed(trade, ALI)
    for refund in trade.stage.act("ali1688", "refunds"):
        trade.stage.act("ali1688", "refund", refund=refund["id"], status="refundsuccess")
    followed(trade, ALI)
    assert trade.seen(order)["status"] == "cancelled"
    return order


def cases(trade: Trade) -> list[Any]:
    return list(trade.shop.got("operator", "/v1/exceptions?kind=left_anyway")["items"])


def act(trade: Trade, action: str, status: int = 200, **body: Any) -> None:
    (case,) = cases(trade)
    trade.shop.said("operator", f"/v1/exceptions/{case['id']}/{action}", body, status)


def owed(trade: Trade, source: str) -> str:
    with trade.shop.db.as_system() as session:
        found = payables.listed(session, clock.now())
    return next((str(one["owed"]) for one in found if one["source"] == source), "0.00")


def test_what_1688_paid_back_and_sends_all_the_same_waits_for_a_person(trade: Trade) -> None:
    order = given_back(trade)
    money = trade.shop.got("leader", "/v1/wallet")
    assert money["held"] == "0.00"
    number = trade.stage.act("ali1688", "ship", order=there(trade, ALI))
    for _ in range(2):
        followed(trade, ALI)
    (case,) = cases(trade)
    assert (case["cause"]["code"], case["money"]) == ("cancelled", "46.00")
    assert case["actions"] == ["intercept", "accept", "dismiss"]
    assert f"with yto {number}, " in case["detail"]
    (told,) = trade.told(order, "left_anyway")
    assert (told["carrier"], told["tracking_number"]) == ("yto", number)
    assert [one["quantity"] for one in told["lines"]] == [2]
    seen = trade.seen(order)
    assert (seen["status"], seen["lines"][0]["cancelled"]) == ("cancelled", 2)
    assert [one["tracking_number"] for one in seen["parcels"]] == [number]
    assert trade.shop.got("leader", "/v1/wallet") == money
    act(trade, "intercept")
    assert cases(trade)[0]["actions"] == ["accept", "dismiss"]
    act(trade, "dismiss", 422)
    act(trade, "dismiss", reason="退回来了")
    assert (cases(trade), owed(trade, ALI), trade.balanced()) == ([], "0.00", True)


@pytest.mark.parametrize(("asked", "fen"), [({}, "46.00"), ({"amount": "40.00"}, "40.00")])
def test_what_its_source_asks_for_it_the_house_owes_and_no_leader(
    trade: Trade, asked: dict[str, str], fen: str
) -> None:
    given_back(trade)
    money = trade.shop.got("leader", "/v1/wallet")
    trade.stage.act("ali1688", "ship", order=there(trade, ALI))
    followed(trade, ALI)
    act(trade, "accept", **asked)
    assert (cases(trade), owed(trade, ALI), trade.balanced()) == ([], fen, True)
    followed(trade, ALI)
    assert (cases(trade), trade.shop.got("leader", "/v1/wallet")) == ([], money)


def test_what_left_anyway_is_followed_by_its_new_number(trade: Trade) -> None:
    order = given_back(trade)
    was = trade.stage.act("ali1688", "ship", order=there(trade, ALI))
    followed(trade, ALI)
    number = trade.stage.act("ali1688", "change_waybill", order=there(trade, ALI))
    for _ in range(2):
        followed(trade, ALI)
    assert [one["tracking_number"] for one in trade.seen(order)["parcels"]] == [number]
    renumbered = {"carrier": "sf", "tracking_number": number, "was": was, "was_carrier": "yto"}
    assert trade.told(order, "parcel_renumbered") == [renumbered]
    (case,) = cases(trade)
    assert (f"with sf {number}, " in case["detail"], case["money"]) == (True, "46.00")
    assert (len(trade.told(order, "left_anyway")), trade.balanced()) == (1, True)


def test_what_jd_cancelled_and_sends_is_not_taken_for_what_was_bought_elsewhere(
    trade: Trade,
) -> None:
    order, goods = bought(trade, JD)
    trade.shop.market.offer(sku_id=goods.sku_id, source=SOURCE, cost="20.00")
    trade.stage.act("jd", "cancel", order=int(there(trade, JD)))
    followed(trade, JD)
    assert trade.bought(order) == [(JD, "refused"), (SOURCE, "ready")]
    trade.stage.act("jd", "ship", order=int(there(trade, JD)), carrier="京东", number="JDVB000001")
    with trade.shop.db.as_system() as session:  # a message makes it known at once
        told = b'{"topic": "parcel", "refs": ["%s"], "at": null}' % there(trade, JD).encode()
        inbox.receive(session, f"messages:{JD}", "m1", told)
    trade.followed(JD)
    (case,) = cases(trade)
    assert (case["cause"]["code"], case["money"]) == ("refused", "46.00")
    assert case["detail"].endswith("with jd JDVB000001, collected; looked for elsewhere since")
    seen = trade.seen(order)
    assert (seen["status"], seen["lines"][0]["shipped"]) == ("pending", 0)
    assert trade.balanced()


def test_what_a_supplier_refused_and_ships_is_refused_at_its_door_and_waits_for_a_person(
    shop: Shop,
) -> None:
    goods = shop.offer(freight={"kind": "flat", "fee": "5.00"})
    order = shop.order(goods, 3)
    shop.submitted()
    shop.said("leader", f"/v1/orders/{order['id']}/cancel", {"reason": "不要了"}, 200)
    door = f"/v1/purchases/{shop.purchase()['id']}"
    shop.said("brand", f"{door}/refuse", {"code": "ok", "message": "好的"}, 200)
    parcel = {"carrier": "顺丰", "tracking_number": "SF1234567890"}
    for part in ({"lines": [{"line": 1, "quantity": 2}]}, {}, {}):
        told = shop.said("brand", f"{door}/ship", parcel | part, 409)
        assert told["code"] == "wrong_state"
    (case,) = shop.got("operator", "/v1/exceptions?kind=left_anyway")["items"]
    assert (case["money"], case["actions"][0]) == ("20.55", "intercept")
    rest = {"items": [parcel | {"purchase": door[14:], "tracking_number": "SF1234567891"}]}
    shop.said("brand", "/v1/purchases/ship-batch", rest, 200)
    (case,) = shop.got("operator", "/v1/exceptions?kind=left_anyway")["items"]
    assert case["money"] == "28.33"
    shop.said("operator", f"/v1/exceptions/{case['id']}/accept", {}, 200)
    seen = shop.got("leader", f"/v1/orders/{order['id']}")
    assert (seen["status"], len(seen["parcels"])) == ("cancelled", 2)
    assert shop.got("leader", "/v1/wallet")["held"] == "0.00"
    with shop.db.as_system() as session:
        assert violations(session) == []
        (debt,) = payables.listed(session, clock.now())
        today = clock.now().astimezone(clock.SHANGHAI).date()
        ours = reconciling.reconcile(session, SOURCE, today, None)
    assert debt["owed"] == "28.33"
    assert (ours.units, ours.amount, ours.findings) == (3, 2833, [])  # and is not asked once more


def test_what_was_taken_back_is_asked_about_ever_more_seldom_and_not_for_ever(trade: Trade) -> None:
    given_back(trade)
    now, asked = clock.now(), []
    with trade.shop.db.as_system() as session:
        while found := session.execute(
            text("SELECT id, due_at FROM purchases WHERE watched_until IS NOT NULL")
        ).one_or_none():
            later = max(found.due_at, now)
            assert following.due(session, later) == [ALI]
            (one,) = following.claim(session, ALI, later)
            following.write_down(session, one, following.Seen(), later)
            session.flush()
            asked.append(later)
        assert following.due(session, later.replace(year=2030)) == []
    assert 20 < len(asked) < 40
    assert asked[-1] - asked[0] > watching.LONG - 2 * watching.MOST
