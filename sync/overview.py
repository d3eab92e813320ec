"""How every source is: what `huopan sources` and operators see."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from connectors.registry import read_settings
from kit.settings import Settings, SettingsError
from sync.models import SourceState as States


@dataclass(frozen=True)
class SourceState:
    """One source. `fresh_p50` and `fresh_p95` are ages of its live offers' figures.

    `health`: ok | never read | held (a person must look) | paused | failing | set wrongly (its
    settings cannot be read) | set nowhere (its offers are there, but neither settings nor database
    name it). `note` says why; `calls_left` of today is None where no daily budget is set.
    """

    code: str
    kind: str
    health: str
    offers: int
    last_run: datetime | None
    fresh_p50: timedelta | None
    fresh_p95: timedelta | None
    calls_left: int | None
    note: str | None

    def view(self) -> dict[str, Any]:
        """For programs; ages in seconds."""
        ages = {"fresh_p50": self.fresh_p50, "fresh_p95": self.fresh_p95}
        seconds = {
            name: None if span is None else round(span.total_seconds())
            for name, span in ages.items()
        }
        return {**vars(self), **seconds}


_OFFERS = text("""
    SELECT o.source, count(*) AS offers,
           percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM
               :now - greatest(o.seen_at, p.as_of, r.as_of))) AS ages
    FROM offers o
    LEFT JOIN (SELECT offer_id, max(as_of) AS as_of FROM prices GROUP BY offer_id) p
        ON p.offer_id = o.id
    LEFT JOIN (SELECT source, max(as_of) AS as_of FROM runs WHERE state = 'done' AND complete
               GROUP BY source) r ON r.source = o.source
    WHERE o.state = 'live' GROUP BY o.source
""")
_RUNS = text("""
    SELECT DISTINCT ON (source) source, state, coalesce(ended_at, started_at) AS at, failure
    FROM runs ORDER BY source, id DESC
""")


def overview(
    session: Session,
    settings: Settings,
    now: datetime,
    calls_left: Callable[[str], int | None] = lambda _: None,
) -> list[SourceState]:
    """Every source that is set, recorded, or has offers, by code. Runs in system scope.

    A complete listing confirms every live offer of its source, so that its date counts for
    offers that it did not change.
    """
    kinds = {code: str(config.get("kind")) for code, config in settings.sources.items()}
    offers = {row.source: row for row in session.execute(_OFFERS, {"now": now})}
    runs = {row.source: row for row in session.execute(_RUNS)}
    states = {state.source: state for state in session.scalars(select(States))}
    found = []
    for code in sorted(kinds.keys() | offers.keys() | runs.keys()):
        has, run = offers.get(code), runs.get(code)
        health, note = _set(settings, code) or _health(run, states.get(code))
        half, most = [_span(age) for age in has.ages] if has else (None, None)
        found.append(
            SourceState(
                code=code,
                kind=kinds.get(code, "?"),
                health=health,
                offers=has.offers if has else 0,
                last_run=run.at if run else None,
                fresh_p50=half,
                fresh_p95=most,
                calls_left=calls_left(code),
                note=note,
            )
        )
    return found


def _span(seconds: float) -> timedelta:
    return timedelta(seconds=max(0.0, float(seconds)))


def _set(settings: Settings, code: str) -> tuple[str, str | None] | None:
    """What keeps a source from being opened at all."""
    if code not in settings.sources:
        return "set nowhere", None
    try:
        read_settings(code, settings.sources[code])
    except SettingsError as error:
        return "set wrongly", str(error)
    return None


def _health(run: Any, state: States | None) -> tuple[str, str | None]:
    """How a source is by its latest run and its state, and why."""
    if state is not None and state.paused_at is not None:
        return "paused", state.paused_reason
    if run is not None and run.state == "held":
        return "held", run.failure
    if state is not None and state.failures:
        return "failing", state.last_failure
    if run is not None and run.state == "failed":
        return "failing", run.failure
    return ("ok" if run is not None else "never read"), None
