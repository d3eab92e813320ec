"""One pull of a source: its listing, its messages, or figures that are due."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from connectors.errors import SupplierError
from connectors.model import (
    Cursor,
    Follows,
    Listing,
    Lists,
    Names,
    Notifies,
    Prices,
    Reads,
    Source,
    Stocks,
    Watched,
)
from connectors.settings import SourceSettings
from kit import clock
from kit.db import Database
from kit.errors import Problem
from sync import figures, importer, messages, states, watching
from sync.apply import Traits
from sync.guard import GuardLimits
from sync.importer import Reading
from sync.lease import SECONDS, Held, held
from sync.models import Run
from sync.runs import RunReport
from sync.spans import seconds

Stream = Literal["listing", "messages", "prices", "stock"]


def run(
    db: Database,
    source: Source,
    stream: Stream = "listing",
    *,
    full: bool = False,
    until: datetime | None = None,
    told: Callable[[int], None] = lambda _: None,
    lease_seconds: float = SECONDS,
) -> RunReport | None:
    """Pull one stream of `source` now; None where nothing waited.

    A listing that a killed run left behind is ended first. `until` ends messages and figures,
    which go on as long as something waits; `told` gets the run's id after each commit. Raises
    Problem 409 `run_alive` or `source_paused`, 503 `source_waits`, 409 `lists_nothing` for a
    stream that the source has not; SupplierError, which its state remembers; Fenced.
    """
    with held(db, source.code, stream, seconds=lease_seconds) as lease:
        done = _finish_staged(db, lease, told) if stream == "listing" else None
        if done is not None and not lists(source):
            return done
        with db.as_system() as session:
            states.require_free(session, source.code, clock.now())
        try:
            report = _streamed(db, source, lease, stream, full=full, until=until, told=told)
        except SupplierError as error:
            with db.as_system() as session:
                states.went_wrong(session, source.code, error, clock.now())
            raise
    with db.as_system() as session:
        states.went_well(session, source.code, clock.now())
    return report


def lists(source: Source) -> bool:
    """Whether there is anything to read; a supplier at our own door has no location."""
    placed = getattr(source.settings, "location", None) != ""
    return isinstance(source, Lists | Follows) and placed


def _finish_staged(db: Database, lease: Held, told: Callable[[int], None]) -> RunReport | None:
    """Apply what was released, or left behind half-applied: nobody need be asked for it."""
    return importer.finish(db, lease, Reading(told=told), staged_only=True)


def traits(source: Source) -> Traits:
    """How the rows of a source are applied, from what it can do."""
    prices, stocks = isinstance(source, Prices), isinstance(source, Stocks)
    single = isinstance(source, Reads | Notifies)
    return Traits(quotes=prices, states_stock=stocks, newer_wins=prices or stocks or single)


def limits(settings: SourceSettings) -> GuardLimits:
    """The feed guard's limits as the source's settings name them."""
    return GuardLimits(
        vanish=settings.vanish_limit,
        zero=settings.zero_limit,
        move=settings.move_limit,
        band=settings.move_band,
        rename=settings.rename_limit,
    )


def _streamed(
    db: Database,
    source: Source,
    lease: Held,
    stream: Stream,
    *,
    full: bool,
    until: datetime | None,
    told: Callable[[int], None],
) -> RunReport | None:
    match stream:
        case "listing":
            return _list(db, source, lease, full=full, told=told)
        case "messages":
            return messages.drain(db, source, lease, traits(source), until, told)
        case "prices" if isinstance(source, Prices):
            return figures.refresh(db, source, figures.PRICE, lease, until, told)
        case "stock" if isinstance(source, Stocks):
            return figures.refresh(db, source, figures.STOCK, lease, until, told)
    raise Problem(409, "lists_nothing", f"{source.code} answers for no {stream}")


def _list(
    db: Database, source: Source, lease: Held, *, full: bool, told: Callable[[int], None]
) -> RunReport:
    reading = Reading(guard=limits(source.settings), traits=traits(source), told=told)
    importer.finish(db, lease, reading, lambda run: _again(source, run))
    since, followed = _asked(db, source, full=full)
    if followed is not None:
        reading = replace(reading, kind="watch", since=_noted(followed))
        return importer.load(db, lease, _follow(source, followed), reading)
    if not isinstance(source, Lists):
        raise Problem(409, "lists_nothing", f"{source.code} has no listing to pull")
    listing = source.items(since)
    if since is not None and not listing.complete:
        reading = replace(reading, kind="incremental", since=since)
    return importer.load(db, lease, listing, reading)


def _asked(
    db: Database, source: Source, *, full: bool
) -> tuple[Cursor | None, list[Watched] | None]:
    """(what to list since, what to follow instead of listing)."""
    now = clock.now()
    with db.as_system() as session:
        state = states.state_of(session, source.code)
        since = state.watermark
        states.begun(session, source.code, listed_at=now)
        if isinstance(source, Follows) and not isinstance(source, Lists):
            own = source.named if isinstance(source, Names) else ()
            followed = [*own, *watching.watched(session, source.code)]
            if not followed:
                raise Problem(
                    409,
                    "nothing_watched",
                    f"{source.code} lists nothing by itself: name ids, links or queries to follow",
                )
            return None, followed
    span = timedelta(seconds=seconds(source.settings.full_every))
    if full or state.full_at is None or state.full_at + span <= now:
        return None, None
    return since, None


def _again(source: Source, run: Run) -> Listing:
    """The listing of an interrupted run, behind its cursor."""
    if run.kind == "watch":
        followed = [Watched(*one) for one in (run.since or {})["watched"]]
        return _follow(source, followed, after=run.cursor)
    assert isinstance(source, Lists)  # noqa: S101 - it has begun this run
    return source.items(run.since, after=run.cursor)


def _follow(source: Source, followed: list[Watched], after: Cursor | None = None) -> Listing:
    assert isinstance(source, Follows)  # noqa: S101 - the caller looked
    return replace(source.follow(followed, after=after), complete=False)


def _noted(followed: list[Watched]) -> Cursor:
    return {"watched": [[one.kind, one.value, one.pages] for one in followed]}
