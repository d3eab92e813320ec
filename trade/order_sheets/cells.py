"""The cells of a leader's sheet as text: cleaned, merged ones as what they are part of. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence

from connectors.uploads import Grid
from trade.counted import units
from trade.order_sheets import several
from trade.order_sheets.columns import Header

_QUOTED = re.compile(r"""=?"([^"]*)"|'([^']*)'?""")
_MARKS = ("=", '"', "'")


class Spread:
    """The text of a row's cell, or of the merged cell that it is part of."""

    def __init__(self, grid: Grid, header: Header, merged: Iterable[str]) -> None:
        """`merged` are the columns in which a merged cell speaks for all of its rows."""
        self._rows, self._header = grid.rows, header
        self._above: dict[tuple[int, int], int] = {}
        spread = {header.at[name] for name in merged if name in header.at}
        for first, column, last in grid.merged:
            if column in spread and first >= header.row:
                self._above |= {(row, column): first for row in range(first + 1, last + 1)}

    def __call__(self, line: int, cells: Sequence[str], name: str) -> str:
        column = self._header.at.get(name)
        text = cell(cells, column)
        for further in self._header.more.get(name, ()):
            text = text or cell(cells, further)
        if not text and column is not None and (line - 1, column) in self._above:
            text = cell(self._rows[self._above[line - 1, column]], column)
        return text


def cell(cells: Sequence[str], column: int | None) -> str:
    """A cell without control characters, outer white space and the marks by which a sheet says that
    it is text (`="007"`, `'007`), as it was typed otherwise."""
    if column is None or column >= len(cells):
        return ""
    text = cells[column].strip()
    if not text.isprintable():
        text = "".join(c if c >= " " and c != "\x7f" else " " for c in text).strip()
    quoted = _QUOTED.fullmatch(text) if text[:1] in _MARKS else None
    return (quoted[1] or quoted[2] or "").strip() if quoted else text


def pieces(
    header: Header, cells: Sequence[str], values: Mapping[str, str]
) -> tuple[several.Piece, ...]:
    """The pieces that a row's cell of goods may be read as: where nothing else tells a number, or
    one of the whole, and no price is said of all of them together."""
    if header.goods or values.get("retail") or units(values.get("quantity", "") or "1") != 1:
        return ()
    name = "code" if values.get("code") else "title"
    column = header.at.get(name)
    if column is None or column >= len(cells) or (name == "title" and values.get("spec")):
        return ()
    return several.split(cells[column])
