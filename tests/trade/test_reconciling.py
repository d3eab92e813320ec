"""Our books of a day against what a source says of it."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import text

from tests.trade.market import NOW, Market
from tests.trade.test_sheets import filled, import_sheet, workbook
from tests.trade.test_supplier_door import Shop
from trade.settling.reconciling import (
    Finding,
    Reconciliation,
    Record,
    Theirs,
    compare,
    from_inbox,
    from_sheet,
    reconcile,
)

DAY = date(2026, 3, 2)
STATEMENT = ["采购单号", "快递单号", "数量", "金额"]


def _against(market: Market, *rows: list[Any]) -> Reconciliation:
    with market.db.as_system() as session:
        theirs = from_sheet(session, "teahouse", workbook(STATEMENT, *rows))
        return reconcile(session, "teahouse", DAY, theirs)


def test_a_statement_that_agrees_to_the_fen(market: Market) -> None:
    shop = Shop(market)
    shop.ship("SF1234567890")
    found = _against(market, [shop.name, "SF1234567890", "3", "￥14.99"])  # 3 × 3.33 + 5.00
    assert found.findings == []
    assert (found.purchases, found.parcels, found.units, found.amount) == (1, 1, 3, 1499)


def test_money_units_and_waybills_that_differ_are_each_named(market: Market) -> None:
    shop = Shop(market)
    shop.ship("SF1234567890")
    found = _against(market, [shop.name, "SF1234567899", "2", "15.00"])
    assert [one.code for one in found.findings] == [
        "units_differ",
        "amount_differs",
        "waybills_differ",
    ]
    assert "we owe 14.99, the source asks 15.00" in found.findings[1].detail


def test_what_one_side_alone_knows_is_named(market: Market) -> None:
    shop = Shop(market)
    shop.ship("SF1234567890")
    found = _against(market, ["pur_unknown", "SF0000000001", "1", "3.33"])
    assert [one.code for one in found.findings] == ["unknown_to_us", "only_ours"]
    waiting = Shop(market)
    found = _against(market, [waiting.name, "SF1", "3", "14.99"], [shop.name, "SF1234567890"])
    assert [(one.code, one.purchase) for one in found.findings] == [("only_theirs", waiting.name)]


def test_another_day_counts_nothing(market: Market) -> None:
    Shop(market).ship("SF1234567890")
    with market.db.as_system() as session:
        found = reconcile(session, "teahouse", DAY + timedelta(days=1), None)
    assert (found.purchases, found.amount, found.compared) == (0, 0, False)


def test_sheets_that_came_back_are_the_suppliers_list(market: Market) -> None:
    Shop(market)
    import_sheet(market, filled(market, "SF1234567890"))
    with market.db.as_system() as session:
        session.execute(text("UPDATE inbox SET received_at = :now"), {"now": NOW})
    with market.db.as_system() as session:
        theirs = from_inbox(session, market.desk.keyring, "teahouse", DAY)
        assert theirs is not None
        assert reconcile(session, "teahouse", DAY, theirs).findings == []
        assert from_inbox(session, market.desk.keyring, "teahouse", DAY + timedelta(1)) is None


def test_books_that_lost_a_posting_are_found(market: Market) -> None:
    shop = Shop(market)
    shop.ship("SF1234567890")
    with market.db.as_system() as session:
        session.execute(text("UPDATE purchase_lines SET owed = owed + 1"))
        (found,) = reconcile(session, "teahouse", DAY, None).findings
    assert found == Finding("books_differ", shop.name, "15.00 owed by its lines, 14.99 posted")


def test_a_list_that_need_not_be_whole_says_nothing_of_what_it_leaves_out() -> None:
    ours = [Record("pur_1", frozenset({"A"}), 1, 100)]
    assert compare(ours, Theirs([], whole=False)) == []
    assert [one.code for one in compare(ours, Theirs([], whole=True))] == ["only_ours"]
    unstated = Theirs([Record("pur_1", frozenset({"A"}))], whole=True)
    assert compare(ours, unstated) == []
