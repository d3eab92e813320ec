"""The rows of a leader's sheet as values; what cannot be read is a reject that says why. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from connectors.errors import Unreadable
from connectors.feed.text import plain
from connectors.model import ShipTo
from connectors.uploads import Grid, Limits, read
from kit.errors import Problem
from trade.order_sheets import columns, people
from trade.order_sheets.columns import PLACE, Header
from trade.order_sheets.people import Open

MOST_ROWS = 10_000
MOST_REFERENCE = 64
MOST_UNITS = 100_000
_SHOWN = 60
_LOST = re.compile(r"\d(\.\d+)?[eE]\+?\d{1,3}")
_TOTAL = re.compile(r"(合|总|小|共)\s*计|本页合计|(sub)?total", re.IGNORECASE)
_UNITS = re.compile(r"[x×*]?(\d{1,6})(?:\.0+)?\s*[件个份盒箱包瓶套袋罐支只提条]?", re.IGNORECASE)
_WEIGHT = re.compile(r"\d[\d.,]*\s*([公市]?斤|[千毫]?克|两|吨|kg|g)", re.IGNORECASE)
_MERGED = ("reference", "name", "phone", "address", "ship_to", "note", *PLACE)
"""A cell of these that spans rows speaks for all of them; a merged quantity does not."""
_LIMITS = Limits(rows=MOST_ROWS + 2 * columns.DEEPEST)
_COLUMNS = {"mobile": "phone"}


@dataclass(frozen=True)
class Reject:
    """A row that cannot be used: its number as a person counts, and what is to be changed."""

    row: int
    column: str
    value: str
    reason: str

    def __repr__(self) -> str:
        return f"Reject(row={self.row}, column={self.column!r})"


@dataclass(frozen=True)
class Row:
    """One row of goods. `to` None: it names nobody, and belongs to the order above it.

    `goods` is what the leader calls the SKU: the code, or name and specification. `cells` tell
    whether two rows are the same word for word.
    """

    line: int
    reference: str
    to: ShipTo | None
    goods: str
    quantity: int
    retail: Decimal | None
    note: str
    cells: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Row(line={self.line})"


@dataclass(frozen=True)
class Sheet:
    """The sheet that holds the orders: `grid.rows[header.row:]` are below the header."""

    grid: Grid
    header: Header

    def goods(self) -> Iterator[tuple[int, list[str]]]:
        """Every row of goods with its number; empty rows and totals are none."""
        for line, cells in enumerate(self.grid.rows[self.header.row :], start=self.header.row + 1):
            if any(cell.strip() for cell in cells) and not self._aside(cells):
                yield line, cells

    def _aside(self, cells: Sequence[str]) -> bool:
        """A total, or the header printed once more."""
        if tuple(" ".join(cell.split()) for cell in cells) == self.header.cells:
            return True
        first = next(cell for cell in cells if cell.strip())
        place = [_cell(cells, self.header.at.get(name)) for name in ("address", "ship_to", "phone")]
        return bool(_TOTAL.match(first.strip())) and not any(place)


@dataclass
class Read:
    """What was read of a sheet: `open` are addresses that fit several places, or none quite;
    `broken` are rows with rejects and the order number in them."""

    rows: list[Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    broken: dict[int, str] = field(default_factory=dict)
    open: dict[int, Open] = field(default_factory=dict)


def opened(content: bytes) -> tuple[Sheet, int]:
    """The sheet with the orders in it, and how many rows of goods that has.

    Raises Problem 422 `unreadable_sheet`, `missing_column`, `too_many_rows` or `no_rows`.
    """
    try:
        grids = read(content, _LIMITS)
    except Unreadable as error:
        if error.code == "too-many-rows":
            raise _too_many("more than " + f"{_LIMITS.rows:,}") from error
        raise Problem(422, "unreadable_sheet", error.message) from error
    found = [(grid, header) for grid in grids if (header := columns.find(grid.rows)) is not None]
    whole = next((one for one in found if not one[1].missing), None)
    if whole is None:
        missing = found[0][1].missing if found else ["订单号", "地址", "商家编码", "数量"]
        seen = " | ".join(cell for cell in found[0][1].cells if cell)[:300] if found else "none"
        raise Problem(
            422,
            "missing_column",
            f"no column found for {', '.join(missing)} within the first {columns.DEEPEST} rows;"
            f" name the columns in one row, for example 订单号 收件人 电话 地址 商家编码 数量."
            f" The header found: {seen}",
        )
    sheet = Sheet(*whole)
    count = sum(1 for _ in sheet.goods())
    if count > MOST_ROWS:
        raise _too_many(f"{count:,}")
    if not count:
        raise Problem(422, "no_rows", "there is a header and no row below it; nothing to order")
    return sheet, count


def _too_many(rows: str) -> Problem:
    return Problem(
        422,
        "too_many_rows",
        f"the sheet has {rows} rows; one sheet holds at most {MOST_ROWS:,}, so send it in parts",
    )


def rows(sheet: Sheet, name: str, regions: Mapping[int, str]) -> Read:
    """Every row of goods as a value or a reject.

    `name` begins the order numbers of a sheet without any; `regions` are places that the leader
    named for rows whose address left them open.
    """
    found = Read()
    spread = _Spread(sheet)
    numbered = any(spread(line, cells, "reference") for line, cells in sheet.goods())
    know = people.Reader()
    for line, cells in sheet.goods():
        values = {column: spread(line, cells, column) for column in sheet.header.at}
        row, faults = _row(line, values, f"{name}-{line}" if not numbered else None)
        to, open_place, more = _recipient(values, know, regions.get(line))
        if open_place is not None:
            found.open[line] = open_place
        faults = [*faults, *more]
        if faults or row is None:
            found.broken[line] = values.get("reference", "")
            found.rejects += [
                Reject(line, _label(sheet, column), values.get(column, "")[:_SHOWN], reason)
                for column, reason in faults
            ]
        else:
            same = tuple(cell.strip() for cell in cells)
            found.rows.append(Row(line, row[0], to, row[1], row[2], row[3], row[4], same))
    return found


_Fault = tuple[str, str]  # our column's name and the reason


def _no_units(text: str) -> str:
    if _WEIGHT.fullmatch(plain(text)):
        return (
            "this is a weight; write how many units of the goods are ordered, such as 1 for 5斤装"
        )
    return f"write a whole number between 1 and {MOST_UNITS:,}"


def _row(
    line: int, values: Mapping[str, str], own: str | None
) -> tuple[tuple[str, str, int, Decimal | None, str] | None, list[_Fault]]:
    faults: list[_Fault] = []
    reference = own or values.get("reference", "")
    if not reference:
        faults.append(("reference", "the order number is empty; every row needs one"))
    elif _LOST.fullmatch(reference):
        reason = "digits are lost in this number; format the column as text and export it again"
        faults.append(("reference", reason))
    elif len(reference) > MOST_REFERENCE:
        faults.append(("reference", f"an order number has at most {MOST_REFERENCE} characters"))
    goods = _goods(values)
    if not goods:
        column = "code" if "code" in values else "title"
        faults.append((column, "the row names no goods; fill in the code, or name and 规格"))
    elif _LOST.fullmatch(goods):
        faults.append(("code", "digits are lost in this code; format the column as text"))
    units = _UNITS.fullmatch(plain(values["quantity"]).replace(",", ""))
    if units is None or not 0 < int(units[1]) <= MOST_UNITS:
        faults.append(("quantity", _no_units(values["quantity"])))
    retail = None
    if values.get("retail"):
        retail = _price(values["retail"])
        if retail is None:
            faults.append(("retail", "this is no price such as 12.80"))
    if faults or units is None:
        return None, faults
    return (reference, goods, int(units[1]), retail, values.get("note", "")), []


def _goods(values: Mapping[str, str]) -> str:
    code = plain(values.get("code", ""))
    if code:
        return code[:200]
    return plain(f"{values.get('title', '')} {values.get('spec', '')}")[:200]


def _price(text: str) -> Decimal | None:
    bare = re.sub(r"[￥¥,元\s]|CNY|RMB", "", plain(text))
    try:
        price = Decimal(bare)
    except InvalidOperation:
        return None
    fine = price.is_finite() and 0 < price < 10**9 and price == round(price, 4)
    return price if fine else None


def _recipient(
    values: Mapping[str, str], know: people.Reader, region: str | None
) -> tuple[ShipTo | None, Open | None, list[_Fault]]:
    parts = [values.get(name, "") for name in PLACE]
    address = values.get("address", "")
    place = "".join(part for part in dict.fromkeys(parts) if part and not address.startswith(part))
    said = people.Said(
        values.get("name", ""),
        values.get("phone", ""),
        address if _begins(address, parts) else f"{place}{address}",
        values.get("ship_to", ""),
    )
    if said.nobody:
        return None, None, []
    to, open_place, faults = know(said, region)
    fields = [(_COLUMNS.get(name, name), reason) for name, reason in faults]
    return to, open_place, [(name if name in values else "address", r) for name, r in fields]


def _begins(address: str, parts: Sequence[str]) -> bool:
    """Whether the address repeats the place that other columns hold."""
    said = [part for part in parts if part]
    return bool(said) and all(part in address for part in said)


class _Spread:
    """The text of a row's cell, or of the merged cell that it is part of."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._above: dict[tuple[int, int], int] = {}
        merged = {sheet.header.at[name] for name in _MERGED if name in sheet.header.at}
        for first, column, last in sheet.grid.merged:
            if column in merged and first >= sheet.header.row:
                self._above |= {(row, column): first for row in range(first + 1, last + 1)}

    def __call__(self, line: int, cells: Sequence[str], name: str) -> str:
        column = self._sheet.header.at.get(name)
        text = _cell(cells, column)
        if not text and column is not None and (line - 1, column) in self._above:
            text = _cell(self._sheet.grid.rows[self._above[line - 1, column]], column)
        return text


def _cell(cells: Sequence[str], column: int | None) -> str:
    """A cell without control characters and outer white space, as it was typed otherwise."""
    if column is None or column >= len(cells):
        return ""
    return "".join(c if c >= " " and c != "\x7f" else " " for c in cells[column]).strip()


def _label(sheet: Sheet, column: str) -> str:
    return sheet.header.labels.get(column, column)
