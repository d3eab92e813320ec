"""A listing on disk between reading and handing over, so that doubles are found in time.

Rows that repeat an external id word for word collapse silently; rows that contradict each other
are all refused, each naming the others' lines. In memory stay two 64-bit hashes a row.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import astuple, fields
from pathlib import Path
from types import TracebackType

import polars as pl

from connectors.columns import LISTING
from connectors.errors import Unreadable
from connectors.model import Page, Reject

_CONTENT = [name for name in LISTING if name not in ("file", "line")]
_PLACE = ["file", "line", "external_id", "id_column"]
_REJECT = {field.name: pl.Int64 if field.name == "line" else pl.String for field in fields(Reject)}
_SEEDS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)


class Spool:
    """Pages in a temporary folder; use as a context.

    `rows` counts the good ones, `first` is the first reject of all.
    """

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows
        self._folder = tempfile.TemporaryDirectory(prefix="huopan-feed-")
        self._keys: list[pl.DataFrame] = []
        self._pages = 0
        self._rejects = 0
        self.rows = 0
        self.first: Reject | None = None

    def __enter__(self) -> "Spool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._folder.cleanup()

    @property
    def empty(self) -> bool:
        """Whether not a single row was added, good or bad."""
        return not self.rows and not self._rejects

    def add(self, page: Page, id_column: str) -> None:
        """Keep one page. Raises Unreadable beyond `max_rows` rows, good and bad together."""
        if page.rows.is_empty() and not page.rejects:
            return
        self.rows += len(page.rows)
        self._rejects += len(page.rejects)
        self.first = self.first or next(iter(page.rejects), None)
        if self.rows + self._rejects > self._max_rows:
            raise Unreadable(
                "too-many-rows",
                f"more than {self._max_rows:,} rows; split the listing or raise max_rows",
            )
        page.rows.with_columns(pl.lit(id_column).alias("id_column")).write_ipc(
            self._file(self._pages, "rows")
        )
        _frame(page.rejects).write_ipc(self._file(self._pages, "rejects"))
        unread = pl.Series("external_id", page.unread, pl.String)
        unread.to_frame().write_ipc(self._file(self._pages, "unread"))
        self._pages += 1
        self._keys.append(
            pl.DataFrame(
                {
                    "id": page.rows["external_id"].hash(_SEEDS[0]),
                    "content": page.rows.select(_CONTENT).hash_rows(_SEEDS[1]),
                }
            )
        )

    def pages(self) -> Iterator[Page]:
        """Every page once, without doubles; contradictions come last, as rejects."""
        left_out, contradicted = self._verdicts()
        held: list[pl.DataFrame] = []
        at = 0
        for number in range(self._pages):
            rows = self._taken(number, "rows")
            rejects = [Reject(*row) for row in self._taken(number, "rejects").iter_rows()]
            here = slice(at, at + len(rows))
            at += len(rows)
            if contradicted is not None and left_out is not None:
                held.append(rows.filter(contradicted[here]).select(_PLACE))
                rows = rows.filter(~left_out[here])
            unread = tuple(self._taken(number, "unread")["external_id"])
            yield Page(rows.drop("id_column"), rejects, unread=unread)
        if held and (rejects := _contradictions(pl.concat(held))):
            self.rows -= len(rejects)
            unread = tuple({one.value for one in rejects})
            yield Page(pl.DataFrame(schema=LISTING), rejects, unread=unread)

    def _file(self, number: int, what: str) -> Path:
        return Path(self._folder.name) / f"{number}.{what}"

    def _taken(self, number: int, what: str) -> pl.DataFrame:
        path = self._file(number, what)
        frame = pl.read_ipc(path.read_bytes())
        path.unlink()
        return frame

    def _verdicts(self) -> tuple[pl.Series | None, pl.Series | None]:
        """For every row: whether it is left out, and whether another row contradicts it."""
        keys = pl.concat(self._keys)
        self._keys.clear()
        if keys["id"].n_unique() == len(keys):
            return None, None
        verdict = keys.select(
            again=~pl.struct("id", "content").is_first_distinct(),
            contradicted=pl.col("content").n_unique().over("id") > 1,
        )
        return verdict["again"] | verdict["contradicted"], verdict["contradicted"]


def _frame(rejects: list[Reject]) -> pl.DataFrame:
    return pl.DataFrame([astuple(reject) for reject in rejects], schema=_REJECT, orient="row")


def _contradictions(held: pl.DataFrame) -> list[Reject]:
    rejects = []
    for _, rows in held.group_by("external_id", maintain_order=True):
        places = [(file, line) for file, line in rows.select("file", "line").iter_rows()]
        for file, line, external_id, column in rows.iter_rows():
            others = [_place(place, file) for place in places if place != (file, line)]
            more = f" and {len(others) - 5} more" if len(others) > 5 else ""
            reason = (
                f"the same code stands with other facts in {', '.join(others[:5])}{more}; "
                "keep one of them"
            )
            rejects.append(Reject(file, line, column, external_id, reason))
    return rejects


def _place(place: tuple[str, int], file: str) -> str:
    return f"line {place[1]}" if place[0] == file else f"{place[0]} line {place[1]}"
