"""Dead letters are handled again, and only what was not handled."""

import hashlib
from datetime import timedelta

import pytest
from sqlalchemy import text

from kit import clock, inbox
from kit.errors import Problem
from tests.trade.market import Market
from tests.trade.test_sheets import filled, import_sheet, workbook
from tests.trade.test_supplier_door import Shop
from trade import replaying


def _stored(market: Market, content: bytes, sender: str = "waybills:teahouse") -> None:
    """As a process leaves it that dies between storing a sheet and shipping what it says."""
    with market.db.as_system() as session:
        sealed = market.desk.keyring.seal(content, sender)
        inbox.receive(session, sender, hashlib.sha256(content).hexdigest(), sealed)


def test_a_sheet_that_was_stored_only_is_shipped_by_its_replay(market: Market) -> None:
    shop = Shop(market)
    _stored(market, filled(market, "SF1234567890"))
    later = clock.now() + timedelta(minutes=6)
    with market.db.as_system() as session:
        assert replaying.waiting(session, clock.now()) == []  # it may be in somebody's hands
        (letter,) = replaying.waiting(session, later)
    [step] = replaying.preview(market.db, market.desk, letter, later)["would"]
    assert (step["purchase"], step["does"], shop.state()) == (shop.name, "ships", "accepted")
    assert replaying.replay(market.db, market.desk, letter, later)["shipped"] == 1
    [step] = replaying.preview(market.db, market.desk, letter, later)["would"]
    assert step["does"] == "knows"
    assert shop.state() == "shipped"
    with market.db.as_system() as session:
        assert replaying.waiting(session, later) == []


def test_a_dry_run_says_of_each_row_why_it_fails_and_of_a_message_who_would_be_asked(
    market: Market,
) -> None:
    shop, columns = Shop(market), ["采购单号", "快递公司", "快递单号"]
    _stored(market, workbook(columns, ["pur_none", "顺丰", "SF1"], [shop.name, "", "SF1234567890"]))
    with market.db.as_system() as session:
        session.execute(text("UPDATE purchases SET external_refs = '{A1}'"))
        inbox.receive(session, "messages:teahouse", "m", b'{"refs": ["A1"]}')
    later = clock.now() + timedelta(minutes=6)
    with market.db.as_system() as session:
        sheet, message = replaying.waiting(session, later)
    steps = replaying.preview(market.db, market.desk, sheet, later)["would"]
    assert [(one["does"], one["code"]) for one in steps] == [
        ("fails", "malformed"),
        ("fails", "carrier_missing"),
    ]
    told = replaying.preview(market.db, market.desk, message, later)
    assert told == {"would": [{"purchase": shop.name, "does": "asks", "of": "teahouse"}]}
    with market.db.as_system() as session:
        assert replaying.waiting(session, later) == [sheet, message]


def test_a_handled_sheet_is_no_dead_letter(market: Market) -> None:
    Shop(market)
    import_sheet(market, filled(market, "SF1234567890"))
    with market.db.as_system() as session:
        assert replaying.waiting(session, clock.now() + timedelta(days=1)) == []


def test_an_unknown_letter_and_an_unknown_sender_are_said(market: Market) -> None:
    _stored(market, b"x", sender="carrier pigeon")
    with market.db.as_system() as session:
        with pytest.raises(Problem, match="no such dead letter"):
            replaying.waiting(session, clock.now(), [replaying.outside("ltr", 999)])
        (letter,) = replaying.waiting(session, clock.now() + timedelta(hours=1))
    with pytest.raises(Problem, match="not handled here"):
        replaying.replay(market.db, market.desk, letter, clock.now())
