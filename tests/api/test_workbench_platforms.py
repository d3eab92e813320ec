"""What waits for a person because of platforms and sheets, provoked as it comes about: the whole
way through the door, each action done twice, and the books add up after each."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.registry import open_source
from connectors.surroundings import Surroundings
from kit import clock
from kit.db import Database
from kit.settings import MailSettings
from tests.api.platforms import JD, Trade
from tests.api.shop import SOURCE, Goods, Shop, opened
from tests.api.test_workbench import act, cases, changed, whole
from tests.far_servers import mail_server
from tests.trade.market import JD_FREIGHT
from trade import cutoff_sheets
from trade.after_sales import taking_back

SOON = timedelta(seconds=20)


def talked(trade: Trade) -> None:
    """The platform is asked how its claims stand."""
    changed(trade.shop, "UPDATE platform_claims SET due_at = now()")
    office = trade.shop.app.state.office
    taking_back.drain(trade.shop.db, office.terms.desk, JD, office.source, clock.now() + SOON)


def sold(trade: Trade, **fields: Any) -> tuple[Goods, str]:
    """Three pieces at 20.00 that JD has delivered, free of freight unless it is stated."""
    if not fields:
        trade.stage.act("jd", "freight", fen=0)
    goods = trade.goods(JD, 2000, **fields)
    order = trade.ordered(goods, quantity=3)
    trade.worked(JD)
    ref = trade.stage.orders("jd")[0]["our_ref"]
    trade.stage.act("jd", "ship", order=ref, carrier="京东快递", number="JDVB000001")
    trade.stage.act("jd", "deliver", order=ref)
    changed(trade.shop, "UPDATE purchases SET due_at = '2020-01-01Z'")
    trade.followed(JD)
    return goods, order


def claimed(trade: Trade, of: tuple[Goods, str], kind: str, units: int = 1) -> str:
    """A claim that JD has taken up."""
    lines = [{"sku": of[0].sku, "quantity": units}]
    asked = {"kind": kind, "lines": lines, "reason": "收到破损"}
    [made] = trade.shop.said("leader", f"/v1/orders/{of[1]}/claims", asked)["items"]
    talked(trade)
    return str(made["id"])


def stood(trade: Trade, claim: str, step: int, **more: Any) -> str:
    """How a claim stands here once JD has brought it to `step`."""
    trade.stage.act("jd", "service", step=step, **more)
    talked(trade)
    return str(trade.shop.got("leader", f"/v1/claims/{claim}")["status"])


def twice(trade: Trade, case: Any, action: str, **told: Any) -> None:
    for _ in range(2):
        assert act(trade.shop, case, action, **told)["waits"] is False
        assert trade.balanced()
    assert cases(trade.shop, case["kind"]) == []


@pytest.mark.parametrize(("step", "kind"), [(20, "return"), (60, "refund"), (60, "exchange")])
def test_a_platform_that_agreed_and_then_gives_nothing_ends_the_claim(
    trade: Trade, step: int, kind: str
) -> None:
    claim = claimed(trade, sold(trade), kind)
    assert stood(trade, claim, 22) == "approved"
    assert stood(trade, claim, step) == "refused"
    assert trade.balanced()


def test_a_claim_withdrawn_while_its_goods_go_back_ends_when_its_platform_lets_go(
    trade: Trade,
) -> None:
    claim = claimed(trade, sold(trade), "return")
    assert stood(trade, claim, 22) == "approved"
    path = f"/v1/claims/{claim}"
    assert trade.shop.said("leader", f"{path}/cancel", {}, 200)["status"] == "approved"
    sent = {"carrier": "顺丰", "tracking_number": "SF7777777777"}
    assert trade.shop.said("leader", f"{path}/return", sent, 200)["status"] == "returning"
    for _ in range(2):
        talked(trade)
    assert trade.shop.got("leader", path)["status"] == "cancelled"
    assert trade.balanced()


def test_what_a_platform_sends_anew_unnamed_is_told_and_neither_refused_nor_withdrawn(
    trade: Trade,
) -> None:
    of = sold(trade)
    claim = claimed(trade, of, "exchange")
    assert stood(trade, claim, 50) == "open"
    [case] = cases(trade.shop, "claim_replaced")
    assert (case["money"], case["actions"]) == ("20.00", ["reissue"])
    assert case["detail"] == "tell the waybill of its new order, which it has not named"
    gone = trade.shop.said("leader", f"/v1/claims/{claim}/cancel", {}, 409)
    assert gone["detail"] == "new goods are on their way already"
    twice(trade, case, "reissue", carrier="京东", tracking_number="JDVB000099")
    assert [one["claim"] for one in trade.seen(of[1])["parcels"]] == [None, claim]


def test_money_that_a_platform_gives_back_otherwise_is_settled_once(trade: Trade) -> None:
    of = sold(trade, freight=JD_FREIGHT)
    assert stood(trade, claimed(trade, of, "refund"), 50, money=1500) == "refunded"
    [less] = cases(trade.shop, "claim_difference")
    assert less["detail"] == "15.00 came back of the 20.00 that was due"
    assert (less["money"], less["actions"]) == ("5.00", ["counted", "dismiss"])
    twice(trade, less, "counted", amount="20.00")
    assert stood(trade, claimed(trade, of, "return", 2), 50, money=4600) == "refunded"
    [freight] = cases(trade.shop, "freight_returned")
    assert (freight["money"], freight["actions"]) == ("6.00", ["accept", "dismiss"])
    twice(trade, freight, "accept")


def test_a_purchase_that_its_platform_does_not_take_waits_with_why_and_until_when(
    trade: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    goods = trade.goods(JD, 2000)
    trade.stage.fault("jd", "status", "*", times=0)
    trade.ordered(goods)
    for _ in range(3):
        trade.worked(JD)
        changed(trade.shop, "UPDATE purchases SET due_at = now()")
    [case] = cases(trade.shop, "purchase_unsent")
    why, until = case["detail"].split("; nothing is asked there before ")
    assert why == f"{JD}: no access token: the platform answers HTTP 503"
    form = "%Y-%m-%d %H:%M:%S, and then by itself"
    at = datetime.strptime(until, form).replace(tzinfo=clock.SHANGHAI)
    assert timedelta() < at - clock.now() < timedelta(minutes=5)
    assert (case["money"], case["actions"]) == ("20.00", [])
    assert act(trade.shop, case, "retry", 409)["code"] == "wrong_state"
    trade.stage.calm()
    trade.stage.post("clock", ahead=600)
    changed(trade.shop, "DELETE FROM source_tokens")  # its next try comes
    later = clock.now() + timedelta(minutes=10)
    monkeypatch.setattr(clock, "now", lambda: later)
    [case] = cases(trade.shop, "purchase_unsent")
    assert (case["detail"], case["actions"]) == (why, ["retry"])
    for _ in range(2):
        act(trade.shop, case, "retry")
    trade.worked(JD)
    assert (cases(trade.shop, "purchase_unsent"), len(trade.stage.orders("jd"))) == ([], 1)
    assert act(trade.shop, case, "retry")["waits"] is False
    trade.worked(JD)
    assert len(trade.stage.orders("jd")) == 1
    assert trade.balanced()


@pytest.fixture
def by_sheet(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Shop]:
    """A shop whose supplier works from the sheets that it is sent."""
    told = {"kind": "feed", "location": "x.csv", "send_to": "mailto:cang@tea.example"}
    with opened(database, redis_url, tmp_path, {SOURCE: told | {"accept": "manual"}}) as shop:
        yield shop


@pytest.mark.parametrize("kept", [True, False])
def test_goods_that_a_sheet_sends_again_and_nobody_wants(by_sheet: Shop, kept: bool) -> None:  # noqa: FBT001
    shop, goods = by_sheet, by_sheet.offer()
    order = shop.shipped(goods)
    lines = [{"sku": goods.sku, "quantity": 1}]
    asked = {"kind": "reissue", "lines": lines, "reason": "少件"}
    [claim] = shop.said("leader", f"/v1/orders/{order['id']}/claims", asked)["items"]
    shop.said("brand", f"/v1/claims/{claim['id']}/approve", {}, 200)
    _sent_at_cutoff(shop)
    shop.said("leader", f"/v1/claims/{claim['id']}/cancel", {}, 200)
    [case] = cases(shop, "replacement_unwanted")
    assert (case["money"], case["actions"]) == ("7.78", ["refused", "reissue"])
    if kept:
        action, told = "refused", {"reason": "供应商来电：已留下"}
    else:
        action, told = "reissue", {"carrier": "顺丰", "tracking_number": "SF0000000077"}
    for _ in range(2):
        act(shop, case, action, **told)
        whole(shop)
    left = cases(shop, "replacement_unwanted")
    if not kept:
        [sent] = left
        assert "SF0000000077" in sent["detail"]
        assert sent["actions"] == ["dismiss"]
        for _ in range(2):
            assert act(shop, sent, "dismiss", reason="送给客户")["waits"] is False
    assert cases(shop, "replacement_unwanted") == []
    whole(shop)


def _sent_at_cutoff(shop: Shop) -> None:
    desk = shop.app.state.office.terms.desk
    with mail_server() as post:
        mail = MailSettings(smtp=post.url, sender="huopan@shop.example")
        config = {"kind": "feed", "send_to": "mailto:cang@tea.example"}
        source = open_source(SOURCE, config, Surroundings(mail=mail))
        with shop.db.as_system() as session:
            assert cutoff_sheets.make_due(session, desk, clock.now()) == 1
        cutoff_sheets.drain(shop.db, desk, SOURCE, lambda _: source, clock.now() + SOON)
        assert len(post.mails) == 1
