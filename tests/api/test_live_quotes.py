"""A quote rests on what platforms say now, as far as they say it in time, over real HTTP."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from catalog.models import Price
from connectors.ali1688.source import Ali1688
from connectors.model import OrderLine, ShipTo
from connectors.trading import SourceQuote
from kit import clock
from kit.ids import inside
from tests import ali_stage
from tests.api.platforms import ALI, JD, Trade
from tests.api.shop import HOME, SELLER, SOURCE, ordering
from tests.trade.market import NOW, Goods
from trade import asking
from trade.asking import Talks
from trade.models import LiveAnswer


def asked(trade: Trade, *goods: Goods, quantity: int = 1, status: int = 201) -> Any:
    lines = [{"sku": one.sku, "quantity": quantity} for one in goods]
    return trade.shop.said("leader", "/v1/quotes", {"lines": lines, "ship_to": HOME}, status)


def fresh(moment: str) -> bool:
    return (clock.now() - datetime.fromisoformat(moment)).total_seconds() < 600


@pytest.mark.parametrize(("source", "freight"), [(JD, "6.00"), (ALI, "8.00")])
def test_a_quote_tells_what_the_platform_asks_now(trade: Trade, source: str, freight: str) -> None:
    goods = trade.goods(source, 2000)
    trade.price(source, goods.external_id, 2100)
    began = clock.now()
    quote = asked(trade, goods, quantity=2)
    [line] = quote["lines"]
    assert (line["unit_price"], line["amount"], quote["freight"]) == ("23.10", "46.20", freight)
    assert datetime.fromisoformat(line["as_of"]) >= began
    told = str(quote | {"signature": ""}).lower()  # letters by chance
    assert not [word for word in (source, "jd", "1688", SELLER) if word in told]
    with trade.shop.db.as_system() as session:
        price = session.scalars(select(Price).where(Price.offer_id == goods.offer_id)).one()
        assert (price.price, price.as_of >= began) == (21, True)
    order = trade.ordered(goods, quantity=2, quote=quote["id"], max_total=None)
    trade.worked(source)
    assert trade.bought(order) == [(source, "accepted")]
    assert trade.seen(order)["total"] == quote["total"]
    assert trade.balanced()


def test_what_a_platform_does_not_sell_there_is_told_or_had_elsewhere(trade: Trade) -> None:
    gone, here, elsewhere = (trade.goods(JD, 2000, place) for place in range(3))
    trade.shop.market.offer(sku_id=elsewhere.sku_id, source=SOURCE, cost="25.00")
    for one in (gone, elsewhere):
        trade.price(JD, one.external_id, 2000, stock=0)
    quote = asked(trade, gone, here, elsewhere)
    assert [one["code"] for one in quote["unsellable"]] == ["out_of_stock"]
    told = {line["sku"]: line for line in quote["lines"]}
    assert told[here.sku]["unit_price"] == "22.00"
    assert fresh(told[here.sku]["as_of"])
    assert told[elsewhere.sku]["unit_price"] == "27.50"
    assert datetime.fromisoformat(told[elsewhere.sku]["as_of"]) == NOW
    refused = trade.shop.ask(
        "leader",
        "POST",
        "/v1/orders",
        json={
            "reference": "R-1",
            "max_total": "99.00",
            "ship_to": HOME,
            "lines": [{"sku": gone.sku, "quantity": 1}],
        },
    )
    assert refused.json()["errors"][0]["code"] == "out_of_stock"


def test_a_platform_that_refuses_all_for_one_line_is_asked_line_by_line(trade: Trade) -> None:
    listing = ali_stage.an_offer(trade.stage, skus=2)
    names = [sku["external_id"] for sku in listing["skus"][:2]]
    gone, here = (
        trade.shop.market.offer(source=ALI, external_id=name, cost="20.00", seller="x")
        for name in names
    )
    trade.price(ALI, gone.external_id, 2000, stock=0)
    trade.price(ALI, here.external_id, 2000)
    quote = asked(trade, gone, here)
    assert [(x["sku"], x["code"]) for x in quote["unsellable"]] == [(gone.sku, "out_of_stock")]
    assert [line["sku"] for line in quote["lines"]] == [here.sku]
    assert fresh(quote["lines"][0]["as_of"])


def test_platforms_are_told_the_place_and_not_the_person(
    trade: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[ShipTo] = []
    quoted = Ali1688.quote

    def listened(self: Ali1688, lines: Sequence[OrderLine], ship_to: ShipTo) -> SourceQuote:
        told.append(ship_to)
        return quoted(self, lines, ship_to)

    monkeypatch.setattr(Ali1688, "quote", listened)
    lines = [{"sku": trade.goods(ALI, 2000).sku, "quantity": 1}]
    to = HOME | {"mobile": "13912345678"}
    quote = trade.shop.said("leader", "/v1/quotes", {"lines": lines, "ship_to": to})
    assert fresh(quote["lines"][0]["as_of"])
    assert [(one.region, one.name, one.mobile) for one in told] == [
        (HOME["region"], asking.SOMEBODY, asking.SOME_NUMBER)
    ]


def test_only_a_source_that_would_be_bought_from_is_asked(trade: Trade) -> None:
    dear = trade.goods(JD, 2000)
    trade.shop.market.offer(sku_id=dear.sku_id, source=SOURCE, cost="19.00")
    before = len(trade.stage.calls("jd"))
    quote = asked(trade, dear)
    assert quote["lines"][0]["unit_price"] == "20.90"
    assert len(trade.stage.calls("jd")) == before
    assert datetime.fromisoformat(quote["lines"][0]["as_of"]) == NOW


def test_a_platform_that_is_late_leaves_the_last_facts_and_their_age(trade: Trade) -> None:
    goods = trade.goods(JD, 2000)
    trade.price(JD, goods.external_id, 2100)
    office = trade.shop.app.state.office
    office.talks.close()
    office.talks = Talks(0.05)
    trade.stage.fault("jd", "stall", seconds=0.6)
    quote = asked(trade, goods)
    assert quote["lines"][0]["unit_price"] == "22.00"
    assert datetime.fromisoformat(quote["lines"][0]["as_of"]) == NOW
    with trade.shop.db.as_system() as session:
        assert session.scalars(select(LiveAnswer)).all() == []


def test_a_platform_in_trouble_leaves_the_last_facts_and_their_age(trade: Trade) -> None:
    goods = trade.goods(JD, 2000)
    trade.stage.fault("jd", "ban", times=0, seconds=60)
    quote = asked(trade, goods)
    assert quote["lines"][0]["unit_price"] == "22.00"
    assert datetime.fromisoformat(quote["lines"][0]["as_of"]) == NOW


def test_what_only_asking_can_tell_is_asked_and_else_waits(trade: Trade) -> None:
    office = trade.shop.app.state.office
    goods = trade.goods(JD, 2000, freight=None)
    talks, office.talks = office.talks, Talks(3.0, most=1)
    with office.talks._free:  # somebody else's talk goes on
        told = trade.shop.ask(
            "leader",
            "POST",
            "/v1/quotes",
            json={"lines": [{"sku": goods.sku, "quantity": 1}], "ship_to": HOME},
        )
    assert (told.status_code, told.json()["code"]) == (503, "busy")
    assert told.headers["Retry-After"] == "1"
    office.talks.close()
    office.talks = talks
    quote = asked(trade, goods)
    assert (quote["unsellable"], quote["freight"]) == ([], "6.00")
    order = trade.ordered(goods, quote=quote["id"], max_total=None)
    assert trade.seen(order)["total"] == quote["total"] == "28.00"


def test_sellable_asks_where_only_the_platform_can_tell(trade: Trade) -> None:
    goods = trade.goods(JD, 2000, freight=None)
    path = f"/v1/skus/{goods.sku}/sellable"
    picked = trade.shop.ask(
        "leader", "PUT", f"/v1/selections/{goods.sku}", json={"markup_percent": "20"}
    )
    before = len(trade.stage.calls("jd"))
    open_to_all = [picked.json()] + [
        trade.shop.got(who, asked)
        for who, asked in (("leader", path), ("operator", f"{path}?region=440305"))
    ]
    assert [(one["sellable"], one["reasons"]) for one in open_to_all] == [(True, [])] * 3
    assert len(trade.stage.calls("jd")) == before
    told = trade.shop.got("leader", f"{path}?region={HOME['region']}")
    assert (told["sellable"], told["freight_amount"], told["price"]) == (True, "6.00", "22.00")
    quote = asked(trade, goods)
    assert (quote["freight"], quote["lines"][0]["unit_price"]) == ("6.00", "22.00")
    other = trade.goods(JD, 2000, 1, freight=None)
    trade.price(JD, other.external_id, 2000, stock=0)
    told = trade.shop.got("leader", f"/v1/skus/{other.sku}/sellable?region={HOME['region']}")
    assert [one["code"] for one in told["reasons"]] == ["out_of_stock"]


def test_an_order_without_a_quote_asks_what_only_its_platform_knows(trade: Trade) -> None:
    goods = trade.goods(JD, 2000, freight=None)
    order = trade.ordered(goods, max_total="30.00")
    assert trade.seen(order)["total"] == "28.00"
    low = ordering(goods, reference="R-low", max_total="27.99")
    told = trade.shop.ask("leader", "POST", "/v1/orders", json=low, key="k-low")
    assert (told.status_code, told.json()["code"]) == (409, "price_changed")
    trade.worked(JD)
    assert trade.bought(order) == [(JD, "accepted")]
    assert trade.balanced()


def test_orders_of_a_batch_ask_in_their_turn_and_money_is_taken_in_it(trade: Trade) -> None:
    goods = trade.goods(JD, 2000, freight=None)
    plain = trade.shop.market.offer(source=SOURCE, cost="19.00")
    batch = {
        "items": [
            ordering(one, reference=f"R-{at}", max_total="60.00")
            for at, one in enumerate((plain, goods, plain, goods))
        ]
    }
    results = trade.shop.said("leader", "/v1/orders/batch", batch, 200)["items"]
    assert [one["status"] for one in results] == [201] * 4
    placed = [inside("ord", one["result"]["id"]) for one in results]
    assert placed == sorted(placed)
    again = trade.shop.said("leader", "/v1/orders/batch", batch, 200)["items"]
    assert [one["status"] for one in again] == [200] * 4
    assert trade.balanced()


def test_an_order_for_which_nobody_has_time_to_ask_is_not_refused_for_good(trade: Trade) -> None:
    office = trade.shop.app.state.office
    goods = trade.goods(JD, 2000, freight=None)
    talks, office.talks = office.talks, Talks(3.0, most=1)
    body = ordering(goods, reference="R-busy", max_total="60.00")
    with office.talks._free:  # somebody else's talk goes on
        told = trade.shop.ask("leader", "POST", "/v1/orders", json=body, key="k-busy")
    assert (told.status_code, told.json()["code"]) == (503, "busy")
    office.talks.close()
    office.talks = talks
    again = trade.shop.ask("leader", "POST", "/v1/orders", json=body, key="k-busy")
    assert again.status_code == 201


NO_TOWN = HOME | {"region": "440305", "address": "科技园 1 号"}
NEXT_DOOR = HOME | {"address": "粤海街道科技园 2 号"}


def lacking(trade: Trade, goods: Goods, **fields: Any) -> None:
    """An order to an address without its town is refused, as nothing is to be bought then."""
    body = ordering(goods, ship_to=NO_TOWN, **fields)
    told = trade.shop.ask("leader", "POST", "/v1/orders", json=body)
    assert (told.status_code, told.json()["errors"][0]["code"]) == (409, "address_incomplete")


def test_an_address_without_its_town_is_told_before_anything_is_bought(trade: Trade) -> None:
    goods = trade.goods(JD, 2000, freight=None)
    lines = [{"sku": goods.sku, "quantity": 1}]
    quote = trade.shop.said("leader", "/v1/quotes", {"lines": lines, "ship_to": NO_TOWN})
    assert [one["code"] for one in quote["unsellable"]] == ["address_incomplete"]
    assert "街道" in quote["unsellable"][0]["message"]
    calls = len(trade.stage.calls("jd"))
    lacking(trade, goods)
    assert len(trade.stage.calls("jd")) == calls  # it was said of this very address
    assert asked(trade, goods)["unsellable"] == []  # another address of the same district
    assert trade.stage.orders("jd") == []


def test_what_was_said_of_an_address_counts_for_such_as_name_their_town_too(trade: Trade) -> None:
    goods = trade.goods(JD, 2000, freight=None)
    quote = asked(trade, goods)
    calls = len(trade.stage.calls("jd"))
    trade.ordered(goods, ship_to=NEXT_DOOR)
    assert len(trade.stage.calls("jd")) == calls
    office = trade.shop.app.state.office
    patient, office.talks = office.talks, Talks(0.05)
    trade.stage.fault("jd", "stall", seconds=0.2)
    lines = {"lines": [{"sku": goods.sku, "quantity": 1}]}
    late = trade.shop.said("leader", "/v1/quotes", lines | {"ship_to": NO_TOWN})
    assert [one["code"] for one in late["unsellable"]] == ["freight_unknown"]
    office.talks.close()
    office.talks = patient
    lacking(trade, goods, quote=quote["id"], max_total=None)
    path = f"/v1/skus/{goods.sku}/sellable?region={HOME['region']}"
    assert trade.shop.got("leader", path)["sellable"]


def test_goods_held_for_their_address_are_bought_once_it_is_corrected(trade: Trade) -> None:
    goods = trade.goods(JD, 2000, freight={"kind": "flat", "fee": "6.00", "free_from": None})
    order = trade.ordered(goods, ship_to=NO_TOWN)
    trade.worked(JD)
    held = trade.seen(order)
    assert (held["status"], "街道" in held["lines"][0]["held_reason"]) == ("held", True)
    trade.retried(JD)
    assert trade.seen(order)["status"] == "held"
    corrected = trade.shop.said("leader", f"/v1/orders/{order}/address", {"ship_to": HOME}, 200)
    assert corrected["lines"][0]["held_reason"] is None
    trade.retried(JD)
    assert trade.bought(order)[-1] == (JD, "accepted")
    assert trade.seen(order)["total"] == "28.00"
    assert trade.balanced()


def test_refused_units_go_to_a_platform_that_must_be_asked_what_it_costs(trade: Trade) -> None:
    near = trade.goods(ALI, 2000)
    trade.goods(JD, 1500, sku_id=near.sku_id, freight=None)
    order = trade.ordered(near)
    trade.price(ALI, near.external_id, 2000, stock=0)
    trade.worked(ALI, JD)
    assert trade.bought(order)[-1] == (JD, "accepted")
    assert trade.balanced()
