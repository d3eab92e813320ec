"""Our books of a day against what a source says of it."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from kit.errors import Problem
from kit.ids import outside
from tests.trade.market import NOW, Market
from tests.trade.test_sheets import filled, import_sheet, workbook
from tests.trade.test_supplier_door import Shop
from trade.models import Difference
from trade.parcels import shipping
from trade.parcels.shipping import Shipment
from trade.settling import reconciliations
from trade.settling.reconciling import (
    Finding,
    Reconciliation,
    Record,
    Theirs,
    compare,
    reconcile,
)
from trade.settling.sheet_lists import from_inbox, from_sheet

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


def _recorded(market: Market, day: date, *rows: list[Any]) -> list[Finding]:
    """What `huopan reconcile` does with a supplier's statement of a day."""
    with market.db.as_system() as session:
        reconciliations.alone(session, "teahouse")
        theirs = from_sheet(session, "teahouse", workbook(STATEMENT, *rows))
        found = reconcile(session, "teahouse", day, theirs)
        reconciliations.record(session, found, NOW)
        return found.findings


def _open(market: Market) -> list[Difference]:
    with market.db.as_system() as session:
        found = select(Difference).where(Difference.state == "open").order_by(Difference.id)
        return list(session.scalars(found))


def _accept(market: Market, row: Difference) -> str:
    with market.db.as_system() as session:
        told = reconciliations.accept(session, outside("dif", row.id), NOW)
        return str(told["status"])


def test_an_amount_that_two_days_list_is_posted_once(market: Market) -> None:
    shop, later = Shop(market), DAY + timedelta(days=1)
    shop.ship("SF1234567890")
    row = [shop.name, "SF1234567890", "3", "15.99"]
    for day in (DAY, later):
        assert [one.amount for one in _recorded(market, day, row)] == [100]
    first, second = _open(market)
    assert [_accept(market, first), _accept(market, first)] == ["accepted", "accepted"]
    assert _open(market) == []
    with pytest.raises(Problem, match="gone already"):
        _accept(market, second)
    assert shop.posted("payable:teahouse") == 1599
    for day in (DAY, later):  # what was accepted is owed, and nothing differs any more
        assert _recorded(market, day, row) == []
    assert [one.amount for one in _recorded(market, later, [*row[:3], "16.49"])] == [50]
    assert [_accept(market, one) for one in _open(market)] == ["accepted"]
    assert [one.amount for one in _recorded(market, DAY, row)] == [-50]
    assert [_accept(market, one) for one in _open(market)] == ["accepted"]
    assert [one.amount for one in _recorded(market, later, [*row[:3], "16.49"])] == [50]
    assert [_accept(market, one) for one in _open(market)] == ["accepted"]
    assert shop.posted("payable:teahouse") == 1649


def test_a_statement_that_lists_former_parcels_again_asks_for_them_once(market: Market) -> None:
    shop, later = Shop(market), DAY + timedelta(days=1)
    shop.ship("SF1234567890", {1: 1})
    with market.db.as_system() as session:
        parcel = Shipment(shop.name, "顺丰", "SF1234567891", {1: 2})
        shipping.ship(session, shop.door, parcel, NOW + timedelta(days=1))
    first = [shop.name, "SF1234567890", "1", "9.33"]  # 3.33 and 5.00
    second = [shop.name, "SF1234567891", "2", "6.66"]
    assert [one.amount for one in _recorded(market, DAY, first)] == [100]
    assert [one.amount for one in _recorded(market, later, first, second)] == [100]
    assert _accept(market, _open(market)[1]) == "accepted"
    assert _open(market) == []
    assert _recorded(market, later, first, second) == []
    assert _recorded(market, DAY, first) == []  # what was accepted names both: nobody can tell
    assert _recorded(market, later, second) == []


def test_a_waybill_that_was_replaced_is_the_parcel_that_took_its_place(market: Market) -> None:
    shop = Shop(market)
    shop.ship("SF1234567890")
    shop.ship("SF1234567891", replaces="SF1234567890")
    shop.ship("SF1234567892", replaces="SF1234567891")
    found = _against(market, [shop.name, "sf1234567890", "3", "14.99"])
    assert found.findings == []


def test_sheets_of_a_day_that_correct_a_waybill_say_it_once(market: Market) -> None:
    shop, columns = Shop(market), ["采购单号", "快递公司", "快递单号", "数量"]
    for number in ("SF1234567890", "SF1234567891"):
        import_sheet(market, workbook(columns, [shop.name, "顺丰", number, "3"]))
    with market.db.as_system() as session:
        session.execute(text("UPDATE inbox SET received_at = :now"), {"now": NOW})
    with market.db.as_system() as session:
        theirs = from_inbox(session, market.desk.keyring, "teahouse", DAY)
        assert reconcile(session, "teahouse", DAY, theirs).findings == []
