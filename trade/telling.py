"""Telling endpoints: spread → claim → send → settle, one message per object at a time.

`trade.lanes` says whose turn it is. What is due are rows: a killed worker's messages come due again
when its lease runs out. An endpoint that fails rests for growing spans; what it did not take within
a day is given up, and the endpoint counts as failing until it takes something.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.readers import Readership
from connectors import hooks as road
from connectors.errors import SupplierError
from kit import clock, log
from kit.errors import Problem
from kit.ids import outside
from trade import event_feed, hooks
from trade.desk import Desk
from trade.event_feed import Cursor
from trade.models import Delivery, Party, Webhook

HANDS = 8
"""So many processes at most are woken to help with what is due."""
_OF_HAND = 8
"""So many slow endpoints fill the lanes of one process."""
BACKLOG = 1_000
"""With so many messages waiting nothing more is spread: the feed itself is the queue."""
_SPREAD = 200
LEASE = timedelta(seconds=60)
"""Well over the deadline of one message."""
PATIENCE = timedelta(hours=24)
"""So long one message is tried."""
PERSISTENT = timedelta(days=5)
"""An endpoint that failed for so long is disabled."""
_FIRST, _LONGEST = timedelta(seconds=5), timedelta(hours=4)
_CALM = 5
"""So many failures in a row, and the endpoint itself rests."""
_REST = timedelta(minutes=15)
_GONE = 410

_log = log.get(__name__)


@dataclass(frozen=True)
class Claimed:
    """A message that is ours to send until its lease runs out."""

    webhook_id: int
    about: str
    place: int
    lease: str
    message: str
    body: bytes
    url: str
    secrets: Sequence[str]


@dataclass(frozen=True)
class Outcome:
    """What came of a message. `failure` None: it was taken. `wait`: the endpoint asks to be left
    alone for so long."""

    failure: str | None = None
    wait: timedelta = timedelta(0)
    gone: bool = False


def pause(attempts: int) -> timedelta:
    """How long after that many failed attempts: 5 s, 15 s, 45 s, … at most 4 h."""
    grown: timedelta = _FIRST * (3 ** min(attempts - 1, 12))
    return min(grown, _LONGEST)


def spread(session: Session, readership: Readership, webhook_id: int, now: datetime) -> bool:
    """Write down what the endpoint is to be told next; whether there is more of it."""
    found = select(Webhook).where(Webhook.id == webhook_id, Webhook.state != "disabled")
    hook = session.scalars(found.with_for_update(skip_locked=True)).one_or_none()
    if hook is None:
        return False
    party = session.get_one(Party, hook.party_id)
    waiting = select(func.count()).where(Delivery.webhook_id == webhook_id)
    if not party.active or session.execute(waiting).scalar_one() >= BACKLOG:
        return False
    after = Cursor(hook.told_events, hook.told_changes)
    wanted = hooks.wanted_of(hook)
    try:
        page = event_feed.page(session, readership, party, after, _SPREAD, now, wanted=wanted)
    except Problem as problem:
        if problem.code != "cursor_expired":
            raise
        _log.warning("A webhook goes on behind events that are gone", webhook=webhook_id)
        kept = event_feed.oldest(session, after, now)
        if kept == after:  # what comes next was written long before it was numbered
            kept = event_feed.heads(session)
        hook.told_events, hook.told_changes = kept.events, kept.changes
        return True
    rows = [hooks.delivery(hook, one, now) for one in page.items if hooks.listens(hook, one.kind)]
    if rows:
        session.execute(insert(Delivery).on_conflict_do_nothing(), rows)
    hook.told_events, hook.told_changes = page.next.events, page.next.changes
    return page.more


_DUE = """
    d.due_at <= :now AND (d.leased_until IS NULL OR d.leased_until <= :now)
    AND NOT EXISTS (SELECT FROM deliveries e WHERE e.webhook_id = d.webhook_id
                    AND e.about = d.about AND (e.place < d.place OR e.leased_until > :now))
"""
_CLAIM = text(f"""
    UPDATE deliveries SET lease = :lease, leased_until = :until, attempts = attempts + 1,
        tried_at = coalesce(tried_at, :now)
    WHERE (webhook_id, about, place) = (
        SELECT d.webhook_id, d.about, d.place FROM deliveries d
        WHERE d.webhook_id = :webhook AND {_DUE}
        ORDER BY d.due_at, d.place LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING about, place, message, body
""")  # noqa: S608 - no value in it
_OWN = """(p.role = 'operator'
    OR EXISTS (SELECT FROM events e WHERE e.party_id = p.id AND e.seq > w.told_events)
    OR EXISTS (SELECT FROM events e WHERE e.supplier_id = p.id AND e.seq > w.told_events))
    AND NOT w.events <@ :catalogue
"""
"""Whether something of the events after its cursor concerns an endpoint."""
_WAKE = text(f"""
    WITH loaded AS MATERIALIZED (
        SELECT webhook_id FROM deliveries GROUP BY webhook_id HAVING count(*) >= :backlog)
    SELECT w.id AS webhook_id, w.party_id, r.behind
    FROM webhooks w JOIN parties p ON p.id = w.party_id AND p.active
    CROSS JOIN LATERAL (SELECT
        (SELECT true FROM deliveries d WHERE d.webhook_id = w.id AND {_DUE}
         ORDER BY d.due_at, d.place LIMIT 1) AS ready,
        ((w.told_events < (SELECT seq FROM events_head) AND {_OWN})
         OR (:with_catalogue AND w.told_changes < (SELECT seq FROM feed_head)
             AND w.events && :catalogue))
        AND w.id NOT IN (SELECT webhook_id FROM loaded) AS behind) r
    WHERE w.state <> 'disabled' AND (w.paused_until IS NULL OR w.paused_until <= :now)
      AND (r.ready OR r.behind)
    ORDER BY w.id
""")  # noqa: S608 - no value in it
_PASS_BY = text(f"""
    UPDATE webhooks SET told_events = h.seq FROM events_head h WHERE webhooks.id IN (
        SELECT w.id FROM webhooks w JOIN parties p ON p.id = w.party_id AND p.active
        WHERE w.state <> 'disabled' AND w.told_events < (SELECT seq FROM events_head)
          AND NOT ({_OWN})
        FOR NO KEY UPDATE OF w SKIP LOCKED)
""")  # noqa: S608 - no value in it
_CATALOGUE = [f"{one}.changed" for one in event_feed.CATALOGUE]


@dataclass(frozen=True)
class Due:
    """An endpoint that something is to be done for. `behind`: something may have to be written
    down for it."""

    webhook_id: int
    party_id: int
    behind: bool


def due(session: Session, now: datetime, *, catalogue: bool = True) -> list[Due]:
    """The endpoints that something is to be done for; with `catalogue`, also those for whom there
    is but news of goods, of which many concern nobody."""
    asked = {"now": now, "backlog": BACKLOG, "catalogue": _CATALOGUE, "with_catalogue": catalogue}
    rows = session.execute(_WAKE, asked)
    return [Due(row.webhook_id, row.party_id, row.behind) for row in rows]


def hands(session: Session, now: datetime) -> list[str]:
    """The wake-ups for what is due: each is another process that may help with all of it."""
    endpoints = len(due(session, now))
    return [str(hand + 1) for hand in range(min(HANDS, -(-endpoints // _OF_HAND)))]


def pass_by(session: Session) -> None:
    """Move endpoints past events of which none concerns them, all in one statement; now and then,
    so that none stands before events that are gone."""
    session.execute(_PASS_BY, {"catalogue": _CATALOGUE})


def claim(session: Session, desk: Desk, webhook_id: int, now: datetime) -> Claimed | None:
    """The next message to send there, or None. Of one object only the oldest is ever out."""
    hook = session.get(Webhook, webhook_id, populate_existing=True)
    if hook is None or hook.state == "disabled" or (hook.paused_until or now) > now:
        return None
    if not session.get_one(Party, hook.party_id).active:
        return None
    lease = secrets.token_hex(8)
    asked = {"webhook": webhook_id, "lease": lease, "until": now + LEASE, "now": now}
    row = session.execute(_CLAIM, asked).one_or_none()
    if row is None:
        return None
    signing = hooks.secrets_of(desk.keyring, hook, now)
    body = bytes(row.body)
    return Claimed(webhook_id, row.about, row.place, lease, row.message, body, hook.url, signing)


def send(desk: Desk, claimed: Claimed) -> Outcome:
    """Send one message; no transaction is open meanwhile."""
    headers = hooks.signed(claimed.secrets, claimed.message, claimed.body, clock.now())
    try:
        answer = road.post(claimed.url, headers, claimed.body, desk.hooks)
    except SupplierError as error:
        return Outcome(error.message)
    if 200 <= answer.status < 300:
        return Outcome()
    failure = f"answers HTTP {answer.status}"
    if 300 <= answer.status < 400:
        failure += "; redirects are not followed"
    return Outcome(failure, timedelta(seconds=answer.wait or 0), answer.status == _GONE)


def settle(session: Session, claimed: Claimed, outcome: Outcome, now: datetime) -> None:
    """Write down what came of it; the endpoint's row is locked before its messages' rows."""
    if outcome.failure is None:
        _went_well(session, claimed, now)
    else:
        _failed(session, claimed, outcome, outcome.failure, now)


def _went_well(session: Session, claimed: Claimed, now: datetime) -> None:
    noted = now - timedelta(minutes=1)  # the row of a busy endpoint is not written each time
    session.execute(
        update(Webhook)
        .where(
            Webhook.id == claimed.webhook_id,
            (Webhook.failures > 0)
            | (Webhook.state == "failing")
            | Webhook.delivered_at.is_(None)
            | (Webhook.delivered_at < noted),
        )
        .values(
            failures=0,
            failing_since=None,
            paused_until=case((Webhook.paused_until > now, Webhook.paused_until)),
            delivered_at=now,
            failure=None,
        )
    )
    session.execute(
        update(Webhook)
        .where(Webhook.id == claimed.webhook_id, Webhook.state == "failing")
        .values(state="active")
    )
    session.execute(
        text("DELETE FROM deliveries WHERE webhook_id = :webhook AND lease = :lease"),
        {"webhook": claimed.webhook_id, "lease": claimed.lease},
    )


def _failed(
    session: Session, claimed: Claimed, outcome: Outcome, failure: str, now: datetime
) -> None:
    hook = session.get(Webhook, claimed.webhook_id, with_for_update=True, populate_existing=True)
    key = (claimed.webhook_id, claimed.about, claimed.place)
    row = session.get(Delivery, key, with_for_update=True, populate_existing=True)
    if hook is None:
        return
    hook.failures += 1
    hook.failure = failure
    hook.failing_since = hook.failing_since or now
    rest = outcome.wait
    if hook.failures >= _CALM:
        rest = max(rest, min(pause(hook.failures - _CALM + 1), _REST))
    if rest:
        hook.paused_until = max(hook.paused_until or now, now + rest)
    if row is not None and row.lease == claimed.lease:
        row.lease = row.leased_until = None
        last = (row.tried_at or now) + PATIENCE
        row.due_at = min(now + max(pause(row.attempts), outcome.wait), max(last, now))
        if now >= last and not outcome.gone:
            session.delete(row)
            hooks.miss(hook, row)
            _fails(hook)
    persistent = now - hook.failing_since >= PERSISTENT
    if (outcome.gone or persistent) and hook.state != "disabled":
        hook.state = "disabled"
        _log.warning("A webhook is disabled", webhook=outside("whk", hook.id), why=failure)


def _fails(hook: Webhook) -> None:
    """A message was given up: a person should look at the endpoint."""
    if hook.state == "active":
        hook.state = "failing"
        _log.warning("A webhook fails", webhook=outside("whk", hook.id), why=hook.failure)
