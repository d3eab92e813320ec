"""What was confirmed is placed: within the consent, each order once, whoever is killed meanwhile.

An order and the word that it was placed are one transaction, so a worker that dies leaves either
both or neither, and another one goes on. What an order may cost is its share of the consent: the
shares add up to it, so that all orders together never cost more.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from kit import clock
from kit.crypto import CannotOpen
from kit.db import Database
from kit.errors import Problem
from kit.money import split, yuan
from kit.statements import send
from trade import orders
from trade.desk import Desk
from trade.models import OrderImport
from trade.order_sheets import enquiring, reading
from trade.order_sheets.enquiring import FRESH, Ask, locked, request_of
from trade.orders import OrderRequest
from trade.orders_together import place_together

IMPORT = "orders.import"
"""The outbox topic that wakes the worker; its key is the import."""
BATCH = 50
"""Orders placed in one transaction: they share one wallet, and each commit of its own would keep
the next one waiting."""

_TAKE = """
    SELECT id, reference, party_id, lines, sealed, cap FROM imported_orders
    WHERE import_id = %(id)s AND state = 'queued' ORDER BY id LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
"""
_TAKE_ONE = """
    SELECT id, reference, party_id, lines, sealed, cap FROM imported_orders
    WHERE id = %(id)s AND state = 'queued' FOR UPDATE SKIP LOCKED
"""
_PLACED = """
    UPDATE imported_orders i SET state = 'placed', order_id = o.id, failure = NULL, total = o.total
    FROM unnest(%(ids)s::bigint[], %(orders)s::bigint[]) AS p (id, order_id)
    JOIN orders o ON o.id = p.order_id WHERE i.id = p.id
"""
_KNOWN = """
    UPDATE imported_orders i SET state = 'known', order_id = p.order_id, failure = NULL, total = 0
    FROM unnest(%(ids)s::bigint[], %(orders)s::bigint[]) AS p (id, order_id) WHERE i.id = p.id
"""
_LEFT = text("""
    SELECT count(*) FROM imported_orders WHERE import_id = :id AND state = 'queued'
""")
_FAILED = """
    UPDATE imported_orders SET state = 'failed', failure = jsonb_build_object(
        'code', %(code)s::text, 'detail', %(detail)s::text)
    WHERE id = %(id)s AND state = 'queued'
"""
_SPENT = text("""
    SELECT coalesce(sum(total) FILTER (WHERE state = 'placed'), 0)::bigint AS spent,
           coalesce(sum(total) FILTER (WHERE state = 'ready'), 0)::bigint AS asked,
           count(*) FILTER (WHERE state = 'ready') AS ready,
           count(*) FILTER (WHERE state IN ('failed', 'unsellable')) AS again
    FROM imported_orders WHERE import_id = :id
""")
_READY = text("""
    SELECT id, total FROM imported_orders WHERE import_id = :id AND state = 'ready' ORDER BY id
""")
_QUEUE = text("""
    UPDATE imported_orders o SET state = 'queued', cap = c.cap
    FROM unnest(CAST(:ids AS bigint[]), CAST(:caps AS bigint[])) AS c (id, cap) WHERE o.id = c.id
""")


def due(session: Session, limit: int = 200) -> list[int]:
    """Imports with something to do: the sweeper's question."""
    waiting = OrderImport.status.in_(("reading", "confirmed", "placing"))
    return list(session.scalars(select(OrderImport.id).where(waiting).limit(limit)))


def drain(
    db: Database, desk: Desk, import_id: int, until: datetime, ask: Ask | None = None
) -> None:
    """Read, or place, what is due of one import; returns early when nothing is left. `ask` asks
    platforms for what only they know.

    May run any number of times at once, and be killed at any moment.
    """
    heard: Mapping[str, str] | None = {}
    if ask is not None and desk.asks:
        heard = enquiring.enquire(db, desk, import_id, until, ask)
    if heard is None:
        return
    with db.as_system() as session:
        row = locked(session, import_id)
        if row is None:
            return
        if row.status == "reading":
            reading.read(session, desk, row, clock.now(), heard)
        elif row.status == "confirmed":
            _begin(session, desk, row, clock.now(), heard)
        if row.status != "placing":
            return
    while clock.now() < until:
        if not _some(db, desk, import_id):
            with db.as_system() as session:
                _end(session, import_id, clock.now())
            return


def _some(db: Database, desk: Desk, import_id: int) -> int:
    """Place a batch of what is queued, in one transaction; what must be alone has its own."""
    alone: list[int] = []
    with db.as_system() as session:
        [found] = send(session, (_TAKE, {"id": import_id, "most": BATCH}))
        if not found:
            return 0
        asked: dict[int, OrderRequest] = {}
        for row in found:
            try:
                asked[row.id] = request_of(desk, import_id, row)
            except CannotOpen as error:
                _fail(session, row.id, "cannot_open", str(error))
        party = found[0].party_id
        outcomes = place_together(session, desk, party, list(asked.values()), clock.now())
        placed: list[tuple[int, int]] = []
        known: list[tuple[int, int]] = []
        for one, outcome in zip(asked, outcomes, strict=True):
            if isinstance(outcome, Problem):
                _fail(session, one, outcome.code, _why(outcome))
            elif outcome is None:
                alone.append(one)
            else:
                (placed if outcome[1] else known).append((one, outcome[0]))
        send(session, (_PLACED, _pairs(placed)), (_KNOWN, _pairs(known)))
    for one in alone:
        _alone(db, desk, import_id, one)
    return len(found)


def _pairs(placed: Sequence[tuple[int, int]]) -> dict[str, list[int]]:
    return {"ids": [one for one, _ in placed], "orders": [order for _, order in placed]}


def spent(session: Session, import_id: int) -> Any:
    """Fen paid for placed orders (`spent`) and asked for ready ones (`asked`), how many are
    `ready`, and how many may be tried `again`."""
    return session.execute(_SPENT, {"id": import_id}).one()


def _begin(
    session: Session, desk: Desk, row: OrderImport, now: datetime, heard: Mapping[str, str]
) -> None:
    """Queue what is ready within the consent, at prices that are fresh."""
    money = spent(session, row.id)
    stale = money.again or row.quoted_at is None or now - row.quoted_at > FRESH
    if stale and row.expires_at is not None:  # else the file was erased at a person's request
        reading.read(session, desk, row, now, heard)
        if row.status == "failed":
            return
        money = spent(session, row.id)
    row.updated_at = now
    left = (row.max_total or 0) - money.spent
    if money.asked > left:
        row.status = "ready"
        row.failure = {"code": "price_changed", "detail": beyond(money.spent + money.asked, row)}
        return
    waiting = session.execute(_READY, {"id": row.id}).all()
    session.execute(_QUEUE, {"ids": [x.id for x in waiting], "caps": _caps(waiting, left)})
    row.status, row.failure = "placing", None
    session.flush()


def beyond(total: int, row: OrderImport) -> str:
    """Why a consent does not do."""
    return (
        f"the orders of this sheet cost {yuan(total)} now, more than the {yuan(row.max_total or 0)}"
        " that were agreed to, so nothing was placed; confirm with a higher max_total"
    )


def _caps(waiting: Sequence[Any], left: int) -> list[int]:
    """Each order's share of what is left of the consent, by what it was quoted at."""
    totals = [int(one.total) for one in waiting]
    if not any(totals):
        return totals
    spare = split(left - sum(totals), totals)
    return [total + more for total, more in zip(totals, spare, strict=True)]


def _alone(db: Database, desk: Desk, import_id: int, one: int) -> None:
    """Place one order that the others must not wait for, or that must be counted by itself."""
    try:
        with db.as_system() as session:
            [found] = send(session, (_TAKE_ONE, {"id": one}))
            if not found:
                return
            request = request_of(desk, import_id, found[0])
            order, new = orders.place(session, desk, found[0].party_id, request, clock.now())
            send(session, (_PLACED if new else _KNOWN, _pairs([(one, order)])))
    except Problem as problem:
        with db.as_system() as session:
            _fail(session, one, problem.code, _why(problem))


def _why(problem: Problem) -> str:
    told = "; ".join(dict.fromkeys(error.message for error in problem.errors))
    return f"{problem.detail}: {told}" if told else problem.detail


def _fail(session: Session, one: int, code: str, detail: str) -> None:
    send(session, (_FAILED, {"id": one, "code": code, "detail": detail}))


def _end(session: Session, import_id: int, now: datetime) -> None:
    row = locked(session, import_id)
    if row is None or row.status != "placing":
        return
    if session.scalar(_LEFT, {"id": import_id}) == 0:
        row.status, row.updated_at = "done", now
        session.flush()
