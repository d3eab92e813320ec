"""Rows become orders: those with one 订单号 are one. Pure.

An order is taken whole or not at all: one row that cannot be used keeps the others of its order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from connectors.model import ShipTo
from trade.order_sheets.rows import Reject, Row
from trade.planning import MOST_LINES, MOST_UNITS

_LONGEST_NOTE = 500


@dataclass(frozen=True)
class Item:
    """Units of one SKU (or of goods that nobody has told us yet: `sku_id` None)."""

    sku_id: int | None
    goods: str
    quantity: int
    retail: Decimal | None
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Wanted:
    """One order of a sheet. `repeated` are rows that repeat another one word for word; of a sheet
    without order numbers, those that say the same of the same person once more."""

    reference: str
    rows: tuple[int, ...]
    to: ShipTo
    note: str
    items: tuple[Item, ...]
    repeated: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return f"Wanted({self.reference!r})"

    @property
    def asked(self) -> tuple[str, ...]:
        """Goods whose SKU is still to be told."""
        return tuple(item.goods for item in self.items if item.sku_id is None)


@dataclass(frozen=True)
class Labels:
    """The sheet's own words for the columns that rejects name."""

    reference: str
    recipient: str
    goods: str
    retail: str
    note: str


def apart(
    rows: Sequence[Row], known: Mapping[str, int], quantity: str
) -> tuple[list[Row], list[Reject]]:
    """Rows with one good each: of a cell that names several with their numbers, one for each good,
    and the rows of which that is not certain and whose column `quantity` says nothing.

    What is known as one of the leader's goods as it stands is that, numbers and all.
    """
    found: list[Row] = []
    rejects: list[Reject] = []
    for row in rows:
        whole = row.goods in known or any(piece.said in known for piece in row.pieces)
        asked = [piece for piece in row.pieces if piece.name not in known]
        measured = any(one.measured and (row.quantity or one in asked) for one in row.pieces)
        fine = not (whole or measured or (asked and row.quantity))
        if row.pieces and fine:
            found += [
                replace(
                    row,
                    goods=piece.name,
                    quantity=piece.quantity,
                    cells=(*row.cells, piece.name),
                    pieces=(),
                )
                for piece in row.pieces
            ]
        elif row.quantity:
            found.append(replace(row, pieces=()))
        else:
            reason = "it is not certain what is a number and what a specification; " + (
                "write how many there are in a column of their own, one good a row"
            )
            rejects.append(Reject(row.line, quantity, row.goods[:60], reason))
    return found, rejects


def names(rows: Sequence[Row]) -> set[str]:
    """What rows may call goods, each cell as it stands and by its pieces."""
    pieces = [piece for row in rows for piece in row.pieces]
    return {row.goods for row in rows}.union(*({one.name, one.said} for one in pieces))


def orders(
    rows: Sequence[Row],
    rejected: Mapping[int, str],
    known: Mapping[str, int],
    labels: Labels,
    *,
    numbered: bool = True,
) -> tuple[list[Wanted], list[Reject]]:
    """The orders in the sheet's order, and the rows that keep theirs out. `numbered`: the order
    numbers are the sheet's own.

    `rejected` are rows that could not be read, with the order number that stands in them; `known`
    are the SKUs of goods.
    """
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.reference, []).append(row)
    broken: dict[str, int] = {}
    for line, reference in rejected.items():
        if reference:
            broken.setdefault(reference, line)
    found: list[Wanted] = []
    rejects: list[Reject] = []
    for reference, group in groups.items():
        fault = _fault(group, broken.get(reference), labels)
        order = None if fault else _order(reference, group, known, labels)
        if isinstance(order, Wanted):
            found.append(order)
        else:
            column, reason = fault or order or ("", "")
            value = reference if column == labels.reference else ""
            rejects += [Reject(row.line, column, value, reason) for row in group]
    return (found if numbered else _said_twice(found)), rejects


def _said_twice(found: Sequence[Wanted]) -> list[Wanted]:
    """Orders, of which those that are the same but for the number that we gave are repeated."""
    seen: set[tuple[ShipTo, str, tuple[tuple[str, int], ...]]] = set()
    told = []
    for one in found:
        said = (one.to, one.note, tuple((item.goods, item.quantity) for item in one.items))
        told.append(replace(one, repeated=one.rows) if said in seen else one)
        seen.add(said)
    return told


def _fault(group: Sequence[Row], broken: int | None, labels: Labels) -> tuple[str, str] | None:
    if broken is not None:
        return labels.reference, f"row {broken} of the same order cannot be used; see there"
    people = {row.to for row in group if row.to is not None}
    if not people:
        return labels.recipient, "the row names no recipient: name, telephone and address are empty"
    if len(people) > 1:
        first, *rest = [row for row in group if row.to is not None]
        other = next(row for row in rest if row.to != first.to)
        return labels.recipient, (
            f"rows {first.line} and {other.line} have the same order number and different"
            " recipients; give each recipient an order number"
        )
    return None


def _order(
    reference: str, group: Sequence[Row], known: Mapping[str, int], labels: Labels
) -> Wanted | tuple[str, str]:
    """The order, or the column and the reason why it is none."""
    items: dict[int | str, Item] = {}
    for row in group:
        sku = known.get(row.goods)
        key = row.goods if sku is None else sku
        had = items.get(key)
        if had is None:
            items[key] = Item(sku, row.goods, row.quantity, row.retail, (row.line,))
        elif None not in (had.retail, row.retail) and had.retail != row.retail:
            told = f"rows {had.rows[0]} and {row.line} have different retail prices"
            return labels.retail, f"{told} for the same goods"
        else:
            both, lines = had.quantity + row.quantity, (*had.rows, row.line)
            retail = row.retail if had.retail is None else had.retail
            items[key] = Item(sku, had.goods, both, retail, lines)
    if len(items) > MOST_LINES:
        return labels.reference, f"an order has at most {MOST_LINES} different goods"
    if any(item.quantity > MOST_UNITS for item in items.values()):
        return labels.goods, f"an order has at most {MOST_UNITS:,} units of one SKU"
    note = "；".join(dict.fromkeys(row.note for row in group if row.note))
    if len(note) > _LONGEST_NOTE:
        return labels.note, f"the notes of an order have at most {_LONGEST_NOTE} characters"
    to = next(row.to for row in group if row.to is not None)
    lines = tuple(dict.fromkeys(row.line for row in group))
    return Wanted(reference, lines, to, note, tuple(items.values()), _repeated(group))


def _repeated(group: Sequence[Row]) -> tuple[int, ...]:
    seen: set[tuple[str, ...]] = set()
    again = []
    for row in group:
        if row.cells in seen:
            again.append(row.line)
        seen.add(row.cells)
    return tuple(again)
