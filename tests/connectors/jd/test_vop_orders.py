"""Buying at JD: never twice, never above what we accept, whatever happens on the way."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import (
    BalanceShort,
    NoSuchThing,
    NotDeliverable,
    OutcomeUnknown,
    OutOfStock,
    PriceChanged,
    Refused,
)
from connectors.jd_vop.source import VopSource
from connectors.model import OrderLine, PurchaseOrder, ShipTo
from connectors.trading import SourceClaim
from kit.clock import SHANGHAI
from tests.connectors.jd.conftest import Open, calm
from tests.stage import Stage
from tests.towns import few, using

TO = ShipTo("周某某", "13900000000", "440304", "某路 1 号")


@pytest.fixture
def skus(stage: Stage) -> list[str]:
    """Three SKUs, 30 pieces of each, at 20.00, 21.00 and 22.00."""
    found = stage.act("jd", "skus")[:3]
    for place, sku in enumerate(found):
        key = stage.act("jd", "good", sku=sku)["key"]
        stage.post("goods", platform="jd", key=key, stock=30, price=2000 + 100 * place)
    return [str(sku) for sku in found]


def order_of(skus: list[str], ref: str = "HP-1", **lines: Any) -> PurchaseOrder:
    cost = lines.get("cost", Decimal("25"))
    return PurchaseOrder(ref, tuple(OrderLine(sku, 2, cost) for sku in skus), TO, "请勿放发票")


def test_a_purchase_is_held_then_bought(stage: Stage, vop: VopSource, skus: list[str]) -> None:
    placed = vop.place(order_of(skus))
    assert placed.held
    assert placed.amount == Decimal("126.00")
    assert placed.freight == 0
    assert b"jdOrderId" in placed.raw
    (there,) = stage.orders("jd")
    assert there["state"] == "held"
    assert there["our_ref"] == "HP-1"
    assert there["area"] == [19, 1607, 3639, 0]
    assert there["to"]["remark"] == "请勿放发票"
    assert there["lines"] == dict.fromkeys(skus, 2)
    assert vop.find("HP-1") == replace(placed, units=dict.fromkeys(skus, 2))
    assert not vop.confirm("HP-1").held
    assert stage.orders("jd")[0]["state"] == "confirmed"
    assert not vop.confirm("HP-1").held  # 3103: it is already
    found = vop.find("HP-1")
    assert found is not None
    assert not found.held


def test_the_town_is_found_in_the_address(stage: Stage, vop: VopSource, skus: list[str]) -> None:
    to = ShipTo("周", "13900000000", "440305", "粤海街道科苑路 1 号")
    vop.place(replace(order_of(skus), ship_to=to))
    assert stage.orders("jd")[0]["area"] == [19, 1607, 3155, 62133]


def test_a_region_of_nine_digits_names_the_town_that_the_address_does_not(
    stage: Stage, vop: VopSource, skus: list[str], tmp_path: Path
) -> None:
    to = ShipTo("周", "13900000000", "440305007", "科苑路 1 号")
    with using(few(tmp_path)):
        assert not vop.quote(order_of(skus).lines, to).incomplete
        vop.place(replace(order_of(skus), ship_to=to))
    assert stage.orders("jd")[0]["area"] == [19, 1607, 3155, 62133]


@pytest.mark.parametrize(
    ("region", "address", "area"),
    [
        ("110105", "三环以内 1 号", [1, 72, 2799, 0]),
        ("441900", "南城区 8 号", [19, 1655, 4277, 0]),
        ("330106", "转塘街道 3 号", [15, 1213, 3409, 52345]),
    ],
)
def test_cities_without_counties_and_municipalities(
    stage: Stage, vop: VopSource, skus: list[str], region: str, address: str, area: list[int]
) -> None:
    vop.place(replace(order_of(skus), ship_to=ShipTo("周", "13900000000", region, address)))
    assert stage.orders("jd")[0]["area"] == area


def test_twice_under_one_reference_is_one_order(
    stage: Stage, vop: VopSource, skus: list[str]
) -> None:
    first = vop.place(order_of(skus))
    assert vop.place(order_of(skus)).external_refs == first.external_refs
    assert len(stage.orders("jd")) == 1
    with pytest.raises(Refused) as caught:
        vop.place(order_of(skus[:1]))
    assert caught.value.code == "0008"


@pytest.mark.parametrize("mode", ["lost", "html_after", "empty_after"])
@pytest.mark.parametrize("call", ["*submitOrder", "*onfirmOrder"])
def test_an_answer_that_never_came_doubles_nothing(
    stage: Stage, vop: VopSource, skus: list[str], mode: str, call: str
) -> None:
    stage.fault("jd", mode, call=call)
    deeds = [lambda: vop.place(order_of(skus)), lambda: vop.confirm("HP-1")]
    if "onfirm" in call:
        deeds.pop(0)()
    with pytest.raises(OutcomeUnknown):
        deeds[0]()
    found = vop.find("HP-1")
    assert found is not None
    if found.held:
        vop.confirm("HP-1")
    (there,) = stage.orders("jd")
    assert there["state"] == "confirmed"


def test_find_of_an_unknown_reference_is_none(vop: VopSource) -> None:
    assert vop.find("HP-unknown") is None
    vop.cancel("HP-unknown", "nothing there")
    with pytest.raises(NoSuchThing):
        vop.track("HP-unknown")


def test_a_dearer_line_is_never_bought(stage: Stage, vop: VopSource, skus: list[str]) -> None:
    with pytest.raises(PriceChanged):
        vop.place(order_of(skus, cost=Decimal("21.50")))
    assert stage.orders("jd") == []


def test_a_price_that_moves_between_asking_and_buying_is_refused_by_jd(
    stage: Stage, vop: VopSource, skus: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = vop.wire.submit
    key = stage.act("jd", "good", sku=int(skus[0]))["key"]

    def late(fields: Any) -> Any:
        stage.post("goods", platform="jd", key=key, price=2400)
        return submit(fields)

    monkeypatch.setattr(vop.wire, "submit", late)
    with pytest.raises(PriceChanged):
        vop.place(order_of(skus))
    assert stage.orders("jd") == []


def test_without_the_guard_a_dearer_hold_is_given_back(
    stage: Stage, opened: Open, skus: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    vop = opened(price_guard=False)
    submit = vop.wire.submit
    key = stage.act("jd", "good", sku=int(skus[0]))["key"]

    def late(fields: Any) -> Any:
        stage.post("goods", platform="jd", key=key, price=2600)
        return submit(fields)

    monkeypatch.setattr(vop.wire, "submit", late)
    with pytest.raises(PriceChanged):
        vop.place(order_of(skus))
    assert [each["state"] for each in stage.orders("jd")] == ["cancelled"]
    assert vop.find("HP-1") is None


def test_naked_terms_buy_at_the_price_with_tax(
    stage: Stage, vop: VopSource, skus: list[str]
) -> None:
    stage.act("jd", "naked", on=True)
    placed = vop.place(order_of(skus, cost=Decimal("22.00")))
    assert placed.amount == Decimal("126.00")
    with pytest.raises(PriceChanged):
        vop.place(order_of(skus, "HP-2", cost=Decimal("21.00")))


def test_lines_that_jd_names_are_left_out_and_reported(
    stage: Stage, vop: VopSource, skus: list[str]
) -> None:
    stage.act("jd", "restrict", sku=int(skus[1]))
    stage.act("jd", "list", sku=int(skus[2]), listed=False)
    placed = vop.place(order_of(skus))
    assert sorted(placed.refused) == sorted(skus[1:])
    assert stage.orders("jd")[0]["lines"] == {skus[0]: 2}
    with pytest.raises(NotDeliverable):
        vop.place(order_of(skus[1:2], "HP-2"))
    with pytest.raises(NoSuchThing):
        vop.place(order_of(skus[2:], "HP-3"))


def test_a_gift_that_is_out_blames_its_main_sku(
    stage: Stage, opened: Open, skus: list[str]
) -> None:
    stage.act("jd", "giftless", sku=int(skus[0]))
    assert opened().place(order_of(skus)).refused == ()  # gifts are not asked for
    picky = opened(gifts=True)
    assert picky.place(order_of(skus, "HP-2")).refused == (skus[0],)
    with pytest.raises(OutOfStock):
        picky.place(order_of(skus[:1], "HP-3"))


def test_a_hold_that_cannot_be_paid_stays_until_who_placed_it_gives_it_up(
    stage: Stage, vop: VopSource, skus: list[str]
) -> None:
    vop.place(order_of(skus))
    stage.act("jd", "purse", fen=100)
    with pytest.raises(BalanceShort):
        vop.confirm("HP-1")
    assert stage.orders("jd")[0]["state"] == "held"  # buyers give it up: one request to JD
    vop.cancel("HP-1", "balance short")
    assert stage.orders("jd")[0]["state"] == "cancelled"


def test_a_hold_can_be_cancelled_and_a_purchase_cannot(
    stage: Stage, vop: VopSource, skus: list[str]
) -> None:
    vop.place(order_of(skus))
    vop.cancel("HP-1", "not wanted")
    vop.cancel("HP-1", "not wanted")  # 3203: it is already
    assert vop.find("HP-1") is None
    vop.place(order_of(skus, "HP-2"))
    vop.confirm("HP-2")
    with pytest.raises(Refused):
        vop.cancel("HP-2", "not wanted")


def test_a_hold_that_jd_cancelled_is_no_purchase(
    stage: Stage, vop: VopSource, skus: list[str]
) -> None:
    vop.place(order_of(skus))
    stage.act("jd", "expire", order="HP-1")
    assert vop.find("HP-1") is None
    with pytest.raises(Refused):
        vop.confirm("HP-1")


def test_a_quote_tells_each_line_and_the_freight(
    stage: Stage, vop: VopSource, skus: list[str]
) -> None:
    stage.act("jd", "restrict", sku=int(skus[1]))
    lines = [OrderLine(sku, 2, Decimal(25)) for sku in skus[:2]]
    lines += [OrderLine(skus[2], 31, Decimal(25)), OrderLine("999999999999", 1, Decimal(1))]
    said = vop.quote(lines, TO)
    assert [line.code for line in said.lines] == [
        "", "not_deliverable", "out_of_stock", "no_price",
    ]  # fmt: skip
    assert said.lines[0].price == Decimal("20.00")
    assert not said.sellable
    alone = vop.quote([OrderLine(skus[0], 1, Decimal(25))], TO)
    assert alone.sellable
    assert alone.freight == Decimal("6.00")
    assert vop.quote([OrderLine(skus[0], 10, Decimal(25))], TO).freight == 0


def test_children_of_repeated_splits_replace_one_another(
    stage: Stage, vop: VopSource, skus: list[str]
) -> None:
    vop.place(order_of(skus))
    vop.confirm("HP-1")
    assert len(vop.track("HP-1").parts) == 1
    stage.act("jd", "split", order="HP-1")
    first = vop.track("HP-1")
    assert len(first.refs) == 2
    stage.act("jd", "split", order="HP-1")
    second = vop.track("HP-1")
    assert len(second.refs) == 3
    assert len(set(first.refs) & set(second.refs)) == 1
    units: dict[str, int] = {}
    for part in second.parts:
        for sku, count in part.lines:
            units[sku] = units.get(sku, 0) + count
    assert units == dict.fromkeys(skus, 2)
    root = {ref for message in vop.changes() if message.topic == "order" for ref in message.refs}
    assert root == {stage.orders("jd")[0]["id"]}


def test_a_child_without_a_price_is_read_all_the_same(
    stage: Stage, vop: VopSource, skus: list[str]
) -> None:
    vop.place(order_of(skus))
    vop.confirm("HP-1")
    stage.act("jd", "split", order="HP-1", zero=True)
    parts = vop.track("HP-1").parts
    assert sorted(part.amount or 0 for part in parts) == [Decimal(0), Decimal("82.00")]
    assert sum(count for part in parts for _, count in part.lines) == 6


def test_parcels_arrive_and_their_numbers_may_change(
    stage: Stage, vop: VopSource, skus: list[str]
) -> None:
    vop.place(order_of(skus))
    assert [part.state for part in vop.track("HP-1").parts] == ["held"]
    vop.confirm("HP-1")
    assert [part.state for part in vop.track("HP-1").parts] == ["open"]
    stage.act("jd", "ship", order="HP-1", carrier="京东快递", number="JDVB1")
    (part,) = vop.track("HP-1").parts
    assert part.state == "shipped"
    assert [(p.carrier, p.tracking_number) for p in part.parcels] == [("京东快递", "JDVB1")]
    assert "揽收" in part.parcels[0].events[0].text
    stage.act("jd", "renumber", order="HP-1", number="JDVB2")
    assert vop.track("HP-1").parts[0].parcels[0].tracking_number == "JDVB2"
    stage.act("jd", "deliver", order="HP-1")
    assert vop.track("HP-1").parts[0].state == "delivered"
    stage.act("jd", "complete", order="HP-1")
    assert vop.track("HP-1").parts[0].state == "completed"


def test_a_purchase_that_jd_cancels_says_so(stage: Stage, vop: VopSource, skus: list[str]) -> None:
    vop.place(order_of(skus))
    vop.confirm("HP-1")
    stage.act("jd", "cancel", order="HP-1")
    assert [part.state for part in vop.track("HP-1").parts] == ["cancelled"]
    assert "order" in {message.topic for message in vop.changes()}


@pytest.mark.parametrize("protocol", ["classic"])
def test_goods_go_back_by_the_old_calls(stage: Stage, vop: VopSource, skus: list[str]) -> None:
    vop.place(order_of(skus))
    vop.confirm("HP-1")
    ref = stage.orders("jd")[0]["id"]
    claim = SourceClaim("C1", ref, skus[0], 1, "return", "破损", TO)
    assert vop.options(ref, skus[0]).quantity == 0
    with pytest.raises(Refused) as early:
        vop.claim(claim)
    assert early.value.code == "6005"
    stage.act("jd", "deliver", order="HP-1")
    options = vop.options(ref, skus[0])
    assert options.quantity == 2
    assert options.kinds == ("return", "exchange")
    known = vop.claim(claim)
    assert vop.claim_state(known).state == "open"
    vop.sent_back(known, "顺丰", "SF1")
    assert vop.claim_state(known).state == "returning"
    assert "备件库" in vop.claim_state(known).return_to
    stage.act("jd", "service", step=50)
    assert vop.claim_state(known).state == "refunded"
    with pytest.raises(Refused) as many:
        vop.claim(replace(claim, our_claim="C2", quantity=2))
    assert many.value.code == "6010"


@pytest.mark.parametrize("protocol", ["classic"])
def test_money_and_check_lists_are_read_to_the_end(
    stage: Stage, opened: Open, skus: list[str]
) -> None:
    vop = opened(calm(), bookings_page=1)
    before = vop.balance()
    for number in range(3):
        vop.place(order_of(skus, f"HP-{number}"))
        vop.confirm(f"HP-{number}")
    assert before - vop.balance() == 3 * Decimal("126.00")
    today = vop._now().astimezone(SHANGHAI).date()
    booked = vop.bookings(today, today)
    assert [entry.amount for entry in booked] == [Decimal("-126.00")] * 3
    assert booked[0].order_ref == stage.orders("jd")[0]["id"]
    with pytest.raises(Refused):
        vop.checklist(vop._now().astimezone(SHANGHAI).date(), "new")


def test_an_address_that_would_be_cut_is_refused(
    stage: Stage, vop: VopSource, skus: list[str]
) -> None:
    with pytest.raises(Refused):
        vop.place(replace(order_of(skus), ship_to=replace(TO, address="路" * 101)))
    assert stage.orders("jd") == []


def test_an_order_that_is_there_already_is_not_taken_at_a_higher_price(
    vop: VopSource, skus: list[str]
) -> None:
    vop.place(order_of(skus))
    cheap = order_of(skus, cost=Decimal("22.00"))
    assert vop.place(cheap).held


def test_what_is_paid_at_once_costs_no_more_in_all_than_the_order_allows(
    stage: Stage, opened: Open, skus: list[str]
) -> None:
    vop = opened(calm(), submit="direct")
    order = replace(order_of(skus[:1], cost=Decimal("21")), freight=Decimal("6.00"))
    stage.act("jd", "freight", fen=801)  # the goods leave 2.00 of what they might cost
    with pytest.raises(PriceChanged, match=r"48\.01 in all, 8\.01 of it freight") as caught:
        vop.place(order)
    assert (caught.value.freight, caught.value.prices) == (Decimal("8.01"), {skus[0]: 20})
    assert stage.orders("jd") == []
    stage.act("jd", "freight", fen=800)
    assert not vop.place(order).held
    assert [one["state"] for one in stage.orders("jd")] == ["confirmed"]


def test_lines_that_jd_refuses_take_the_freight_of_the_rest_along(
    stage: Stage, opened: Open, skus: list[str]
) -> None:
    vop = opened(calm(), submit="direct")
    key = stage.act("jd", "good", sku=int(skus[0]))["key"]
    stage.post("goods", platform="jd", key=key, stock=0)
    order = replace(order_of(skus, cost=Decimal("22")), freight=Decimal(0))
    with pytest.raises(PriceChanged, match="of it freight"):  # alone they are not free of it
        vop.place(order)
    assert stage.orders("jd") == []
