"""One reader per stream of a source, by a row with a fencing number.

A holder that lost its lease (it slept, its clock stood, its machine came back) carries an old
number: its next transaction finds that out before it writes, and fails.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from kit.db import Database
from kit.errors import Problem

SECONDS = 180
"""How long a holder may be silent before another takes its place."""

_TAKE = text("""
    INSERT INTO source_leases (source, stream, fence, until)
    VALUES (:source, :stream, 1, clock_timestamp() + make_interval(secs => :seconds))
    ON CONFLICT (source, stream) DO UPDATE SET fence = source_leases.fence + 1,
      until = excluded.until WHERE source_leases.until < clock_timestamp() RETURNING fence
""")
_HOLD = text("""
    UPDATE source_leases SET until = clock_timestamp() + make_interval(secs => :seconds)
    WHERE source = :source AND stream = :stream AND fence = :fence
""")
_LEAVE = text("""
    UPDATE source_leases SET until = clock_timestamp() - interval '1 second'
    WHERE source = :source AND stream = :stream AND fence = :fence
""")


class Fenced(Exception):
    """Another reader has taken over; whatever this one still holds must not be written."""


@dataclass(frozen=True)
class Held:
    """A lease as its holder knows it."""

    source: str
    stream: str
    fence: int
    seconds: float

    def confirm(self, session: Session) -> None:
        """First in every transaction of a run: still ours, and locked until its end.

        Raises Fenced.
        """
        facts = {"source": self.source, "stream": self.stream, "fence": self.fence}
        done = session.execute(_HOLD, facts | {"seconds": self.seconds})
        if done.rowcount != 1:  # type: ignore[attr-defined]
            raise Fenced(f"another reader has taken over the {self.stream} of {self.source}")


@contextmanager
def held(
    db: Database, source: str, stream: str = "listing", *, seconds: float = SECONDS
) -> Iterator[Held]:
    """The lease on one stream of `source`, given back at the end.

    Raises Problem 409 `run_alive` while another reader holds it.
    """
    facts = {"source": source, "stream": stream, "seconds": seconds}
    with db.as_system() as session:
        fence = session.execute(_TAKE, facts).scalar_one_or_none()
    if fence is None:
        raise Problem(
            409,
            "run_alive",
            f"{source} is being read already ({stream}): wait for that run to end; the lease of "
            f"one that was killed ends {seconds:.0f} seconds after its last sign of life",
            retry_after=max(1, round(seconds)),
        )
    lease = Held(source, stream, fence, seconds)
    try:
        yield lease
    finally:
        with db.as_system() as session:
            session.execute(_LEAVE, {"source": source, "stream": stream, "fence": fence})
