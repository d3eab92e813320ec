"""A source that lists another thing under an id that it used before.

Then the offer would silently stand for the wrong SKU, with all its selections. It is not moved by
itself either, for sources also reword: a person decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from catalog.matching import brands
from catalog.matching.facts import Facts, Listed, facts
from catalog.matching.keys import keys, owner
from catalog.matching.run import told
from catalog.matching.support import similarity
from catalog.matching.text import normalise
from catalog.matching.verdict import Verdict, compare
from kit.db import cursor

ALIKE = 0.35
"""Likeness of two titles under which, with nothing else in common, they name two things."""


@dataclass(frozen=True)
class Retold:
    """What an offer said, and says now."""

    offer_id: int
    sku_id: int
    was: Listed
    now: Listed
    seller: str | None


def watch(session: Session, source: str, changed: Sequence[Retold]) -> int:
    """Queue the offers that became another thing, and note all new keys; returns how many."""
    if not changed:
        return 0
    brands.learn(session, ((one.now.brand, one.now.title) for one in changed))
    known = brands.known(session)
    alarms, rows = [], []
    for one in changed:
        was, now = facts(one.was, known), facts(one.now, known)
        rows += [(key, owner(source, one.seller), one.offer_id) for key in keys(now)]
        verdict = compare(was, now)
        if another(was, now, verdict):
            alarms.append(("drift", one.offer_id, one.sku_id, verdict.score, Jsonb(told(verdict))))
    with cursor(session) as at:
        at.executemany(
            "INSERT INTO match_keys (key, owner, offer_id) VALUES (%s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            rows,
        )
        if alarms:
            at.executemany(
                "INSERT INTO matches (kind, offer_id, sku_id, state, score, evidence)"
                " VALUES (%s, %s, %s, 'review', %s, %s)"
                " ON CONFLICT (offer_id, sku_id, kind) DO UPDATE SET state = 'review',"
                " score = excluded.score, evidence = excluded.evidence,"
                " created_at = clock_timestamp(), decided_at = NULL, decided_by = NULL",
                alarms,
            )
    return len(alarms)


def another(was: Facts, now: Facts, verdict: Verdict) -> bool:
    """Whether an offer now names another thing, beyond what rewording explains."""
    if verdict.vetoes:
        return True
    if was.gtin and was.gtin == now.gtin:
        return False
    return verdict.decision == "apart" and similarity("".join(was.said), "".join(now.said)) < ALIKE


def called_otherwise(was: str, now: str) -> bool:
    """Whether two titles name two things: a quick look, with nothing known of their words."""
    return similarity(was, now) < ALIKE and similarity(normalise(was), normalise(now)) < ALIKE
