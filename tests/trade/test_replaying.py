"""Dead letters are handled again, and only what was not handled."""

import hashlib
from datetime import timedelta

import pytest

from kit import clock, inbox
from kit.errors import Problem
from tests.trade.market import Market
from tests.trade.test_sheets import filled, import_sheet
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
    assert replaying.replay(market.db, market.desk, letter, later)["shipped"] == 1
    assert shop.state() == "shipped"
    with market.db.as_system() as session:
        assert replaying.waiting(session, later) == []


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
