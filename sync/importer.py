"""From a listing to the catalogue: stage, judge, apply, all in one transaction.

A run that is killed leaves nothing behind and may simply be repeated.
"""

from dataclasses import dataclass

from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.model import LISTING, Listing
from kit.db import Database, cursor
from kit.errors import Problem
from sync import apply_sql
from sync.guard import GuardLimits, Radius, objection


@dataclass(frozen=True)
class RunReport:
    """What one reading did. `held` says why nothing of it was applied, else None."""

    run_id: int
    seen: int
    changed: int
    rejected: int
    held: str | None


def run_listing(db: Database, source: str, listing: Listing, *, guard: GuardLimits) -> RunReport:
    """Load `listing` as what `source` offers now.

    Raises Problem while another run of this source is alive, SupplierError when the source breaks
    off; then nothing was changed.
    """
    with db.as_system() as session:
        _alone(session, source)
        run_id = int(
            session.execute(
                text(
                    "INSERT INTO runs (source, state, as_of) VALUES (:s, 'reading', :a)"
                    " RETURNING id"
                ),
                {"s": source, "a": listing.as_of},
            ).scalar_one()
        )
        _stage(session, run_id, listing)
        facts = {"source": source, "as_of": listing.as_of, "run": run_id}
        for statement in apply_sql.PREPARE:
            session.execute(text(statement), facts)
        held = objection(_radius(session, source, complete=listing.complete), guard)
        if held is None:
            for statement in apply_sql.APPLY + (apply_sql.GONE if listing.complete else ()):
                session.execute(text(statement), facts)
        return _report(session, run_id, listing, held)


def _alone(session: Session, source: str) -> None:
    free = session.execute(
        text("SELECT pg_try_advisory_xact_lock(hashtextextended('run:' || :s, 0))"), {"s": source}
    ).scalar_one()
    if not free:
        raise Problem(409, "run_alive", f"{source} is being read already: wait for that run to end")


def _stage(session: Session, run_id: int, listing: Listing) -> None:
    session.execute(text(apply_sql.STAGE))
    with cursor(session) as at:
        for page in listing.pages:
            with at.copy(f"COPY staged ({', '.join(LISTING)}) FROM STDIN") as rows:
                for row in page.rows.select(list(LISTING)).iter_rows():
                    rows.write_row(row)
            if page.rejects:
                at.executemany(
                    'INSERT INTO run_rejects (run_id, file, line, "column", value, reason)'
                    " VALUES (%s, %s, %s, %s, %s, %s)",
                    [(run_id, r.file, r.line, r.column, r.value, r.reason) for r in page.rejects],
                )


def _radius(session: Session, source: str, *, complete: bool) -> Radius:
    live, vanished, zeroed = session.execute(text(apply_sql.RADIUS), {"source": source}).one()
    seen = session.execute(text("SELECT count(*) FROM staged")).scalar_one()
    return Radius(live, vanished if complete and seen else 0, zeroed)


def _report(session: Session, run_id: int, listing: Listing, held: str | None) -> RunReport:
    seen, changed, rejected = session.execute(text(apply_sql.COUNTS), {"run": run_id}).one()
    changed = 0 if held else changed
    session.connection().exec_driver_sql(
        "UPDATE runs SET state = %s, ended_at = clock_timestamp(), seen = %s, changed = %s,"
        " rejected = %s, notes = %s, failure = %s WHERE id = %s",
        ("held" if held else "done", seen, changed, rejected, Jsonb(listing.notes), held, run_id),
    )
    return RunReport(run_id, seen, changed, rejected, held)
