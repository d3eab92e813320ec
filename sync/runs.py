"""Runs as rows: begun, paged, ended; listed, read and looked into by people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from connectors.model import Cursor, Listing, Reject
from kit.errors import Problem
from kit.ids import outside
from sync import staging
from sync.models import Run, RunReject


@dataclass(frozen=True)
class RunReport:
    """What one reading did. `held` says why nothing of it was applied, else None."""

    run_id: int
    seen: int
    changed: int
    rejected: int
    held: str | None
    gone: int = 0
    pages: int = 0
    kind: str = "full"


@dataclass(frozen=True)
class Harm:
    """A row that a person should look at: `kind` is one of `verdicts.Harmful`."""

    kind: str
    external_id: str
    title: str
    was: dict[str, Any] | None
    now: dict[str, Any] | None


@dataclass(frozen=True)
class Diff:
    """What a run would do: the measured radius, and up to so many rows of each kind of harm."""

    planned: int
    radius: dict[str, int]
    rows: list[Harm]


def listed(
    session: Session, *, source: str | None = None, before: int | None = None, limit: int = 50
) -> list[Run]:
    """The latest runs first; `before` is the id that the last page ended with."""
    query = select(Run).order_by(Run.id.desc()).limit(limit)
    if source is not None:
        query = query.where(Run.source == source)
    if before is not None:
        query = query.where(Run.id < before)
    return list(session.scalars(query))


def named(session: Session, run_id: int) -> Run:
    """One run. Raises Problem 404."""
    run = session.get(Run, run_id, populate_existing=True)
    if run is None:
        raise Problem(404, "no_such_run", f"there is no run {outside('run', run_id)!r}")
    return run


def rejects(session: Session, run_id: int) -> list[Reject]:
    """The rows that did not load, in their order. Raises Problem 404."""
    named(session, run_id)
    found = session.scalars(
        select(RunReject).where(RunReject.run_id == run_id).order_by(RunReject.id)
    )
    return [Reject(r.file, r.line, r.column, r.value, r.reason, r.cells) for r in found]


def diff(session: Session, run_id: int, *, each: int = 50) -> Diff:
    """What a held run would do. Raises Problem 404, and 409 when nothing of it is staged."""
    run = named(session, run_id)
    table = f"staging.harm_{run.id}"
    if session.execute(text("SELECT to_regclass(:t)"), {"t": table}).scalar_one() is None:
        told = f"{outside('run', run_id)} is {run.state}: nothing of it waits"
        raise Problem(409, "not_held", told)
    rows = session.execute(
        text(f"""SELECT kind, external_id, title, was, now FROM (SELECT *, row_number()
              OVER (PARTITION BY kind ORDER BY n) AS place FROM {table}) h
            WHERE place <= :each ORDER BY kind, n"""),  # noqa: S608 - our own table's name
        {"each": each},
    )
    return Diff(run.planned, run.radius or {}, [Harm(*row) for row in rows])


def report(session: Session, run_id: int) -> RunReport:
    """What a run did, or why it is held."""
    run = named(session, run_id)
    held = run.failure if run.state == "held" else None
    return RunReport(
        run.id, run.seen, run.changed, run.rejected, held, run.gone, run.pages, run.kind
    )


def begin(
    session: Session,
    source: str,
    *,
    kind: str,
    as_of: datetime,
    listing: Listing | None = None,
    since: Cursor | None = None,
    traits: dict[str, Any] | None = None,
    undoes: int | None = None,
) -> int:
    """A new run that is reading."""
    run = Run(source=source, state="reading", kind=kind, as_of=as_of, since=since, undoes=undoes)
    run.traits = traits or {}
    if listing is not None:
        run.complete = listing.complete
        run.notes = listing.notes
        run.watermark = listing.watermark
        run.pages_expected = listing.pages_expected
    session.add(run)
    session.flush()
    return run.id


def paged(
    session: Session,
    run_id: int,
    cursor: Cursor | None,
    *,
    next_row: int,
    seen: int,
    rejected: int,
) -> None:
    """One more page is kept, with the cursor behind it."""
    session.connection().exec_driver_sql(
        "UPDATE runs SET pages = pages + 1, cursor = %s, next_row = %s, seen = seen + %s,"
        " rejected = rejected + %s WHERE id = %s",
        (Jsonb(cursor) if cursor is not None else None, next_row, seen, rejected, run_id),
    )


def rejected(session: Session, run_id: int, count: int) -> None:
    """So many rows that were counted as seen turned out to be doubles."""
    session.execute(
        text("UPDATE runs SET rejected = rejected + :n, seen = seen - :n WHERE id = :run"),
        {"n": count, "run": run_id},
    )


def noted(session: Session, run_id: int, listing: Listing) -> None:
    """The notes of a listing fill while it is read."""
    session.connection().exec_driver_sql(
        "UPDATE runs SET notes = %s WHERE id = %s", (Jsonb(listing.notes), run_id)
    )


def unfinished(session: Session, source: str) -> Sequence[Run]:
    """Listing runs that were interrupted, the oldest first."""
    return session.scalars(
        select(Run)
        .where(Run.source == source, Run.state.in_(("reading", "judged", "applying")))
        .where(Run.kind.not_in(("messages", "prices", "stock")))
        .order_by(Run.id)
    ).all()


def end(session: Session, run_id: int, state: str, failure: str | None = None) -> None:
    """The run is over; what it has staged goes, and a listing's end moves the watermark."""
    session.execute(
        text("""UPDATE runs SET state = :state, failure = :failure, ended_at = clock_timestamp()
            WHERE id = :run"""),
        {"state": state, "failure": failure, "run": run_id},
    )
    staging.drop(session, run_id)
    if state == "done":
        session.execute(_ADVANCE, {"run": run_id})


_ADVANCE = text("""
    INSERT INTO source_states (source, full_at, watermark, last_good_at)
    SELECT source, CASE WHEN kind = 'full' AND complete THEN as_of END, watermark,
      clock_timestamp() FROM runs
    WHERE id = :run AND kind IN ('full', 'incremental')
    ON CONFLICT (source) DO UPDATE SET watermark = excluded.watermark,
      full_at = coalesce(excluded.full_at, source_states.full_at)
""")
"""The next reading asks for what changed since this one began. Only a complete one says of all
goods that they are as they were."""


def overtaken(session: Session, run: Run) -> bool:
    """Whether a younger listing of the source was applied to its end."""
    younger = select(Run.id).where(Run.source == run.source, Run.id > run.id, Run.state == "done")
    younger = younger.where(Run.kind.not_in(("messages", "prices", "stock")))
    return session.scalars(younger.limit(1)).first() is not None


def supersede(
    session: Session, source: str, run_id: int, why: str = "has read the source anew"
) -> None:
    """Held runs of the source that are older than this one speak of a state that is over."""
    older = session.scalars(
        select(Run.id).where(Run.source == source, Run.state == "held", Run.id < run_id)
    ).all()
    for one in older:
        end(session, one, "discarded", f"{outside('run', run_id)} {why}")
