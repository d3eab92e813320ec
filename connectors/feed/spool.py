"""A listing on disk between reading and handing over, so that doubles are found in time.

Rows that repeat an external id word for word collapse silently; rows that contradict each other
are all refused, each naming the others' lines. In memory stay two 64-bit hashes a row.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import polars as pl

from connectors.errors import Unreadable
from connectors.model import LISTING, Page, Reject

_CONTENT = [name for name in LISTING if name not in ("file", "line")]
_SEEDS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)


class Spool:
    """Pages in a temporary folder; use as a context."""

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows
        self._folder = tempfile.TemporaryDirectory(prefix="huopan-feed-")
        self._pages: list[list[Reject]] = []
        self._keys: list[pl.DataFrame] = []
        self._count = 0

    def __enter__(self) -> "Spool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._folder.cleanup()

    def add(self, page: Page, id_column: str) -> None:
        """Keep one page. Raises Unreadable beyond `max_rows`."""
        self._count += len(page.rows)
        if self._count > self._max_rows:
            raise Unreadable(
                "too-many-rows",
                f"more than {self._max_rows:,} rows; split the listing or raise max_rows",
            )
        rows = page.rows.with_columns(pl.lit(id_column).alias("id_column"))
        rows.write_ipc(self._file(len(self._pages)))
        self._pages.append(page.rejects)
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
        repeated, contradicted = self._verdicts()
        held: list[pl.DataFrame] = []
        at = 0
        for number, rejects in enumerate(self._pages):
            rows = pl.read_ipc(self._file(number))
            here = slice(at, at + len(rows))
            at += len(rows)
            if contradicted is not None:
                held.append(
                    rows.filter(contradicted[here]).select(
                        "file", "line", "external_id", "id_column"
                    )
                )
            if repeated is not None:
                rows = rows.filter(~repeated[here])
            self._file(number).unlink()
            yield Page(rows.drop("id_column"), rejects)
        if held:
            yield Page(pl.DataFrame(schema=LISTING), _contradictions(pl.concat(held)))

    def _file(self, number: int) -> Path:
        return Path(self._folder.name) / f"{number}.arrow"

    def _verdicts(self) -> tuple[pl.Series | None, pl.Series | None]:
        """For every row: whether it is left out, and whether another row contradicts it."""
        keys = pl.concat(self._keys) if self._keys else pl.DataFrame({"id": [], "content": []})
        self._keys.clear()
        if keys["id"].n_unique() == len(keys):
            return None, None
        verdict = keys.select(
            again=~pl.struct("id", "content").is_first_distinct(),
            contradicted=pl.col("content").n_unique().over("id") > 1,
        )
        return verdict["again"] | verdict["contradicted"], verdict["contradicted"]


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
