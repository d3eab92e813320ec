"""What benches measured, each figure beside its limit, gathered into one table at the end."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`ours` and `limit` are of one run and one unit. `aim`: ours is at least (or, where less is
    better, at most) so many times the limit; None: it is only shown."""

    bench: str
    name: str
    ours: float
    unit: str
    limit: float | None = None
    aim: float | None = None
    less_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        return self.ours / self.limit if self.limit else None

    @property
    def reached(self) -> bool:
        if self.ratio is None or self.aim is None:
            return True
        return self.ratio <= self.aim if self.less_is_better else self.ratio >= self.aim

    def row(self) -> tuple[str, ...]:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        sign = "≤" if self.less_is_better else "≥"
        aim = "" if self.aim is None else f"{sign} {self.aim:g}" + ("" if self.reached else "  !")
        limit = "" if self.limit is None else _number(self.limit)
        return self.bench, self.name, f"{_number(self.ours)} {self.unit}", limit, ratio, aim


BOARD: list[Figure] = []


def record(figure: Figure) -> None:
    """Show the figure now, and in the table at the end."""
    BOARD.append(figure)
    _, name, ours, limit, ratio, aim = figure.row()
    beside = f"   beside {limit}: {ratio}   {aim}" if limit else ""
    print(f"{name:<40} {ours:>16}{beside}")


def table() -> str:
    """Every figure recorded in this run."""
    rows = [("bench", "figure", "ours", "limit", "ratio", "aim"), *(f.row() for f in BOARD)]
    widths = [max(len(row[at]) for row in rows) for at in range(6)]
    return "\n".join(
        "  ".join(cell.ljust(w) if at < 2 else cell.rjust(w) for at, (cell, w) in cells).rstrip()
        for cells in ([*enumerate(zip(row, widths, strict=True))] for row in rows)
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
