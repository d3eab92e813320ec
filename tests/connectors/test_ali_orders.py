"""Buying at 1688 against the sandbox: once, at the agreed price, whatever its flags say."""

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.ali1688 import orders, parcels
from connectors.ali1688.orders import Order
from connectors.ali1688.source import Ali1688
from connectors.errors import (
    NoSuchThing,
    NotAuthorised,
    NotDeliverable,
    OutcomeUnknown,
    OutOfStock,
    PriceChanged,
    Refused,
    TryLater,
    Unreadable,
)
from connectors.model import OrderLine, PurchaseOrder, Sells, ShipTo
from connectors.trading import Confirms, Quotes, Ships, TakesBack
from kit.money import split
from tests.ali_stage import (
    DEAR,
    ENVIRONMENT,
    NAME,
    SHIP_TO,
    an_offer,
    close_all,
    count,
    opened,
    order,
)
from tests.stage import Stage
from tests.towns import few, using

CREATE, PAY = "*reate*Order", "*preparePay"


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    yield
    close_all()


@pytest.fixture
def source(stage: Stage) -> Ali1688:
    return opened(stage)


def truth(stage: Stage) -> list[dict[str, Any]]:
    return stage.orders(NAME)


def test_it_sells_confirms_ships_and_takes_back(source: Ali1688) -> None:
    for protocol in (Quotes, Sells, Confirms, Ships, TakesBack):
        assert isinstance(source, protocol)


def test_a_quote_speaks_yuan(stage: Stage, source: Ali1688) -> None:
    offer = an_offer(stage, skus=2, free=False)
    skus = offer["skus"][:2]
    lines = [OrderLine(sku["external_id"], 3, DEAR) for sku in skus]
    quote = source.quote(lines, SHIP_TO)
    assert quote.sellable
    assert quote.freight == Decimal("8.00")
    assert quote.parcels == 1
    for line, sku in zip(quote.lines, skus, strict=True):
        assert line.price in {Decimal(sku["price"]) / 100, Decimal(sku["piece_price"] or 0) / 100}


def test_a_declined_preview_is_a_quote_of_nothing(stage: Stage, source: Ali1688) -> None:
    offer = an_offer(stage)
    sku = offer["skus"][0]
    stage.post("goods", platform=NAME, key=sku["key"], stock=1)
    (line,) = source.quote([OrderLine(sku["external_id"], 9, DEAR)], SHIP_TO).lines
    assert (line.sellable, line.code) == (False, "out_of_stock")
    (line,) = source.quote([OrderLine("554456348335", 1, DEAR)], SHIP_TO).lines
    assert (line.sellable, line.code) == (False, "no_such_thing")
    far = ShipTo("周某", "13900000000", "710000", "某路")
    (line,) = source.quote([OrderLine(sku["external_id"], 1, DEAR)], far).lines
    assert (line.sellable, line.code) == (False, "not_deliverable")


@pytest.mark.parametrize("api", ["fast", "cross"])
def test_an_order_is_held_until_it_is_paid(stage: Stage, api: str) -> None:
    source = opened(stage, create_api=api)
    offer = an_offer(stage, skus=2, free=False)
    one, two = (sku["external_id"] for sku in offer["skus"][:2])
    placed = source.place(order("HP-1", (one, 3), (two, 4)))
    (held,) = truth(stage)
    assert placed.external_refs == (held["ref"],)
    assert (placed.held, placed.awaits_supplier, placed.refused) == (True, False, ())
    assert placed.amount == Decimal(held["total"]) / 100
    assert placed.freight == Decimal("8.00")
    assert held["our_ref"] == "HP-1"
    assert held["lines"] == {one: 3, two: 4}
    assert held["address"]["districtCode"] == "440305"
    assert held["address"]["provinceText"] == "广东省"
    paid = source.confirm("HP-1")
    assert paid.held is False
    assert truth(stage)[0]["status"] == "waitsellersend"
    assert source.confirm("HP-1").held is False
    assert truth(stage)[0]["payments"] == 1


def test_placing_twice_is_one_order(stage: Stage, source: Ali1688) -> None:
    wanted = order("HP-1", (an_offer(stage)["skus"][0]["external_id"], 3))
    assert source.place(wanted).external_refs == source.place(wanted).external_refs
    assert len(truth(stage)) == 1


def test_an_order_of_other_goods_is_not_taken_for_ours(stage: Stage, source: Ali1688) -> None:
    first, second = an_offer(stage), an_offer(stage, moq=3)
    source.place(order("HP-1", (first["skus"][0]["external_id"], 3)))
    stage.fault(NAME, "unfiltered", "*OrderList")
    with pytest.raises(Unreadable):
        source.place(order("HP-2", (second["skus"][0]["external_id"], 3)))
    assert len(truth(stage)) == 1


def test_an_unknown_reference_is_found_nowhere(source: Ali1688) -> None:
    assert source.find("HP-404") is None
    for act in (source.confirm, source.track, lambda ref: source.cancel(ref, "x")):
        with pytest.raises(NoSuchThing):
            act("HP-404")


@pytest.mark.parametrize("mode", ["lost", "html_after", "empty_after"])
def test_an_order_whose_reply_was_lost_is_found_and_not_repeated(
    stage: Stage, source: Ali1688, mode: str
) -> None:
    wanted = order("HP-1", (an_offer(stage)["skus"][0]["external_id"], 3))
    stage.fault(NAME, mode, CREATE)
    with pytest.raises(OutcomeUnknown):
        source.place(wanted)
    assert count(stage, "CreateOrder") == 1
    found = source.find("HP-1")
    assert found is not None
    assert found.external_refs == (truth(stage)[0]["ref"],)
    assert found.held
    assert source.place(wanted).external_refs == found.external_refs
    assert len(truth(stage)) == 1


@pytest.mark.parametrize("mode", ["drop", "status"])
def test_a_broken_write_is_never_repeated_by_itself(
    stage: Stage, source: Ali1688, mode: str
) -> None:
    stage.fault(NAME, mode, CREATE)
    with pytest.raises(OutcomeUnknown):
        source.place(order("HP-1", (an_offer(stage)["skus"][0]["external_id"], 3)))
    assert count(stage, "CreateOrder") == 1
    assert source.find("HP-1") is None


@pytest.mark.parametrize("api", ["fast", "cross"])
def test_success_false_with_an_order_id_is_an_order(stage: Stage, api: str) -> None:
    source = opened(stage, create_api=api)
    stage.fault(NAME, "create_lie", CREATE)
    placed = source.place(order("HP-1", (an_offer(stage)["skus"][0]["external_id"], 3)))
    assert placed.external_refs == (truth(stage)[0]["ref"],)
    assert placed.held


def test_several_orders_of_one_purchase_are_one_placed(stage: Stage) -> None:
    source = opened(stage, create_api="cross")
    offer = an_offer(stage, skus=2)
    lines = [(sku["external_id"], 3) for sku in offer["skus"][:2]]
    stage.fault(NAME, "split", "*preview")
    stage.fault(NAME, "split", CREATE)
    placed = source.place(order("HP-1", *lines))
    assert placed.external_refs == tuple(one["ref"] for one in truth(stage))
    assert len(placed.external_refs) == 2
    assert placed.amount == sum(Decimal(one["total"]) for one in truth(stage)) / 100
    assert source.confirm("HP-1").held is False
    assert [one["payments"] for one in truth(stage)] == [1, 1]
    assert len(source.track("HP-1").parts) == 2


def test_a_line_that_is_refused_is_named(stage: Stage, source: Ali1688) -> None:
    offer = an_offer(stage, skus=2)
    one, two = (sku["external_id"] for sku in offer["skus"][:2])
    stage.fault(NAME, "partial", CREATE)
    placed = source.place(order("HP-1", (one, 3), (two, 3)))
    assert placed.refused == (one,)
    assert truth(stage)[0]["lines"] == {two: 3}
    found = source.find("HP-1")
    assert found is not None
    assert found.units == {two: 3}
    assert source.place(order("HP-1", (one, 3), (two, 3))).refused == (one,)


def test_a_dearer_piece_is_not_bought(stage: Stage, source: Ali1688) -> None:
    sku = an_offer(stage)["skus"][0]
    agreed = source.quote([OrderLine(sku["external_id"], 3, DEAR)], SHIP_TO).lines[0].price
    assert agreed is not None
    with pytest.raises(PriceChanged):
        source.place(order("HP-1", (sku["external_id"], 3), cost=agreed - Decimal("0.01")))
    assert truth(stage) == []
    assert source.place(order("HP-2", (sku["external_id"], 3), cost=agreed)).held


def test_what_a_seller_raised_after_the_order_is_not_paid(stage: Stage, source: Ali1688) -> None:
    most = source.place(order("HP-1", (an_offer(stage)["skus"][0]["external_id"], 3))).amount
    assert most is not None
    stage.act(NAME, "raise", order=truth(stage)[0]["ref"], fen=500)
    with pytest.raises(PriceChanged):
        source.confirm("HP-1", most)
    assert truth(stage)[0]["payments"] == 0
    source.confirm("HP-1", most + 5)
    assert truth(stage)[0]["payments"] == 1


def test_what_cannot_be_bought_says_why(stage: Stage, source: Ali1688) -> None:
    offer = an_offer(stage, moq=3)
    sku = offer["skus"][0]
    stage.post("goods", platform=NAME, key=sku["key"], stock=2)
    with pytest.raises(OutOfStock):
        source.place(order("HP-1", (sku["external_id"], 5)))
    with pytest.raises(NoSuchThing):
        source.place(
            order("HP-2", (f"{offer['offer']}:ffff" if ":" in sku["external_id"] else "1", 1))
        )
    with pytest.raises(Refused):
        source.place(order("HP-3", ("not-an-offer", 1)))
    far = PurchaseOrder(
        "HP-4",
        (OrderLine(sku["external_id"], 1, DEAR),),
        ShipTo("周某", "13900000000", "710000", "某路"),
    )
    with pytest.raises(NotDeliverable):
        source.place(far)
    assert truth(stage) == []


def test_two_sellers_in_one_order_are_refused(stage: Stage, source: Ali1688) -> None:
    first = an_offer(stage)
    from_another = next(
        offer
        for offer in stage.act(NAME, "offers", limit=30)
        if offer["seller"] != first["seller"] and offer["skus"][0]["stock"] > 20
    )
    lines = [(one["skus"][0]["external_id"], 3) for one in (first, from_another)]
    with pytest.raises(Refused) as caught:
        source.place(order("HP-1", *lines))
    assert caught.value.code == "500_002"


def test_a_trade_type_that_the_order_does_not_allow_is_refused(stage: Stage) -> None:
    source = opened(stage, trade_type="period")
    with pytest.raises(Refused):
        source.place(order("HP-1", (an_offer(stage)["skus"][0]["external_id"], 3)))
    good = opened(stage, trade_type="alipay")
    assert good.place(order("HP-1", (an_offer(stage)["skus"][0]["external_id"], 3))).held


def test_one_piece_and_wholesale_take_their_own_flows(stage: Stage) -> None:
    source = opened(stage, flow="fenxiao", bulk_flow="general")
    offer = next(
        one
        for one in stage.act(NAME, "offers", limit=60)
        if one["skus"][0]["piece_price"] and one["skus"][0]["stock"] > 20 and one["moq"] == 1
    )
    sku = offer["skus"][0]
    one = source.quote([OrderLine(sku["external_id"], 1, DEAR)], SHIP_TO).lines[0]
    lot = source.quote([OrderLine(sku["external_id"], 9, DEAR)], SHIP_TO).lines[0]
    assert one.price == Decimal(sku["piece_price"]) / 100
    assert lot.price == Decimal(sku["price"]) / 100


def test_numbers_of_recipients_are_digits_and_a_virtual_ones_extension_stays(stage: Stage) -> None:
    source = opened(stage, address_by="parse")
    name = an_offer(stage)["skus"][0]["external_id"]
    lines = (OrderLine(name, 3, DEAR),)
    source.place(PurchaseOrder("A", lines, ShipTo("王某", "0755-8888 1234", "440305", "路 1 号")))
    source.place(PurchaseOrder("B", lines, ShipTo("王某", "13900000000-1234", "440305", "路 1 号")))
    first, second = (one["address"] for one in truth(stage))
    assert first["phone"] == "075588881234"
    assert "mobile" not in first
    assert (second["mobile"], second["fullName"]) == ("13900000000", "王某[1234]")
    assert second["districtCode"] == "440305"
    assert count(stage, "addresscode.parse") == 4


def test_1688_is_told_the_town_of_a_region_that_has_one(tmp_path: Path) -> None:
    to = ShipTo("王某", "13900000000", "440305007", "科苑路 1 号")
    with using(few(tmp_path)):
        told = orders.address(to)
    assert (told["areaText"], told["townText"]) == ("南山区", "粤海街道")
    assert told["districtCode"] == "440305"
    assert "townText" not in orders.address(replace(to, region="440305"))


@pytest.mark.parametrize("pay", ["prepare", "protocol"])
def test_paid_although_said_not_to_be_is_paid_once(stage: Stage, pay: str) -> None:
    source = opened(stage, pay=pay)
    source.place(order("HP-1", (an_offer(stage)["skus"][0]["external_id"], 3)))
    stage.fault(NAME, "pay_lie", "*protocolPay*")
    assert source.confirm("HP-1").held is False
    assert truth(stage)[0]["payments"] == 1
    assert count(stage, "preparePay") + count(stage, "pay.protocolPay") == 1


def test_a_payment_that_is_denied_is_tried_three_times(stage: Stage, source: Ali1688) -> None:
    source.place(order("HP-1", (an_offer(stage)["skus"][0]["external_id"], 3)))
    stage.fault(NAME, "pay_no", PAY, times=0)
    with pytest.raises(OutcomeUnknown):
        source.confirm("HP-1")
    assert count(stage, "preparePay") == 3
    stage.calm()
    assert source.confirm("HP-1").held is False


@pytest.mark.parametrize("mode", ["lost", "html_after"])
def test_a_payment_whose_reply_was_lost_is_asked_about(
    stage: Stage, source: Ali1688, mode: str
) -> None:
    source.place(order("HP-1", (an_offer(stage)["skus"][0]["external_id"], 3)))
    stage.fault(NAME, mode, PAY)
    assert source.confirm("HP-1").held is False
    assert count(stage, "preparePay") == 1
    assert truth(stage)[0]["payments"] == 1


def test_a_payment_that_never_arrived_stays_unknown(stage: Stage, source: Ali1688) -> None:
    source.place(order("HP-1", (an_offer(stage)["skus"][0]["external_id"], 3)))
    stage.fault(NAME, "drop", PAY)
    with pytest.raises(OutcomeUnknown):
        source.confirm("HP-1")
    assert count(stage, "preparePay") == 1


def test_where_a_person_pays_the_order_stays_held(stage: Stage) -> None:
    source = opened(stage, pay="person")
    source.place(order("HP-1", (an_offer(stage)["skus"][0]["external_id"], 3)))
    assert source.confirm("HP-1").held
    assert source.buying.cashier("HP-1").startswith("https://trade.1688.com/")
    assert truth(stage)[0]["payments"] == 0


def test_unpaid_orders_are_cancelled_but_not_at_once(stage: Stage, source: Ali1688) -> None:
    source.place(order("HP-1", (an_offer(stage)["skus"][0]["external_id"], 3)))
    with pytest.raises(TryLater) as caught:
        source.cancel("HP-1", "不要了")
    assert caught.value.wait == 10
    stage.post("clock", ahead=11)
    stage.fault(NAME, "lost", "*trade.cancel")
    source.cancel("HP-1", "不要了")
    source.cancel("HP-1", "不要了")
    assert truth(stage)[0]["status"] == "cancel"
    assert count(stage, "trade.cancel") == 2
    with pytest.raises(Refused):
        source.confirm("HP-1")
    assert source.track("HP-1").parts[0].state == "cancelled"


def paid(stage: Stage, source: Ali1688) -> list[dict[str, Any]]:
    """Two lines of an order that is paid, whose money is asked for."""
    one, two = (sku["external_id"] for sku in an_offer(stage, skus=2)["skus"][:2])
    source.place(order("HP-1", (one, 3), (two, 2)))
    source.confirm("HP-1")
    stage.post("clock", ahead=60)
    for _ in range(2):
        with pytest.raises(TryLater, match="its seller was asked"):
            source.cancel("HP-1", "不要了")
    asked: list[dict[str, Any]] = stage.act(NAME, "refunds")
    assert len(asked) == 2
    return asked


def test_a_paid_order_is_given_back_once_its_seller_pays_back_every_line(
    stage: Stage, source: Ali1688
) -> None:
    first, second = paid(stage, source)
    stage.act(NAME, "refund", refund=first["id"], status="refundsuccess")
    with pytest.raises(TryLater):
        source.cancel("HP-1", "不要了")
    stage.act(NAME, "refund", refund=second["id"], status="refundsuccess")
    source.cancel("HP-1", "不要了")
    assert source.track("HP-1").parts[0].state == "cancelled"


def test_the_freight_of_a_paid_order_is_asked_back_with_its_lines(
    stage: Stage, source: Ali1688
) -> None:
    stage.act(NAME, "freight", fen=1001)
    asked = paid(stage, source)
    shares = [one["carriage"] for one in asked]
    goods = [one["payment"] for one in asked]
    assert sum(shares) == 1001
    assert shares == split(1001, goods)
    assert all(shares)


def test_lines_that_are_paid_back_before_they_leave_are_cancelled_and_tell_their_freight(
    stage: Stage, source: Ali1688
) -> None:
    stage.act(NAME, "freight", fen=1000)
    first, second = paid(stage, source)
    stage.act(NAME, "refund", refund=second["id"], status="waitbuyermodify")
    stage.act(NAME, "refund", refund=first["id"], status="refundsuccess")
    for _ in range(2):
        stays, gone = source.track("HP-1").parts
        assert (gone.state, gone.freight_back) == ("cancelled", Decimal(first["carriage"]) / 100)
        assert [units for _, units in (*gone.lines, *stays.lines)] == [3, 2]
        stage.act(NAME, "ship", order=truth(stage)[0]["ref"])
        assert source.track("HP-1").parts[0].state == "shipped"


def test_what_has_left_of_a_paid_order_is_not_asked_back(stage: Stage, source: Ali1688) -> None:
    one, two = (sku["external_id"] for sku in an_offer(stage, skus=2)["skus"][:2])
    source.place(order("HP-1", (one, 3), (two, 2)))
    source.confirm("HP-1")
    stage.act(NAME, "ship", order=truth(stage)[0]["ref"], lines=1)
    with pytest.raises(TryLater, match="its seller was asked"):
        source.cancel("HP-1", "不要了")
    (asked,) = stage.act(NAME, "refunds")
    assert asked["carriage"] == 0  # what left was carried
    stage.act(NAME, "refund", refund=asked["id"], status="refundsuccess")
    with pytest.raises(Refused, match="some of it has left"):
        source.cancel("HP-1", "不要了")
    stays, gone = source.track("HP-1").parts
    assert (dict(stays.lines), dict(gone.lines)) == ({one: 3}, {two: 2})


def test_a_paid_order_stays_where_its_seller_keeps_it_or_has_sent_it(
    stage: Stage, source: Ali1688
) -> None:
    first, _ = paid(stage, source)
    stage.act(NAME, "refund", refund=first["id"], status="waitbuyermodify")
    with pytest.raises(Refused, match="its seller keeps it"):
        source.cancel("HP-1", "不要了")
    ref = truth(stage)[0]["ref"]
    stage.act(NAME, "ship", order=ref)
    with pytest.raises(Refused) as caught:
        source.cancel("HP-1", "不要了")
    assert caught.value.code == "ORDER_STATUS_ERROR"


def test_parcels_say_which_lines_and_how_many_pieces_are_in_them(
    stage: Stage, source: Ali1688
) -> None:
    offer = an_offer(stage, skus=2)
    one, two = (sku["external_id"] for sku in offer["skus"][:2])
    source.place(order("HP-1", (one, 3), (two, 3)))
    source.confirm("HP-1")
    ref = truth(stage)[0]["ref"]
    for much in ({"lines": 1, "pieces": 2}, {"lines": 1}):
        stage.act(NAME, "ship", order=ref, **much)
        assert source.track("HP-1").parts[0].state == "open"
    stage.act(NAME, "ship", order=ref)
    (part,) = source.track("HP-1").parts
    assert part.state == "shipped"
    held = [dict(parcel.lines) for parcel in part.parcels]
    assert held == [{one: 2}, {one: 1}, {two: 3}]


def test_a_parcel_with_parts_of_several_lines_says_so_or_its_lines_are_in_it_whole(
    stage: Stage, source: Ali1688
) -> None:
    offer = an_offer(stage, skus=2)
    one, two = (sku["external_id"] for sku in offer["skus"][:2])
    source.place(order("HP-1", (one, 3), (two, 2)))
    source.confirm("HP-1")
    stage.act(NAME, "ship", order=truth(stage)[0]["ref"], pieces=1)
    (parcel,) = source.track("HP-1").parts[0].parcels
    assert dict(parcel.lines) == {one: 1, two: 1}
    stage.fault(NAME, "no_goods", "*getLogisticsInfos*")
    (parcel,) = source.track("HP-1").parts[0].parcels
    assert dict(parcel.lines) == {one: 3, two: 2}


ENTRY = {"productID": 7, "specId": "a", "quantity": 5, "subItemID": 58218860983545944}
TWO_LINES = Order(
    "9",
    "waitbuyerreceive",
    None,
    None,
    None,
    (
        ENTRY | {"subItemIDString": "58218860983545941"},
        ENTRY | {"specId": "b", "subItemIDString": "58218860983545999", "subItemID": 1},
    ),
)


@pytest.mark.parametrize(
    ("goods", "held"),
    [
        ([("58218860983545941", 2.0), ("58218860983545999", "1")], {"7:a": 2, "7:b": 1}),
        ([("58218860983545944", 2), (1, 9)], {"7:a": 2, "7:b": 5}),  # digits lost; too many
        ([("58218860983545941", 1), ("58218860983545941", 2)], {"7:a": 3}),
        ([("58218860983545941", 2), ("77", 1)], {"7:a": 5, "7:b": 5}),
        ([("58218860983545941", None)], {"7:a": 5, "7:b": 5}),
    ],
)
def test_pieces_of_a_parcel_are_taken_where_all_of_it_can_be_read(
    goods: list[tuple[Any, Any]], held: dict[str, int]
) -> None:
    told = {
        "logisticsBillNo": "YT1",
        "logisticsId": "LP1",
        "orderEntryIds": "58218860983545941,58218860983545999",
        "logisticsOrderSendGood": [
            {"logisticsId": "LP1", "tradeOrderItemId": name, "quantity": count}
            for name, count in goods
        ]
        + [{"logisticsId": "LP2", "tradeOrderItemId": "77", "quantity": 1}],
    }
    (parcel,) = parcels.parcels({"result": [told]}, {}, TWO_LINES)
    assert dict(parcel.lines) == held


def test_an_order_of_one_line_is_named_itself_by_its_parcels() -> None:
    one = replace(TWO_LINES, entries=TWO_LINES.entries[:1])
    told = {"logisticsBillNo": "YT1", "orderEntryIds": "9", "sendGoods": [{"quantity": "2"}]}
    (parcel,) = parcels.parcels({"result": [told]}, {}, one)
    assert dict(parcel.lines) == {"7:a": 2}


def test_parcels_are_followed_and_changed_waybills_replaced(stage: Stage, source: Ali1688) -> None:
    offer = an_offer(stage, skus=2)
    one, two = (sku["external_id"] for sku in offer["skus"][:2])
    source.place(order("HP-1", (one, 3), (two, 3)))
    ref = truth(stage)[0]["ref"]
    assert source.track("HP-1").parts[0].state == "held"
    source.confirm("HP-1")
    (part,) = source.track("HP-1").parts
    assert (part.state, part.parcels) == ("open", ())
    assert dict(part.lines) == {one: 3, two: 3}
    first = stage.act(NAME, "ship", order=ref, lines=1)
    assert source.track("HP-1").parts[0].state == "open"
    second = stage.act(NAME, "ship", order=ref)
    changed = stage.act(NAME, "change_waybill", order=ref)
    (part,) = source.track("HP-1").parts
    assert part.state == "shipped"
    assert [parcel.tracking_number for parcel in part.parcels] == [changed, second]
    assert first not in {parcel.tracking_number for parcel in part.parcels}
    assert [event.text for event in part.parcels[0].events] == ["商家已发货", "已揽收"]
    assert part.amount == Decimal(truth(stage)[0]["total"]) / 100
    for status, state in (
        ("signinsuccess", "delivered"),
        ("success", "completed"),
        ("terminated", "cancelled"),
    ):
        stage.act(NAME, "status", order=ref, status=status)
        assert source.track("HP-1").parts[0].state == state


def test_no_recipient_is_kept_with_a_reply(stage: Stage, source: Ali1688) -> None:
    placed = source.place(order("HP-1", (an_offer(stage)["skus"][0]["external_id"], 3)))
    source.confirm("HP-1")
    stage.act(NAME, "ship", order=truth(stage)[0]["ref"])
    kept = source.track("HP-1").raw.decode()
    assert json.loads(kept)
    for word in (SHIP_TO.name, SHIP_TO.mobile, SHIP_TO.address):
        assert word not in kept
        assert word not in placed.raw.decode()


def test_a_lapsed_permission_pauses_the_account_and_says_so(stage: Stage, source: Ali1688) -> None:
    stage.fault(NAME, "acl", CREATE)
    with pytest.raises(NotAuthorised) as caught:
        source.place(order("HP-1", (an_offer(stage)["skus"][0]["external_id"], 3)))
    assert "lapsed" in str(caught.value)
