"""How a source is doing: paused with a reason, waiting, or free to be asked."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.errors import NotAuthorised, SupplierError
from kit.errors import Problem
from sync.models import SourceState

FIRST_PAUSE = 30.0
LONGEST_PAUSE = 3600.0
"""Seconds of our own patience after a failure; it doubles with each further one."""


def state_of(session: Session, source: str) -> SourceState:
    """The state of a source; a source that was never asked has an empty one."""
    return session.get(SourceState, source, populate_existing=True) or SourceState(
        source=source, failures=0
    )


def require_free(session: Session, source: str, now: datetime) -> SourceState:
    """Raises Problem 409 `source_paused`, or 503 `source_waits` while no call may be made."""
    state = state_of(session, source)
    if state.paused_at is not None:
        raise Problem(
            409,
            "source_paused",
            f"{source} is paused: {state.paused_reason}. Put it right, then lift the pause.",
        )
    if state.not_before is not None and state.not_before > now:
        wait = (state.not_before - now).total_seconds()
        raise Problem(
            503,
            "source_waits",
            f"{source} is not asked for another {wait:.0f} s: {state.last_failure}",
            retry_after=max(1, round(wait)),
        )
    return state


def begun(session: Session, source: str, **moments: datetime) -> None:
    """Note `listed_at`, `asked_at` or `message_at`."""
    _write(session, source, dict(moments))


def went_well(session: Session, source: str, now: datetime) -> None:
    """The source answered: former failures are over."""
    _write(
        session,
        source,
        {"failures": 0, "not_before": None, "last_failure": None, "last_good_at": now},
    )


def went_wrong(session: Session, source: str, error: SupplierError, now: datetime) -> None:
    """Wait as long as the source says, else ever longer; with refused credentials, pause."""
    failures = state_of(session, source).failures + 1
    wait = error.wait
    if wait is None:
        wait = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures - 1, 10))
    values: dict[str, Any] = {
        "failures": failures,
        "last_failure": error.message,
        "not_before": now + timedelta(seconds=wait),
    }
    if isinstance(error, NotAuthorised):
        values |= {"paused_at": now, "paused_reason": error.message}
    _write(session, source, values)


def pause(session: Session, source: str, reason: str, now: datetime) -> None:
    """Ask nothing of it any more until a person lifts the pause."""
    _write(session, source, {"paused_at": now, "paused_reason": reason})


def unpause(session: Session, source: str) -> None:
    """A person has put it right: it is asked again at once."""
    _write(
        session,
        source,
        {"paused_at": None, "paused_reason": None, "not_before": None, "failures": 0},
    )


def _write(session: Session, source: str, values: dict[str, Any]) -> None:
    columns = ", ".join(values)
    params = ", ".join(f":{name}" for name in values)
    sets = ", ".join(f"{name} = excluded.{name}" for name in values)
    session.execute(
        text(f"""INSERT INTO source_states (source, {columns}) VALUES (:source, {params})
            ON CONFLICT (source) DO UPDATE SET {sets}"""),  # noqa: S608 - our own column names
        {"source": source} | values,
    )
