"""How every source is: what `huopan sources` and operators see."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from kit.settings import Settings


@dataclass(frozen=True)
class SourceState:
    """One source. `fresh_p50` and `fresh_p95` are ages of its live offers' figures.

    `health`: ok | never read | held (a person must look) | failing | set nowhere (its offers are
    there, but neither settings nor database name it). `note` says why; `calls_left` is None where
    a platform counts no calls.
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
    LEFT JOIN (SELECT source, max(as_of) AS as_of FROM runs WHERE state = 'done' GROUP BY source) r
        ON r.source = o.source AND o.source = ANY(:whole)
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
    whole = [
        code
        for code, config in settings.sources.items()
        if config.get("kind") == "feed" and config.get("complete", True)
    ]
    offers = {row.source: row for row in session.execute(_OFFERS, {"now": now, "whole": whole})}
    runs = {row.source: row for row in session.execute(_RUNS)}
    found = []
    for code in sorted(kinds.keys() | offers.keys() | runs.keys()):
        has, run = offers.get(code), runs.get(code)
        half, most = [_span(age) for age in has.ages] if has else (None, None)
        found.append(
            SourceState(
                code=code,
                kind=kinds.get(code, "?"),
                health=_health(run.state if run else None) if code in kinds else "set nowhere",
                offers=has.offers if has else 0,
                last_run=run.at if run else None,
                fresh_p50=half,
                fresh_p95=most,
                calls_left=calls_left(code),
                note=run.failure if run else None,
            )
        )
    return found


def _span(seconds: float) -> timedelta:
    return timedelta(seconds=max(0.0, float(seconds)))


def _health(state: str | None) -> str:
    match state:
        case None:
            return "never read"
        case "held":
            return "held"
        case "failed":
            return "failing"
        case _:
            return "ok"
