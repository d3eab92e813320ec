"""The rows of a leader's sheet as values; what cannot be read is a reject that says why. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation

from connectors.errors import Unreadable
from connectors.feed.text import plain
from connectors.model import ShipTo
from connectors.uploads import Grid, Limits, read
from kit.errors import Problem
from trade.counted import units
from trade.order_sheets import columns, people
from trade.order_sheets.cells import Spread, cell, pieces
from trade.order_sheets.columns import PLACE, Header
from trade.order_sheets.people import Open
from trade.order_sheets.several import Piece

MOST_ROWS = 10_000
MOST_REFERENCE = 64
MOST_UNITS = 100_000
_SHOWN = 60
_LOST = re.compile(r"\d(\.\d+)?[eE]\+?\d{1,3}")
_TOTAL = re.compile(r"(合|总|小|共)\s*计|本页合计|(sub)?total", re.IGNORECASE)
_FOOT = re.compile(r"(制表|制单|审核|打印|导出|备注|说明|注意|注|提示|温馨提示|以上)|.*[:：]")
_ERROR = re.compile(r"#(N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|公式未计算!)")
_PEOPLE = ("name", "phone", "address", "ship_to", *PLACE)
_WEIGHT = re.compile(r"\d[\d.,]*\s*([公市]?斤|[千毫]?克|两|吨|kg|g)", re.IGNORECASE)
_MERGED = ("reference", "name", "phone", "address", "ship_to", "note", *PLACE)
"""A cell of these that spans rows speaks for all of them; a merged quantity does not."""
LIMITS = Limits(rows=MOST_ROWS + 2 * columns.DEEPEST)
"""How large a file may be."""
_COLUMNS = {"mobile": "phone"}


_Fault = tuple[str, str]  # our column's name and the reason


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
    pieces: tuple[Piece, ...] = ()
    """What `goods` may be read as; its `quantity` is 0 then where the sheet states none."""

    def __repr__(self) -> str:
        return f"Row(line={self.line})"


@dataclass(frozen=True)
class Sheet:
    """The sheet that holds the orders: `grid.rows[header.row:]` are below the header."""

    grid: Grid
    header: Header

    def goods(self, *, hidden: bool = False) -> Iterator[tuple[int, list[str]]]:
        """Every row of goods with its number; empty rows and totals are none, and rows that are
        hidden or filtered away are none unless they are asked for."""
        for line, cells in self._goods():
            if hidden or line not in self.grid.hidden:
                yield line, cells

    @property
    def hidden(self) -> list[int]:
        """The numbers of the rows of goods that are hidden or filtered away."""
        return [line for line, _ in self._goods() if line in self.grid.hidden]

    def _goods(self) -> Iterator[tuple[int, list[str]]]:
        for line, cells in enumerate(self.grid.rows[self.header.row :], start=self.header.row + 1):
            if any(text.strip() for text in cells) and not self._aside(cells):
                yield line, cells

    def _aside(self, cells: Sequence[str]) -> bool:
        """A total, a remark below the rows, or the header printed once more."""
        if tuple(" ".join(text.split()) for text in cells) == self.header.cells:
            return True
        said = [(column, text.strip()) for column, text in enumerate(cells) if text.strip()]
        place = [cell(cells, self.header.at.get(name)) for name in ("address", "ship_to", "phone")]
        if _TOTAL.match(said[0][1]) and not any(place):
            return True
        people = {self.header.at[name] for name in _PEOPLE if name in self.header.at}
        return len(said) == 1 and said[0][0] not in people and bool(_FOOT.match(said[0][1]))


@dataclass
class Read:
    """What was read of a sheet: `open` are addresses that fit several places, or none quite;
    `broken` are rows with rejects and the order number in them."""

    rows: list[Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    broken: dict[int, str] = field(default_factory=dict)
    open: dict[int, Open] = field(default_factory=dict)
    numbered: bool = True
    """Whether the sheet has order numbers of its own."""


def opened(content: bytes) -> tuple[Sheet, int]:
    """The sheet with the orders in it, and how many rows of goods that shows.

    Raises Problem 422 `unreadable_sheet`, `missing_column`, `several_sheets`, `too_many_rows` or
    `no_rows`.
    """
    try:
        grids = [_without_reasons(grid) for grid in read(content, LIMITS)]
    except Unreadable as error:
        if error.code == "too-many-rows":
            raise _too_many("more than " + f"{LIMITS.rows:,}") from error
        raise Problem(422, "unreadable_sheet", error.message) from error
    found = [
        (grid, header)
        for grid in grids
        if (header := columns.find(grid.rows, grid.merged)) is not None
    ]
    whole = [Sheet(*one) for one in found if not one[1].missing]
    if not whole:
        missing = found[0][1].missing if found else ["订单号", "地址", "商家编码", "数量"]
        seen = " | ".join(text for text in found[0][1].cells if text)[:300] if found else "none"
        raise Problem(
            422,
            "missing_column",
            f"no column found for {', '.join(missing)} within the first {columns.DEEPEST} rows;"
            f" name the columns in one row, for example 订单号 收件人 电话 地址 商家编码 数量."
            f" The header found: {seen}",
        )
    filled = [one for one in whole if any(True for _ in one.goods())]
    if len(filled) > 1:
        names = "、".join(one.grid.title for one in filled[:5])
        raise Problem(
            422,
            "several_sheets",
            f"{len(filled)} sheets of this workbook hold orders ({names}), and one is read; send"
            " each as a file of its own, or hide or delete those that are not meant",
        )
    sheet = (filled or whole)[0]
    count = sum(1 for _ in sheet.goods())
    if count > MOST_ROWS:
        raise _too_many(f"{count:,}")
    if not count:
        raise Problem(422, "no_rows", _nothing(sheet))
    return sheet, count


def _without_reasons(grid: Grid) -> Grid:
    """A sheet of rejected rows that comes back corrected says nothing by what was wrong with it."""
    said = set(columns.REJECTED)
    for number, cells in enumerate(grid.rows[: columns.DEEPEST]):
        ours = {at for at, label in enumerate(cells) if " ".join(label.split()) in said}
        if len(ours) == len(said):
            below = [
                ["" if at in ours else text for at, text in enumerate(row)]
                for row in grid.rows[number:]
            ]
            return replace(grid, rows=[*grid.rows[:number], *below])
    return grid


def _nothing(sheet: Sheet) -> str:
    if away := len(sheet.hidden):
        return (
            f"all rows of goods ({away:,}) are hidden or filtered away; unhide those that are meant"
            " and upload the sheet again"
        )
    return "there is a header and no row below it; nothing to order"


def _too_many(rows: str) -> Problem:
    return Problem(
        422,
        "too_many_rows",
        f"the sheet has {rows} rows; one sheet holds at most {MOST_ROWS:,}, so send it in parts",
    )


def merged(sheet: Sheet) -> Spread:
    """The cells of a sheet by our names, merged ones as what they are part of."""
    return Spread(sheet.grid, sheet.header, _MERGED)


def rows(sheet: Sheet, name: str, regions: Mapping[int, str]) -> Read:
    """Every row of goods as a value or a reject.

    `name` begins the order numbers of a sheet without any; `regions` are places that the leader
    named for rows whose address left them open.
    """
    found = Read()
    spread = merged(sheet)
    numbered = any(spread(line, cells, "reference") for line, cells in sheet.goods(hidden=True))
    found.numbered = numbered
    know = people.Reader()
    above = (0, "")
    for line, cells in sheet.goods(hidden=True):
        values = {column: spread(line, cells, column) for column in sheet.header.at}
        own = values.get("reference", "") if numbered else f"{name}-{line}"
        if above[0] == line - 1 and _goes_on(values):
            own = above[1]
        above = (line, own)
        if line in sheet.grid.hidden:
            continue
        counted = pieces(sheet.header, cells, values)
        made, faults = _row(values, own, _items(sheet, cells, values), counted=bool(counted))
        to, open_place, more = _recipient(values, know, regions.get(line))
        if open_place is not None:
            found.open[line] = open_place
        wrong = _errors(values)
        faults = wrong or [*faults, *more]
        if faults or made is None:
            found.broken[line] = own
            found.rejects += [
                Reject(line, _label(sheet, column), values.get(column, "")[:_SHOWN], reason)
                for column, reason in faults
            ]
            continue
        for item, units_wanted in made.items:
            same = (*(text.strip() for text in cells), item)
            found.rows.append(
                Row(line, own, to, item, units_wanted, made.retail, _note(values), same, counted)
            )
    return found


def _note(values: Mapping[str, str]) -> str:
    said = values.get("note", "")
    return "" if _ERROR.fullmatch(said) else said


def _goes_on(values: Mapping[str, str]) -> bool:
    """Whether a row says nothing but goods: they belong to the order above it, as where merged
    cells were saved as text."""
    told = [values.get(one) for one in ("reference", *_PEOPLE)]
    return not any(told) and any(values.get(one) for one in ("code", "title"))


def _errors(values: Mapping[str, str]) -> list[_Fault]:
    """Formulas that show an error where something is ordered; a note may go without."""
    reason = "this cell's formula shows an error; write the value itself"
    spare = ("note", "title", "spec") if values.get("code") else ("note",)
    wrong = [column for column, said in values.items() if _ERROR.fullmatch(said)]
    return [(column, reason) for column in wrong if column not in spare]


def _no_units(text: str) -> str:
    if _WEIGHT.fullmatch(plain(text)):
        return (
            "this is a weight; write how many units of the goods are ordered, such as 1 for 5斤装"
        )
    return f"write a whole number between 1 and {MOST_UNITS:,}"


@dataclass(frozen=True)
class _Made:
    """What a row orders: goods and units, and the retail price."""

    items: tuple[tuple[str, int], ...]
    retail: Decimal | None


def _items(sheet: Sheet, cells: Sequence[str], values: Mapping[str, str]) -> list[tuple[str, str]]:
    """Goods and what is written of their number: one, or each that its own column counts."""
    if not sheet.header.goods:
        return [(_goods(values), values.get("quantity", ""))]
    counted = [(label, cell(cells, column)) for column, label in sheet.header.goods.items()]
    return [(label, said) for label, said in counted if said and units(said) != 0]


def _row(
    values: Mapping[str, str],
    reference: str,
    items: Sequence[tuple[str, str]],
    *,
    counted: bool,
) -> tuple[_Made | None, list[_Fault]]:
    faults: list[_Fault] = []
    if not reference:
        faults.append(("reference", "the order number is empty; every row needs one"))
    elif _LOST.fullmatch(reference):
        reason = "digits are lost in this number; format the column as text and export it again"
        faults.append(("reference", reason))
    elif len(reference) > MOST_REFERENCE:
        faults.append(("reference", f"an order number has at most {MOST_REFERENCE} characters"))
    if not items:
        faults.append(("quantity", "the row orders nothing: no column of goods has a number"))
    made = []
    for goods, said in items:
        if not goods:
            column = "code" if "code" in values else "title"
            faults.append((column, "the row names no goods; fill in the code, or name and 规格"))
        elif _LOST.fullmatch(goods):
            faults.append(("code", "digits are lost in this code; format the column as text"))
        wanted = units(said)
        if counted and not said:
            made.append((goods, 0))
        elif wanted is None or not 0 < wanted <= MOST_UNITS:
            faults.append(("quantity", _no_units(said)))
        else:
            made.append((goods, wanted))
    retail = None
    if values.get("retail"):
        retail = _price(values["retail"])
        if retail is None:
            faults.append(("retail", "this is no price such as 12.80"))
    return (None if faults else _Made(tuple(made), retail)), faults


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


def _label(sheet: Sheet, column: str) -> str:
    return sheet.header.labels.get(column, column)
