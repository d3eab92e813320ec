"""What happened, written down for other programs in the transaction in which it happens.

A row is for the leader in `party_id` and the supplier in `supplier_id`; operators see all. Events
of one object are written under the lock of its order, so their ids are in the order of its story.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from kit import partitions, sequencer
from kit.ids import outside
from kit.money import yuan
from trade.models import Claim, Event, Order, Ordered, Parcel, Purchase, Statement

HOOK = "hook"
"""The topic that wakes whoever tells webhooks; a key is only another process that may help."""
FIRST_HAND = "1"


def of_order(
    session: Session, order: Order, what: str, now: datetime, detail: dict[str, Any] | None
) -> None:
    """For the leader; `detail` must name no source, seller or cost."""
    _write(session, **order_row(order, what, now, detail))


def order_row(
    order: Ordered, what: str, now: datetime, detail: dict[str, Any] | None
) -> dict[str, Any]:
    """What `of_order` writes, as a row of events."""
    return {
        "kind": f"order.{what}",
        "about": outside("ord", order.id),
        "party_id": order.party_id,
        "order_id": order.id,
        "data": {"reference": order.reference, "detail": detail},
        "at": now,
    }


def of_purchase(
    session: Session,
    purchase: Purchase,
    what: str,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> None:
    """For the supplier, and only of a purchase that the supplier may know of."""
    row = purchase_row(
        purchase.id,
        purchase.order_id,
        purchase.supplier_id,
        {"reference": purchase.order_reference, "status": purchase.state} | (detail or {}),
    )
    _write(session, kind=f"purchase.{what}", at=now, **row)


def purchase_row(
    purchase_id: int, order_id: int, supplier_id: int | None, data: dict[str, Any]
) -> dict[str, Any]:
    """What `of_purchase` writes, but for kind and moment."""
    return {
        "about": outside("pur", purchase_id),
        "supplier_id": supplier_id,
        "order_id": order_id,
        "data": data,
    }


def of_parcel(
    session: Session,
    parcel: Parcel,
    what: str,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> None:
    """For the leader and the supplier."""
    told = {"carrier": parcel.carrier, "tracking_number": parcel.tracking_number}
    _write(
        session,
        kind=f"parcel.{what}",
        about=outside("par", parcel.id),
        party_id=parcel.party_id,
        supplier_id=parcel.supplier_id,
        order_id=parcel.order_id,
        purchase_id=parcel.purchase_id,
        data=told | (detail or {}),
        at=now,
    )


def of_claim(session: Session, claim: Claim, what: str, now: datetime) -> None:
    """For the leader and the supplier; `GET /v1/claims/{id}` says the rest."""
    _write(
        session,
        kind=f"claim.{what}",
        about=outside("clm", claim.id),
        party_id=claim.party_id,
        supplier_id=claim.supplier_id,
        order_id=claim.order_id,
        purchase_id=claim.purchase_id,
        data={"status": claim.state, "kind": claim.kind},
        at=now,
    )


def of_statement(session: Session, statement: Statement, now: datetime) -> None:
    """For its party: there is one more to look at."""
    _write(
        session,
        kind="statement.ready",
        about=outside("stm", statement.id),
        party_id=statement.party_id,
        data={"period": statement.period, "closing": yuan(statement.closing)},
        at=now,
    )


def _write(session: Session, **fields: Any) -> None:
    session.add(Event(**fields))


_LOCK = 0x48505756  # "HPWV"
_SEEN_BY = "r.party_id, r.supplier_id"
_NUMBER = text(f"""
    WITH {sequencer.by_id("events", "at")},
    {sequencer.numbered("events", "events_head", ["id", "at"], _SEEN_BY)}, woken AS (
        INSERT INTO outbox (topic, key) SELECT :topic, :key WHERE EXISTS (
            SELECT FROM webhooks w JOIN parties p ON p.id = w.party_id
            WHERE w.state <> 'disabled' AND (
                w.party_id IN (SELECT party_id FROM numbered UNION SELECT supplier_id FROM numbered)
                OR (p.role = 'operator' AND EXISTS (SELECT FROM numbered))))
    )
    SELECT n FROM counted
""")  # noqa: S608 - names of ours
_WAITING = text("SELECT EXISTS (SELECT FROM events WHERE seq IS NULL AND at < :ended)")


def number(session: Session, limit: int = 10_000) -> int:
    """Number up to `limit` committed events, and wake who tells of them; returns how many.

    Events of one object keep their order: a later one is written only after the former one's
    commit has let go of the order. See `sequencer.number`.
    """
    return sequencer.number(session, _LOCK, (_NUMBER,), limit=limit, topic=HOOK, key=FIRST_HAND)


def prune(session: Session, before: datetime) -> int:
    """Drop the months of events that ended by `before`; returns how many."""
    ended = partitions.past(session, "events", before)
    if ended is None or session.execute(_WAITING, {"ended": ended}).scalar_one():
        return 0
    return partitions.drop(session, "events", ended)
