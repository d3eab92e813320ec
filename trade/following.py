"""What became of purchases at platforms: parcels, changed numbers, cancellations, splits.

Look up who is due (one transaction) → ask the platform (none open) → write down (one). A message
of the platform only makes a purchase due at once; the fact is always read again, and the whole
tree of platform orders replaces what was known. Suppliers at our own door tell us themselves.
"""

from collections.abc import Callable, Collection, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import orjson
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from connectors.errors import BalanceShort, NotAuthorised, Refused, SupplierError, TryLater
from connectors.model import Sells
from connectors.trading import Confirms, Part, Progress, Ships
from kit import clock, log
from kit.db import Database
from kit.drains import drained
from kit.errors import Problem
from kit.inbox import Inbox, handled
from kit.outbox import say
from trade import charging, events, short_balance, watching
from trade.after_sales import freight_returns, platform_claims, unasked
from trade.buying import SUBMIT
from trade.charging import NEWS as NEWS
from trade.models import Purchase
from trade.parcels import leaves, platform_parcels
from trade.parcels.parcel_news import LONG_AGO
from trade.purchases import Locked, lock
from trade.refusal import open_units, refuse_rest, refuse_units
from trade.states import GONE, OPEN, UNKNOWN_TO_SUPPLIER, restate, tell

THREADS = 4
BATCH = 16
PAGE = 500
"""So many messages are looked at together."""
EVERY = timedelta(minutes=30)
LEASE = timedelta(minutes=2)
CANCEL_AGAIN = timedelta(minutes=1)
"""So soon a cancellation is asked for again that a platform did not answer: goods may leave."""
WATCHED_AFTER = timedelta(days=15)
"""So long the numbers of a shipped purchase may still change; what moves is watched until it has
arrived, or nothing is told of it for long."""
DEARER = "价格上涨"
"""Why what is held unpaid is given back, said to its platform."""
UNMATCHED = timedelta(hours=1)
"""A message may come before we know the order that it names; then it stays for a while."""

logger = log.get(__name__)

_FOLLOWED = "('submitted', 'accepted', 'partly_shipped')"
_DUE = f"""(state IN {_FOLLOWED} OR (state = 'shipped' AND (updated_at > :late OR id IN (
    SELECT purchase_id FROM parcels WHERE delivered_at IS NULL
    AND coalesce(last_event_at, shipped_at) > :silent)))) AND due_at <= :now"""  # noqa: S608 - our own words


@dataclass(frozen=True)
class Due:
    """A purchase to ask about; `cancel` is why the leader wants it back, `agreed` the fen that it
    may cost, `word` what was decided about it while it is held unpaid."""

    purchase_id: int
    order_id: int
    our_ref: str
    cancel: str | None
    agreed: int
    word: str | None = None
    gone: bool = False

    @property
    def back(self) -> str | None:
        """Why it is to be given back, if it is."""
        return self.cancel or (DEARER if self.word == charging.GIVE_UP else None)


@dataclass(frozen=True)
class Seen:
    """What the platform said: its whole tree, whether it took the purchase back, or why neither.

    `kept`: it does not take it back. `again` is in how many seconds it is asked about that again.
    """

    progress: Progress | None = None
    taken_back: bool = False
    kept: bool = False
    again: float | None = None
    error: SupplierError | None = None


def due(session: Session, now: datetime) -> list[str]:
    """Sources with purchases to ask about: the sweeper's question."""
    found = text(f"""SELECT source FROM purchases WHERE {_DUE}
        UNION SELECT source FROM purchases WHERE {watching.DUE} ORDER BY source""")  # noqa: S608 - our own words
    return list(session.scalars(found, _times(now)))


def _times(now: datetime) -> dict[str, Any]:
    """What `_DUE` compares with."""
    return {"now": now, "late": now - WATCHED_AFTER, "silent": now - LONG_AGO}


def drain(db: Database, source: str, open_source: Callable[[str], Sells], until: datetime) -> int:
    """Ask about what is due at `source`, until nothing is or it is `until`; returns how many.

    May run any number of times at once, and be killed at any moment. Does nothing at a source that
    cannot be asked.
    """
    seller = open_source(source)
    if not isinstance(seller, Ships):
        return 0

    def take() -> list[Due]:
        with db.as_system() as session:
            hear(session, source, clock.now())
            return claim(session, source, clock.now())

    return drained(
        take,
        lambda one: _work(db, seller, one),
        until,
        threads=THREADS,
        name="follow",
        ends=lambda seen: isinstance(seen.error, NotAuthorised),
    )


def hear(session: Session, source: str, now: datetime) -> int:
    """Make due what waiting messages speak of; returns how many messages were understood.

    All are looked at, however many wait that speak of others' orders.
    """
    told = list(_waiting(session, source))
    if not told:
        return 0
    refs = {ref for one in told for ref in one.refs}
    bought, claimed = _bought(session, source, refs), _claimed(session, source, refs)
    understood, due = 0, set[int]()
    for one in told:
        hit = {number for ref in one.refs for number in bought.get(ref, ())}
        due |= hit
        heard = _claims_heard(session, source, one, claimed, now) or bool(hit)
        if heard or now - one.received_at > UNMATCHED:
            handled(session, one.id, {"purchases": sorted(hit)})
            understood += heard
    until = {"until": now + watching.HEARD}
    session.execute(_HURRIED, _times(now) | until | {"ids": sorted(due)})
    return understood


_HURRIED = text("""UPDATE purchases SET due_at = least(due_at, :now), watched_until = CASE
    WHEN state = 'shipped' AND updated_at <= :late THEN :until ELSE watched_until END
    WHERE id = ANY(:ids)""")


class _Message(NamedTuple):
    """A waiting message: the platform's orders that it speaks of, and the one in their place."""

    id: int
    received_at: datetime
    refs: Sequence[str]
    replacement: str | None


def _waiting(session: Session, source: str) -> Iterator[_Message]:
    """Each message that waits, ours until this transaction ends."""
    waits = select(Inbox.id, Inbox.received_at, Inbox.body).where(
        Inbox.sender == f"messages:{source}", Inbox.handled_at.is_(None)
    )
    last, full = 0, True
    while full:
        page = waits.where(Inbox.id > last).order_by(Inbox.id).limit(PAGE)
        rows = session.execute(page.with_for_update(skip_locked=True)).all()
        full = len(rows) == PAGE
        last = rows[-1].id if rows else last
        for row in rows:
            told = orjson.loads(row.body)
            yield _Message(row.id, row.received_at, told["refs"], told.get("replacement"))


def _bought(session: Session, source: str, refs: Collection[str]) -> dict[str, list[int]]:
    """The purchases that a platform's orders are for.

    They are locked order by order, as whoever has an order locks its purchases: in the order of
    messages, two that hold one each might wait for each other.
    """
    rows = text("""
        SELECT p.id, p.external_refs FROM purchases p
        WHERE p.source = :source AND p.external_refs && CAST(:refs AS text[])
        ORDER BY p.order_id, p.id FOR UPDATE""")
    found: dict[str, list[int]] = {}
    for row in session.execute(rows, {"source": source, "refs": list(refs)}):
        for ref in row.external_refs:
            found.setdefault(ref, []).append(row.id)
    return found


def _claimed(session: Session, source: str, refs: Collection[str]) -> set[str]:
    """Those of a platform's orders that claims are about."""
    found = text("SELECT ref FROM platform_claims WHERE source = :source AND ref = ANY(:refs)")
    return set(session.scalars(found, {"source": source, "refs": list(refs)}))


def _claims_heard(
    session: Session, source: str, told: _Message, claimed: Set[str], now: datetime
) -> bool:
    """Whether a message speaks of claims; they are due."""
    new = told.replacement
    renewed = platform_claims.replaced(session, source, told.refs, new, now) if new else 0
    about = not claimed.isdisjoint(told.refs)
    heard = platform_claims.hear(session, source, told.refs, now) if about else 0
    return bool(renewed or heard)


def hurry(session: Session, purchase: Purchase, now: datetime) -> None:
    """Its platform is asked about a locked purchase at once; a supplier at our own door is not."""
    purchase.due_at = now
    say(session, NEWS, purchase.source)


def look_now(session: Session, purchase_id: int, now: datetime) -> None:
    """A person wants a purchase looked at: its source is asked at once what became of it.

    Raises Problem 404, 409 `wrong_state` when it is over.
    """
    order_id = session.scalar(select(Purchase.order_id).where(Purchase.id == purchase_id))
    if order_id is None:
        raise Problem(404, "not_found", "there is no such purchase")
    purchase = lock(session, order_id, purchase_id).purchase
    if purchase.state not in OPEN:
        raise Problem(409, "wrong_state", f"this purchase is {purchase.state}")
    if purchase.state in UNKNOWN_TO_SUPPLIER:
        purchase.due_at = max(now, purchase.leased_until or now)
        say(session, SUBMIT, purchase.source)
    else:
        hurry(session, purchase, now)


def ask_back(session: Session, purchase: Purchase, now: datetime) -> None:
    """The supplier of a locked purchase learns at once that its leader wants it no more."""
    hurry(session, purchase, now)
    events.of_purchase(session, purchase, "cancel_asked", now)


def claim(session: Session, source: str, now: datetime) -> list[Due]:
    """Take a batch, first of what is to be sent; nobody else asks about it for the length of a
    lease."""
    return _claim(session, source, _DUE, now) or _claim(session, source, watching.DUE, now)


def _claim(session: Session, source: str, which: str, now: datetime) -> list[Due]:
    rows = session.execute(
        text(f"""UPDATE purchases p SET due_at = :later WHERE id IN (
            SELECT id FROM purchases WHERE source = :source AND {which}
            ORDER BY due_at, id LIMIT :batch FOR UPDATE SKIP LOCKED)
            RETURNING id, order_id, our_ref, cancel_reason, held_word, state,
                {charging.AGREED} AS agreed"""),  # noqa: S608 - our own words
        _times(now) | {"later": now + LEASE, "source": source, "batch": BATCH},
    ).all()
    return [
        Due(
            row.id,
            row.order_id,
            row.our_ref,
            row.cancel_reason,
            int(row.agreed),
            row.held_word,
            row.state in GONE,
        )
        for row in rows
    ]


def look(seller: Sells, one: Due) -> Seen:
    """Ask the platform, first for what is to be given back; what it only holds is bought if it
    costs no more than was agreed."""
    assert isinstance(seller, Ships)  # noqa: S101 - the drain asks nobody else
    kept, again = False, None
    try:
        if one.back is not None:
            try:
                seller.cancel(one.our_ref, one.back)
                return Seen(taken_back=True)
            except Refused:
                kept = True
            except TryLater as error:  # goods may leave meanwhile
                again = error.wait or CANCEL_AGAIN.total_seconds()
        progress = seller.track(one.our_ref)
        held = any(part.state == "held" for part in progress.parts)
        charge = charging.told(progress.parts)
        vouched = charge is None and one.word == charging.BUY
        paid = vouched or not charging.beyond(charge, one.agreed)
        wanted = one.back is None and not one.gone
        if held and paid and wanted and isinstance(seller, Confirms):
            seller.confirm(one.our_ref, None if vouched else Decimal(one.agreed) / 100)
        return Seen(progress, kept=kept, again=again)
    except SupplierError as error:
        return Seen(error=error, kept=kept)


def write_down(session: Session, one: Due, seen: Seen, now: datetime) -> None:
    """The platform's word becomes parcels, new numbers, and units that go back to routing."""
    found = lock(session, one.order_id, one.purchase_id)
    purchase = found.purchase
    if purchase.state in GONE:
        watching.look(session, found, seen.progress, now)
        return
    purchase.due_at, purchase.short_since = now + _pause(one, seen), None
    watching.over(purchase)
    if isinstance(seen.error, BalanceShort):  # of a hold that somebody else has yet to pay for
        short_balance.wait(session, purchase, now)
    if purchase.cancel_reason is not None and one.cancel is None:  # asked for while we talked
        hurry(session, purchase, now)
    if seen.error is not None:
        purchase.failure = seen.error.message
        return
    purchase.failure = None
    if seen.taken_back:
        _refuse(session, found, "cancelled", "the source took it back", now)
        return
    progress = seen.progress
    assert progress is not None  # noqa: S101 - neither an error nor taken back
    watching.known_by(purchase, progress)
    charging.heard(session, found, progress.parts, now)
    parts = platform_parcels.told(session, found, progress.parts, now)
    _cancelled(session, found, parts, now)
    platform_parcels.astray(session, found, parts, now)
    freight_returns.unsent(session, found, parts)
    unasked.taken(session, found, parts, now)
    if seen.kept and one.word == charging.GIVE_UP:
        purchase.held_word = None
    if seen.kept and purchase.cancel_reason is not None:  # what it took back is not among it
        purchase.cancel_reason = None
        left = any(line.shipped for line in found.lines.values())
        tell(session, found.order, "cancel_too_late" if left else "cancel_refused", now)
    restate(session, found.order, now)


def _pause(one: Due, seen: Seen) -> timedelta:
    if seen.again is not None:
        return timedelta(seconds=seen.again)
    if seen.error is None:
        return EVERY
    if seen.error.wait:
        return timedelta(seconds=seen.error.wait)
    return EVERY if one.back is None else CANCEL_AGAIN


def _work(db: Database, seller: Sells, one: Due) -> Seen:
    seen = look(seller, one)
    if seen.error is not None:
        logger.warning("purchase_not_followed", our_ref=one.our_ref, code=seen.error.code)
    with db.as_system() as session:
        write_down(session, one, seen, clock.now())
    return seen


def _cancelled(session: Session, found: Locked, parts: Sequence[Part], now: datetime) -> None:
    """What the platform cancelled goes back to routing: all of it, or the units that no other leaf
    may hold."""
    opened = open_units(found.lines.values())
    if not opened or all(part.state != "cancelled" for part in parts):
        return
    known = platform_parcels.known(session, found)
    gone = leaves.lost(list(found.lines.values()), parts, known)
    if sum(units for _, units in gone) == sum(units for _, units in opened):
        whole = all(part.state == "cancelled" for part in parts)
        message = "the source cancelled it" if whole else "the source cancelled the rest"
        _refuse(session, found, "cancelled_by_source", message, now)
    elif gone:
        refuse_units(session, found.order, found.purchase, gone, now)


def _refuse(session: Session, found: Locked, code: str, message: str, now: datetime) -> None:
    if open_units(found.lines.values()):
        lines = list(found.lines.values())
        dearer_at = None if found.purchase.held_since is None else now
        refuse_rest(
            session, found.order, found.purchase, lines, code, message, now, dearer_at=dearer_at
        )
        watching.begin(found.purchase, now)
