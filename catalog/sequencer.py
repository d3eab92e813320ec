"""Numbers changes of offers and changed rules: two tables with one row of numbers."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from kit import partitions, sequencer

_LOCK = 0x48505345  # "HPSE"

_HEAD = "feed_head"
_NUMBER_RULES = text(f"""
    WITH {sequencer.by_id("rule_changes")}, {sequencer.numbered("rule_changes", _HEAD, ["id"])}
    SELECT n FROM counted
""")  # noqa: S608 - names of ours
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
    ), {sequencer.numbered("changes", _HEAD, ["offer_id", "version", "kind", "at"])}
    SELECT n FROM counted
""")  # noqa: S608 - names of ours
"""A clock that was set back must not reorder an offer's versions: a version brings its predecessor
into the batch, and takes its place no earlier than that."""


def number_changes(session: Session, limit: int = 10_000) -> int:
    """Number up to `limit` committed changes of offers, and of rules; returns how many.

    Changes of one offer are numbered in the order of their versions. See `sequencer.number`.
    """
    return sequencer.number(session, _LOCK, (_NUMBER_RULES, _NUMBER), limit=limit)


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
