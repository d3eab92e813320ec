"""What a person decides about a run: release it in whole or in part, discard it, take it back."""

# ruff: noqa: S608 - composed of our own names and whole numbers only
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import titles
from kit.errors import Problem, invalid
from kit.ids import outside
from sync import runs, staging
from sync.models import Run
from sync.staging import CONTENT, rows_of
from sync.wake import wake

Harmful = Literal["vanished", "zeroed", "moved", "unstated", "renamed"]


def release(
    session: Session,
    run_id: int,
    *,
    without: Collection[Harmful] = (),
    only: Sequence[str] | None = None,
) -> None:
    """Let a held run be applied: all of it, or without some kinds of harm, or `only` these ids.

    What is left out differs from what we hold still, and the next listing is judged by it anew.
    Raises Problem 404, 409 when the run is not held or its rows are lost or were staged by an
    earlier version, and 422 for an id of
    which nothing is left to release.
    """
    run = _awaited(session, run_id)
    if run.state != "held":
        raise Problem(409, "not_held", f"{outside('run', run_id)} is {run.state}, not held")
    rows = rows_of(run_id)
    if not staging.holds(session, rows, run.planned):
        raise Problem(
            409,
            "staging_lost",
            f"the rows of {outside('run', run_id)} are lost; read {run.source} again",
        )
    if not staging.fits(session, run_id):
        raise Problem(
            409,
            "staging_outdated",
            f"{outside('run', run_id)} was read before an upgrade and cannot be applied any more:"
            f" take it back, which discards it, and read {run.source} again",
        )
    if without:
        session.execute(
            text(f"""DELETE FROM {rows} r USING staging.harm_{run_id} h
                WHERE h.n = r.n AND h.kind = ANY(:kinds)"""),
            {"kinds": sorted(without)},
        )
    if only is not None:
        _narrow(session, rows, only)
    session.execute(
        text(f"""UPDATE runs SET state = 'judged', failure = NULL, ended_at = NULL,
            planned = (SELECT count(*) FROM {rows}) WHERE id = :run"""),
        {"run": run_id},
    )
    wake(session, run.source, "listing")


def _awaited(session: Session, run_id: int) -> Run:
    """The run, once whoever else decides about it has. Raises Problem 404."""
    session.execute(text("SELECT FROM runs WHERE id = :run FOR UPDATE"), {"run": run_id})
    return runs.named(session, run_id)


def _narrow(session: Session, rows: str, only: Sequence[str]) -> None:
    """Leave the rows of these ids. Raises Problem 422: a slip must not throw a reading away."""
    wanted = {"only": list(only)}
    held = text(f"SELECT external_id FROM {rows} WHERE external_id = ANY(:only)")
    there = set(session.scalars(held, wanted))
    for place, one in enumerate(only):
        if one not in there:
            message = f"nothing is left to release of {one!r}; GET …/diff shows what would change"
            raise invalid(f"only.{place}", message, "not_in_run")
    session.execute(text(f"DELETE FROM {rows} WHERE external_id <> ALL(:only)"), wanted)


def rollback(session: Session, run_id: int, now: datetime) -> int:
    """Back to the state before this run: returns the run that did, or will do, it.

    A held run is discarded: nothing of it was applied. Otherwise a new run writes what every
    offer was before this run, and before all later listings of the source, as new versions; a
    worker applies it like any other. What is held of the source was compared with what is taken
    back, and is discarded. Prices and stock are as old as they were, so that what was
    bought since still counts; what was said of single items since stays.

    Raises Problem 404, and 409 when there is nothing to take back.
    """
    run = _awaited(session, run_id)
    if run.state == "held":
        runs.end(session, run_id, "discarded", "a person discarded it")
        return run_id
    if run.state not in ("done", "failed") or run.mark == 0:
        told = f"{outside('run', run_id)} is {run.state}: nothing to take back"
        raise Problem(409, "nothing_to_undo", told)
    if runs.unfinished(session, run.source):
        raise Problem(
            409,
            "run_alive",
            f"{run.source} is being read: wait for that run to end",
            retry_after=30,
        )
    undo = runs.begin(
        session, run.source, kind="rollback", as_of=now, traits=run.traits, undoes=run_id
    )
    staging.create(session, undo)
    facts = {"run": run_id, "source": run.source, "since": run.started_at}
    for statement in _statements(undo):
        session.execute(text(statement), facts)
    staging.name(session, rows_of(undo), titles.rules(session))
    session.execute(
        text(f"""UPDATE runs SET state = 'judged', planned = (SELECT count(*) FROM {rows_of(undo)})
            WHERE id = :undo"""),
        {"undo": undo},
    )
    runs.supersede(session, run.source, undo, "takes back what it was compared with")
    session.execute(
        text("UPDATE source_states SET watermark = NULL WHERE source = :source"), facts
    )  # what changed meanwhile is only known to a full listing
    wake(session, run.source, "listing")
    return undo


_TAKEN_BACK = """(SELECT as_of FROM runs WHERE source = :source AND id >= :run
    AND kind NOT IN ('messages', 'prices', 'stock'))"""
_RESTATED = f"o.seen_at > :since AND o.seen_at NOT IN {_TAKEN_BACK}"
"""What was said of a single offer since stands: it is younger, and no part of what went wrong."""


def _statements(undo: int) -> tuple[str, ...]:
    rows = rows_of(undo)
    names = ", ".join((*CONTENT, "price_as_of", "stock_as_of"))
    return (
        f"""CREATE TEMP TABLE newcomers ON COMMIT DROP AS
          SELECT o.id, o.external_id, o.state, {_RESTATED} AS stays
          FROM offers o JOIN changes c ON c.offer_id = o.id
            AND c.version = 1 AND c.kind = 'listed' AND c.at >= :since WHERE o.source = :source""",
        f"""INSERT INTO {rows} (n, hash, leaves, {names})
          SELECT row_number() OVER (ORDER BY i.offer_id), decode(i.image ->> 'hash', 'hex'),
            i.image ->> 'state' = 'gone', {", ".join(f"x.{name}" for name in names.split(", "))}
          FROM (SELECT DISTINCT ON (offer_id) offer_id, image FROM run_images
            WHERE run_id IN (SELECT id FROM runs WHERE source = :source AND id >= :run)
            ORDER BY offer_id, run_id) i JOIN offers o ON o.id = i.offer_id,
          LATERAL jsonb_populate_record(NULL::{rows}, i.image - 'hash') x
          WHERE NOT ({_RESTATED}) AND NOT EXISTS (SELECT FROM newcomers n WHERE n.id = o.id)""",
        f"""INSERT INTO {rows} (n, external_id, hash, leaves)
          SELECT (SELECT coalesce(max(n), 0) FROM {rows}) + row_number() OVER (ORDER BY id),
            external_id, '', true FROM newcomers WHERE state <> 'gone' AND NOT stays""",
        f"""UPDATE {rows} r SET hash = '', dropship_price = p.dropship, bulk_price = p.bulk,
            affiliate_price = p.affiliate, tiers = p.tiers, valid_until = p.valid_until,
            price_as_of = p.as_of
          FROM offers o, LATERAL (SELECT max(as_of) AS as_of, max(valid_until) AS valid_until,
              max(price) FILTER (WHERE mode = 'dropship') AS dropship,
              max(price) FILTER (WHERE mode = 'bulk') AS bulk,
              max(price) FILTER (WHERE mode = 'affiliate') AS affiliate,
              max(tiers::text) FILTER (WHERE mode = 'bulk') AS tiers
            FROM prices WHERE offer_id = o.id) p
          WHERE o.source = :source AND o.external_id = r.external_id AND NOT r.leaves
            AND p.as_of > :since AND p.as_of NOT IN {_TAKEN_BACK}""",
        f"""UPDATE {rows} r SET hash = '', stock_state = k.state, stock_quantity = k.quantity,
            stock_as_of = k.as_of
          FROM offers o JOIN stocks k ON k.offer_id = o.id AND k.region = ''
          WHERE o.source = :source AND o.external_id = r.external_id AND NOT r.leaves
            AND k.as_of > :since AND k.as_of NOT IN {_TAKEN_BACK}""",
        """DELETE FROM planned_prices p USING offers o WHERE o.id = p.offer_id
          AND o.source = :source AND p.as_of IN (
            SELECT as_of FROM runs WHERE source = :source AND id >= :run AND undoes IS NULL)""",
    )


def forget_images(session: Session, before: datetime) -> int:
    """Images of runs that ended before then can no longer be rolled back; returns how many."""
    gone = session.execute(
        text("""DELETE FROM run_images WHERE run_id IN (
            SELECT id FROM runs WHERE ended_at < :before)"""),
        {"before": before},
    )
    return int(gone.rowcount)  # type: ignore[attr-defined]
