"""Where the header stands: under notes and merged titles, in one row or two."""

from collections.abc import Mapping, Sequence

from connectors.errors import Unreadable

from .columns import REQUIRED, Columns, guess, meaning
from .table import DEPTH


class NoHeader(Unreadable):
    """No header with all required columns. `looks_like_goods`: part of one was there; `example`
    names those that are missing, as whoever reads the file may have them named."""

    def __init__(self, message: str, example: str, *, looks_like_goods: bool) -> None:
        super().__init__("missing-column", message)
        self.example = example
        self.looks_like_goods = looks_like_goods


def find(
    rows: Sequence[Sequence[str]], override: Mapping[str, str], at: int | None, where: str
) -> tuple[int, Columns]:
    """(index of the header's last row, its columns). `at` is the 1-based row where it is known.

    Raises Unreadable with the best guess and how to override it.
    """
    starts = range(min(len(rows), DEPTH)) if at is None else range(at - 1, min(at, len(rows)))
    best: tuple[tuple[bool, int, int], int, Columns] | None = None
    for start in starts:
        for height in (1, 2):
            if start + height > len(rows):
                continue
            columns = guess(_joined(rows[start : start + height]), override)
            score = (not columns.missing, len(columns.chosen), -height)
            if best is None or score > best[0]:
                best = (score, start + height - 1, columns)
    if best is None:
        raise Unreadable("empty", f"{where} is empty: there is no header row and no goods")
    _, last, columns = best
    refuse_incomplete(columns, override, rows[last] if columns.chosen else [], where)
    return last, columns


def _joined(rows: Sequence[Sequence[str]]) -> list[str]:
    """One label a column; of two rows the lower where it says something, else the upper."""
    if len(rows) == 1:
        return list(rows[0])
    upper, lower = rows
    width = max(len(upper), len(lower))
    above = _spread([*upper, *[""] * (width - len(upper))])
    below = [*lower, *[""] * (width - len(lower))]
    return [_label(a, b) for a, b in zip(above, below, strict=True)]


def _spread(row: Sequence[str]) -> list[str]:
    """A merged title's text over the columns that it spans: empty cells repeat what is left."""
    spread: list[str] = []
    for cell in row:
        spread.append(cell or (f"\0{spread[-1].lstrip(chr(0))}" if spread else ""))
    return spread


def _label(above: str, below: str) -> str:
    if not below:
        return "" if above.startswith("\0") else above
    return below if meaning(below) else f"{above.lstrip(chr(0))}{below}"


def refuse_incomplete(
    columns: Columns, override: Mapping[str, str], labels: Sequence[str], where: str
) -> None:
    """Raises Unreadable when an override names no column, or a required column was not found."""
    wrong = [f"{name}={label}" for name, label in override.items() if name not in columns.chosen]
    if wrong:
        raise Unreadable(
            "no-such-column",
            f"{where} has no column named as in {', '.join(wrong)}; "
            f"its header reads: {_row(labels)}",
        )
    if columns.missing:
        needed = ", ".join(columns.missing)
        example = ",".join(f"{name}=列名" for name in columns.missing)
        raise NoHeader(
            f"{where}: no column found for {needed} (needed: {', '.join(REQUIRED)}). "
            f"Guessed so far: {columns.shown() or 'nothing'}. "
            f"Header: {_row(labels) or 'not found'}. "
            f"Head them {needed} in the file",
            example,
            looks_like_goods=len(columns.missing) < len(REQUIRED) and len(columns.chosen) > 2,
        )


def _row(labels: Sequence[str]) -> str:
    return " | ".join(" ".join(label.split())[:30] for label in labels if label)[:600]
