"""Applies staged rows in batches, each committed with its events, price points and its mark."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from kit.db import Database
from sync import apply_sql, plain_sql
from sync.lease import Held
from sync.staging import rows_of

MOST_ROWS = 5_000
MOST_SECONDS = 2.0
MODES = ("dropship", "bulk", "affiliate")

Progress = Callable[[int], None]
"""Told the run's id after each commit."""


@dataclass(frozen=True)
class Traits:
    """What decides how a source's rows are applied.

    `quotes`, `states_stock`: it answers for prices (stock) by calls of their own, so that a
    listing silent on them says nothing. `newer_wins`: single items are read between listings, so
    that a row older than what we hold is left out. `images`: keep what was, for a rollback.
    """

    quotes: bool = False
    states_stock: bool = False
    newer_wins: bool = False
    images: bool = True

    @property
    def figures(self) -> list[str]:
        """The figures that are asked for by calls of their own."""
        return ["price"] * self.quotes + ["stock"] * self.states_stock


def apply(
    session: Session,
    run_id: int,
    source: str,
    as_of: datetime,
    traits: Traits,
    *,
    rows: str,
    twins: str,
    span: tuple[int, int],
) -> tuple[int, int]:
    """Apply the rows of `span` (after, up to) of a staging table; (offers changed, gone)."""
    facts: dict[str, Any] = {
        "run": run_id,
        "source": source,
        "as_of": as_of,
        "quotes": traits.quotes,
        "states_stock": traits.states_stock,
        "newer_wins": traits.newer_wins,
        "keep": traits.images,
        "figures": traits.figures,
    }

    span_rows = f"(SELECT * FROM {rows} WHERE n > {span[0]:d} AND n <= {span[1]:d})"  # noqa: S608

    span_rows = f"(SELECT * FROM {rows} WHERE n > {span[0]:d} AND n <= {span[1]:d})"  # noqa: S608

    def run(*statements: str) -> Any:
        for statement in statements:
            sql = statement.replace("{rows}", span_rows).replace("{twins}", twins)
            done = session.execute(text(sql), facts)
        return done

    run("SET LOCAL plan_cache_mode = force_custom_plan")  # tables grow fast
    if run(apply_sql.LOCK_OFFERS).rowcount == 0:
        asked = run(plain_sql.ASKED).one()
        if asked.plain and asked.priced:
            modes = [mode for mode in MODES if getattr(asked, mode)]
            written: int = run(plain_sql.write(tuple(modes))).scalar_one()
            if traits.figures:
                run(plain_sql.FIGURES)
            return written, 0
    run(apply_sql.LOCK_STOCKS, apply_sql.BATCH, apply_sql.STATISTICS)
    found = session.execute(text(apply_sql.CENSUS)).one()
    if found.all:
        _write(run, found, traits)
    return found.all - found.leaves, found.leaves


def _write(run: Callable[..., Any], found: Any, traits: Traits) -> None:
    """The statements that a batch of such a census needs."""
    if found.fresh:
        run(apply_sql.MATCH)
        run(*(apply_sql.LISTINGS if found.grouped else (apply_sql.OWN_PRODUCTS,)))
        run(*apply_sql.FRESH)
    if traits.images and found.fresh < found.all:
        run(apply_sql.IMAGES)
    if found.again:
        run(*apply_sql.LOOK_UPS, *apply_sql.AGAIN, *apply_sql.JOINS)
    if found.leaves:
        run(apply_sql.GONE)
    if found.planned:
        run(apply_sql.PLANNED)
    run(*apply_sql.EVENTS)
    if found.fresh < found.all:
        run(apply_sql.CHANGES)
    if traits.figures and found.fresh:
        run(apply_sql.FIGURES)


_SPAN = """SELECT max(n) FROM (SELECT n FROM {rows} WHERE n > :mark ORDER BY n LIMIT :most) r"""
_MARK = text("""UPDATE runs SET mark = :upto, changed = changed + :changed,
    gone = gone + :gone, state = 'applying' WHERE id = :run""")


def apply_all(
    db: Database,
    lease: Held,
    run_id: int,
    as_of: datetime,
    traits: Traits,
    mark: int,
    told: Progress,
) -> None:
    """Everything staged behind `mark`, in batches of a bounded number of rows and seconds.

    Raises Fenced, and then the batch under way is not written.
    """
    rows = rows_of(run_id)
    most = MOST_ROWS
    while True:
        began = time.monotonic()
        with db.as_system() as session:
            lease.confirm(session)
            upto = session.execute(
                text(_SPAN.replace("{rows}", rows)), {"mark": mark, "most": most}
            ).scalar_one()
            if upto is None:
                return
            changed, gone = apply(
                session,
                run_id,
                lease.source,
                as_of,
                traits,
                rows=rows,
                twins=f"staging.twins_{run_id}",
                span=(mark, upto),
            )
            facts = {"upto": upto, "changed": changed, "gone": gone, "run": run_id}
            session.execute(_MARK, facts)
        mark = upto
        most = _next_size(most, time.monotonic() - began)
        told(run_id)


def _next_size(most: int, seconds: float) -> int:
    if seconds > MOST_SECONDS:
        return max(100, most // 2)
    return min(MOST_ROWS, most * 2) if seconds < MOST_SECONDS / 3 else most
