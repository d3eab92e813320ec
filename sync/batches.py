"""A run's staged rows, batch by batch, each committed with its events and its mark.

The mark only ever stands behind rows that are all applied. Where nothing can depend on the batch
before (a source's first rows, each by itself), two batches are prepared side by side: they are
still committed in their order, one waiting for the other before it writes the mark.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.matching import wordings
from kit.db import Database
from sync import staging
from sync.apply import Traits, apply
from sync.lease import Held
from sync.staging import rows_of

MOST_ROWS = 5_000
MOST_SECONDS = 2.0
SIDE_BY_SIDE = 2
"""As many as a command has connections."""

_SPAN = """SELECT max(n) FROM (SELECT n FROM {rows} WHERE n > :mark ORDER BY n LIMIT :most) r"""
_MARK = text("""UPDATE runs SET mark = :upto, changed = changed + :changed,
    gone = gone + :gone, state = 'applying' WHERE id = :run""")
_INDEPENDENT = """SELECT max(n) FROM {rows} WHERE (SELECT (radius ->> 'live')::bigint = 0 FROM runs
    WHERE id = :run) AND NOT EXISTS (SELECT FROM {rows} WHERE listing IS NOT NULL OR leaves)"""


_BRANDS = """SELECT DISTINCT brand FROM {rows} WHERE brand IS NOT NULL"""


@dataclass(frozen=True)
class Batches:
    """What the batches of one run have in common; `told` gets the run's id after each commit."""

    db: Database
    lease: Held
    run_id: int
    as_of: datetime
    since: datetime
    traits: Traits
    told: Callable[[int], None]

    def all_behind(self, mark: int) -> None:
        """Apply every staged row behind `mark`.

        A batch has at most 5,000 rows, fewer where they take longer than 2 seconds. Raises Fenced,
        and then the batch under way is not written.
        """
        with self.db.as_system() as session:
            self.lease.confirm(session)
            staging.follow(session, self.run_id)
            wordings.register(session, session.scalars(text(self._sql(_BRANDS))))
            last = session.execute(text(self._sql(_INDEPENDENT)), {"run": self.run_id}).scalar_one()
        if last is not None and last - mark > MOST_ROWS:
            self._side_by_side(mark, last)
        else:
            self._one_by_one(mark)

    def _one_by_one(self, mark: int) -> None:
        most = MOST_ROWS
        while True:
            began = time.monotonic()
            with self.db.as_system() as session:
                self.lease.confirm(session)
                upto = session.execute(
                    text(self._sql(_SPAN)), {"mark": mark, "most": most}
                ).scalar_one()
                if upto is None:
                    return
                self._mark(session, upto, self._applied(session, mark, upto))
            mark = upto
            most = _next_size(most, time.monotonic() - began)
            self.told(self.run_id)

    def _side_by_side(self, mark: int, last: int) -> None:
        turns = _Turns()
        with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="batch") as pool:
            starts = range(mark, last, MOST_ROWS)
            running = [
                pool.submit(self._in_turn, turns, turn, start, min(start + MOST_ROWS, last))
                for turn, start in enumerate(starts)
            ]
            try:
                with suppress(Stopped):  # a later batch failed: its own error is raised below
                    for batch in running:
                        batch.result()
                        self.told(self.run_id)
            finally:
                turns.stop()
        for batch in running:
            if not isinstance(batch.exception(), Stopped):
                batch.result()

    def _in_turn(self, turns: "_Turns", turn: int, mark: int, upto: int) -> None:
        """One batch, whose mark waits until the batch before is committed."""
        try:
            turns.check()
            with self.db.as_system() as session:
                done = self._applied(session, mark, upto)
                turns.wait(turn)
                self.lease.confirm(session)
                self._mark(session, upto, done)
        except BaseException:
            turns.stop()
            raise
        turns.over(turn)

    def _applied(self, session: Session, mark: int, upto: int) -> tuple[int, int]:
        return apply(
            session,
            self.run_id,
            self.lease.source,
            self.as_of,
            self.traits,
            rows=rows_of(self.run_id),
            span=(mark, upto),
            since=self.since,
        )

    def _mark(self, session: Session, upto: int, done: tuple[int, int]) -> None:
        facts = {"upto": upto, "changed": done[0], "gone": done[1], "run": self.run_id}
        session.execute(_MARK, facts)

    def _sql(self, statement: str) -> str:
        return statement.replace("{rows}", rows_of(self.run_id))


class Stopped(Exception):
    """A batch before this one failed; its own error tells why."""


class _Turns:
    """Batches are committed in their order; after a failure none is committed any more."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._next = 0
        self._stopped = False

    def check(self) -> None:
        """Raises Stopped after a failure."""
        if self._stopped:
            raise Stopped

    def wait(self, turn: int) -> None:
        """Until all batches before `turn` are committed. Raises Stopped after a failure."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._next == turn)
            self.check()

    def over(self, turn: int) -> None:
        """The batch is committed."""
        with self._changed:
            self._next = turn + 1
            self._changed.notify_all()

    def stop(self) -> None:
        """A batch failed."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


def _next_size(most: int, seconds: float) -> int:
    if seconds > MOST_SECONDS:
        return max(100, most // 2)
    return min(MOST_ROWS, most * 2) if seconds < MOST_SECONDS / 3 else most
