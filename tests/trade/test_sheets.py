"""The sheet out to the supplier, and the sheet that comes back with waybills."""

from dataclasses import replace
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from sqlalchemy import text

from kit.errors import Problem
from tests.trade.market import HOME, NOW, Market, submitted
from tests.trade.test_supplier_door import TEAHOUSE, Shop
from trade import cancelling, order_views, sheets
from trade.parcels import shipping, waybills
from trade.parcels.waybill_sheets import read
from trade.purchases import Supplier

HEADER = [name for name, _ in sheets.COLUMNS]


def export(market: Market, supplier: Supplier = TEAHOUSE) -> list[list[Any]]:
    with market.db.as_system() as session:
        content = sheets.export(session, market.desk, supplier, NOW).content
    sheet = openpyxl.load_workbook(BytesIO(content)).active
    assert sheet is not None
    assert {cell.data_type for row in sheet for cell in row} <= {"s", "n"}
    assert not [c for row in sheet for c in row if c.data_type == "n" and c.value is not None]
    return [[cell.value for cell in row] for row in sheet]


def workbook(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def import_sheet(market: Market, content: bytes) -> waybills.Report:
    return waybills.import_sheet(market.db, market.desk, TEAHOUSE, content, NOW)


def filled(market: Market, *numbers: Any, carrier: str = "顺丰速运") -> bytes:
    """The exported sheet with carrier and numbers filled in, row by row."""
    header, *rows = export(market)
    for row, number in zip(rows, numbers, strict=True):
        row[-2:] = [carrier, number]
    return workbook(["请于今天发货"], header, *rows)


def parcels(shop: Shop) -> list[str]:
    return [parcel["tracking_number"] for parcel in shop.seen()["parcels"]]


def test_exporting_accepts_and_shows_what_to_send(market: Market) -> None:
    shop = Shop(market)
    header, row = export(market)
    assert header == HEADER
    assert row[0] == shop.name
    assert row[2:5] == [HOME.name, HOME.mobile, f"广东省深圳市南山区{HOME.address}"]
    assert (row[5], row[7], row[8]) == (shop.goods.external_id, "规格:250g", "3")
    assert shop.state() == "accepted"


def test_exporting_does_not_accept_for_a_supplier_who_accepts_by_hand(market: Market) -> None:
    leader = market.party(money=10_000)
    order = market.place(leader, (market.offer(source="manual").sku, 1))
    submitted(market, "manual")
    assert len(export(market, Supplier("manual"))) == 2
    assert market.purchases(order)[0].state == "submitted"


def test_nothing_in_a_sheet_is_a_formula(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer(title="=cmd|' /C calc'!A0")
    evil = replace(HOME, name="=1+1", address="@SUM(A1)")
    market.place(leader, (goods.sku, 1), ship_to=evil, buyer_note="+1-2")
    submitted(market)
    _, row = export(market)
    assert (row[2], row[4], row[6]) == ("=1+1", "广东省深圳市南山区@SUM(A1)", "=cmd|' /C calc'!A0")


def test_a_filled_sheet_ships_and_again_changes_nothing(market: Market) -> None:
    shop = Shop(market)
    content = filled(market, "SF1234567890")
    assert import_sheet(market, content).shipped == 1
    again = import_sheet(market, content)
    assert (again.shipped, again.unchanged, again.failed) == (0, 1, [])
    assert (shop.state(), parcels(shop)) == ("shipped", ["SF1234567890"])
    assert shop.posted("sales") == 1499


def test_a_changed_number_in_the_sheet_replaces_the_former_one(market: Market) -> None:
    shop = Shop(market)
    header, row = export(market)
    for number in ("SF1234567890", "SF1111111111"):
        import_sheet(market, workbook(header, [*row[:-2], "顺丰", number]))
    assert parcels(shop) == ["SF1111111111"]
    assert shop.posted("sales") == 1499


def test_an_older_sheet_does_not_put_a_number_back_that_was_replaced(market: Market) -> None:
    shop = Shop(market)
    header, row = export(market)
    old, new = (
        workbook(header, [*row[:-2], "顺丰", one]) for one in ("SF1234567890", "SF2222222222")
    )
    assert [import_sheet(market, one).shipped for one in (old, new)] == [1, 1]
    for older in (old, workbook(["又发一次"], header, [*row[:-2], "顺丰", "SF1234567890"])):
        report = import_sheet(market, older)
        [told] = report.failed
        assert (report.shipped, told["code"]) == (0, "number_replaced")
        assert "SF1234567890 was replaced by SF2222222222 on 2026-" in told["message"]
    assert parcels(shop) == ["SF2222222222"]
    meant = workbook(header, [*row[:-3], "改回", "顺丰", "SF1234567890"])
    assert import_sheet(market, meant).shipped == 1
    assert parcels(shop) == ["SF1234567890"]
    assert import_sheet(market, new).failed[0]["code"] == "number_replaced"
    corrected = workbook(header, [*row[:-3], "改回", "顺丰", "SF2222222222"])
    assert import_sheet(market, corrected).shipped == 1
    again = import_sheet(market, meant)  # a word of then is no word of now
    assert (again.shipped, again.failed[0]["code"]) == (0, "number_replaced")
    assert import_sheet(market, corrected).unchanged == 1
    call = shipping.Shipment(shop.name, "顺丰", "SF1234567890")
    with pytest.raises(Problem) as late, market.db.as_system() as session:
        shipping.ship(session, TEAHOUSE, call, NOW)
    assert late.value.code == "number_replaced"
    assert parcels(shop) == ["SF2222222222"]


def test_an_older_sheet_does_not_put_a_carrier_back(market: Market) -> None:
    shop = Shop(market)
    header, row = export(market)
    sheets_of = [
        workbook(header, [*row[:-2], x, "75312345678901"]) for x in ("中通", "圆通", "中通")
    ]
    reports = [import_sheet(market, content) for content in sheets_of]
    assert [report.shipped for report in reports] == [1, 1, 0]
    [told] = reports[-1].failed
    assert (told["code"], "75312345678901 goes by 圆通 since 2026-" in told["message"]) == (
        "carrier_replaced",
        True,
    )
    assert [parcel["carrier"] for parcel in shop.seen()["parcels"]] == ["yto"]


def test_a_row_that_is_hidden_is_told_and_not_shipped(market: Market) -> None:
    shop = Shop(market)
    book = openpyxl.load_workbook(BytesIO(filled(market, "SF1234567890")))
    book.worksheets[0].row_dimensions[3].hidden = True
    book.save(buffer := BytesIO())
    report = import_sheet(market, buffer.getvalue())
    assert (report.rows, report.shipped, report.hidden) == (0, 0, [3])
    assert shop.state() == "accepted"


def test_a_carrier_that_was_wrong_in_the_sheet_is_corrected(market: Market) -> None:
    shop = Shop(market)
    header, row = export(market)
    for carrier, shipped in (("中通", 1), ("圆通", 1), ("圆通", 0), ("某某快递", 0)):
        sheet = workbook(header, [*row[:-2], carrier, "75312345678901"])
        report = import_sheet(market, sheet)
        assert (report.shipped, report.failed) == (shipped, [])
    assert [one["carrier"] for one in shop.seen()["parcels"]] == ["yto"]


def test_several_numbers_in_a_cell_are_several_parcels(market: Market) -> None:
    shop = Shop(market)
    content = filled(market, "SF0000000001，SF0000000002\nSF0000000003;SF0000000004")
    assert import_sheet(market, content).failed == []
    assert parcels(shop) == [f"SF000000000{n}" for n in (1, 2, 3, 4)]
    assert shop.state() == "shipped"
    assert import_sheet(market, content).unchanged == 1


@pytest.mark.parametrize(
    ("cell", "carrier", "told"),
    [
        ("顺丰SF1234567890123", "", ["sf SF1234567890123"]),
        ("中通快递：7312345678901", "", ["zto 7312345678901"]),
        ("顺丰SF1234567890123", "顺丰速运", ["sf SF1234567890123"]),
        ("邮政EMS1234567890123", "", ["ems 1234567890123"]),
        ("圆通 YT12345678901；YT12345678902", "", ["yto YT12345678901", "yto YT12345678902"]),
        ("7312345678901（中通）", "", ["zto 7312345678901"]),
        ("SF1234567890123", "顺丰", ["sf SF1234567890123"]),
        ("顺丰SF1234567890123", "中通", ["malformed"]),
        ("灵通快递731234567890", "韵达", ["malformed"]),
        ("顺丰7.73E+13", "", ["digits_lost"]),
        ("中通SF1234567890123", "", ["carrier_differs"]),
    ],
)
def test_a_carrier_may_stand_in_the_numbers_cell(cell: str, carrier: str, told: list[str]) -> None:
    [row] = read(workbook(["快递公司", "快递单号"], [carrier, cell])).rows

    def waybill(number: str) -> str:
        try:
            return " ".join(shipping.waybill(row.carrier_of(number), number))
        except Problem as problem:
            return problem.errors[0].code

    assert [waybill(number) for number in row.numbers] == told


def test_each_number_of_a_cell_may_name_its_own_carrier(market: Market) -> None:
    shop = Shop(market)
    content = filled(market, "顺丰：SF1234567890123，韵达4312345678901", carrier="")
    for _ in range(2):
        assert import_sheet(market, content).failed == []
    told = [(one["carrier"], one["tracking_number"]) for one in shop.seen()["parcels"]]
    assert told == [("sf", "SF1234567890123"), ("yunda", "4312345678901")]


@pytest.mark.parametrize("number", ["7.73E+13", 7.73e13, "77300000000000", 77312345678901234])
def test_a_rounded_number_is_refused_with_its_row(market: Market, number: Any) -> None:
    shop = Shop(market)
    report = import_sheet(market, filled(market, number))
    (failure,) = report.failed
    assert failure["row"] == 3
    assert "last digits are lost" in failure["message"]
    assert shop.state() == "accepted"


def test_a_number_kept_as_a_number_is_read_to_the_last_digit(market: Market) -> None:
    shop = Shop(market)
    import_sheet(market, filled(market, 77312345678901))
    assert parcels(shop) == ["77312345678901"]


def test_a_merged_waybill_cell_speaks_for_all_its_rows(market: Market) -> None:
    leader = market.party(money=10_000)
    first, second = market.offer(cost="1.00"), market.offer(cost="2.00")
    order = market.place(leader, (first.sku, 1), (second.sku, 1))
    submitted(market)
    rows = export(market)
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [rows[0], [*rows[1][:-2], "顺丰", "SF0000000001"], rows[2]]:
        sheet.append(row)
    sheet.merge_cells("K2:K3")
    sheet.merge_cells("L2:L3")
    buffer = BytesIO()
    book.save(buffer)
    report = import_sheet(market, buffer.getvalue())
    assert (report.shipped, report.without_number, report.failed) == (2, 0, [])
    with market.db.as_system() as session:
        seen = order_views.by_id(session, leader, order)
    assert seen["status"] == "shipped"
    assert [one["tracking_number"] for one in seen["parcels"]] == ["SF0000000001"]


def test_no_cell_of_a_sheet_is_kept_in_clear_with_what_became_of_it(market: Market) -> None:
    header = ["收件人", "电话", "订单号", "快递公司", "快递单号"]
    shifted = ["张三", "13800138000", "A1", "欧阳铁柱", "13766554433"]
    report = import_sheet(market, workbook(header, shifted, [*shifted[:4], "欧阳铁柱"]))
    assert "欧阳铁柱" in report.failed[1]["message"]
    with market.db.as_system() as session:
        [kept] = session.scalars(text("SELECT t::text FROM inbox t"))
    assert [one for one in ("欧阳铁柱", "13766554433", "13800138000") if one in kept] == []
    assert "malformed" in kept


def test_rows_are_matched_by_order_reference_and_sku(market: Market) -> None:
    leader = market.party(money=10_000)
    first, second = market.offer(cost="1.00"), market.offer(cost="2.00")
    order = market.place(leader, (first.sku, 1), (second.sku, 1), reference="A-77")
    submitted(market)
    header = ["订单号", "货号", "物流公司", "运单号"]
    rows = [["A-77", first.external_id, "中通快递", "ZT00000001"],
            ["A-77", second.external_id, "中通", "ZT00000001"]]  # fmt: skip
    assert import_sheet(market, workbook(header, *rows)).shipped == 2
    with market.db.as_party(leader) as session:
        view = order_views.by_id(session, leader, order)
    assert view["status"] == "shipped"
    assert [len(parcel["lines"]) for parcel in view["parcels"]] == [2]


def test_rows_are_matched_by_name_phone_and_sku(market: Market) -> None:
    shop = Shop(market)
    header = ["收货人", "手机号", "商品编码", "快递", "快递单号"]
    row = ["张三", "138 0013 8000", shop.goods.external_id, "yunda", "YD00000001"]
    assert import_sheet(market, workbook(header, row)).shipped == 1
    assert parcels(shop) == ["YD00000001"]


def test_a_row_that_fits_two_purchases_is_asked_about(market: Market) -> None:
    leader = market.party(money=10_000)
    goods = market.offer(cost="1.00")
    orders = [market.place(leader, (goods.sku, 1)) for _ in range(2)]
    submitted(market)
    header = ["收货人", "手机号", "商品编码", "快递", "快递单号"]
    row = ["张三", "13800138000", goods.external_id, "韵达", "YD00000001"]
    (failure,) = import_sheet(market, workbook(header, row)).failed
    assert failure["code"] == "ambiguous"
    assert {market.purchases(order)[0].state for order in orders} == {"submitted"}


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        (["pur_nothing", "", "顺丰", "SF1234567890"], "not_found"),
        (["", "Z-1", "顺丰", "SF1234567890"], "no_match"),
        (["", "", "顺丰", "SF1234567890"], "unnamed"),
        (["PURCHASE", "", "", "SF1234567890"], "carrier_missing"),
        (["PURCHASE", "", "飞毛腿", "SF1234567890"], "unknown_carrier"),
    ],
)
def test_a_bad_row_is_told_and_the_good_ones_ship(
    market: Market, cells: list[str], code: str
) -> None:
    good, other = Shop(market), Shop(market)
    bad = [other.name if cell == "PURCHASE" else cell for cell in cells]
    header = ["采购单号", "订单号", "快递公司", "快递单号"]
    report = import_sheet(market, workbook(header, bad, [good.name, "", "顺丰", "SF7777777777"]))
    assert [(failure["row"], failure["code"]) for failure in report.failed] == [(2, code)]
    assert (good.state(), other.state()) == ("shipped", "submitted")


def test_a_sheet_ships_purchases_in_any_open_state_and_refuses_closed_ones(market: Market) -> None:
    submitted_one, partly, cancelled = Shop(market), Shop(market), Shop(market)
    partly.ship("SF0000000001", {1: 1})
    with market.db.as_system() as session:
        cancelling.cancel(session, cancelled.leader, cancelled.order, "不要了", NOW)
    cancelled.refuse()
    names = [submitted_one.name, partly.name, cancelled.name]
    rows = [[name, "", "顺丰", f"SF777777777{i}"] for i, name in enumerate(names)]
    report = import_sheet(market, workbook(["采购单号", "订单号", "快递公司", "快递单号"], *rows))
    assert [failure["code"] for failure in report.failed] == ["wrong_state"]
    assert (submitted_one.state(), partly.state()) == ("shipped", "shipped")
    import_sheet(market, workbook(["采购单号", "订单号", "快递公司", "快递单号"], *rows))
    told = [one for one in cancelled.seen()["timeline"] if one["kind"] == "left_anyway"]
    assert [one["detail"]["tracking_number"] for one in told] == ["SF7777777772"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_sheet_may_be_text(market: Market, encoding: str) -> None:
    shop = Shop(market)
    table = f"采购单号,快递公司,快递单号\r\n{shop.name},圆通速递,YT00000001\r\n"
    assert import_sheet(market, table.encode(encoding)).shipped == 1


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"PK\x03\x04junk", "姓名,电话\n".encode()]
)
def test_a_file_that_is_no_such_sheet_is_refused_in_a_sentence(content: bytes) -> None:
    with pytest.raises(Problem) as caught:
        read(content)
    assert caught.value.code == "unreadable_sheet"


def test_an_uploaded_sheet_is_kept_sealed_and_reported_without_recipients(market: Market) -> None:
    Shop(market)
    import_sheet(market, filled(market, "7.73E+13"))
    with market.db.as_system() as session:
        body, result = session.execute(text("SELECT body, result::text FROM inbox")).one()
    assert HOME.mobile.encode() not in bytes(body)
    assert HOME.mobile not in result
    assert HOME.name not in result
    assert bytes(market.desk.keyring.open(bytes(body), "waybills:teahouse")).startswith(b"PK")
