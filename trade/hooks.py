"""Endpoints of other programs, their secrets, and messages as Standard Webhooks has them.

A secret is shown once and kept sealed. While it is exchanged, messages carry two signatures. All
in system scope; each function looks at one party's endpoints only.
"""

import base64
import hashlib
import hmac
import secrets
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.readers import Readership
from connectors import hooks as road
from connectors.errors import Refused
from kit.crypto import Keyring
from kit.errors import Problem, invalid
from kit.ids import inside, outside
from trade import event_feed
from trade.desk import Desk
from trade.event_feed import Cursor, Told, Wanted
from trade.models import Delivery, Party, Webhook

PREFIX = "whsec_"
_UNTIL = "@"
"""Between a former secret and the second when it ends; base64 has no such letter."""
MOST = 20
"""So many endpoints one party may have."""
FORMER = timedelta(hours=24)
"""So long a former secret signs beside the new one."""
_MOST_FORMER = 4
_LOOK = 1_000
"""So many events a dry run of a replay looks at."""

_CATALOGUE = frozenset(f"{one}.changed" for one in event_feed.CATALOGUE)
_BOTH = _CATALOGUE | {"parcel.*", "claim.*", "statement.ready"}
OF_ROLE = {
    "leader": _BOTH | {"order.*"},
    "buyer": _BOTH | {"order.*"},
    "brand": _BOTH | {"purchase.*"},
    "operator": _BOTH | {"order.*", "purchase.*"},
}
"""What there is to hear for a party of each role."""


def create(
    session: Session, desk: Desk, party_id: int, url: str, events: Sequence[str]
) -> dict[str, Any]:
    """A new endpoint, told of what happens from now on; its view with the secret, this once.

    Raises Problem 422 for an address or an event that is not offered, 409 `too_many`.
    """
    party = session.get_one(Party, party_id, with_for_update=True)
    _check_events(party.role, events)
    try:
        road.check(url, desk.hooks)
    except Refused as error:
        raise invalid("url", error.message, error.code.replace("-", "_")) from error
    if len(_rows(session, party_id)) >= MOST:
        raise Problem(409, "too_many", f"a party has at most {MOST} webhooks; delete one first")
    head, secret = event_feed.heads(session), _new_secret()
    row = Webhook(
        party_id=party_id,
        url=url,
        events=sorted(set(events)),
        secret=_seal(desk.keyring, party_id, secret),
        told_events=head.events,
        told_changes=head.changes,
    )
    session.add(row)
    session.flush()
    session.refresh(row)
    return view(session, row) | {"secret": secret}


def page(session: Session, party_id: int) -> list[dict[str, Any]]:
    """Every endpoint of the party, the oldest first."""
    return [view(session, row) for row in _rows(session, party_id)]


def get(session: Session, party_id: int, hook: str) -> dict[str, Any]:
    """One endpoint. Raises Problem 404."""
    return view(session, _own(session, party_id, hook))


def remove(session: Session, party_id: int, hook: str) -> None:
    """No message goes there any more. Raises Problem 404."""
    row = _own(session, party_id, hook)
    session.execute(delete(Delivery).where(Delivery.webhook_id == row.id))
    session.delete(row)


def rotate(session: Session, desk: Desk, party_id: int, hook: str, now: datetime) -> dict[str, Any]:
    """A new secret, shown this once; for a day each former one signs as well: the receiver may
    know but the first of several. Raises Problem 404, 409 `too_many`."""
    row, secret = _own(session, party_id, hook), _new_secret()
    former = _formers(desk.keyring, row, now)
    if len(former) == _MOST_FORMER:
        first = min(until for _, until in former)
        message = f"{_MOST_FORMER} former secrets sign as well; the next may come after {first}"
        raise Problem(409, "too_many", message)
    current = desk.keyring.open(row.secret, _context(party_id)).decode()
    former.insert(0, (current, now + FORMER))
    kept = " ".join(f"{one}{_UNTIL}{int(until.timestamp())}" for one, until in former)
    row.former_secret, row.former_until = _seal(desk.keyring, party_id, kept), now + FORMER
    row.secret, row.updated_at = _seal(desk.keyring, party_id, secret), now
    session.flush()
    return view(session, row) | {"secret": secret}


def resume(session: Session, party_id: int, hook: str, now: datetime) -> dict[str, Any]:
    """Try again at once, from where it stopped; again changes nothing. Raises Problem 404."""
    row = _own(session, party_id, hook)
    row.state, row.failures, row.failing_since, row.paused_until = "active", 0, None, None
    row.updated_at = now
    waiting = select(Delivery).where(Delivery.webhook_id == row.id, Delivery.lease.is_(None))
    for one in session.scalars(waiting.with_for_update()):
        one.due_at, one.attempts, one.tried_at = now, 0, None
    session.flush()
    return view(session, row)


def replay(
    session: Session,
    readership: Readership,
    party_id: int,
    hook: str,
    after: str,
    now: datetime,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Tell everything after the cursor again, under the same message ids; nothing is skipped.

    A dry run says what `would` be told of the first events, and changes nothing. Raises Problem
    404, 422 for a cursor that is none, 410 `cursor_expired`.
    """
    row = _own(session, party_id, hook)
    wanted, party = wanted_of(row), session.get_one(Party, party_id)
    back = event_feed.cursor(session, after)
    back = Cursor(min(back.events, row.told_events), min(back.changes, row.told_changes))
    look = _LOOK if dry_run else 1
    read = event_feed.page(session, readership, party, back, look, now, wanted=wanted)
    if dry_run:
        return _replayed(session, row, read.items, more=read.more)
    of_goods = or_(
        Delivery.about.startswith("sku_", autoescape=True), Delivery.about == event_feed.RULES
    )
    again = or_(
        of_goods & (Delivery.place > back.changes), ~of_goods & (Delivery.place > back.events)
    )
    theirs = (Delivery.webhook_id == row.id, again)
    session.execute(delete(Delivery).where(*theirs, Delivery.lease.is_(None)))
    # what is out keeps its object until its lease is over, and is told again whatever comes of it
    session.execute(update(Delivery).where(*theirs).values(lease=None))
    row.told_events, row.told_changes, row.updated_at = back.events, back.changes, now
    if row.missed and _reaches(back, _missed_from(row)):
        row.missed, row.missed_events, row.missed_changes = 0, None, None
    session.flush()
    return _replayed(session, row)


def replay_one(
    session: Session,
    readership: Readership,
    party_id: int,
    hook: str,
    event: str,
    now: datetime,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Tell one event again, under its id; what is not told yet comes by itself.

    Raises Problem 404, 422 for an event that is none of the party's or that the endpoint does not
    listen to, 410 `cursor_expired`.
    """
    row = _own(session, party_id, hook)
    party = session.get_one(Party, party_id)
    told = event_feed.one(session, readership, party, event, now)
    if not listens(row, told.kind):
        raise invalid("event", f"this webhook does not listen to {told.kind}", "not_listening")
    if dry_run:
        return _replayed(session, row, [told])
    if told.place <= (row.told_changes if _of_goods(told.about) else row.told_events):
        again = insert(Delivery).values(delivery(row, told, now))
        key = ["webhook_id", "about", "place"]  # as above, what is out is told again
        out = again.on_conflict_do_update(index_elements=key, set_={"lease": None})
        session.execute(out)
    return _replayed(session, row)


def delivery(row: Webhook, told: Told, now: datetime) -> dict[str, Any]:
    """A message for an endpoint, as it is written down."""
    content = {"type": told.kind, "timestamp": told.at, "data": told.data}
    return {
        "webhook_id": row.id,
        "about": told.about,
        "place": told.place,
        "party_id": row.party_id,
        "message": told.id,
        "body": orjson.dumps(content),
        "due_at": now,
    }


def _replayed(
    session: Session, row: Webhook, would: Sequence[Told] | None = None, *, more: bool = False
) -> dict[str, Any]:
    seen = view(session, row) | {"dry_run": would is not None, "would": None}
    if would is not None:
        types = Counter(one.kind for one in would if listens(row, one.kind))
        seen["would"] = {"messages": types.total(), "types": dict(types), "more": more}
    return seen


def miss(row: Webhook, gone: Delivery) -> None:
    """A message is given up: from where on a replay has to tell is kept."""
    row.missed += 1
    before = gone.place - 1
    if _of_goods(gone.about):
        row.missed_changes = _earlier(row.missed_changes, before)
    else:
        row.missed_events = _earlier(row.missed_events, before)


def _of_goods(about: str) -> bool:
    return about.startswith("sku_") or about == event_feed.RULES


def _earlier(known: int | None, place: int) -> int:
    return place if known is None else min(known, place)


def _missed_from(row: Webhook) -> Cursor:
    events, changes = row.missed_events, row.missed_changes
    return Cursor(
        row.told_events if events is None else events,
        row.told_changes if changes is None else changes,
    )


def _reaches(back: Cursor, wanted: Cursor) -> bool:
    return back.events <= wanted.events and back.changes <= wanted.changes


def view(session: Session, row: Webhook) -> dict[str, Any]:
    """An endpoint as its party sees it, without its secrets."""
    waiting = select(func.count()).where(Delivery.webhook_id == row.id)
    return {
        "id": outside("whk", row.id),
        "url": row.url,
        "events": row.events,
        "status": row.state,
        "failure": row.failure if row.failures else None,
        "failing_since": row.failing_since,
        "paused_until": row.paused_until,
        "waiting": session.execute(waiting).scalar_one(),
        "missed": {"messages": row.missed, "after": str(_missed_from(row))} if row.missed else None,
        "cursor": str(Cursor(row.told_events, row.told_changes)),
        "delivered_at": row.delivered_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def wanted_of(row: Webhook) -> Wanted:
    """Which feeds an endpoint listens to."""
    catalogue = _CATALOGUE.intersection(row.events)
    return Wanted(trade=len(row.events) > len(catalogue), catalogue=bool(catalogue))


def listens(row: Webhook, kind: str) -> bool:
    """Whether an endpoint wants events of this kind."""
    return kind in row.events or f"{kind.partition('.')[0]}.*" in row.events


def secrets_of(keyring: Keyring, row: Webhook, now: datetime) -> list[str]:
    """The secrets that sign at `now`, the current one first."""
    current = keyring.open(row.secret, _context(row.party_id)).decode()
    return [current, *(secret for secret, _ in _formers(keyring, row, now))]


def _formers(keyring: Keyring, row: Webhook, now: datetime) -> list[tuple[str, datetime]]:
    """Former secrets that sign at `now`, each with its end, the latest first."""
    if row.former_secret is None or row.former_until is None or row.former_until <= now:
        return []
    found = []
    for one in keyring.open(row.former_secret, _context(row.party_id)).decode().split():
        secret, _, end = one.partition(_UNTIL)  # an older Huopan kept one, without its end
        until = datetime.fromtimestamp(int(end), UTC) if end else row.former_until
        found.append((secret, until))
    return [(secret, until) for secret, until in found if until > now]


def signed(given: Sequence[str], message: str, body: bytes, now: datetime) -> dict[str, str]:
    """The three headers of a message, signed by each of the secrets."""
    stamp = str(int(now.timestamp()))
    content = f"{message}.{stamp}.".encode() + body
    signatures = []
    for secret in given:
        key = base64.b64decode(secret.removeprefix(PREFIX))
        mac = hmac.new(key, content, hashlib.sha256).digest()
        signatures.append(f"v1,{base64.b64encode(mac).decode()}")
    return {
        "webhook-id": message,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(signatures),
    }


def _new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def _seal(keyring: Keyring, party_id: int, secret: str) -> bytes:
    return keyring.seal(secret.encode(), _context(party_id))


def _context(party_id: int) -> str:
    return f"webhook:{party_id}"


def _rows(session: Session, party_id: int) -> Sequence[Webhook]:
    found = select(Webhook).where(Webhook.party_id == party_id).order_by(Webhook.id)
    return session.scalars(found).all()


def _own(session: Session, party_id: int, hook: str) -> Webhook:
    row = session.get(Webhook, inside("whk", hook), with_for_update=True, populate_existing=True)
    if row is None or row.party_id != party_id:
        raise Problem(404, "not_found", f"there is no webhook {hook!r}")
    return row


def _check_events(role: str, events: Sequence[str]) -> None:
    offered = OF_ROLE[role]
    for one in events:
        if one not in offered:
            there = ", ".join(sorted(offered))
            raise invalid("events", f"{one!r} is none of yours; there are {there}", "unknown")
