"""Reading the sheet that comes back from a supplier: which goods left under which waybill. Pure."""

import csv
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO

from python_calamine import CalamineError, CalamineWorkbook

from kit.errors import Problem
from kit.money import fen

MOST_BYTES = 20 * 1024 * 1024
MOST_UNPACKED = 300 * 1024 * 1024
MOST_ROWS = 50_000
HEADER_WITHIN = 20

NAMES: dict[str, tuple[str, ...]] = {
    "purchase": ("采购单号", "采购单", "采购编号", "purchase", "purchaseid"),
    "reference": ("订单号", "订单编号", "商家订单号", "外部单号", "order", "reference"),
    "name": ("收件人", "收货人", "收件人姓名", "收货人姓名", "姓名", "name"),
    "mobile": (
        "电话",
        "手机",
        "手机号",
        "手机号码",
        "联系电话",
        "收件人电话",
        "收货人电话",
        "mobile",
    ),
    "sku": ("商品编码", "货号", "编码", "商家编码", "sku", "external_id"),
    "quantity": ("数量", "件数", "发货数量", "quantity"),
    "amount": ("金额", "货款", "结算金额", "应付金额", "合计金额", "amount"),
    "carrier": ("快递公司", "物流公司", "快递", "物流", "承运商", "快递名称", "carrier"),
    "number": ("快递单号", "运单号", "物流单号", "快递号", "运单编号", "单号", "tracking_number"),
}
"""Our name of a column → what suppliers write above it."""

_COLUMN = {word: name for name, words in NAMES.items() for word in words}
_SEPARATORS = re.compile(r"[\s,，;；、/|]+")
_EXACT = 10**15
"""Spreadsheets keep 15 digits of a number; one beyond that is not what was typed."""


@dataclass(frozen=True)
class Row:
    """One row with a waybill; `line` is its number in the sheet as a person counts."""

    line: int
    purchase: str = ""
    reference: str = ""
    name: str = ""
    mobile: str = ""
    sku: str = ""
    quantity: int | None = None
    amount: int | None = None
    """Fen, on a supplier's statement."""
    carrier: str = ""
    numbers: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Row(line={self.line})"


@dataclass(frozen=True)
class Sheet:
    """The rows that have a waybill number, and how many have none."""

    rows: tuple[Row, ...]
    empty: int


def read(content: bytes) -> Sheet:
    """The rows of an XLSX, XLS or CSV file. Raises Problem 422 that says what is wrong with it."""
    if len(content) > MOST_BYTES:
        raise _unreadable("the file is larger than 20 MB; send it in parts")
    table = _csv(content) if _is_text(content) else _workbook(content)
    _check_rows(table)
    for index, cells in enumerate(table[:HEADER_WITHIN]):
        columns = _columns(cells)
        if "number" in columns:
            return _rows(table, index, columns)
    raise _unreadable(
        f"no column 快递单号 within the first {HEADER_WITHIN} rows; use the exported sheet"
    )


def _rows(table: Sequence[Sequence[object]], header: int, columns: dict[str, int]) -> Sheet:
    rows, empty = [], 0
    for index, cells in enumerate(table[header + 1 :], start=header + 2):
        if not any(_text(cell) for cell in cells):
            continue
        values = {
            name: _text(cells[column]) if column < len(cells) else ""
            for name, column in columns.items()
        }
        numbers = tuple(part for part in _SEPARATORS.split(values.pop("number")) if part)
        if not numbers:
            empty += 1
            continue
        quantity = values.pop("quantity", "")
        units = int(quantity) if quantity.isdecimal() and int(quantity) > 0 else None
        amount = _fen(values.pop("amount", ""))
        rows.append(Row(index, **values, quantity=units, amount=amount, numbers=numbers))
    return Sheet(tuple(rows), empty)


def _columns(cells: Iterable[object]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for index, cell in enumerate(cells):
        word = re.sub(r"[\s*:：（）()]", "", _text(cell)).lower()
        if word in _COLUMN:
            columns.setdefault(_COLUMN[word], index)
    return columns


def _fen(text: str) -> int | None:
    """`￥1,280.00` in fen; what is no amount is not stated."""
    try:
        return fen(re.sub(r"[￥¥,，元\s]", "", text))
    except ValueError:
        return None


def _text(cell: object) -> str:
    """A cell as it was typed, as far as the spreadsheet still knows."""
    if isinstance(cell, bool) or cell is None:
        return ""
    if isinstance(cell, float | int):
        if abs(cell) >= _EXACT:
            return f"{cell:.2E}"  # its last digits are lost: refused as a number further on
        return str(int(cell)) if cell == int(cell) else str(cell)
    return str(cell).strip()


def _is_text(content: bytes) -> bool:
    return not content.startswith((b"PK", b"\xd0\xcf\x11\xe0"))


def _csv(content: bytes) -> Sequence[Sequence[object]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise _unreadable("the file is neither a workbook nor text in UTF-8 or GB18030")
    first = text.partition("\n")[0]
    delimiter = max(",\t;", key=first.count)
    try:
        return list(csv.reader(StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise _unreadable(f"the text cannot be read as rows: {error}") from error


def _workbook(content: bytes) -> Sequence[Sequence[object]]:
    if content.startswith(b"PK"):
        _refuse_bombs(content)
    try:
        book = CalamineWorkbook.from_filelike(BytesIO(content))
        sheet = book.get_sheet_by_index(0)
        return [list(row) for row in sheet.to_python(skip_empty_area=False)]
    except CalamineError as error:
        raise _unreadable("the workbook cannot be opened; save it as XLSX again") from error


def _refuse_bombs(content: bytes) -> None:
    try:
        with zipfile.ZipFile(BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > MOST_UNPACKED:
                raise _unreadable("the workbook is far larger inside than outside; send less")
    except zipfile.BadZipFile as error:
        raise _unreadable("the workbook is damaged; save it as XLSX again") from error


def _check_rows(table: Sequence[Sequence[object]]) -> None:
    if len(table) > MOST_ROWS:
        raise _unreadable(f"the sheet has more than {MOST_ROWS} rows; send it in parts")


def _unreadable(message: str) -> Problem:
    return Problem(422, "unreadable_sheet", message)
