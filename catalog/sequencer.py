"""Numbers the change feed without gaps, after the commit.

Ids and times are given while a transaction still runs, so a reader that remembers the last one
skips what a slower transaction commits later. Here a row gets its `seq` only once it is visible to
everybody: whoever has read up to n has seen all that was ever given a number up to n.

Changes of offers and changed rules are two tables with one row of numbers.
"""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

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


_HORIZON = text("""
    SELECT max(seq) FROM (
        SELECT seq, at FROM changes WHERE seq > :after ORDER BY seq LIMIT :limit
    ) next WHERE at < :before
""")

_FORGET = text("""
    WITH last AS (
        SELECT offer_id, kind, max(seq) AS seq FROM changes
        WHERE seq > :after AND seq <= :upto GROUP BY offer_id, kind
    )
    DELETE FROM changes c USING last
    WHERE c.offer_id = last.offer_id AND c.kind = last.kind AND c.seq < last.seq
""")
_FORGET_RULES = text("DELETE FROM rule_changes WHERE seq <= :upto")
_FORGOTTEN = text("UPDATE feed_head SET forgotten = greatest(forgotten, :upto)")


def forget_changes(
    session: Session, after: int, before: datetime, limit: int = 10_000
) -> tuple[int, int]:
    """Forget numbered changes from before `before` that a later one of their kind supersedes.

    `after` is the number up to which this was done already. Returns the number up to which it is
    done now and how many rows went. The last event of each kind of each offer stays, however old:
    it is what the next one is told against.
    """
    upto = session.execute(
        _HORIZON, {"after": after, "before": before, "limit": limit}
    ).scalar_one()
    if upto is None:
        return after, 0
    gone = session.execute(_FORGET, {"after": after, "upto": upto})
    session.execute(_FORGET_RULES, {"upto": upto})
    session.execute(_FORGOTTEN, {"upto": upto})
    return upto, int(gone.rowcount)  # type: ignore[attr-defined]
