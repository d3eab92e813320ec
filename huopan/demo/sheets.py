"""The suppliers' price lists as they would send them, with all that people write into cells.

青禾 sends a workbook with notes, merged cells and a few mistakes, 山谷 a plain text file in GB18030
with the goods that 青禾 lacks at the moment and some that it sells dearer.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from huopan.demo.goods import Item, items

NOTES = (
    "青禾供应链 2026 冬季一件代发报价表",
    "以下均为含税价，可开普票；16:00 前订单当天发出，新疆、西藏运费另议。"
    "本表商品纯属虚构，仅供演示。",
)
HEADER = (
    ("序号", ""),
    ("SPU编码", ""),
    ("货号", ""),
    ("类目", ""),
    ("品名", ""),
    ("品牌", ""),
    ("规格", ""),
    ("单位", ""),
    ("价格（元）", "一件代发价"),
    ("", "批发价"),
    ("", "建议零售价"),
    ("", "最低零售价"),
    ("阶梯价", ""),
    ("起订量", ""),
    ("库存", ""),
    ("条码", ""),
    ("运费", ""),
    ("发货时间", ""),
    ("重量", ""),
    ("不发货地区", ""),
    ("发票", ""),
    ("备注", ""),
)
MISTAKES = (
    ("QH900-901", "手工竹编收纳篮", "大号", "面议", "120", "请联系客服"),
    ("QH900-902", "陶瓷马克杯", "350ml 白", "", "80", "新品待定价"),
    ("QH900-903", "落地晾衣架", "双杆", "59.8-69.8元", "30", "按颜色不同"),
    ("QH900-904", "折叠购物袋", "大号", "6.8元", "12.5", "库存单位：箱"),
    ("QH900-905", "感应小夜灯", "暖光", "19.8美元", "60", "进口"),
)
"""Rows that nobody can sell by: they come back as rejects, each with its reason."""

SHARED = (1, 3, 4, 5)
"""Columns merged downwards over the variants of one product."""

SHORT = 9
"""Every ninth item is out of stock at 青禾."""


def write(folder: Path) -> dict[str, Path]:
    """The price lists as files, by the code of their source; one that is there stays as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {"qinghe": folder / "青禾-报价表.xlsx", "shangu": folder / "shangu_20261120.csv"}
    if not files["qinghe"].exists():
        _workbook(files["qinghe"], items())
    if not files["shangu"].exists():
        files["shangu"].write_bytes(_text(items()))
    return files


def _workbook(path: Path, goods: list[Item]) -> None:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("报价表")
        bold = book.add_format({"bold": True, "align": "center", "border": 1})
        left = book.add_format({"valign": "vcenter"})
        last = len(HEADER) - 1
        for row, note in enumerate(NOTES):
            sheet.merge_range(row, 0, row, last, note, bold if row == 0 else left)
        _header(sheet, len(NOTES) + 1, bold)
        row = len(NOTES) + 3
        for section, found in groupby(goods, key=lambda item: item.section):
            sheet.merge_range(row, 0, row, last, section.partition(" > ")[0], bold)
            row += 1
            for _, variants in groupby(list(found), key=lambda item: item.listing):
                row = _product(sheet, row, list(variants), left)
        for mistake in MISTAKES:
            code, title, spec, price, stock, note = mistake
            cells = {2: code, 4: title, 6: spec, 7: "个", 8: price, 14: stock, 21: note}
            for column, value in cells.items():
                sheet.write(row, column, value)
            row += 1
        sheet.write(row, 0, f"合计：{len(goods) + len(MISTAKES)} 款")
        sheet.write(row + 2, 0, "联系人：小青　电话与地址见合同；本表每周一更新，以最新一版为准。")
        sheet.set_column(3, 4, 22)
        notice = book.add_worksheet("发货须知")
        notice.write(0, 0, "大促期间 48 小时内发出；破损请在签收当天拍照。")
        hidden = book.add_worksheet("内部成本")
        hidden.write_row(0, 0, ("货号", "品名", "供货价"))
        hidden.write_row(1, 0, ("QH001-001", "内部成本，请勿外传", 1))
        hidden.hide()


def _header(sheet: Worksheet, row: int, bold: Format) -> None:
    for column, (upper, lower) in enumerate(HEADER):
        if upper and not lower:
            sheet.merge_range(row, column, row + 1, column, upper, bold)
        else:
            sheet.write(row + 1, column, lower, bold)
    first = next(at for at, (_, lower) in enumerate(HEADER) if lower)
    count = sum(1 for _, lower in HEADER if lower)
    sheet.merge_range(row, first, row, first + count - 1, HEADER[first][0], bold)


def _product(sheet: Worksheet, row: int, variants: list[Item], left: Format) -> int:
    """The rows of one product, what they share merged downwards; returns the next row."""
    for at, item in enumerate(variants):
        for column, value in enumerate(_cells(item)):
            if len(variants) > 1 and column in SHARED:
                continue
            sheet.write(row + at, column, value)
    if len(variants) > 1:
        first = list(_cells(variants[0]))
        for column in SHARED:
            value = first[column]
            sheet.merge_range(row, column, row + len(variants) - 1, column, value, left)
    return row + len(variants)


def _cells(item: Item) -> Iterator[str | float]:
    """One row as its author writes it: now like this, now like that."""
    number = int(item.code.rpartition("-")[2])
    yield number
    yield item.listing
    yield item.code
    yield item.section.partition("、")[2]
    yield item.title
    yield item.brand
    yield item.spec
    yield item.unit
    yield _price(item, number)
    bulk = item.price * 94 / 100
    yield f"{bulk:.2f}"
    yield float(item.msrp)
    yield f"{item.msrp * 80 / 100:.2f}" if number % 5 == 0 else ""
    yield f"10:{bulk:.2f};100:{item.price * 90 / 100:.2f}" if number % 3 == 0 else ""
    yield 10
    yield _stock(number)
    yield item.gtin
    yield _freight(item)
    yield "24小时内" if number % 2 else "48小时"
    yield f"{item.weight}kg"
    yield "新疆、西藏" if item.weight > 5 else ""
    yield "普票"
    yield "爆款" if number % 10 == 1 else ""


def _price(item: Item, number: int) -> str | float:
    match number % 4:
        case 0:
            return f"￥{item.price:.2f}/{item.unit}"
        case 1:
            return float(item.price)
        case 2:
            return f"{item.price}元"
        case _:
            wide = str.maketrans("0123456789.", "０１２３４５６７８９．")
            return f"{item.price:.2f}".translate(wide) + "元"


def _stock(number: int) -> str | int:
    if number % SHORT == 0:
        return "缺货"
    match number % 5:
        case 0:
            return "库存充足"
        case 1:
            return 40 + number * 7 % 400
        case 2:
            return "有货"
        case 3:
            return f"{20 + number}件"
        case _:
            return "999+"


def _freight(item: Item) -> str:
    if item.weight <= 1:
        return "包邮"
    return "首1kg6续1kg1.5" if item.weight > 3 else "6元，满99包邮"


def _text(goods: Iterable[Item]) -> bytes:
    """山谷's list: what 青禾 lacks, and every seventh item dearer."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(("山谷优选 代发目录",))
    writer.writerow(
        ("编号", "商品名称", "品牌", "规格", "单位", "代发价", "零售价", "库存", "国际条码", "邮费")
    )
    for number, item in enumerate(goods, start=1):
        if number % SHORT == 0 or number % 7 == 0:
            price = f"{item.price * 108 / 100:.2f}"
            cells = (
                f"{number:05d}",
                f"{item.brand} {item.title}",
                item.brand,
                item.spec,
                item.unit,
            )
            writer.writerow((*cells, price, f"{item.msrp}", "现货", item.gtin, "8"))
    return out.getvalue().encode("gb18030")
