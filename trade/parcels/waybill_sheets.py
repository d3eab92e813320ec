"""Reading the sheet that comes back from a supplier: which goods left under which waybill. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from connectors import uploads
from connectors.errors import Unreadable
from connectors.uploads import Grid, Limits
from kit.errors import Problem
from kit.money import fen
from trade.parcels import carriers

HEADER_WITHIN = 20
_LIMITS = Limits(rows=50_000)

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
    "note": ("备注", "说明", "卖家备注", "note"),
    "sku": ("商品编码", "货号", "编码", "商家编码", "sku", "external_id"),
    "quantity": ("数量", "件数", "发货数量", "quantity"),
    "amount": ("金额", "货款", "结算金额", "应付金额", "合计金额", "amount"),
    "carrier": ("快递公司", "物流公司", "快递", "物流", "承运商", "快递名称", "carrier"),
    "number": (
        "快递单号",
        "运单号",
        "物流单号",
        "快递号",
        "运单编号",
        "单号",
        "tracking_number",
        "快递信息",
        "物流信息",
    ),
}
"""Our name of a column → what suppliers write above it."""

AGAIN = ("补发", "换货", "换新", "重发")
"""Words in a note by which suppliers tell a parcel in the place of another one."""

_COLUMN = {word: name for name, words in NAMES.items() for word in words}
_SEPARATORS = re.compile(r"[\s,，;；、/|]+")
_HAN = re.compile(r"[一-鿿]")
_UNITS = re.compile(r"(\d{1,6})(?:\.0+)?\s*[件个份盒箱包瓶套袋罐支只提条]?")


@dataclass(frozen=True)
class Row:
    """One row with a waybill; `line` is its number in the sheet as a person counts."""

    line: int
    purchase: str = ""
    reference: str = ""
    name: str = ""
    mobile: str = ""
    sku: str = ""
    note: str = ""
    quantity: int | None = None
    amount: int | None = None
    """Fen, on a supplier's statement."""
    carrier: str = ""
    numbers: tuple[str, ...] = ()
    carriers: tuple[tuple[str, str], ...] = ()
    """Number and carrier, where the number's own cell names one."""

    @property
    def again(self) -> bool:
        """Whether it says that goods went out in the place of others."""
        return any(word in self.note for word in AGAIN)

    def carrier_of(self, number: str) -> str:
        """The carrier of one of the numbers, in the supplier's words; empty where none is named."""
        named = {one.upper(): carrier for one, carrier in self.carriers}
        return named.get(number.upper(), self.carrier)

    def __repr__(self) -> str:
        return f"Row(line={self.line})"


@dataclass(frozen=True)
class Sheet:
    """The rows that have a waybill number, and how many have none."""

    rows: tuple[Row, ...]
    empty: int


def read(content: bytes) -> Sheet:
    """The rows of an XLSX, XLS or CSV file. Raises Problem 422 that says what is wrong with it."""
    try:
        grids = uploads.read(content, _LIMITS)
    except Unreadable as error:
        raise _unreadable(error.message) from error
    for grid in grids:
        for index, cells in enumerate(grid.rows[:HEADER_WITHIN]):
            columns = _columns(cells)
            if "number" in columns:
                return _rows(grid, index, columns)
    raise _unreadable(
        f"no column 快递单号 within the first {HEADER_WITHIN} rows; use the exported sheet"
    )


def _rows(grid: Grid, header: int, columns: dict[str, int]) -> Sheet:
    rows, empty = [], 0
    above = _merged(grid, header, columns)
    for index, cells in enumerate(grid.rows[header + 1 :], start=header + 1):
        if not any(cell.strip() for cell in cells):
            continue
        values = {}
        for name, column in columns.items():
            row = grid.rows[above.get((index, column), index)]
            values[name] = row[column].strip() if column < len(row) else ""
        told = _told(values.pop("number"), values.get("carrier", ""))
        numbers = tuple(number for number, _ in told)
        if not numbers:
            empty += 1
            continue
        units = _UNITS.fullmatch(values.pop("quantity", ""))
        amount = _fen(values.pop("amount", ""))
        quantity = int(units[1]) if units and int(units[1]) else None
        named = tuple((number, carrier) for number, carrier in told if carrier)
        rows.append(
            Row(
                index + 1,
                **values,
                quantity=quantity,
                amount=amount,
                numbers=numbers,
                carriers=named,
            )
        )
    return Sheet(tuple(rows), empty)


def _told(cell: str, column: str) -> list[tuple[str, str]]:
    """Each number of a cell, with the carrier that the cell itself names: `顺丰SF12…`,
    `中通快递：73…`, `圆通 YT12…；YT34…`. One that contradicts the carrier of its own column stays
    with its number, which is refused as none."""
    own, found, carrier = carriers.code(column), [], ""
    for part in _SEPARATORS.split(cell):
        name, number = _parted(part)
        if name and own and carriers.code(name) != own:
            name, number = "", part
        carrier = name or carrier
        if number:
            found.append((number, carrier))
    return found


def _parted(part: str) -> tuple[str, str]:
    """A carrier's name in Chinese and the number behind or before it; either may be missing."""
    for cut in range(len(part), 0, -1):  # the longest name first
        for name, number in ((part[:cut], part[cut:]), (part[-cut:], part[:-cut])):
            plain = name.strip("：:（）()")
            if _HAN.search(plain) and carriers.code(plain) and not _HAN.search(number):
                return plain, number
    return "", part


def _merged(grid: Grid, header: int, columns: dict[str, int]) -> dict[tuple[int, int], int]:
    """(row, column) within a cell that spans rows → the row that has its text. A merged quantity
    or amount is the sum of its rows and says nothing of one."""
    spread = {columns[name] for name in columns if name not in ("quantity", "amount", "sku")}
    return {
        (row, column): first
        for first, column, last in grid.merged
        if column in spread and first > header
        for row in range(first + 1, last + 1)
    }


def _columns(cells: Iterable[str]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for index, cell in enumerate(cells):
        word = re.sub(r"[\s*:：（）()]", "", cell).lower()
        if word in _COLUMN:
            columns.setdefault(_COLUMN[word], index)
    return columns


def _fen(text: str) -> int | None:
    """`￥1,280.00` in fen; what is no amount is not stated."""
    try:
        return fen(re.sub(r"[￥¥,，元\s]", "", text))
    except ValueError:
        return None


def _unreadable(message: str) -> Problem:
    return Problem(422, "unreadable_sheet", message)
