"""What suppliers are owed and paid, our accounts at platforms, and differences that are settled."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.trading import Booking
from kit.errors import Problem
from tests.trade.market import NOW, Market
from tests.trade.test_sheets import workbook
from tests.trade.test_supplier_door import Shop
from trade.invariants import violations
from trade.models import Party
from trade.settling import payables, reconciliations, reconciling, sheet_lists

STATEMENT = ["采购单号", "快递单号", "数量", "金额"]
SOON = datetime(2100, 1, 1, tzinfo=UTC)


def listed(market: Market, now: datetime) -> dict[str, Any]:
    with market.db.as_system() as session:
        [one] = payables.listed(session, now)
        return one


@pytest.mark.parametrize(
    ("terms", "now", "cut"),
    [
        ("prepaid", "2026-03-20T00:00+08:00", "2026-03-20T00:00+08:00"),
        ("T+7", "2026-03-20T00:00+08:00", "2026-03-13T00:00+08:00"),
        ("monthly+0", "2026-03-01T00:00+08:00", "2026-03-01T00:00+08:00"),
        ("monthly+30", "2026-03-30T23:59+08:00", "2026-02-01T00:00+08:00"),
        ("monthly+30", "2026-03-31T00:00+08:00", "2026-03-01T00:00+08:00"),
    ],
)
def test_what_is_due_follows_the_suppliers_terms(terms: str, now: str, cut: str) -> None:
    assert payables.cutoff(terms, datetime.fromisoformat(now)) == datetime.fromisoformat(cut)


def test_suppliers_are_paid_once_and_no_more_than_is_owed_but_in_advance(market: Market) -> None:
    shop = Shop(market)
    shop.ship("SF1234567890")
    party = market.party("brand", source="teahouse")
    with market.db.as_system() as session:
        session.get_one(Party, party).terms = "T+7"
    now = datetime.now(UTC) + timedelta(minutes=1)
    assert (listed(market, now)["owed"], listed(market, now)["due"]) == ("14.99", "0.00")
    assert listed(market, now + timedelta(days=7))["due"] == "14.99"
    with market.db.as_system() as session:
        for new in (True, False):
            assert payables.pay(session, "teahouse", 1000, "B-1") is new
        for amount, name, code in (
            (999, "B-1", "reference_conflict"),
            (500, "B-2", "more_than_owed"),
        ):
            with pytest.raises(Problem) as caught:
                payables.pay(session, "teahouse", amount, name)
            assert caught.value.code == code
        payables.pay(session, "teahouse", 600, "B-3", prepay=True)
        assert violations(session) == []
    told = listed(market, now + timedelta(days=7))
    assert (told["owed"], told["due"], told["prepaid"]) == ("0.00", "0.00", "1.01")


def test_what_a_platform_takes_from_our_account_settles_what_we_owe_it(market: Market) -> None:
    shop = Shop(market)
    shop.ship("SF1234567890")
    moved = [
        Booking("1", NOW, Decimal("100.00"), "充值"),
        Booking("2", NOW, Decimal("-14.99"), "扣款", order_ref="JD1"),
        Booking("3", NOW, Decimal("4.99"), "退款", order_ref="JD1"),
        Booking("4", NOW, Decimal("-14.99"), "锁定", order_ref="JD1", locked=True),
    ]
    with market.db.as_system() as session:
        assert [payables.book(session, "teahouse", moved) for _ in range(2)] == [3, 0]
        assert violations(session) == []
    told = listed(market, SOON)
    assert (told["owed"], told["at_platform"]) == ("4.99", "90.00")


def test_a_difference_is_settled_by_an_entry_once_and_gone_ones_ask_for_nothing(
    market: Market,
) -> None:
    shop = Shop(market)
    shop.ship("SF1234567890")

    def compared(amount: str) -> dict[str, Any]:
        with market.db.as_system() as session:
            sheet = workbook(STATEMENT, [shop.name, "SF1234567890", "2", amount])
            theirs = sheet_lists.from_sheet(session, "teahouse", sheet)
            found = reconciling.reconcile(session, "teahouse", date(2026, 3, 2), theirs)
            reconciliations.record(session, found, NOW)
            [day] = reconciliations.page(session)[0]
            return day

    units, money = compared("15.49")["differences"]
    assert money["proposal"] == {
        "source": "cost",
        "destination": "payable:teahouse",
        "amount": "0.50",
    }
    assert compared("15.49")["differences"] == [units, money]
    with market.db.as_system() as session:
        for _ in range(2):
            told = reconciliations.accept(session, money["id"], NOW)
        assert told["status"] == "accepted"
        with pytest.raises(Problem) as caught:
            reconciliations.accept(session, units["id"], NOW)
        assert caught.value.code == "no_entry"
        assert reconciliations.dismiss(session, units["id"], "少发", NOW)["note"] == "少发"
        assert violations(session) == []
    assert listed(market, SOON)["owed"] == "15.49"
    *_, third = compared("14.50")["differences"]
    assert third["proposal"]["source"] == "payable:teahouse"
    states = [one["status"] for one in compared("14.99")["differences"]]
    assert states == ["dismissed", "accepted", "gone", "open"]  # 15.49 is owed by now
    empty = reconciling.Reconciliation("teahouse", date(2026, 3, 3), 0, 0, 0, 0, compared=False)
    with market.db.as_system() as session:
        for _ in range(2):
            reconciliations.record(session, empty, NOW)
        assert len(reconciliations.page(session)[0]) == 2
