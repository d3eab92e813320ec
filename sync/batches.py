"""A run's staged rows, batch by batch, each committed with its events and its mark.

One after the other, so that the mark only ever stands behind rows that are all applied.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from kit.db import Database
from sync.apply import Traits, apply
from sync.lease import Held
from sync.staging import rows_of

MOST_ROWS = 5_000
MOST_SECONDS = 2.0

_SPAN = """SELECT max(n) FROM (SELECT n FROM {rows} WHERE n > :mark ORDER BY n LIMIT :most) r"""
_MARK = text("""UPDATE runs SET mark = :upto, changed = changed + :changed,
    gone = gone + :gone, state = 'applying' WHERE id = :run""")


@dataclass(frozen=True)
class Batches:
    """What the batches of one run have in common; `told` gets the run's id after each commit."""

    db: Database
    lease: Held
    run_id: int
    as_of: datetime
    traits: Traits
    told: Callable[[int], None]

    def all_behind(self, mark: int) -> None:
        """Apply every staged row behind `mark`.

        A batch has at most 5,000 rows, fewer where they take longer than 2 seconds. Raises Fenced,
        and then the batch under way is not written.
        """
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

    def _applied(self, session: Session, mark: int, upto: int) -> tuple[int, int]:
        return apply(
            session,
            self.run_id,
            self.lease.source,
            self.as_of,
            self.traits,
            rows=rows_of(self.run_id),
            twins=f"staging.twins_{self.run_id}",
            span=(mark, upto),
        )

    def _mark(self, session: Session, upto: int, done: tuple[int, int]) -> None:
        facts = {"upto": upto, "changed": done[0], "gone": done[1], "run": self.run_id}
        session.execute(_MARK, facts)

    def _sql(self, statement: str) -> str:
        return statement.replace("{rows}", rows_of(self.run_id))


def _next_size(most: int, seconds: float) -> int:
    if seconds > MOST_SECONDS:
        return max(100, most // 2)
    return min(MOST_ROWS, most * 2) if seconds < MOST_SECONDS / 3 else most
