"""The sheet that goes back to the leader: all that was uploaded, row by row, and what became of it.

Every cell is text, so that nothing that somebody typed is ever a formula. Carrier and waybill are
all that it says of where goods come from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import xlsxwriter
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from connectors.feed.rejects import as_text, inert, written
from kit.ids import outside
from trade.desk import Desk
from trade.models import ImportedOrder, Order, OrderImport
from trade.order_sheets import files
from trade.order_sheets.columns import REJECTED
from trade.order_sheets.rows import Reject, Sheet, merged, opened
from trade.parcels import carriers

HEADS = ("status", "快递公司", "快递单号", "说明")
"""What is added behind the sheet's own columns; the last is the reason, where there is one."""
BETWEEN = ";"
"""Between the numbers of several parcels in one cell."""

_PARCELS = text("""
    SELECT l.order_id, coalesce(l.bundle_sku, l.sku_id) AS sku_id, p.carrier, p.tracking_number
    FROM order_lines l JOIN parcel_lines c ON c.order_line_id = l.id
    JOIN parcels p ON p.id = c.parcel_id
    WHERE l.order_id = ANY(:orders) GROUP BY 1, 2, 3, 4, p.shipped_at, p.id
    ORDER BY p.shipped_at, p.id
""")
_SHOWN = (
    ImportedOrder.state,
    ImportedOrder.lines,
    ImportedOrder.order_id,
    ImportedOrder.resembles,
    ImportedOrder.failure,
)
_STATES = {
    "asked": "needs_mapping",
    "doubtful": "possible_duplicate",
    "queued": "placing",
}
"""What the leader reads for a state; the others read as they are."""


@dataclass
class _Outcome:
    """What became of one row."""

    status: str = "pending"
    carriers: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    reason: str = ""

    def beside(self, other: "_Outcome | None") -> "_Outcome":
        """This and what became of other goods of the same row."""
        if other is None:
            return self
        names = list(dict.fromkeys([*other.carriers, *self.carriers]))
        numbers = list(dict.fromkeys([*other.numbers, *self.numbers]))
        return _Outcome(self.status, names, numbers, self.reason)


HIDDEN = _Outcome(
    "hidden",
    reason="hidden or filtered away; unhide the row and upload the sheet again to order it",
)


@dataclass(frozen=True)
class Result:
    """The uploaded file, and what became of its rows."""

    content: bytes
    outcomes: Mapping[int, _Outcome]

    def xlsx(self) -> bytes:
        """The sheet that goes back; takes a while, and no database."""
        sheet, _ = opened(self.content)
        return _workbook(sheet, self.outcomes)


def result(session: Session, desk: Desk, row: OrderImport) -> Result:
    """What the result is made of. Raises Problem 410 once the sheet is gone."""
    return Result(files.content(session, desk.keyring, row), _outcomes(session, desk, row))


def rejects_csv(session: Session, desk: Desk, row: OrderImport) -> bytes:
    """The rows that cannot be used, as CSV in UTF-8 with BOM, for its author to correct and send.

    Each has all of its own cells, then its number and what is wrong. What did not stand directly
    below one another does not do so here, so that goods join no other order. Raises Problem 410
    once the sheet is gone.
    """
    rejects, _ = files.rejects(desk.keyring, row)
    wrong: dict[int, list[Reject]] = {}
    for one in rejects:
        wrong.setdefault(one.row, []).append(one)
    sheet, _ = opened(files.content(session, desk.keyring, row))
    spread, width = merged(sheet), len(sheet.header.cells)
    names = {column: name for name, column in sheet.header.at.items()}
    table: list[Sequence[object]] = [(*map(inert, sheet.header.cells), *REJECTED)]
    for line, found in wrong.items():
        if len(table) > 1 and line - 1 not in wrong:
            table.append(())
        cells = sheet.grid.rows[line - 1]
        own = [*cells, *[""] * (width - len(cells))][:width]
        for column, name in names.items():
            own[column] = own[column] or spread(line, cells, name)
        said = ([one.column for one in found], [one.value for one in found])
        why = "；".join(one.reason for one in found)
        table.append((*map(as_text, own), line, *(inert("；".join(x)) for x in said), inert(why)))
    return written(table)


def _outcomes(session: Session, desk: Desk, row: OrderImport) -> dict[int, _Outcome]:
    found: dict[int, _Outcome] = {}
    rejects, _ = files.rejects(desk.keyring, row)
    for one in rejects:
        outcome = found.setdefault(one.row, _Outcome("rejected"))
        said = f"{one.column}: {one.reason}" if one.column else one.reason
        outcome.reason = f"{outcome.reason}; {said}" if outcome.reason else said
    placed = session.execute(
        select(*_SHOWN, Order.status)
        .outerjoin(Order, Order.id == ImportedOrder.order_id)
        .where(ImportedOrder.import_id == row.id)
    ).all()
    parcels = _parcels(session, [one.order_id for one in placed if one.order_id is not None])
    for order in placed:
        for line in order.lines:
            told = _told(order, parcels.get((order.order_id, line["sku"]), {}))
            found |= {row: told.beside(found.get(row)) for row in line["rows"]}
    return found


def _told(order: Any, parcels: Mapping[str, str]) -> _Outcome:
    why = order.failure or {}
    like = order.resembles or {}
    reason = str(why.get("detail", ""))
    if like.get("why") == "recent_order":
        reason = f"like your order {like.get('reference')}"
    elif like:
        reason = "the row repeats another one word for word"
    names = [carriers.name(code) for code in parcels.values()]
    return _Outcome(
        order.status or _STATES.get(order.state, order.state),
        list(dict.fromkeys(names)),
        list(parcels),
        reason,
    )


def _parcels(
    session: Session, order_ids: Sequence[int]
) -> dict[tuple[int | None, str], dict[str, str]]:
    """Per order and SKU: tracking number → carrier's code, in the order in which they left."""
    found: dict[tuple[int | None, str], dict[str, str]] = {}
    for row in session.execute(_PARCELS, {"orders": list(order_ids)}):
        key = (row.order_id, outside("sku", row.sku_id))
        found.setdefault(key, {})[row.tracking_number] = row.carrier
    return found


def _workbook(sheet: Sheet, outcomes: Mapping[int, _Outcome]) -> bytes:
    buffer = BytesIO()
    width = max((len(cells) for cells in sheet.grid.rows[sheet.header.row - 1 :]), default=0)
    goods = {line for line, _ in sheet.goods(hidden=True)}
    pending = dict.fromkeys(sheet.hidden, HIDDEN)
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        page = book.add_worksheet(_title(sheet.grid.title))
        as_text: Any = book.add_format({"num_format": "@"})
        for line, cells in enumerate(sheet.grid.rows, start=1):
            more: Sequence[str] = HEADS if line == sheet.header.row else ()
            if line in goods:
                more = _cells(outcomes.get(line, pending.get(line, _Outcome())))
            for column, value in [*enumerate(cells), *enumerate(more, start=width)]:
                if value:
                    page.write_string(line - 1, column, value[:32_767], as_text)
        page.freeze_panes(sheet.header.row, 0)
    return buffer.getvalue()


def _cells(one: _Outcome) -> tuple[str, ...]:
    return one.status, BETWEEN.join(one.carriers), BETWEEN.join(one.numbers), one.reason


def _title(title: str) -> str | None:
    """The sheet's own title where a workbook can have it."""
    fine = title and len(title) <= 31 and not set(title) & set("[]:*?/\\") and title[0] != "'"
    return title if fine else None
