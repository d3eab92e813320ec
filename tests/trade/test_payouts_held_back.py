"""Goods that come back stop the payout of what was earned on them, until a bank's sheet has it."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from kit import clock
from kit.db import Database
from kit.errors import Problem
from kit.ids import outside
from tests.trade.market import NOW, Market, make_desk
from tests.trade.test_shares import Stall, stall
from trade import exceptions
from trade.invariants import violations
from trade.ledger import Entry, post, standing
from trade.models import Earning, Payout
from trade.settling import debts, holding_back, payout_sheets, payouts
from trade.settling.withholding import MONTHLY

__all__ = ["stall"]

OPERATOR = 9_999_999
_lines = itertools.count(7_000_000)


class Purse:
    """A party that has earned, and its payouts."""

    def __init__(self, market: Market, *earnings: int, money: int = 0) -> None:
        self.market, self.party = market, market.party(money=money)
        for fen in earnings:
            self.earn(fen)

    def earn(self, fen: int) -> None:
        line, party = next(_lines), self.party
        facts = {"amount": fen, "accrued": fen, "released": fen, "released_at": NOW}
        with self.market.db.as_system() as session:
            ids = {"party_id": party, "share_id": 1, "order_id": line, "order_line_id": line}
            session.add(Earning(**ids, plan="2026-1", **facts))
            name = f"earned:{party}:{line}"
            post(session, [Entry(name, "earned", "sales", f"earned:{party}", fen, party)])

    def claw(self, fen: int) -> None:
        """Goods come back on which `fen` were earned."""
        with self.market.db.as_system() as session:
            own = session.query(Earning).filter_by(party_id=self.party).order_by(Earning.id)
            row = own.with_for_update().limit(1).one()
            row.released, row.clawed = row.released - fen, row.clawed + fen
            name = f"clawed:{self.party}:{next(_lines)}"
            post(
                session,
                [Entry(name, "earning_back", f"earned:{self.party}", "sales", fen, self.party)],
            )

    def ask(self, amount: int) -> str:
        with self.market.db.as_system() as session:
            return str(payouts.ask(session, MONTHLY, self.party, amount, NOW)["id"])

    def approve(self, payout: str, now: datetime = NOW) -> dict[str, Any]:
        with self.market.db.as_system() as session:
            return payouts.approve(session, MONTHLY, payout, OPERATOR, now)

    def paid(self, payout: str, now: datetime = NOW) -> dict[str, Any]:
        with self.market.db.as_system() as session:
            return payouts.paid(session, payout, f"B-{payout}", OPERATOR, now)

    def export(self) -> None:
        with self.market.db.as_system() as session:
            payout_sheets.for_bank(session, self.market.desk.keyring, NOW)

    def hold_back(self) -> None:
        with self.market.db.as_system() as session:
            for party in holding_back.waiting(session):
                holding_back.hold_back(session, party, NOW)

    def now(self) -> list[tuple[str, int, int]]:
        """State, earnings and deposits of each payout, and the books are whole."""
        with self.market.db.as_system() as session:
            assert violations(session) == []
            rows = session.query(Payout).filter_by(party_id=self.party).order_by(Payout.id)
            return [(row.state, row.earnings, row.deposits) for row in rows]

    def holds(self, account: str) -> int:
        with self.market.db.as_system() as session:
            return standing(session, f"{account}:{self.party}")

    def cases(self) -> list[dict[str, Any]]:
        with self.market.db.as_system() as session:
            found = exceptions.waiting(session, self.market.desk, NOW, kind="earnings_owed")
        return [case for case in found if case["about"] == ("pty", self.party)]


@pytest.fixture
def market(shared_database: Database) -> Market:
    return Market(shared_database, make_desk())


def test_what_goods_came_back_for_is_taken_out_of_the_newest_payouts_first(market: Market) -> None:
    purse = Purse(market, 100_00)
    first, second = purse.ask(60_00), purse.ask(40_00)
    purse.approve(first)
    purse.claw(50_00)
    purse.hold_back()
    assert purse.now() == [("requested", 50_00, 0), ("failed", 40_00, 0)]
    purse.hold_back()
    assert purse.now() == [("requested", 50_00, 0), ("failed", 40_00, 0)]
    with pytest.raises(Problem, match="goods came back") as caught:
        purse.approve(second)
    assert caught.value.code == "wrong_state"
    told = purse.approve(first)
    assert (told["amount"], told["reduced"], told["tax"]) == ("50.00", "10.00", "0.00")
    assert purse.paid(first)["status"] == "paid"
    assert (purse.now()[0], purse.holds("earned"), purse.holds("paying")) == (
        ("paid", 50_00, 0),
        0,
        0,
    )


def test_approving_and_the_bank_see_what_came_back_without_waiting_for_a_clock(
    market: Market,
) -> None:
    purse = Purse(market, 100_00, money=30_00)
    payout = purse.ask(100_00)
    purse.claw(20_00)
    assert purse.approve(payout)["amount"] == "80.00"
    purse.claw(10_00)
    with pytest.raises(Problem, match="this payout is requested"):
        purse.paid(payout)
    purse.export()
    assert purse.now() == [("requested", 70_00, 0)]
    purse.approve(payout)
    purse.export()
    purse.claw(5_00)  # the sheet is at the bank
    purse.hold_back()
    assert purse.paid(payout)["amount"] == "70.00"
    assert (purse.now(), purse.holds("earned")) == ([("paid", 70_00, 0)], -5_00)


def test_deposits_stay_where_the_wallet_does_not_cover_what_is_owed(market: Market) -> None:
    purse = Purse(market, 100_00, money=50_00)
    gone = purse.ask(100_00)
    purse.approve(gone)
    purse.export()
    purse.paid(gone)
    purse.ask(45_00)
    purse.claw(30_00)
    purse.hold_back()
    assert purse.now() == [("paid", 100_00, 0), ("requested", 0, 20_00)]
    assert purse.holds("wallet") == 30_00
    [case] = purse.cases()
    assert (case["money"], case["actions"]) == (30_00, ("set_off", "write_off"))
    with market.db.as_system() as session:
        debts.set_off(session, purse.party)
        debts.set_off(session, purse.party)
    assert (purse.holds("wallet"), purse.holds("earned"), purse.cases()) == (0, 0, [])
    purse.claw(1_00)
    purse.hold_back()
    assert purse.now()[1] == ("requested", 0, 19_00)
    with market.db.as_system() as session:
        debts.write_off(session, purse.party)
    assert (purse.holds("earned"), purse.cases(), purse.now()[1][2]) == (0, [], 19_00)


def test_later_earnings_are_set_against_what_is_owed(market: Market) -> None:
    purse = Purse(market, 100_00)
    payout = purse.ask(100_00)
    purse.approve(payout)
    purse.export()
    purse.claw(100_00)
    purse.paid(payout)
    assert [case["money"] for case in purse.cases()] == [100_00]
    assert purse.cases()[0]["actions"] == ("write_off",)
    purse.earn(130_00)
    assert purse.cases() == []
    with pytest.raises(Problem, match=r"30\.00 can be paid out"):
        purse.ask(30_01)
    purse.ask(30_00)
    purse.now()


def test_a_clawback_under_way_waits_for_nobody_and_nobody_pays_twice(market: Market) -> None:
    purse = Purse(market, 90_00)
    payout = purse.ask(90_00)
    steps = [lambda: purse.approve(payout), purse.export, lambda: purse.paid(payout)] * 2
    steps += [lambda: purse.claw(1_00)] * 6 + [purse.hold_back] * 3

    def quietly(step: Any) -> None:
        with suppress(Problem):  # not in this state
            step()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(quietly, steps[::2] + steps[1::2]))
    purse.hold_back()
    [(state, earnings, _)] = purse.now()
    assert purse.holds("earned") + (earnings if state != "failed" else 0) == 84_00
    assert state == "paid" or purse.holds("earned") >= 0 or purse.cases()


def test_a_refund_of_helped_goods_stops_the_sharers_payout(stall: Stall) -> None:
    late = NOW + timedelta(days=60)
    order = stall.market.place(stall.helper, (stall.goods.sku, 2), share=stall.code)
    stall.sent(order, 2, "SF1000000001")
    stall.release(late)
    earned = stall.posted(f"earned:{stall.sharer}")
    assert earned > 0
    with stall.market.db.as_system() as session:
        payouts.ask(session, MONTHLY, stall.sharer, earned, NOW)
    stall.refund(stall.helper, order, 1)
    with stall.market.db.as_system() as session:
        assert holding_back.waiting(session) == [stall.sharer]
        holding_back.hold_back(session, stall.sharer, NOW)
    with stall.market.db.as_system() as session:
        [row] = session.query(Payout).filter_by(party_id=stall.sharer)
        assert (row.state, row.amount, row.reduced) == ("requested", earned // 2, earned // 2)
    stall.whole()


def test_tax_is_of_the_month_in_which_the_bank_paid(market: Market) -> None:
    """In Shanghai: a month there ends at 16:00 UTC."""
    purse = Purse(market, 3000_00)
    march, april = (
        datetime(2026, 3, 31, 15, 30, tzinfo=UTC),
        datetime(2026, 3, 31, 16, 30, tzinfo=UTC),
    )
    first = purse.ask(1500_00)
    assert purse.approve(first, march)["tax"] == "140.00"
    purse.paid(first, april)
    second = purse.ask(1500_00)
    told = purse.approve(second, april + timedelta(days=3))
    assert (told["tax"], told["basis"]["income"]) == ("300.00", "3000.00")  # 440.00 of 3000.00
    assert outside("pty", purse.party) == told["party"]


def test_what_is_not_paid_out_counts_for_no_other_payouts_tax(market: Market) -> None:
    purse = Purse(market, 7500_00)
    names = [purse.ask(2500_00) for _ in range(3)]
    assert [purse.approve(one)["tax"] for one in names] == ["340.00", "460.00", "400.00"]
    with market.db.as_system() as session:
        payouts.failed(session, names[0], "账号错误", NOW)
    assert [purse.paid(one)["tax"] for one in names[1:]] == ["340.00", "460.00"]
    purse.now()


def test_what_was_paid_back_stands_beside_the_quarters_income(market: Market) -> None:
    today = clock.now()
    before = today - timedelta(days=100)  # in a quarter before this one
    purse = Purse(market, 100_00, money=30_00)
    payout = purse.ask(100_00)
    purse.approve(payout, before)
    purse.export()
    purse.claw(30_00)
    purse.paid(payout, before)
    with market.db.as_system() as session:
        debts.set_off(session, purse.party)
        found = [
            rows(payout_sheets.incomes(session, market.desk.keyring, *quarter(moment)))[1][4:]
            for moment in (before, today)
        ]
    assert found == [
        [100, 0, 100, "1", MONTHLY, 0, 0],
        [0, 0, 0, "0", MONTHLY, 30, 0],
    ]


def quarter(moment: datetime) -> tuple[int, int]:
    here = moment.astimezone(clock.SHANGHAI)
    return here.year, (here.month + 2) // 3


def rows(content: bytes) -> list[list[Any]]:
    sheet = CalamineWorkbook.from_filelike(BytesIO(content)).get_sheet_by_index(0)
    return list(sheet.to_python())
