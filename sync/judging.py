"""Judges a staged listing: what differs from what we hold, what would vanish, what is harmful."""

from dataclasses import asdict
from datetime import datetime
from io import BytesIO

import polars as pl
from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.matching import drift
from kit.db import cursor
from sync import judge_sql as sql
from sync import runs
from sync.guard import GuardLimits, Radius, objection
from sync.staging import keys_of, rows_of

_TITLES = 5_000
"""Titles that are compared at a time."""


def leave(session: Session, run_id: int, gone: tuple[str, ...], first: int) -> int:
    """Stage what the source itself calls gone, numbered from `first`; returns how many offers."""
    facts = {"ids": list(gone), "first": first, "source": runs.named(session, run_id).source}
    done = session.execute(text(sql.leave(run_id)), facts)
    return int(done.rowcount)  # type: ignore[attr-defined]


def without_doubles(session: Session, run_id: int) -> list[int]:
    """Forget the keys of a file's rows that repeat an id; returns their numbers."""
    return list(session.execute(text(sql.doubled(run_id))).scalars())


def compare(session: Session, run_id: int, *, whole: bool) -> None:
    """Find what differs (`diff`, until the transaction's end) and what would leave.

    `whole`: all rows were staged, not only their keys; what is equal is forgotten again.
    """
    run = runs.named(session, run_id)
    if whole:
        session.execute(text(sql.keep_last(keys_of(run_id))))
        session.execute(text(sql.keep_last(rows_of(run_id))))
    session.execute(text(sql.diff(run_id)), {"source": run.source})
    if whole:
        session.execute(text(sql.drop_equal(run_id)))
    if run.complete and run.seen:
        session.execute(text(sql.stage_leaving(run_id)), {"run": run_id})


def differing(session: Session) -> pl.Series:
    """The numbers of staged rows that differ, after `compare`."""
    content = BytesIO()
    with cursor(session) as at, at.copy(sql.DIFFERENT) as rows:
        for block in rows:
            content.write(block)
    if not content.tell():
        return pl.Series("n", [], pl.Int64)
    content.seek(0)
    return pl.read_csv(content, has_header=False, schema={"n": pl.Int64})["n"]


def stated_again(session: Session, source: str, as_of: datetime, rows: str) -> None:
    """What these rows, true at `as_of`, state as we hold it counts in what was bought before."""
    facts = {"source": source, "as_of": as_of}
    if offers := list(session.scalars(text(sql.AWAITED), facts)):
        session.execute(text(sql.stated_again(rows)), facts | {"offers": offers})


def _compare_titles(session: Session, run_id: int) -> None:
    """Of the goods with another title, keep as harm those that are called something else."""
    asked = text(sql.retitled(run_id)).execution_options(yield_per=_TITLES)
    others = [row.n for row in session.execute(asked) if drift.called_otherwise(row.was, row.now)]
    session.execute(text(sql.renamed(run_id)), {"others": others})
    session.execute(text(sql.alike(run_id)))


def settle(session: Session, run_id: int, limits: GuardLimits) -> str | None:
    """Measure the blast radius; returns why the run is held, or None: it may be applied.

    Older held runs of the source are superseded: they spoke of an earlier state.
    """
    run = runs.named(session, run_id)
    session.execute(text(f"ANALYZE {rows_of(run_id)} (n)"))
    planned = session.execute(text(f"SELECT count(*) FROM {rows_of(run_id)}")).scalar_one()  # noqa: S608
    radius = Radius(live=0)
    if planned:
        live = session.execute(text(sql.LIVE), {"source": run.source}).scalar_one()
        if live:
            silent = bool(run.traits.get("states_stock"))
            facts = {"source": run.source, "band": limits.band, "silent": silent}
            session.execute(text(sql.harm(run_id)), facts)
            _compare_titles(session, run_id)
            kinds: dict[str, int] = {}
            for kind, count in session.execute(text(sql.measured(run_id))):
                kinds[kind] = count
            radius = Radius(live, run.seen, **kinds)
    held = objection(radius, limits)
    session.connection().exec_driver_sql(
        "UPDATE runs SET state = %s, planned = %s, radius = %s, failure = %s,"
        " ended_at = CASE WHEN %s THEN clock_timestamp() END WHERE id = %s",
        (
            "held" if held else "judged",
            planned,
            Jsonb(asdict(radius)),
            held,
            held is not None,
            run_id,
        ),
    )
    runs.supersede(session, run.source, run_id)
    return held
