"""Reading the sheet that comes back from a supplier: which goods left under which waybill. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connectors import uploads
from connectors.errors import Unreadable
from connectors.feed.text import plain
from connectors.uploads import Grid, Limits
from kit.errors import Problem
from kit.money import fen
from trade.counted import units
from trade.order_sheets.cells import cell
from trade.parcels import carriers

HEADER_WITHIN = 20
_LIMITS = Limits(rows=50_000)

NAMES: dict[str, tuple[str, ...]] = {
    "purchase": ("采购单号", "采购单", "采购编号", "purchase", "purchaseid"),
    "reference": (
        *(
            "订单号",
            "订单编号",
            "商家订单号",
            "商家订单编号",
            "外部单号",
            "外部订单号",
            "平台订单号",
        ),
        *("客户单号", "客户订单号", "原始单号", "order", "reference"),
    ),
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
        *("运单号码", "物流编号", "快递编号", "快递运单号", "物流运单号", "面单号", "trackingno"),
        *("trackingnumber", "物流单号/快递单号", "快递公司及单号", "快递公司单号", "快递及单号"),
    ),
}
"""Our name of a column → what suppliers write above it."""

AGAIN = ("补发", "换货", "换新", "重发")
"""Words in a note by which suppliers tell a parcel in the place of another one."""

BACK = "改回"
"""The word in a note by which suppliers tell that a former number, or carrier, counts again."""

_COLUMN = {word: name for name, words in NAMES.items() for word in words}
_SEPARATORS = re.compile(
    r"[\n\r\t,，;；、/|&]+|(?<![eE])[+]|(?<=[0-9A-Za-z])[和与及](?=[0-9A-Za-z])"
)
_HAN = re.compile(r"[一-鿿]")
_LABEL = re.compile(r"(快递|物流|运)?单号码?\s*[:：]?")
_ASIDE = re.compile(r"[(\[【].*?[)\]】]")
_NONE = frozenset({"", "-", "--", "—", "/", "\\", "无", "暂无", "没有", "未发货", "待发货", "n/a"})
"""What a cell says for no number."""
_SHORT = 8
"""A piece of a number that is written in groups is shorter."""


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
    unclear: str = ""
    """What stands for the quantity and is no number of units."""
    amount: int | None = None
    """Fen, on a supplier's statement."""
    carrier: str = ""
    numbers: tuple[str, ...] = ()
    carriers: tuple[tuple[str, str], ...] = ()
    """Number and carrier, where the number's own cell names one."""
    stale: bool = False
    """Whether the same sheet came before: what it says of former numbers was said then."""

    @property
    def again(self) -> bool:
        """Whether it says that goods went out in the place of others."""
        return any(word in self.note for word in AGAIN)

    @property
    def back(self) -> bool:
        """Whether it says, now, that a former number counts again."""
        return BACK in self.note and not self.stale

    def carrier_of(self, number: str) -> str:
        """The carrier of one of the numbers, in the supplier's words; empty where none is named."""
        named = {one.upper(): carrier for one, carrier in self.carriers}
        return named.get(number.upper(), self.carrier)

    def __repr__(self) -> str:
        return f"Row(line={self.line})"


@dataclass(frozen=True)
class Sheet:
    """The rows that have a waybill number, and how many have none. `hidden` are the numbers of rows
    with one that are hidden or filtered away, which are not among `rows`."""

    rows: tuple[Row, ...]
    empty: int
    hidden: tuple[int, ...] = ()


def read(content: bytes) -> Sheet:
    """The rows of an XLSX, XLS or CSV file. Raises Problem 422 that says what is wrong with it."""
    try:
        grids = uploads.read(content, _LIMITS)
    except Unreadable as error:
        raise _unreadable(error.message) from error
    found = []
    for grid in grids:
        for index, cells in enumerate(grid.rows[:HEADER_WITHIN]):
            columns, more = _columns(cells)
            if "number" in columns:
                found.append((grid.title, _rows(grid, index, columns, more)))
                break
    told = [(title, sheet) for title, sheet in found if sheet.rows or sheet.hidden]
    if len(told) > 1:
        names = "、".join(title for title, _ in told[:5])
        raise _unreadable(
            f"{len(told)} sheets of this workbook hold waybills ({names}), and one is read; send"
            " each as a file of its own"
        )
    if found:
        return (told or found)[0][1]
    raise _unreadable(
        f"no column 快递单号 within the first {HEADER_WITHIN} rows; use the exported sheet"
    )


def _rows(grid: Grid, header: int, columns: dict[str, int], more: Sequence[int]) -> Sheet:
    rows, empty, hidden = [], 0, []
    above = _merged(grid, header, columns)
    for index, cells in enumerate(grid.rows[header + 1 :], start=header + 1):
        if not any(text.strip() for text in cells):
            continue
        values = {}
        for name, column in columns.items():
            values[name] = cell(grid.rows[above.get((index, column), index)], column)
        further = [cell(cells, column) for column in more]
        values["number"] = "\n".join([values["number"], *further])
        told = _told(values.pop("number"), values.get("carrier", ""))
        numbers = tuple(number for number, _ in told)
        if not numbers:
            empty += index + 1 not in grid.hidden
            continue
        if index + 1 in grid.hidden:
            hidden.append(index + 1)
            continue
        amount = _fen(values.pop("amount", ""))
        many = values.pop("quantity", "")
        quantity = units(many) or None
        named = tuple((number, carrier) for number, carrier in told if carrier)
        rows.append(
            Row(
                index + 1,
                **values,
                quantity=quantity,
                unclear=many if many and quantity is None else "",
                amount=amount,
                numbers=numbers,
                carriers=named,
                stale=False,
            )
        )
    return Sheet(tuple(rows), empty, tuple(hidden))


def _told(text: str, column: str) -> list[tuple[str, str]]:
    """Each number of a cell, with the carrier that the cell itself names: `顺丰SF12…`,
    `中通快递：73…`, `圆通 YT12…；YT34…`. One that contradicts the carrier of its own column stays
    with its number, which is refused as none."""
    own, found, carrier = carriers.code(column), [], ""
    if text.startswith("#"):  # a formula's error
        return [(text, "")]
    for part in _pieces(text):
        name, number = _parted(part)
        if name and own and carriers.code(name) != own:
            name, number = "", part
        carrier = name or carrier
        if number.lower() not in _NONE:
            found.append((number, carrier))
    return found


def _pieces(text: str) -> list[str]:
    """The numbers and carriers' names of a cell; a number in groups (SF 1234 5678 90) is one."""
    pieces: list[str] = []
    for said in _SEPARATORS.split(_LABEL.sub(" ", text)):
        grouped = False
        for word in said.split():
            short = len(word) < _SHORT and not _HAN.search(word)
            if short and grouped:
                pieces[-1] += word
            else:
                pieces.append(word)
            grouped = short
    return pieces


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


def _columns(cells: Iterable[str]) -> tuple[dict[str, int], list[int]]:
    """The columns that a row names, and further ones of numbers (快递单号2)."""
    columns: dict[str, int] = {}
    more: list[int] = []
    for index, label in enumerate(cells):
        word = re.sub(r"[\s*:.]", "", plain(label)).lower()
        bare = _ASIDE.sub("", word).replace("+", "及")
        forms = (re.sub(r"[()]", "", word), bare, bare.rstrip("0123456789"))
        name = next((_COLUMN[form] for form in forms if form in _COLUMN), None)
        if name == "number" and "number" in columns:
            more.append(index)
        elif name is not None:
            columns.setdefault(name, index)
    return columns, more


def _fen(text: str) -> int | None:
    """`￥1,280.00` in fen; what is no amount is not stated."""
    try:
        return fen(re.sub(r"[￥¥,，元\s]", "", text))
    except ValueError:
        return None


def _unreadable(message: str) -> Problem:
    return Problem(422, "unreadable_sheet", message)
