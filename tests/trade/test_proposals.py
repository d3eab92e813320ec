"""A held order says what its leader may choose, until when, and what happens then."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from catalog import bundles
from catalog.models import Sku
from kit import clock
from kit.db import Database
from kit.errors import Problem
from kit.ids import outside
from tests.trade.market import NOW, Goods, Market, make_desk, submitted
from tests.trade.test_dearer import Fickle, work
from tests.trade.test_rerouting import FLAT, refuse, reroute
from trade import cancelling, dearer, held_orders, order_views, rerouting
from trade.desk import HeldTerms
from trade.held_orders import Choice
from trade.invariants import violations


@pytest.fixture
def market(shared_database: Database) -> Market:
    return Market(shared_database, make_desk())


def seen(market: Market, leader: int, order: int) -> Any:
    with market.db.as_party(leader) as session:
        return order_views.by_id(session, leader, order)


def held(market: Market, leader: int, *lines: tuple[Goods, int], **fields: Any) -> int:
    """An order of which the source of every line refuses, so that all of it is held."""
    order = market.place(leader, *((goods.sku, units) for goods, units in lines), **fields)
    submitted(market)
    refuse(market, order)
    reroute(market)
    return order


def choose(market: Market, leader: int, order: int, take: Any, **fields: Any) -> None:
    with market.db.as_system() as session:
        held_orders.choose(session, market.desk, leader, order, Choice(take, **fields), clock.now())


def sibling(market: Market, goods: Goods, *, pack: int = 1, **fields: Any) -> Goods:
    """Goods of another SKU of the same product."""
    with market.db.as_system() as session:
        product = session.get_one(Sku, goods.sku_id).product_id
        row = Sku(product_id=product, pack=pack, attributes={"口味": "绿茶"})
        session.add(row)
        session.flush()
        sku_id = row.id
    return market.offer(sku_id=sku_id, source="other", **fields)


def whole(market: Market) -> None:
    with market.db.as_system() as session:
        assert violations(session) == []


def past(market: Market, order: int) -> None:
    with market.db.as_system() as session:
        session.execute(
            text("UPDATE proposals SET deadline = now() - interval '1 second' WHERE order_id = :o"),
            {"o": order},
        )


def worked(market: Market) -> int:
    """Do what deadlines ask for; returns how many orders that were."""
    for done in range(9):
        with market.db.as_system() as session:
            if not held_orders.work_one(session, clock.now()):
                return done
    raise AssertionError("it does not end")


def test_a_held_order_says_what_may_be_chosen_and_until_when(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer(cost="10.00", freight=FLAT)
    market.offer(sku_id=goods.sku_id, source="other", cost="15.00")
    like = sibling(market, goods, cost="9.00")
    sibling(market, goods, pack=12, cost="1.00")
    order = held(market, leader, (goods, 2))
    told = seen(market, leader, order)["proposal"]
    assert timedelta(hours=23) < told["deadline"] - clock.now() <= timedelta(hours=24)
    assert told["then"] == "refund"
    assert told["refund"] == {"amount": "25.00"}
    assert told["new_price"] == {"total": "30.00"}
    [line] = told["lines"]
    assert line["new_price"].pop("ships_by") > clock.now().isoformat()
    assert line["new_price"] == {
        "unit_price": "15.00",
        "amount": "30.00",
        "freight": "0.00",
        "total": "30.00",
    }
    [other] = line["substitutes"]
    assert (other["sku"], other["total"], other["attributes"]) == (
        like.sku,
        "18.00",
        {"口味": "绿茶"},
    )
    assert "other" not in str(told)


def test_a_new_price_is_bought_and_paid_for_once_its_leader_agrees(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer(cost="10.00", freight=FLAT)
    market.offer(sku_id=goods.sku_id, source="other", cost="15.00")
    order = held(market, leader, (goods, 2))
    with pytest.raises(Problem, match="max_total"):
        choose(market, leader, order, "new_price")
    with pytest.raises(Problem) as refused:
        choose(market, leader, order, "new_price", max_total=2999)
    assert refused.value.code == "price_changed"
    assert market.balance(f"held:{leader}") == 2500
    choose(market, leader, order, "new_price", max_total=3000)
    told = seen(market, leader, order)
    assert (told["status"], told["total"], told["held"]) == ("pending", "30.00", "30.00")
    assert told["proposal"] is None
    first, second = told["lines"]
    assert (first["cancelled"], first["replaced"], second["replaces"]) == (2, 2, 1)
    assert (second["unit_price"], second["quantity"]) == ("15.00", 2)
    assert market.balance(f"wallet:{leader}") == 7000
    with pytest.raises(Problem) as again:
        choose(market, leader, order, "new_price", max_total=9999)
    assert again.value.code == "wrong_state"
    submitted(market, "other")
    whole(market)
    with market.db.as_system() as session:  # and what is released later is released once
        cancelling.cancel(session, leader, order, "不要了", NOW)
    refuse(market, order)
    assert seen(market, leader, order)["status"] == "cancelled"
    assert market.balance(f"wallet:{leader}") == 10_000
    whole(market)


def test_other_goods_take_a_lines_place_and_cost_less(market: Market) -> None:
    leader = market.party(money=10_000)
    goods, kept = market.offer(cost="10.00"), market.offer(cost="3.00", source="third")
    like = sibling(market, goods, cost="8.00")
    order = held(market, leader, (goods, 2), (kept, 1))
    with pytest.raises(Problem, match="no other SKU"):
        choose(market, leader, order, "substitute", sku=kept.sku, max_total=9999)
    choose(market, leader, order, "substitute", sku=like.sku, max_total=1900)
    told = seen(market, leader, order)
    assert (told["total"], told["lines"][2]["sku"]) == ("19.00", like.sku)
    assert market.balance(f"wallet:{leader}") == 10_000 - 1900
    assert told["status"] == "pending"
    whole(market)


def test_a_line_may_be_chosen_for_alone_and_the_rest_stays_held(market: Market) -> None:
    leader = market.party(money=10_000)
    one, two = market.offer(cost="10.00"), market.offer(cost="5.00")
    market.offer(sku_id=one.sku_id, source="other", cost="11.00")
    order = held(market, leader, (one, 1), (two, 2))
    told = seen(market, leader, order)["proposal"]
    assert told["new_price"] is None  # of the second there is nothing left
    assert [line["new_price"] and line["new_price"]["total"] for line in told["lines"]] == [
        "21.00",
        None,
    ]
    choose(market, leader, order, "new_price", lines=[1], max_total=2100)
    left = seen(market, leader, order)
    assert (left["status"], [x["line"] for x in left["proposal"]["lines"]]) == ("held", [2])
    assert left["proposal"]["deadline"] == told["deadline"]
    choose(market, leader, order, "refund", lines=[2])
    assert seen(market, leader, order)["status"] == "pending"
    assert market.balance(f"held:{leader}") == 1100
    whole(market)


def test_a_price_never_lies_below_what_the_source_asks(market: Market) -> None:
    cheap = Market(market.db, replace(market.desk, markup_percent=Decimal(20)))
    leader = market.party(money=10_000)
    goods = market.offer(cost="10.00")
    market.offer(sku_id=goods.sku_id, source="other", cost="13.00")
    order = cheap.place(leader, (goods.sku, 1))
    submitted(market)
    refuse(market, order)
    reroute(market)  # at a desk that takes no mark-up any more
    assert seen(market, leader, order)["proposal"]["new_price"] == {"total": "13.00"}


def test_a_source_that_became_dearer_is_bought_from_at_what_it_asks_now(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer(cost="10.00", source="manual")
    platform = Fickle(asks={goods.external_id: Decimal("12.00")})
    order = market.place(leader, (goods.sku, 2))
    work(market, platform)
    told = seen(market, leader, order)
    assert told["lines"][0]["held_reason"] == dearer.HELD
    assert told["proposal"]["new_price"] == {"total": "24.00"}
    choose(market, leader, order, "new_price", max_total=2400)
    work(market, platform)
    told = seen(market, leader, order)
    assert (told["status"], told["total"], told["held"]) == ("processing", "24.00", "24.00")
    assert [one.lines[0].cost for one in platform.sold] == [Decimal("12.00")]
    whole(market)


def test_at_the_deadline_what_is_held_is_paid_back_once(market: Market) -> None:
    leader = market.party(money=10_000)
    goods, kept = market.offer(freight=FLAT), market.offer(source="third")
    order = market.place(leader, (goods.sku, 1), (kept.sku, 1))
    submitted(market)
    refuse(market, order)
    reroute(market)
    assert worked(market) == 0
    past(market, order)
    assert worked(market) == 1
    assert worked(market) == 0
    told = seen(market, leader, order)
    assert (told["status"], told["held"], told["proposal"]) == ("pending", "10.00", None)
    last = told["timeline"][-1]
    assert (last["kind"], last["detail"]) == (
        "held_refunded",
        {"amount": "15.00", "by": "deadline"},
    )
    whole(market)


def test_a_leader_who_chose_before_the_deadline_is_not_paid_back(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer(cost="10.00")
    market.offer(sku_id=goods.sku_id, source="other", cost="15.00")
    order = held(market, leader, (goods, 1))
    past(market, order)
    choose(market, leader, order, "new_price", max_total=1500)
    assert worked(market) == 0
    assert market.balance(f"held:{leader}") == 1500
    whole(market)


def test_of_a_choice_and_the_deadline_at_once_one_is_done(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer(cost="10.00")
    market.offer(sku_id=goods.sku_id, source="other", cost="15.00")
    order = held(market, leader, (goods, 1))
    past(market, order)
    start = threading.Barrier(3)

    def chosen() -> str:
        start.wait()
        try:
            choose(market, leader, order, "new_price", max_total=1500)
        except Problem as problem:
            return problem.code
        return "bought"

    def due() -> int:
        start.wait()
        return worked(market)

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(chosen)
        others = [pool.submit(due), pool.submit(due)]
        outcome = first.result()
        [one.result() for one in others]
    kept = market.balance(f"held:{leader}")
    assert (outcome, kept) in {("bought", 1500), ("wrong_state", 0)}
    assert market.balance(f"wallet:{leader}") == 10_000 - kept
    whole(market)


def bundle_of(market: Market, leader: int, *parts: Goods) -> str:
    with market.db.as_system() as session:
        sku = bundles.create(session, "礼盒", None, None, [])
        bundles.put(session, sku, {part.sku_id: 1 for part in parts}, "", leader)
    return outside("sku", sku)


def test_a_bundle_of_which_a_part_is_held_goes_whole(market: Market) -> None:
    leader = market.party(money=10_000)
    scarce, there = market.offer(source="manual"), market.offer(source="slow")
    market.offer(sku_id=scarce.sku_id, source="other", cost="15.00")
    order = market.place(leader, (bundle_of(market, leader, scarce, there), 1))
    submitted(market, "manual")
    refuse(market, order)
    reroute(market)
    told = seen(market, leader, order)["proposal"]
    assert (told["new_price"], told["refund"]) == (None, {"amount": "10.00"})
    assert [(x["line"], x["sku"], x["new_price"]) for x in told["lines"]] == [(1, scarce.sku, None)]
    with pytest.raises(Problem, match="only paid back"):
        choose(market, leader, order, "new_price", max_total=9999)
    past(market, order)
    assert worked(market) == 1
    assert seen(market, leader, order)["status"] == "cancelled"
    assert market.balance(f"wallet:{leader}") == 10_000
    whole(market)


def test_a_bundle_that_cannot_go_whole_waits_for_a_person(market: Market) -> None:
    leader = market.party(money=10_000)
    scarce, there, kept = (
        market.offer(source="manual"),
        market.offer(source="slow"),
        market.offer(source="slow"),
    )
    bundle = bundle_of(market, leader, scarce, there)
    order = market.place(leader, (bundle, 1), (kept.sku, 1))
    submitted(market, "manual")
    refuse(market, order)
    submitted(market, "slow")  # who has all of it already
    reroute(market)
    past(market, order)
    assert worked(market) == 1
    told = seen(market, leader, order)
    assert (told["status"], told["held"]) == ("held", "30.00")
    assert told["proposal"]["deadline"] is None
    assert told["timeline"][-1]["detail"] == {"deadline": None, "why": "shared_purchase"}
    assert worked(market) == 0
    with market.db.as_system() as session:  # nor does looking again give it a new deadline
        rerouting.reroute(session, market.desk, order, clock.now())
    assert worked(market) == 0
    whole(market)


def test_waiting_is_a_rule_as_well(market: Market) -> None:
    patient = Market(market.db, replace(market.desk, held=HeldTerms(1, "wait")))
    leader = market.party(money=10_000)
    order = held(patient, leader, (market.offer(), 1))
    past(market, order)
    assert worked(market) == 0
    assert seen(market, leader, order)["proposal"]["then"] == "wait"


def test_looking_again_at_what_is_held_says_nothing_new(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer(cost="10.00")
    order = held(market, leader, (goods, 1))
    before = seen(market, leader, order)
    for _ in range(2):
        with market.db.as_system() as session:
            rerouting.reroute(session, market.desk, order, clock.now())
    assert seen(market, leader, order) == before
    market.offer(sku_id=goods.sku_id, source="other", cost="15.00")
    with market.db.as_system() as session:
        rerouting.reroute(session, market.desk, order, clock.now())
    after = seen(market, leader, order)
    assert after["proposal"]["new_price"] == {"total": "15.00"}
    assert after["proposal"]["deadline"] == before["proposal"]["deadline"]


def test_a_line_and_the_line_that_took_its_place_may_both_be_refused(market: Market) -> None:
    leader = market.party(money=100_000)
    goods = market.offer(cost="10.00", stock=2)
    market.offer(sku_id=goods.sku_id, source="second", cost="10.00", stock=1)
    dear = market.offer(sku_id=goods.sku_id, source="dear", cost="14.00", stock=2)
    order = market.place(leader, (goods.sku, 3))
    submitted(market)
    refuse(market, order)
    reroute(market)
    choose(market, leader, order, "new_price", max_total=10**6)
    submitted(market, "second")
    submitted(market, "dear")
    refuse(market, order)
    assert reroute(market) == 1
    told = seen(market, leader, order)
    assert [line["line"] for line in told["proposal"]["lines"]] == [1, 2]
    assert told["proposal"]["new_price"] is None
    choose(market, leader, order, "refund")
    assert seen(market, leader, order)["status"] == "cancelled"
    assert market.balance(f"wallet:{leader}") == 100_000
    assert dear.sku == outside("sku", goods.sku_id)
    whole(market)
