"""From a listing to the catalogue: stage, judge, apply, match; resumable at every commit.

Pages with a cursor are staged whole, with the cursor, and a killed reading goes on behind it.
Pages without one (files, which are read again in seconds) wait in a local spool while their keys
and hashes are staged; then only rows that differ cross to the database.
"""

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import titles
from catalog.matching import settling
from connectors.errors import SupplierError
from connectors.model import Cursor, Listing, Page, Reject
from kit.db import Database
from sync import judging, runs, staging
from sync.apply import Traits
from sync.batches import Batches
from sync.guard import GuardLimits
from sync.lease import Held, held
from sync.models import Run
from sync.runs import RunReport

Again = Callable[[Run], Listing]
"""Opens the listing of an interrupted run behind its cursor."""


_COUNT_GROWN = text("SELECT count_grown()")
"""Tables that have more than doubled since PostgreSQL counted them, as after a first load or in a
restored database, are counted now: planned for tables of nothing, statements take minutes."""
_AGAIN = "this SKU stands in the list more than once; the first row counts"


def _quiet(run_id: int) -> None:
    """Nobody waits."""


@dataclass(frozen=True)
class Reading:
    """How a listing is to be loaded."""

    guard: GuardLimits = field(default_factory=GuardLimits)
    traits: Traits = field(default_factory=Traits)
    kind: str = "full"
    since: Cursor | None = None
    told: Callable[[int], None] = _quiet
    most: int | None = None
    """So many rows that differ are applied at once; of more, all are left to a worker."""


def run_listing(
    db: Database,
    source: str,
    listing: Listing,
    *,
    guard: GuardLimits,
    told: Callable[[int], None] = _quiet,
) -> RunReport:
    """Load `listing` as what `source` offers now; first end what a killed run left behind.

    `told` gets the run's id after each commit. Raises Problem 409 `run_alive` while another run
    of this source is alive, SupplierError when the source breaks off; then nothing was changed.
    """
    reading = Reading(guard=guard, told=told)
    with held(db, source) as lease:
        finish(db, lease, reading)
        return load(db, lease, listing, reading)


def load(db: Database, lease: Held, listing: Listing, reading: Reading) -> RunReport:
    """One new run. Raises SupplierError when the source breaks off, and Fenced."""
    with db.as_system() as session:
        lease.confirm(session)
        run_id = runs.begin(
            session,
            lease.source,
            kind=reading.kind,
            as_of=listing.as_of,
            listing=listing,
            since=reading.since,
            traits=asdict(reading.traits),
        )
        staging.create(session, run_id)
    reading.told(run_id)
    return _read(db, lease, run_id, listing, reading, first=1)


def finish(
    db: Database,
    lease: Held,
    reading: Reading,
    again: Again | None = None,
    *,
    staged_only: bool = False,
) -> RunReport | None:
    """End what a killed run of this source has begun: apply it, or read on with `again`.

    What cannot go on (no cursor, staged by another version, or emptied by the database's crash) is
    forgotten: it is read again, and what it had applied then counts as unchanged. `staged_only`
    leaves readings alone, and so talks to nobody. Returns what the last one did.
    """
    done = None
    with db.as_system() as session:
        left = runs.unfinished(session, lease.source)
    for run in left:
        if staged_only and run.state == "reading":
            continue
        with db.as_system() as session:
            lease.confirm(session)
            usable = _usable(session, run, can_read_on=again is not None)
            if not usable:
                runs.end(session, run.id, "failed", "it was interrupted; the source is read again")
        if usable and run.state == "reading" and again is not None:
            done = _read(db, lease, run.id, again(run), reading, first=run.next_row)
        elif usable:
            done = apply(db, lease, run.id, reading.told)
    return done


def apply(
    db: Database, lease: Held, run_id: int, told: Callable[[int], None] = _quiet
) -> RunReport:
    """Everything of a judged run behind its mark, to its end. Raises Fenced."""
    with db.as_system() as session:
        lease.confirm(session)
        run = runs.named(session, run_id)
        newest = settling.newest(session) if run.mark == 0 else 0
        session.execute(_COUNT_GROWN)
    if run.as_of is None:
        raise ValueError(f"run {run_id} has no as_of")
    since = max(run.as_of, run.started_at)
    batches = Batches(db, lease, run_id, run.as_of, since, Traits(**run.traits), told)
    batches.all_behind(run.mark)
    _settle(db, lease, newest)
    with db.as_system() as session:
        lease.confirm(session)
        runs.end(session, run_id, "done")
        done = runs.report(session, run_id)
    told(run_id)
    return done


def _settle(db: Database, lease: Held, since: int) -> None:
    """Let the run's new offers meet the catalogue, unless there are so many that a chore does it.

    A run that went on for a killed one does not know which were the first: those of its source.
    """
    with db.as_system() as session:
        lease.confirm(session)
        session.execute(_COUNT_GROWN)
        settles = settling.few(session, lease.source, since)
    while settles:
        with db.as_system() as session:
            lease.confirm(session)
            settles = settling.settle_run(session, lease.source, since) > 0


def _usable(session: Session, run: Run, *, can_read_on: bool) -> bool:
    if not staging.fits(session, run.id) or (
        run.state == "judged" and runs.overtaken(session, run)
    ):
        return False
    if run.state != "reading":
        return staging.holds(session, staging.rows_of(run.id), run.planned)
    keys = staging.keys_of(run.id)
    return can_read_on and run.cursor is not None and staging.holds(session, keys, run.seen)


def _read(
    db: Database, lease: Held, run_id: int, listing: Listing, reading: Reading, *, first: int
) -> RunReport:
    """Stage what the pages say, judge it, and apply it unless it is held."""
    with tempfile.TemporaryDirectory(prefix="huopan-run-") as folder:
        stage = _Stage(db, lease, run_id, Path(folder), first)
        try:
            for page in listing.pages:
                stage.keep(page)
                reading.told(run_id)
        except SupplierError as error:
            _broke_off(db, lease, run_id, error)
            raise
        with db.as_system() as session:
            lease.confirm(session)
            runs.noted(session, run_id, listing)
            stage.judge(session)
            held = judging.settle(session, run_id, reading.guard)
            done = runs.report(session, run_id)
            run = runs.named(session, run_id)
        as_of, planned = run.as_of or listing.as_of, run.planned
        if not reading.traits.states_stock:
            with db.as_system() as session:  # for itself: who orders waits for the stock
                lease.confirm(session)
                rows = staging.keys_of(run_id)
                judging.stated_again(session, lease.source, as_of, rows)
    reading.told(run_id)
    if held or (reading.most is not None and planned > reading.most):
        return done
    return apply(db, lease, run_id, reading.told)


def _broke_off(db: Database, lease: Held, run_id: int, error: SupplierError) -> None:
    """A reading with a cursor waits to go on; any other is forgotten."""
    with db.as_system() as session:
        lease.confirm(session)
        if runs.named(session, run_id).cursor is None:
            runs.end(session, run_id, "failed", error.message)


class _Stage:
    """Keeps the pages of one run, a transaction each."""

    def __init__(self, db: Database, lease: Held, run_id: int, folder: Path, first: int) -> None:
        self._db, self._lease, self._run_id, self._folder = db, lease, run_id, folder
        self._next = first
        self._whole = first > 1
        with db.as_system() as session:
            self._names = titles.rules(session)
        self._spool: list[Path] = []
        self._ids: list[pl.Series] = []

    def keep(self, page: Page) -> None:
        """Stage keys and hashes of a page, and its rows where the reading can go on behind it."""
        self._whole = self._whole or page.cursor is not None
        rows = staging.hashed(page.rows, self._next)
        self._next += len(rows)
        with self._db.as_system() as session:
            self._lease.confirm(session)
            staging.copy(
                session, staging.keys_of(self._run_id), rows.select("n", "external_id", "hash")
            )
            if self._whole:
                self._copy(session, staging.slim(rows))
            if page.unread:
                there = pl.DataFrame({"external_id": page.unread}, {"external_id": pl.String})
                staging.copy(session, staging.keys_of(self._run_id), there)
            if page.gone:
                self._next += judging.leave(session, self._run_id, page.gone, self._next)
            staging.reject(session, self._run_id, page.rejects)
            runs.paged(
                session,
                self._run_id,
                page.cursor,
                next_row=self._next,
                seen=len(rows),
                rejected=len(page.rejects),
            )
        if not self._whole:
            self._ids.append(rows["external_id"].hash(1))
            self._spool.append(self._folder / str(len(self._spool)))
            places = pl.col("file"), pl.col("line")
            staging.slim(rows).with_columns(
                *(rows[p.meta.output_name()] for p in places)
            ).write_ipc(self._spool[-1])

    def _copy(self, session: Session, rows: pl.DataFrame) -> None:
        staging.copy(session, staging.rows_of(self._run_id), staging.titled(rows, self._names))

    def judge(self, session: Session) -> None:
        """Compare with what we hold; what differs then lies staged."""
        if self._whole:
            judging.compare(session, self._run_id, whole=True)
            return
        self._refuse_doubles(session)
        judging.compare(session, self._run_id, whole=False)
        differing = judging.differing(session)
        for path in self._spool if len(differing) else ():
            rows = pl.read_ipc(path.read_bytes()).drop("file", "line")
            if len(differing) < self._next - 1:
                rows = rows.filter(pl.col("n").is_in(differing.implode()))
            self._copy(session, rows)

    def _refuse_doubles(self, session: Session) -> None:
        """Of a file's rows that claim one id, the first counts."""
        ids = pl.concat(self._ids) if self._ids else pl.Series("external_id", [], pl.UInt64)
        if ids.n_unique() == len(ids):
            return
        doubled = pl.Series(judging.without_doubles(session, self._run_id), dtype=pl.Int64)
        rejects = [
            Reject(file or "", line or 0, "external_id", external_id, _AGAIN)
            for path in self._spool
            for file, line, external_id in pl.read_ipc(path.read_bytes())
            .filter(pl.col("n").is_in(doubled.implode()))
            .select("file", "line", "external_id")
            .iter_rows()
        ]
        staging.reject(session, self._run_id, rejects)
        runs.rejected(session, self._run_id, len(rejects))
