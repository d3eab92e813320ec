"""What the bank sends back after it has paid is its party's again, with the tax on it."""

from datetime import timedelta

import pytest

from kit import clock
from kit.db import Database
from kit.errors import Problem
from tests.trade.market import NOW, Market, make_desk
from tests.trade.test_payouts_held_back import OPERATOR, Purse, quarter, rows
from trade import wallets
from trade.settling import payout_sheets, payouts, statements
from trade.settling.withholding import MONTHLY


@pytest.fixture
def market(shared_database: Database) -> Market:
    return Market(shared_database, make_desk())


def came_back(purse: Purse, payout: str, reference: str, at: int = 0, by: int = OPERATOR) -> str:
    """`at`: days after NOW. Returns its state."""
    with purse.market.db.as_system() as session:
        moment = NOW + timedelta(days=at)
        told = payouts.returned(session, payout, reference, "户名不符", by, moment)
        return str(told["status"])


def gone(purse: Purse, amount: int) -> str:
    payout = purse.ask(amount)
    purse.approve(payout)
    purse.export()
    purse.paid(payout)
    return payout


def test_a_payout_that_comes_back_is_its_partys_again_once(market: Market) -> None:
    purse = Purse(market, 2500_00, money=300_00)
    payout = gone(purse, 2600_00)
    with market.db.as_system() as session:
        statements.issue(session, purse.party, clock.now(), NOW)
    assert [came_back(purse, payout, "R-1", at) for at in (1, 2)] == ["returned"] * 2
    assert purse.now() == [("returned", 2500_00, 100_00)]
    assert (purse.holds("earned"), purse.holds("wallet")) == (2500_00, 300_00)
    with market.db.as_system() as session:
        row = statements.issue(session, purse.party, clock.now(), NOW)
        found = statements.page(session, purse.party)[0][0]
    assert row is not None
    assert (found["opening"], found["closing"]) == ("200.00", "2800.00")
    with pytest.raises(Problem, match="this payout is returned: 户名不符"):
        came_back(purse, payout, "R-2")
    again = purse.approve(purse.ask(2600_00))
    assert (again["tax"], again["plans"]) == ("340.00", ["2026-1"])
    purse.now()


def test_what_came_back_is_taxed_no_more(market: Market) -> None:
    purse = Purse(market, 7500_00)
    first = gone(purse, 2500_00)
    second = purse.ask(2500_00)
    assert purse.approve(second)["tax"] == "460.00"
    came_back(purse, first, "R-3")
    with market.db.as_system() as session:
        payouts.failed(session, second, "retry", NOW)
    third = gone(purse, 2500_00)
    with market.db.as_system() as session:
        told = payouts.page(session, purse.party)[0][-1]
    assert (told["id"], told["tax"]) == (third, "340.00")
    purse.now()


def test_a_receipt_of_the_bank_stands_for_one_thing(market: Market) -> None:
    purse = Purse(market, 100_00, money=10_00)
    first, second = gone(purse, 40_00), gone(purse, 60_00)
    with market.db.as_system() as session:
        wallets.deposit(session, purse.party, 40_00, "R-4")
    with pytest.raises(Problem, match="a deposit of this party"):
        came_back(purse, first, "R-4")
    came_back(purse, first, "R-5")
    with pytest.raises(Problem, match="another payout"):
        came_back(purse, second, "R-5")
    with market.db.as_system() as session, pytest.raises(Problem, match="the bank returned"):
        wallets.deposit(session, purse.party, 40_00, "R-5")
    with market.db.as_system() as session:
        asked = wallets.ask_deposit(session, purse.party, 40_00, "R-5", NOW)["id"]
        with pytest.raises(Problem, match="the bank returned"):
            wallets.confirm(session, asked, NOW)
    with pytest.raises(Problem, match="nobody returns his own"):
        came_back(purse, second, "R-6", by=purse.party)
    pending = purse.ask(1_00)
    with pytest.raises(Problem, match="this payout is requested"):
        came_back(purse, pending, "R-7")


def test_income_that_came_back_in_a_later_quarter_stands_there_with_its_tax(market: Market) -> None:
    now = clock.now()
    before = now - timedelta(days=100)
    purse = Purse(market, 3500_00)
    for amount in (2500_00, 1000_00):
        payout = purse.ask(amount)
        purse.approve(payout, before)
        purse.paid(payout, before)
        if amount == 1000_00:  # came back at once
            with market.db.as_system() as session:
                payouts.returned(session, payout, "R-8", "销户", OPERATOR, before)

    def lists() -> list[list[object]]:
        with market.db.as_system() as session:
            made = (
                payout_sheets.incomes(session, market.desk.keyring, *quarter(at))
                for at in (before, now)
            )
            found = [row for content in made for row in rows(content)[1:]]
        return [row[4:] for row in found]

    assert lists() == [[2500, 340, 2160, "1", MONTHLY, 0, 0]]
    with market.db.as_system() as session:
        first = payouts.page(session, purse.party, status="paid")[0][0]["id"]
        payouts.returned(session, first, "R-9", "销户", OPERATOR, now)
    assert lists() == [
        [2500, 340, 2160, "1", MONTHLY, 0, 0],
        [0, 0, 0, "0", MONTHLY, 2500, 340],
    ]
    purse.now()
