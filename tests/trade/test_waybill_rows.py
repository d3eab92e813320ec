"""Sheets of waybills as suppliers send them: which columns, numbers and carriers are read."""

import pytest

from kit.errors import Problem
from tests.trade.order_sheets import csv_text, xlsx
from tests.trade.test_order_rows import book
from trade.parcels import carriers
from trade.parcels.shipping import tracking_number
from trade.parcels.waybill_sheets import read

HEADER = ["订单号", "商品编码", "数量", "快递公司", "快递单号"]
ONE, TWO = "73123456789012", "73123456789013"


def told(cell: str, carrier: str = "") -> list[tuple[str, str]]:
    rows = read(csv_text(["A1", "TEA", "1", carrier, cell], header=HEADER)).rows
    return [(number, one.carrier_of(number)) for one in rows for number in one.numbers]


@pytest.mark.parametrize(
    "label",
    [
        *("快递单号（必填）", "*快递单号", "快递\n单号", "运单号码", "物流单号/快递单号", "面单号"),
        *("快递公司+单号", "快递公司及单号", "Tracking No.", "Tracking Number", "快递单号1"),
    ],
)
def test_the_column_of_numbers_is_known_by_what_suppliers_write(label: str) -> None:
    header = ["平台订单号", "物流公司", label]
    [row] = read(xlsx(["A1", "中通", ONE], header=header)).rows
    assert (row.reference, row.numbers, row.carrier_of(ONE)) == ("A1", (ONE,), "中通")


@pytest.mark.parametrize("between", ["、", "，", ";", "\n", " / ", "和", "+", "&", " "])
def test_several_numbers_of_a_cell_are_told_apart(between: str) -> None:
    assert told(f"{ONE}{between}{TWO}", "中通") == [(ONE, "中通"), (TWO, "中通")]


def test_numbers_of_several_columns_are_those_of_one_row() -> None:
    header = [*HEADER[:4], "快递单号1", "快递单号2"]
    rows = read(xlsx(["A1", "TEA", 2, "中通", ONE, TWO], header=header)).rows
    assert [row.numbers for row in rows] == [(ONE, TWO)]


def test_a_number_in_groups_is_one_and_its_marks_are_no_part_of_it() -> None:
    for cell in ("SF 1234 5678 90", "'SF1234567890", '="SF1234567890"', "单号：SF1234567890"):
        assert told(cell, "顺丰") == [("SF1234567890", "顺丰")]
    assert told(f"中通快递单号：{ONE}") == [(ONE, "中通")]
    assert tracking_number("ＳＦ１２３４５６７８９０\u200b") == "SF1234567890"


def test_what_says_that_there_is_no_number_is_none() -> None:
    lines = [["A1", "TEA", 1, "顺丰", none] for none in ("", "-", "无", "暂无", "/", "未发货")]
    sheet = read(csv_text(*lines, header=HEADER))
    assert (sheet.rows, sheet.empty) == ((), 6)


@pytest.mark.parametrize("number", ["7.73E+13", "77300000000000", "73000000000000"])
def test_a_number_that_lost_its_digits_is_refused(number: str) -> None:
    [(read_as, _)] = told(number, "中通")
    with pytest.raises(Problem) as lost:
        tracking_number(read_as)
    assert lost.value.errors[0].code == "digits_lost"


def test_units_are_read_as_people_write_them_and_unclear_ones_are_said() -> None:
    lines = [["A1", "TEA", said, "顺丰", "SF1234567890"] for said in ("两份", "", "1/2", "0")]
    rows = read(csv_text(*lines, header=HEADER)).rows
    assert [(row.quantity, row.unclear) for row in rows] == [
        (2, ""), (None, ""), (None, "1/2"), (None, "0"),
    ]  # fmt: skip


def test_waybills_on_several_sheets_are_not_passed_over() -> None:
    line = ["A1", "TEA", 1, "顺丰", "SF1234567890"]
    with pytest.raises(Problem, match="顺丰件、其他"):
        read(book(("顺丰件", [HEADER, line]), ("其他", [HEADER, line])))
    assert len(read(book(("空", [HEADER]), ("有", [HEADER, line]))).rows) == 1


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("顺风", "sf"), ("顺丰速递", "sf"), ("中通快递(个人)", "zto"),
        ("韵达快递（济南）", "yunda"),
        ("圆通速递-华东", "yto"), ("申通快件", "sto"), ("极免", "jt"), ("京东物流(直营)", "jd"),
        ("德邦快运", "deppon"), ("中国邮政快递包裹", "chinapost"), ("某某快运", None),
    ],
)  # fmt: skip
def test_a_carrier_is_known_by_slips_and_branches(said: str, code: str | None) -> None:
    assert carriers.code(said) == code
