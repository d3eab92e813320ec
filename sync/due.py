"""What is to be pulled now, and how fresh the figures are. Cron asks, workers pull."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.model import Notifies, Prices, Source, Stocks
from sync import figures, schedule, states
from sync.models import SourceState
from sync.pull import Stream, lists
from sync.schedule import Outlook
from sync.spans import seconds

_WAITS = text("""SELECT kind FROM (VALUES ('price'), ('stock')) k(kind) WHERE EXISTS (
    SELECT FROM figures WHERE source = :source AND kind = k.kind AND due_at <= :now)""")
_HINTS = text("SELECT EXISTS (SELECT FROM hints WHERE source = :source)")
_UNFINISHED = text("""SELECT EXISTS (SELECT FROM runs r WHERE r.source = :source
    AND r.state = ANY(:states)
    AND r.kind NOT IN ('messages', 'prices', 'stock')) AND NOT EXISTS (
      SELECT FROM source_leases WHERE source = :source AND stream = 'listing' AND until > :now)""")


_STAGED = ("judged", "applying")
"""States of a run that goes on without its source."""


@dataclass(frozen=True)
class Due:
    """A stream of a source that should be pulled, and since when."""

    source: str
    stream: Stream
    since: datetime


def due(session: Session, now: datetime, sources: Iterable[Source]) -> list[Due]:
    """What to pull now, the longest waiting first. Paused and waiting sources are left alone."""
    found: list[Due] = []
    for source in sources:
        state = states.state_of(session, source.code)
        if state.paused_at is not None or (state.not_before or now) > now:
            continue
        found += _of(session, now, source, state)
    return sorted(found, key=lambda one: one.since)


def _of(session: Session, now: datetime, source: Source, state: SourceState) -> list[Due]:
    states_ = [*_STAGED, "reading"] if lists(source) else [*_STAGED]
    facts = {"source": source.code, "now": now, "states": states_}
    found: list[Due] = []
    since = _listing_since(source, state, now) if lists(source) else None
    if since is None and session.execute(_UNFINISHED, facts).scalar_one():
        since = now  # a killed run waits to be ended, or one that was handed in to be applied
    if since is not None:
        found.append(Due(source.code, "listing", since))
    asked = _next(state.asked_at, source.settings.messages_every, now)
    hinted = session.execute(_HINTS, facts).scalar_one()
    if hinted or (isinstance(source, Notifies) and asked <= now):
        found.append(Due(source.code, "messages", min(asked, now)))
    waiting = set(session.execute(_WAITS, facts).scalars())
    if isinstance(source, Prices) and figures.PRICE in waiting:
        found.append(Due(source.code, "prices", now))
    if isinstance(source, Stocks) and figures.STOCK in waiting:
        found.append(Due(source.code, "stock", now))
    return found


def _listing_since(source: Source, state: SourceState, now: datetime) -> datetime | None:
    """Since when a listing is due, or None. Messages that stopped make it due at once."""
    due_at = _next(state.listed_at, source.settings.every, now)
    if due_at <= now:
        return due_at
    if state.failures and state.not_before is not None:
        return state.not_before  # it broke off, and its patience is over
    if isinstance(source, Notifies):
        silence = timedelta(seconds=seconds(source.settings.silence))
        last = max(filter(None, (state.message_at, state.listed_at)), default=None)
        if last is not None and last + silence <= now:
            return last + silence
    return None


def _next(last: datetime | None, every: str, now: datetime) -> datetime:
    return now if last is None else last + timedelta(seconds=seconds(every))


@dataclass(frozen=True)
class Freshness:
    """Ages in seconds of one kind of figures of a source, now and as its budget allows.

    `double` is what twice the budget would buy. None: there is nothing to tell of.
    """

    source: str
    kind: str
    figures: int
    p50: float | None
    p95: float | None
    expected: Outlook | None
    double: Outlook | None

    def view(self) -> dict[str, Any]:
        """For programs."""
        outlooks = {"expected": self.expected, "double": self.double}
        return {**vars(self), **{k: v and vars(v) for k, v in outlooks.items()}}


_AGES = text("""SELECT count(*) AS n, percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (
      ORDER BY extract(epoch FROM :now - f.read_at)) AS ages
    FROM figures f JOIN offers o ON o.id = f.offer_id AND o.state = 'live'
    WHERE f.source = :source AND f.kind = :kind""")


def freshness(session: Session, now: datetime, sources: Iterable[Source]) -> list[Freshness]:
    """How old prices and stock of every source that answers for them are, and could be."""
    found = []
    for source in sources:
        kinds = [figures.PRICE] * isinstance(source, Prices)
        for kind in kinds + [figures.STOCK] * isinstance(source, Stocks):
            facts = {"source": source.code, "kind": kind, "now": now}
            row = session.execute(_AGES, facts).one()
            half, most = row.ages or (None, None)
            counts = figures.counts_of(session, source.code, kind)
            budget = figures.per_second(source, kind)
            found.append(
                Freshness(
                    source.code,
                    kind,
                    row.n,
                    None if half is None else float(half),
                    None if most is None else float(most),
                    schedule.outlook(counts, budget),
                    schedule.outlook(counts, 2 * budget),
                )
            )
    return found
