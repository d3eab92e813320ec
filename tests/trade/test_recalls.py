"""Goods that a sheet says to send again, and that nobody wants any more, are called back."""

from typing import Any

import pytest

from kit import clock
from kit.errors import Problem
from kit.ids import inside
from tests.far_servers import mail_server
from tests.trade.market import NOW, Market
from tests.trade.test_claims import approve, claim, seen
from tests.trade.test_cutoff_sheets import by_mail, hurried, made, rows, sending, sent
from tests.trade.test_sheets import import_sheet, workbook
from tests.trade.test_supplier_door import Shop
from trade import cutoff_sheets, exceptions, sheets
from trade.after_sales import claim_answers, claim_views, claims, recalls
from trade.parcels.waybills import Report


@pytest.fixture
def shop(market: Market) -> Shop:
    """Goods that have left, of a supplier who works from sheets."""
    found = Shop(sending(market))
    found.ship("SF1234567890")
    return found


def owed(shop: Shop, kind: str = "reissue") -> str:
    """A claim that its supplier agreed to, and whose goods may go out."""
    name = claim(shop, 1, kind=kind, reason="少件")
    approve(shop, name, return_to="王五 13900139000 某路 1 号" if kind == "exchange" else None)
    if kind == "exchange":
        with shop.market.db.as_system() as session:
            claim_answers.received(session, shop.market.desk, shop.door, name, NOW)
    return name


def tried(shop: Shop, mood: str = "take") -> int:
    """The sheet of the cut-off is sent, or not; returns how many mails were taken."""
    with mail_server() as post:
        post.mood = mood
        sent(shop.market, by_mail(post))
        return len(post.mails)


def withdraw(shop: Shop, name: str) -> None:
    with shop.market.db.as_system() as session:
        claims.cancel(session, shop.market.desk, shop.leader, name, NOW)


def at_door(shop: Shop, name: str) -> Any:
    with shop.market.db.as_system() as session:
        return claim_views.supplier_get(session, shop.market.desk, shop.door, name)


def waiting(shop: Shop) -> list[Any]:
    with shop.market.db.as_system() as session:
        found = exceptions.waiting(
            session, shop.market.desk, clock.now(), kind="replacement_unwanted"
        )
        return [(one["code"], one["money"], one["actions"]) for one in found]


def exported(shop: Shop) -> list[Any]:
    with shop.market.db.as_system() as session:
        content = sheets.export(session, shop.market.desk, shop.door, NOW).content
    return [(line[0], line[9]) for line in rows(content)[1:]]


def imported(shop: Shop, name: str) -> Report:
    """A supplier's sheet with a waybill for a purchase or a claim."""
    row = [name, "顺丰", "SF0000000001"]
    return import_sheet(shop.market, workbook(["采购单号", "快递公司", "快递单号"], row))


def test_a_supplier_is_asked_to_keep_what_its_sheet_says_to_send(shop: Shop) -> None:
    name = owed(shop)
    made(shop.market)
    assert tried(shop) == 1
    withdraw(shop, name)
    withdraw(shop, name)
    told = at_door(shop, name)
    assert (told["status"], told["recall"]) == ("cancelled", "asked")
    assert "replacement_recalled" in [one["kind"] for one in shop.seen()["timeline"]]
    assert waiting(shop) == [("no_answer", 333, ("refused", "reissue"))]
    assert exported(shop) == [(name, sheets.KEPT["reissue"])]
    with shop.market.db.as_system() as session:
        for _ in range(2):
            claim_answers.refuse(session, shop.market.desk, shop.door, name, "好的", [], NOW)
    assert (at_door(shop, name)["recall"], waiting(shop), exported(shop)) == ("agreed", [], [])
    assert seen(shop, name)["status"] == "cancelled"


def test_what_is_shipped_nevertheless_is_written_down_and_shown(shop: Shop) -> None:
    name = owed(shop)
    made(shop.market)
    tried(shop)
    withdraw(shop, name)
    unsaid = imported(shop, shop.name)  # may be the goods that nobody wants
    assert [one["code"] for one in unsaid.failed] == ["which_parcel"]
    done = imported(shop, name)
    assert (done.shipped, done.failed) == (1, [])
    view = seen(shop, name)
    assert (view["status"], view["reissued"]["tracking_number"]) == ("reissued", "SF0000000001")
    assert (at_door(shop, name)["recall"], exported(shop)) == ("sent", [])
    assert waiting(shop) == [("sent_anyway", 333, ("dismiss",))]
    kinds = [one["kind"] for one in shop.seen()["timeline"]]
    assert kinds[-2:] == ["claim_cancel_too_late", "reissued"]
    with shop.market.db.as_system() as session:
        recalls.seen(session, inside("clm", name), NOW)
    assert waiting(shop) == []
    with shop.market.db.as_system() as session, pytest.raises(Problem):
        recalls.agreed(session, inside("clm", name), NOW)


def test_an_exchange_that_an_operator_refuses_is_called_back(shop: Shop) -> None:
    name = owed(shop, "exchange")
    made(shop.market)
    tried(shop, "drop")  # it may have arrived
    operator = shop.market.party("operator")
    with shop.market.db.as_system() as session:
        for _ in range(2):
            claim_answers.refuse(
                session, shop.market.desk, shop.door, name, "不是我们的货", [], NOW, by=operator
            )
    assert at_door(shop, name)["recall"] == "asked"
    with shop.market.db.as_system() as session:
        recalls.agreed(session, inside("clm", name), NOW)
    assert waiting(shop) == []


def test_what_has_not_left_is_not_in_its_sheet_and_nobody_is_asked(shop: Shop) -> None:
    first, second = owed(shop), owed(shop)
    made(shop.market)
    withdraw(shop, first)
    tried(shop, "later")
    withdraw(shop, second)
    hurried(shop.market)
    assert tried(shop) == 0  # nothing is left of it
    assert [at_door(shop, name)["recall"] for name in (first, second)] == [None, None]
    with shop.market.db.as_system() as session, pytest.raises(Problem):
        claim_answers.reissue(
            session, shop.market.desk, shop.door, first, "顺丰", "SF0000000001", NOW
        )


def test_a_sheet_that_is_being_sent_may_have_left(shop: Shop) -> None:
    name = owed(shop)
    made(shop.market)
    with shop.market.db.as_system() as session:
        claimed = cutoff_sheets.claim(session, shop.market.desk, "teahouse", clock.now())
        assert claimed is not None
    withdraw(shop, name)
    assert at_door(shop, name)["recall"] == "asked"
