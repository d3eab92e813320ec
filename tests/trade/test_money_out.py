"""Money that leaves: never what is owed back, never twice under one reference of the bank."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from kit.db import Database
from kit.errors import Problem
from tests.trade.market import NOW, Market, make_desk
from trade.ledger import Entry, post
from trade.settling import payables, payouts
from trade.settling.withholding import MONTHLY

WAITS = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


@pytest.fixture
def market(shared_database: Database) -> Market:
    return Market(shared_database, make_desk())


def test_a_party_that_owes_earnings_back_takes_no_deposit_out_against_them(market: Market) -> None:
    party = market.party(money=10_000)
    with market.db.as_system() as session:
        back = Entry(f"owed:{party}", "earning_back", f"earned:{party}", "sales", 4_000, party)
        post(session, [back])
    with pytest.raises(Problem, match=r"60\.00 can be paid out.* less 40\.00") as caught:
        ask(market, party, 6_001)
    assert caught.value.code == "balance_short"
    ask(market, party, 6_000)
    assert market.balance(f"wallet:{party}") == 4_000


def ask(market: Market, party: int, amount: int) -> None:
    with market.db.as_system() as session:
        payouts.ask(session, MONTHLY, party, amount, NOW)


def test_of_two_suppliers_paid_at_once_under_one_reference_one_is_paid(market: Market) -> None:
    for source in ("bank-first", "bank-second"):
        market.offer(source=source)
    with ThreadPoolExecutor(1) as pool:
        with market.db.as_system() as session:
            assert payables.pay(session, "bank-first", 100, "B-77", prepay=True)
            second = pool.submit(pay, market, "bank-second")
            while not second.done() and not session.scalar(WAITS):
                time.sleep(0.01)
        with pytest.raises(Problem, match="another payment"):
            second.result(timeout=20)


def pay(market: Market, source: str) -> bool:
    with market.db.as_system() as session:
        return payables.pay(session, source, 100, "B-77", prepay=True)
