"""Applies a span of staged rows to the catalogue, with its events and price points."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from sync import apply_sql, joining, plain_sql

MODES = ("dropship", "bulk", "affiliate")


@dataclass(frozen=True)
class Traits:
    """What decides how a source's rows are applied.

    `quotes`, `states_stock`: it answers for prices (stock) by calls of their own, so that a
    listing silent on them says nothing. `newer_wins`: single items are read between listings, so
    that what is known since a listing's `as_of` is left as it is; else only what was said of an
    item since the reading began (a file may be old, and counts all the same). `images`: keep what
    was, for a rollback.
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
    span: tuple[int, int],
    since: datetime | None = None,
) -> tuple[int, int]:
    """Apply the rows of `span` (after, up to) of a staging table; (offers changed, gone).

    What was said of an item after `since` stays; None: nothing can have been.
    """
    facts: dict[str, Any] = {
        "run": run_id,
        "source": source,
        "as_of": as_of,
        "quotes": traits.quotes,
        "states_stock": traits.states_stock,
        "newer_wins": traits.newer_wins,
        "since": as_of if traits.newer_wins else since,
        "keep": traits.images,
        "figures": traits.figures,
    }

    span_rows = f"(SELECT * FROM {rows} WHERE n > {span[0]:d} AND n <= {span[1]:d})"  # noqa: S608

    def run(*statements: str) -> Any:
        for statement in statements:
            sql = statement.replace("{rows}", span_rows)
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
    if found.fresh:
        run(joining.QUEUE_FRESH)
    if found.again:
        joining.watch(session, source)
    return found.all - found.leaves, found.leaves


def _write(run: Callable[..., Any], found: Any, traits: Traits) -> None:
    """The statements that a batch of such a census needs."""
    if found.fresh:
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
    if found.restored:
        run(apply_sql.REOPENED)
    run(*apply_sql.EVENTS)
    if found.fresh < found.all:
        run(apply_sql.CHANGES)
    if traits.figures and found.fresh:
        run(apply_sql.FIGURES)
