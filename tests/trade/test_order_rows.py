"""Sheets as group leaders send them: which columns and rows are read, what is said of others."""

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import openpyxl
import pytest
import xlwt

from connectors.feed.readers import biff
from kit.errors import Problem
from tests.trade.order_sheets import HEADER, NANSHAN, csv_text, xlsx
from trade.counted import units
from trade.order_sheets import grouping, rows
from trade.order_sheets.grouping import Labels
from trade.order_sheets.rows import Read, opened

PERSON = ("张三", "13800138000", NANSHAN)
NAMED = ("张三", "13800138000", "440305")


def read(content: bytes, regions: dict[int, str] | None = None) -> Read:
    sheet, _ = opened(content)
    return rows.rows(sheet, "S", regions or {})


def book(*sheets: tuple[str, Sequence[Sequence[Any]]], merged: Sequence[str] = ()) -> bytes:
    made = openpyxl.Workbook()
    for title, lines in sheets:
        page = made.create_sheet(title)
        for line in lines:
            page.append(list(line))
        for span in merged:
            page.merge_cells(span)
    made.remove(made.worksheets[0])
    buffer = io.BytesIO()
    made.save(buffer)
    return buffer.getvalue()


def orders(found: Read) -> list[tuple[int, str, str, int]]:
    return [(one.line, one.reference, one.goods, one.quantity) for one in found.rows]


@pytest.mark.parametrize(
    ("header", "line"),
    [
        (
            "跟团号,下单人,团员备注,商品,规格,数量,收货人,联系电话,省,市,区,详细地址",
            "7,昵称,,龙井,罐装,2,张三,13800138000,广东省,深圳市,南山区,科技园 1 号",
        ),
        (
            "订单号,商品名称,规格,商品数量,收货人/提货人,收货人手机号/提货人手机号,收货人省份,"
            "收货人城市,收货人地区,详细收货地址/提货地址,买家备注",
            "E1,龙井,罐装,2,张三,13800138000,广东省,深圳市,南山区,科技园 1 号,",
        ),
        (
            "线上订单号,收货人,手机,电话,省,市,县区,收货地址,商品名称,颜色规格,数量",
            "E1,张三,13800138000,,广东省,深圳市,南山区,科技园 1 号,龙井,罐装,2",
        ),
        ("姓名电话地址,商品,规格,份数", f"{' '.join(PERSON)},龙井,罐装,两份"),
        ("姓名+手机+收货地址,商品,规格,份数", f"{' '.join(PERSON)},龙井,罐装,x2"),
        ("姓名,收货地址,商品,规格,份数", f"张三,13800138000 {NANSHAN},龙井,罐装,2"),
        (
            "姓名,电话,收货地址,商品,规格,份数",
            f"张三,13800138000,{' '.join(PERSON)},龙井,罐装,2",
        ),
        (
            "Order No.,Recipient Name,Phone Number,Shipping Address,Title,Spec,Qty",
            f"E1,{','.join(PERSON)},龙井,罐装,2",
        ),
        (
            "*收件人\n(必填),收件人\n手机*,详细\n地址,商品,规格,数量(件)",
            f"{','.join(PERSON)},龙井,罐装,2",
        ),
    ],
)
def test_the_columns_of_platforms_and_people_are_known(header: str, line: str) -> None:
    found = read(xlsx(line.split(","), header=header.split(",")))
    assert found.rejects == []
    [one] = found.rows
    assert one.to is not None
    assert (one.to.name, one.to.mobile, one.to.region) == NAMED
    assert one.to.address.endswith("科技园 1 号")
    assert "张三" not in one.to.address
    assert "138" not in one.to.address
    assert (one.goods, one.quantity) == ("龙井 罐装", 2)


@pytest.mark.parametrize(
    ("said", "many"),
    [
        ("2;２;2.0;2份;2 件;x2;X 2;×2;*2;2（份）;共2份;二;两份;2听;2双;2/份", 2),
        ("十;共十份", 10),
        ("十二盒", 12),
        ("二十", 20),
        ("一百", 100),
        ("1,000", 1000),
        ("0", 0),
        (";2斤;二斤;约2;1.5;1+1;-1;2件装;2个月;份;百十", None),
    ],
)
def test_units_as_people_write_them(said: str, many: int | None) -> None:
    assert {units(one) for one in said.split(";")} == {many}


def test_columns_that_count_goods_are_lines_of_one_order() -> None:
    header = ["序号", "姓名", "电话", "地址", "龙井 250g", "普洱饼 ¥20", "茶杯", "金额", "备注"]
    found = read(
        xlsx(
            [1, *PERSON, 2, "", 1, "39", "轻放"],
            [2, *PERSON, "", "两份", 0, "20", ""],
            [3, *PERSON, "", "", "", "", ""],
            ["合计", "", "", "", 2, 2, 1, "59", ""],
            header=header,
        )
    )
    assert orders(found) == [
        (2, "S-2", "龙井 250g", 2),
        (2, "S-2", "茶杯", 1),
        (3, "S-3", "普洱饼 ¥20", 2),
    ]
    assert [(one.row, "orders nothing" in one.reason) for one in found.rejects] == [(4, True)]


def test_a_header_of_two_lines_is_read_through_its_merged_cells() -> None:
    lines = [
        ["订单号", "收货人", None, None, "商品", None],
        [None, "姓名", "电话", "地址", "编码", "数量"],
        ["A1", *PERSON, "TEA", 1],
    ]
    found = read(book(("订单", lines), merged=("A1:A2", "B1:D1", "E1:F1")))
    assert orders(found) == [(3, "A1", "TEA", 1)]


def test_a_row_of_goods_alone_belongs_to_the_order_above_it() -> None:
    found = read(
        csv_text(
            ["A1", *PERSON, "TEA", 1],
            ["", "", "", "", "CUP", 2],
            ["A2", *PERSON, "TEA", "x"],
            ["", "", "", "", "CUP", 1],
            ["", "", "", "", "", ""],
            ["", "", "", "", "CUP", 1],
        )
    )
    assert orders(found) == [(2, "A1", "TEA", 1), (3, "A1", "CUP", 2), (5, "A2", "CUP", 1)]
    assert found.broken == {4: "A2", 7: ""}
    unnumbered = read(csv_text([*PERSON, "TEA", 1], ["", "", "", "CUP", 1], header=HEADER[1:]))
    assert orders(unnumbered) == [(2, "S-2", "TEA", 1), (3, "S-2", "CUP", 1)]


def test_what_a_sheet_without_numbers_says_twice_may_be_a_slip() -> None:
    header = ["序号", *HEADER[1:]]
    told = [[1, *PERSON, "TEA", 1], [2, *PERSON, "TEA", 2], [3, *PERSON, "TEA", "1份"]]
    found = read(xlsx(*told, header=header))
    labels = Labels("", "", "", "", "")
    made, _ = grouping.orders(found.rows, found.broken, {}, labels, numbered=found.numbered)
    assert [one.repeated for one in made] == [(), (), (4,)]
    numbered = read(csv_text(["A1", *PERSON, "TEA", 1], ["A2", *PERSON, "TEA", 1]))
    made, _ = grouping.orders(numbered.rows, {}, {}, labels, numbered=numbered.numbered)
    assert [one.repeated for one in made] == [(), ()]


def test_marks_of_text_are_no_part_of_a_value_and_an_error_is_none() -> None:
    found = read(
        csv_text(
            ['="00123"', "张三", '="13800138000"', NANSHAN, '="0007"', 1],
            ["'00124", "张三", "'13800138000", NANSHAN, "'0008", 1],
            ["#N/A", *PERSON, "TEA", 1],
            ["A4", *PERSON, "#VALUE!", 1],
            ["A5", *PERSON, "TEA", 1, "#REF!"],
            header=[*HEADER, "备注"],
        )
    )
    assert orders(found) == [
        (2, "00123", "0007", 1),
        (3, "00124", "0008", 1),
        (6, "A5", "TEA", 1),
    ]
    assert found.rows[-1].note == ""
    assert [(one.row, one.column, "formula" in one.reason) for one in found.rejects] == [
        (4, "订单号", True),
        (5, "商家编码", True),
    ]


@pytest.mark.parametrize(
    "said", ["hidden='true'", 'hidden = "1"', 'ht="0" hidden="1" customHeight="1"', 'hidden="0"']
)
def test_a_hidden_row_is_known_however_it_is_written(said: str) -> None:
    lines = [[f"A{n}", *PERSON, "TEA", n] for n in (1, 2)]
    content = _rewritten(xlsx(*lines, hidden=(2,)), b'hidden="1"', said.encode())
    assert [one.line for one in read(content).rows] == ([2, 3] if said == 'hidden="0"' else [3])
    with pytest.raises(Problem, match="does not number them"):
        opened(_rewritten(xlsx(*lines, hidden=(2,)), b'<row r="2"', b"<row"))


def test_a_hidden_row_of_an_xls_is_known() -> None:
    for many in (3, 2_000):  # in small pieces of the file, and in large ones
        made = xlwt.Workbook()
        made.add_sheet("说明").row(0).hidden = True
        page = made.add_sheet("订单")
        for at, cells in enumerate([HEADER, *[[f"A{n}", *PERSON, "TEA", n] for n in range(many)]]):
            for column, value in enumerate(cells):
                page.write(at, column, value)
        page.row(2).hidden = page.row(many).hidden = True
        made.save(buffer := io.BytesIO())
        sheet, count = opened(buffer.getvalue())
        assert (count, sheet.hidden) == (many - 2, [3, many + 1])
    assert biff.hidden_rows(buffer.getvalue()[:5000]) == {}


def _rewritten(content: bytes, was: bytes, now: bytes) -> bytes:
    """A workbook in which a text of its first sheet is another one."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for part in old.infolist():
            text = old.read(part)
            assert was in text or "sheet1" not in part.filename
            new.writestr(part.filename, text.replace(was, now))
    return buffer.getvalue()


def test_goods_below_a_hidden_row_are_never_another_orders() -> None:
    goods = ["", "", "", "", "TEA", 1]
    lines = [["", *PERSON, "CUP", 1], ["", "李四", *PERSON[1:], "POT", 1], goods, goods]
    found = read(xlsx(*lines, hidden=(3, 5)))
    assert [one.line for one in found.rows] == [2, 4]
    _, rejects = grouping.orders(found.rows, {}, {}, Labels(*"订收商零备"), numbered=False)
    assert [one.row for one in rejects] == [4]


def test_remarks_below_the_rows_are_no_orders() -> None:
    lines = [
        ["A1", *PERSON, "TEA", 1],
        [],
        ["总计：1件"],
        ["制表人：王五"],
        ["备注 周五发货"],
        ["A2"],
    ]
    found = read(xlsx(*lines))
    assert orders(found) == [(2, "A1", "TEA", 1)]
    assert {one.row for one in found.rejects} == {7}


def test_orders_on_several_sheets_are_not_passed_over() -> None:
    line = ["A1", *PERSON, "TEA", 1]
    with pytest.raises(Problem) as caught:
        opened(book(("周一", [HEADER, line]), ("周二", [HEADER, line])))
    assert (caught.value.code, "周一、周二" in caught.value.detail) == ("several_sheets", True)
    _, many = opened(book(("说明", [["请看第二页"]]), ("订单", [HEADER, line]), ("模板", [HEADER])))
    assert many == 1


def test_a_web_page_in_spite_of_its_name_is_said_to_be_one() -> None:
    with pytest.raises(Problem, match="web page"):
        opened(b"\r\n<html><table><tr><td>1</td></tr></table></html>")


def test_a_place_that_was_told_counts_whatever_the_text_says() -> None:
    both = f"张三 13800138000 {NANSHAN} 转 广州市天河区体育西路1号"
    content = csv_text([both, "TEA", 1], header=["收货信息", "货号", "数量"])
    assert [one.name for one in read(content).open[2].candidates] == ["南山区", "天河区"]
    [one] = read(content, {2: "440106"}).rows
    assert one.to is not None
    assert (one.to.name, one.to.region) == ("张三", "440106")
    assert "南山区" in one.to.address
