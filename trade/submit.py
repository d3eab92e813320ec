"""Submit: claim with a lease (one transaction) → talk to the source (none open) → write down (one).

A purchase that is claimed while `submitting` was left there by an unknown outcome or a dead
worker: then the source is asked `find(our_ref)` before anything is placed. The lease only decides
who works; that nothing is bought twice rests on `our_ref` and on asking. What is due is found from
the database alone.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import heard_prices, stock
from catalog.heard_prices import Heard
from connectors.errors import (
    BalanceShort,
    NotAuthorised,
    NotDeliverable,
    OutOfStock,
    PriceChanged,
    Refused,
    TryLater,
)
from connectors.model import OrderLine, Placed, PurchaseOrder, Sells
from kit import clock, log
from kit.db import Database
from kit.drains import drained
from kit.statements import insert, send
from trade import (
    address_requests,
    charging,
    events,
    following,
    live_answers,
    recipients,
    short_balance,
)
from trade.buying import reservation
from trade.desk import Desk
from trade.models import Event, PurchaseMove
from trade.purchases import Locked, lock
from trade.refusal import cancel_rest, open_units, refuse_rest, refuse_units
from trade.states import CLOSED, Units, move, moved, order_status, restate, tell
from trade.talking import Claimed, talk
from trade.talking import Outcome as Outcome

_CLAIMED = "id, order_id, supplier_id, recipient_id, state, our_ref, note, attempts, freight_cost"
_DUE = f"""
    SELECT {_CLAIMED} FROM purchases
    WHERE source = %(source)s AND state IN ('ready', 'submitting') AND due_at <= %(now)s
      AND {short_balance.NONE_WAITS}
    ORDER BY due_at, id LIMIT %(batch)s FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - our own words
_LINES = """
    SELECT purchase_id, external_id, sum(quantity - cancelled)::int AS open, unit_cost,
        sum(cost - cost * cancelled / quantity)::bigint AS goods
    FROM purchase_lines WHERE purchase_id = ANY(%(ids)s) AND quantity > cancelled
    GROUP BY purchase_id, external_id, unit_cost ORDER BY purchase_id, min(line)
"""
"""Each SKU once: a bundle and a part of it may be bought as one offer."""
_LEASE = """
    UPDATE purchases p SET state = 'submitting', lease = c.lease, due_at = %(until)s,
        leased_until = %(until)s, attempts = attempts + 1, updated_at = %(now)s
    FROM unnest(%(ids)s::bigint[], %(leases)s::text[]) AS c (id, lease) WHERE p.id = c.id
"""
_LOCKED = """
    SELECT FROM orders WHERE id = %(order)s FOR UPDATE;
    SELECT source, supplier_id, order_reference, state, lease, cancel_reason FROM purchases
    WHERE id = %(purchase)s FOR UPDATE;
    SELECT quantity - replaced AS quantity, unrouted, shipped, cancelled - replaced AS cancelled,
        held_reason IS NOT NULL AS held
    FROM order_lines WHERE order_id = %(order)s;
    SELECT state FROM purchases WHERE order_id = %(order)s AND id <> %(purchase)s;
    SELECT id FROM purchase_lines WHERE purchase_id = %(purchase)s
"""
"""Each reads what the locks of the order and then of the purchase keep."""
_TAKEN = """
    UPDATE purchases SET state = %(state)s, external_refs = %(refs)s, lease = NULL,
        leased_until = NULL, failure = NULL, short_since = NULL, updated_at = %(now)s
    WHERE id = %(purchase)s
"""
_UNWANTED = "SELECT FROM purchases WHERE id = %s AND cancel_reason IS NOT NULL"
_RESTATED = "UPDATE orders SET status = %(status)s, updated_at = %(now)s WHERE id = %(order)s"

THREADS = 4
BATCH = 16
LONGEST_WAIT = timedelta(hours=1)
PAUSE = timedelta(minutes=15)

logger = log.get(__name__)

OpenSource = Callable[[str], Sells]


def due(session: Session, now: datetime) -> list[str]:
    """Sources with purchases to submit now, or with leases that ran out: the sweeper's question."""
    return list(
        session.scalars(
            text("""
                SELECT DISTINCT source FROM purchases
                WHERE state IN ('ready', 'submitting') AND due_at <= :now ORDER BY source
            """),
            {"now": now},
        )
    )


def drain(db: Database, desk: Desk, source: str, open_source: OpenSource, until: datetime) -> int:
    """Submit what is due at `source`, until nothing is or it is `until`; returns how many.

    May run any number of times at once, and be killed at any moment.
    """
    seller = open_source(source)

    def take() -> list[Claimed]:
        with db.as_system() as session:
            return claim(session, desk, source, clock.now())

    return drained(
        take,
        lambda one: _work(db, desk, seller, one),
        until,
        threads=THREADS,
        name="submit",
        ends=lambda outcome: isinstance(outcome.error, NotAuthorised),
    )


def claim(session: Session, desk: Desk, source: str, now: datetime) -> list[Claimed]:
    """Take a batch of due purchases; each is ours alone until its lease ends."""
    [rows] = send(session, (_DUE, {"source": source, "now": now, "batch": BATCH}))
    rows = rows or short_balance.turn(session, source, _CLAIMED, now)
    if not rows:
        return []
    until = now + timedelta(seconds=desk.lease_seconds)
    leases = {row.id: uuid4().hex for row in rows}
    held = {"ids": list(leases), "leases": list(leases.values()), "until": until, "now": now}
    moves = [moved(row.id, row.supplier_id, row.state, "claim", now) for row in rows]
    lines, *_ = send(
        session, (_LINES, {"ids": list(leases)}), (_LEASE, held), insert(PurchaseMove, moves)
    )
    to = [row.recipient_id for row in rows]
    people = recipients.reveal_many(session, desk.keyring, to, None, "submit")
    orders: dict[int, list[OrderLine]] = {purchase_id: [] for purchase_id in leases}
    goods: dict[int, Counter[str]] = {purchase_id: Counter() for purchase_id in leases}
    tolerance = desk.terms(source).tolerance
    for line in lines:
        orders[line.purchase_id].append(OrderLine(line.external_id, line.open, line.unit_cost))
        goods[line.purchase_id][line.external_id] += line.goods + line.open * tolerance
    if any(row.recipient_id not in people for row in rows):
        raise recipients.forgotten()
    return [
        Claimed(
            row.id,
            row.order_id,
            leases[row.id],
            row.state == "submitting",
            row.attempts + 1,
            PurchaseOrder(
                our_ref=row.our_ref,
                lines=tuple(orders[row.id]),
                ship_to=people[row.recipient_id],
                note=row.note or "",
                freight=Decimal(row.freight_cost) / 100,
            ),
            goods[row.id],
            row.freight_cost,
        )
        for row in rows
    ]


def write_down(
    session: Session, desk: Desk, claimed: Claimed, outcome: Outcome, now: datetime
) -> bool:
    """The source's word becomes the purchase's state; False when the lease was lost meanwhile."""
    if outcome.placed is not None and not outcome.placed.refused and not outcome.unpaid:
        done = _taken_whole(session, desk, claimed, outcome.placed, now)
        if done is not None:
            return done
    found = lock(session, claimed.order_id, claimed.purchase_id)
    purchase = found.purchase
    if purchase.state != "submitting" or purchase.lease != claimed.lease:
        return False
    purchase.lease = purchase.leased_until = None
    if outcome.placed is not None:
        taken(session, desk, found, outcome.placed, now)
        if outcome.unpaid and purchase.state not in CLOSED:
            charging.decide(session, found, outcome.charge, now)
    elif outcome.withdrawn:
        purchase.due_at = now
        move(session, purchase, "later", now)
        withdraw(session, found, now)
    elif (error := _refusal(outcome)) is not None:
        lines = list(found.lines.values())
        dearer_at = outcome.at if isinstance(error, PriceChanged) else None
        if dearer_at is not None:
            heard_prices.write(session, _heard(found, outcome.asks), dearer_at)
        if isinstance(error, PriceChanged) and error.freight is not None:
            live_answers.forget(session, [line.offer_id for line in lines])
        refuse_rest(
            session,
            found.order,
            purchase,
            lines,
            error.code,
            error.message,
            now,
            short=isinstance(error, OutOfStock),
            undelivered=isinstance(error, NotDeliverable),
            dearer_at=dearer_at,
        )
    elif outcome.error is not None:
        _postpone(session, found, outcome, claimed.attempts, now)
    restate(session, found.order, now)
    return True


def _refusal(outcome: Outcome) -> Refused | None:
    """Why the source will not sell it, for certain: that our account there is short is no word
    about the goods."""
    error = outcome.error
    if outcome.unknown or isinstance(error, BalanceShort) or not isinstance(error, Refused):
        return None
    return error


def _heard(found: Locked, asks: Mapping[str, Decimal]) -> list[Heard]:
    return [
        Heard(line.offer_id, line.quantity - line.cancelled, asks[line.external_id])
        for line in found.lines.values()
        if line.external_id in asks
    ]


def _work(db: Database, desk: Desk, seller: Sells, claimed: Claimed) -> Outcome:
    def wanted() -> bool:
        [unwanted] = db.ask_as_system((_UNWANTED, [claimed.purchase_id]))
        return not unwanted

    outcome = talk(seller, claimed, wanted)
    if outcome.error is not None:
        logger.warning(
            "purchase_not_submitted", our_ref=claimed.order.our_ref, code=outcome.error.code
        )
    with db.as_system() as session:
        write_down(session, desk, claimed, outcome, clock.now())
    return outcome


def _taken_whole(
    session: Session, desk: Desk, claimed: Claimed, placed: Placed, now: datetime
) -> bool | None:
    """What nearly always happens, in two round trips: the source holds the purchase. None: its
    leader wants it no more, and nothing was written."""
    about = {"order": claimed.order_id, "purchase": claimed.purchase_id}
    _, [purchase], lines, others, reserved = send(
        session, *((query, about) for query in _LOCKED.split(";"))
    )
    if purchase.state != "submitting" or purchase.lease != claimed.lease:
        return False
    if purchase.cancel_reason is not None:
        return None
    waits = placed.awaits_supplier or desk.terms(purchase.source).accept == "on_export"
    move = moved(
        claimed.purchase_id, purchase.supplier_id, "submitting", "taken" if waits else "accept", now
    )
    open_units = (Units(*line) for line in lines)
    status = order_status(open_units, [move["now"], *(row.state for row in others)])
    told = about | {"state": move["now"], "status": status, "now": now}
    refs = {"refs": list(placed.external_refs)}
    data = {"reference": purchase.order_reference, "status": move["now"], "was": None}
    event = {"kind": f"purchase.{move['now']}", "at": now} | events.purchase_row(
        claimed.purchase_id, claimed.order_id, purchase.supplier_id, data
    )
    send(
        session,
        (_TAKEN, told | refs),
        insert(PurchaseMove, [move]),
        insert(Event, [event]),
        (_RESTATED, told),
    )
    if not waits:
        stock.known(session, [reservation(row.id) for row in reserved], now)
    return True


def taken(session: Session, desk: Desk, found: Locked, placed: Placed, now: datetime) -> None:
    """The source holds the locked purchase, perhaps without some of its lines."""
    purchase, lines = found.purchase, list(found.lines.values())
    purchase.external_refs = list(placed.external_refs)
    purchase.failure = purchase.short_since = None
    refused = [line for line in lines if line.external_id in placed.refused]
    if len(refused) == len(lines):
        refuse_rest(session, found.order, purchase, lines, "refused", "every line refused", now)
        return
    waits = placed.awaits_supplier or desk.terms(purchase.source).accept == "on_export"
    move(session, purchase, "taken" if waits else "accept", now)
    if not waits:
        stock.known(session, [reservation(line.id) for line in lines], now)
    if refused:
        refuse_units(session, found.order, purchase, open_units(refused), now)
    if purchase.cancel_reason is not None:  # asked for while we talked
        following.ask_back(session, purchase, now)


def _postpone(
    session: Session, found: Locked, outcome: Outcome, attempts: int, now: datetime
) -> None:
    """Look again later: from the start where nothing happened, by asking where that is unknown."""
    purchase, error = found.purchase, outcome.error
    assert error is not None  # noqa: S101 - only failures are postponed
    wait = timedelta(seconds=error.wait) if error.wait is not None else _backoff(attempts)
    if isinstance(error, NotAuthorised):
        wait = PAUSE
        _pause(session, purchase.source, error, now)
    purchase.failure = error.message
    if isinstance(error, BalanceShort):
        short_balance.wait(session, purchase, now)
    else:
        purchase.short_since, purchase.due_at = None, now + wait
    detail = {"code": error.code}
    if isinstance(error, TryLater) and error.wait is not None:
        detail["until"] = purchase.due_at.isoformat()  # nothing is asked before, whoever wants it
    move(session, purchase, "unknown" if outcome.unknown else "later", now, detail)
    withdraw(session, found, now)


def withdraw(session: Session, found: Locked, now: datetime) -> None:
    """Cancel a locked purchase that its source does not hold, where its leader has asked for it."""
    purchase = found.purchase
    if purchase.state == "ready" and purchase.cancel_reason is not None:
        move(session, purchase, "cancel", now, {"reason": purchase.cancel_reason})
        purchase.cancel_reason = None
        cancel_rest(session, found.order, purchase, found.lines.values())
        address_requests.over(session, found.order, purchase, "withdrawn", now)
        tell(session, found.order, "cancelled", now)


def _pause(session: Session, source: str, error: NotAuthorised, now: datetime) -> None:
    """The account is at fault: none of its purchases is tried until a person has had time."""
    session.execute(
        text("""
            UPDATE purchases SET due_at = :until, failure = :failure WHERE id IN (
                SELECT id FROM purchases
                WHERE source = :source AND state = 'ready' AND due_at < :until
                ORDER BY id FOR UPDATE SKIP LOCKED)
        """),
        {"source": source, "until": now + PAUSE, "failure": error.message},
    )


def _backoff(attempts: int) -> timedelta:
    """5 s, 10 s, 20 s … up to an hour."""
    return min(timedelta(seconds=5 * 2 ** min(attempts - 1, 12)), LONGEST_WAIT)
