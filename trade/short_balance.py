"""Purchases that wait for money in our account at their source: a queue by deadline, told as one.

The first that the account does not cover has all others of its source wait with it, and nothing of
it is bought elsewhere: the account is the operators' affair. From then on one is tried at a time,
what has to leave first before the others, so that the money that comes buys what is most urgent.
What its platform holds already, and is paid later, waits with them and goes first: a hold ends.
In system scope.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from kit.outbox import say
from kit.statements import send
from trade.buying import SUBMIT
from trade.charging import NEWS
from trade.models import Purchase

AGAIN = timedelta(minutes=15)
"""So often it is looked whether money has come."""

SHORT = "short_since IS NOT NULL AND state IN ('ready', 'submitting', 'submitted', 'accepted')"
"""SQL: a purchase that waits for money."""
_WAITS = f"source = {{0}} AND {SHORT}"
NONE_WAITS = f"NOT EXISTS (SELECT FROM purchases WHERE {_WAITS.format('%(source)s')})"
"""SQL: nothing of the source `source` waits for money."""
_AGAIN = f"""
    SELECT pg_advisory_xact_lock(hashtextextended('short ' || %(source)s, 0));
    SELECT count(*) AS waiting, count(*) FILTER (WHERE leased_until > %(now)s) AS tried,
        min(due_at) FILTER (WHERE state <> 'submitting') AS again
    FROM purchases WHERE {_WAITS.format("%(source)s")}
"""  # noqa: S608 - our own words
_NEXT = """
    SELECT {columns} FROM purchases
    WHERE source = %(source)s AND state = ANY(%(states)s) AND due_at <= %(now)s
    ORDER BY ship_by NULLS LAST, id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_STOP = text("""
    UPDATE purchases SET due_at = greatest(due_at, :until),
        short_since = coalesce(short_since, :now) WHERE id IN (
        SELECT id FROM purchases WHERE source = :source AND state = 'ready'
        ORDER BY id FOR UPDATE SKIP LOCKED)
""")
_GO = text(f"""
    UPDATE purchases SET due_at = :now WHERE id IN (
        SELECT id FROM purchases WHERE {_WAITS.format(":source")} AND lease IS NULL
        ORDER BY id FOR UPDATE)
""")  # noqa: S608 - our own words


def turn(session: Session, source: str, columns: str, now: datetime) -> list[Any]:
    """Of a source where purchases wait for money, the one that is to be tried now, locked: none
    while another is being tried, and none but those whose outcome is unknown until it is time."""
    asked = {"source": source, "now": now}
    _, [queue] = send(session, *((query, asked) for query in _AGAIN.split(";")))
    if not queue.waiting:
        return []
    over = not queue.tried and (queue.again is None or queue.again <= now)
    states = ["ready", "submitting"] if over else ["submitting"]
    [rows] = send(session, (_NEXT.format(columns=columns), asked | {"states": states}))
    return rows


def wait(session: Session, purchase: Purchase, now: datetime) -> None:
    """The account does not cover a locked purchase: all that wait at its source wait for money, and
    are not tried again by themselves for a while."""
    until = now + AGAIN
    session.execute(_STOP, {"source": purchase.source, "now": now, "until": until})
    purchase.short_since, purchase.due_at = purchase.short_since or now, until


def topped_up(session: Session, purchase_id: int, now: datetime) -> None:
    """Money has come to the account of a purchase's source: try at once what waits for it."""
    source = session.scalars(select(Purchase.source).where(Purchase.id == purchase_id)).one()
    session.execute(_GO, {"source": source, "now": now})
    say(session, NEWS, source)
    say(session, SUBMIT, source)
