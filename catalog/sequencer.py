"""Numbers the change feed without gaps, after the commit.

Ids and times are given while a transaction still runs, so a reader that remembers the last one
skips what a slower transaction commits later. Here a row gets its `seq` only once it is visible to
everybody: whoever has read up to n has seen all that was ever given a number up to n.

Changes of offers and changed rules are two tables with one row of numbers.
"""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from kit import partitions

_LOCK = 0x48505345  # "HPSE"
"""The advisory lock that makes the sequencer one, on however many hosts it runs."""

_TRY = text("SELECT pg_try_advisory_xact_lock(:lock)")

_COUNTED = """counted AS (SELECT count(*) AS n FROM numbered)
    UPDATE feed_head SET seq = seq + n FROM counted WHERE n > 0 RETURNING n"""
_NUMBER_RULES = text(f"""
    WITH placed AS (
        SELECT id, row_number() OVER (ORDER BY id) AS place FROM (
            SELECT id FROM rule_changes WHERE seq IS NULL ORDER BY id LIMIT :limit) waiting
    ), numbered AS (
        UPDATE rule_changes c SET seq = (SELECT seq FROM feed_head) + p.place FROM placed p
        WHERE c.id = p.id RETURNING 1
    ), {_COUNTED}
""")  # noqa: S608 - no value in it
_NUMBER = text(f"""
    WITH RECURSIVE batch AS (
        (SELECT offer_id, version, kind, at FROM changes WHERE seq IS NULL ORDER BY at LIMIT :limit)
        UNION
        SELECT c.offer_id, c.version, c.kind, c.at FROM batch b
        JOIN changes c ON c.offer_id = b.offer_id AND c.version = b.version - 1
        WHERE c.seq IS NULL
    ), timed AS (
        SELECT *, max(at) OVER (PARTITION BY offer_id ORDER BY version) AS moment FROM batch
    ), placed AS (
        SELECT *, row_number() OVER (ORDER BY moment, offer_id, version, kind) AS place FROM timed
    ), numbered AS (
        UPDATE changes c SET seq = (SELECT seq FROM feed_head) + p.place FROM placed p
        WHERE c.offer_id = p.offer_id AND c.version = p.version AND c.kind = p.kind
          AND c.at = p.at
        RETURNING 1
    ), {_COUNTED}
""")  # noqa: S608 - no value in it
"""A clock that was set back must not reorder an offer's versions: a version brings its predecessor
into the batch, and takes its place no earlier than that."""


def number_changes(session: Session, limit: int = 10_000) -> int:
    """Number up to `limit` committed changes of offers, and of rules; returns how many.

    0: nothing is waiting, or another sequencer is at work. Keep the transaction short: commit
    right after. Changes of one offer are numbered in the order of their versions. System scope.
    """
    if not session.execute(_TRY, {"lock": _LOCK}).scalar_one():
        return 0
    asked = {"limit": limit}
    rules = session.execute(_NUMBER_RULES, asked).scalar_one_or_none() or 0
    return rules + (session.execute(_NUMBER, asked).scalar_one_or_none() or 0)


_NEWEST_BEFORE = text("""
    SELECT max(seq) AS seq, count(*) FILTER (WHERE seq IS NULL) AS waiting
    FROM changes WHERE at < :ended
""")
_FORGET_RULES = text("DELETE FROM rule_changes WHERE seq <= :upto")
_FORGOTTEN = text("UPDATE feed_head SET forgotten = greatest(forgotten, :upto)")


def forget_changes(session: Session, before: datetime) -> int:
    """Drop the months of changes that ended by `before`; returns how many. What they say is told
    by what is now, and by what came later (`catalog.reads.told`)."""
    ended = partitions.past(session, "changes", before)
    if ended is None:
        return 0
    newest = session.execute(_NEWEST_BEFORE, {"ended": ended}).one()
    if newest.waiting or not (dropped := partitions.drop(session, "changes", ended)):
        return 0
    upto = {"upto": newest.seq or 0}
    session.execute(_FORGET_RULES, upto)
    session.execute(_FORGOTTEN, upto)
    return dropped
