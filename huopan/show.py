"""How commands speak: tables for people, one JSON value for programs, progress on a terminal."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="One JSON value, for programs.")]

_GAP = "  "


def told(value: Any, text: str, *, as_json: bool) -> None:
    """Print `value` as JSON, or `text` for people."""
    typer.echo(json(value) if as_json else text)


def json(value: Any) -> str:
    """One JSON value; times as RFC 3339, what JSON does not know as text."""
    import orjson

    return orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2).decode()


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows under their header, columns aligned as wide as Chinese characters stand."""
    from rich.cells import cell_len

    texts = [[*header], *([_cell(value) for value in row] for row in rows)]
    widths = [max(cell_len(row[at]) for row in texts) for at in range(len(header))]
    lines = []
    for row in texts:
        cells = (
            cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)
        )
        lines.append(_GAP.join(cells).rstrip())
    return "\n".join(lines)


def age(span: timedelta | None) -> str | None:
    """A span of time as people say it: 40 s, 5 min, 3 h, 2 d; clocks may differ by a little."""
    if span is None:
        return None
    seconds = max(0.0, span.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _cell(value: object) -> str:
    return "–" if value is None else " ".join(str(value).split())


@contextlib.contextmanager
def progress(doing: str) -> Iterator[Callable[[int], None]]:
    """While the block runs: a moving bar and a count of rows, on a terminal only.

    The block calls what it gets with the rows done so far.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(file=sys.stderr)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(30),
        TextColumn("{task.completed:,} rows"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(doing, total=None)
        yield lambda done: bar.update(task, completed=done)
