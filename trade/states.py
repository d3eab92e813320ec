"""The states of a purchase in one literal table, one `move()`, and what an order's status is.

Only a purchase has states. An order's status is a pure function of its lines and purchases, stored
in the transaction that changed them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from kit.errors import Problem
from kit.statements import Query, insert
from trade import events
from trade.models import (
    Event,
    Order,
    Ordered,
    OrderEvent,
    OrderLine,
    Proposal,
    Purchase,
    PurchaseMove,
)

MOVES: dict[tuple[str, str], str] = {
    # the submit drain
    ("ready", "claim"): "submitting",
    ("submitting", "claim"): "submitting",
    ("submitting", "later"): "ready",
    ("submitting", "unknown"): "submitting",
    ("submitting", "taken"): "submitted",
    ("submitting", "accept"): "accepted",
    ("submitting", "refuse"): "refused",
    # the supplier's door
    ("submitted", "accept"): "accepted",
    ("submitted", "refuse"): "refused",
    ("accepted", "refuse"): "refused",
    ("partly_shipped", "refuse"): "shipped",
    ("ready", "ship_part"): "partly_shipped",
    ("submitting", "ship_part"): "partly_shipped",
    ("submitted", "ship_part"): "partly_shipped",
    ("accepted", "ship_part"): "partly_shipped",
    ("partly_shipped", "ship_part"): "partly_shipped",
    ("ready", "ship"): "shipped",
    ("submitting", "ship"): "shipped",
    ("submitted", "ship"): "shipped",
    ("accepted", "ship"): "shipped",
    ("partly_shipped", "ship"): "shipped",
    # a platform says what it charges
    ("submitted", "charge"): "submitted",
    ("accepted", "charge"): "accepted",
    # the leader changes her mind: at once, or when the supplier agrees
    ("ready", "cancel"): "cancelled",
    ("submitting", "cancel"): "cancelled",
    ("submitted", "cancel"): "cancelled",
    ("accepted", "cancel"): "cancelled",
    ("partly_shipped", "cancel"): "shipped",
}
"""(state, event) → state. What is not here cannot happen."""

STATES = frozenset(state for state, _ in MOVES) | frozenset(MOVES.values())
UNKNOWN_TO_SUPPLIER = frozenset({"ready", "submitting"})
OPEN = frozenset({"ready", "submitting", "submitted", "accepted", "partly_shipped"})
CLOSED = STATES - OPEN
GONE = frozenset({"refused", "cancelled"})
"""States of purchases of which nothing is to be sent."""
UNFINISHED = ("pending", "processing", "held", "partly_shipped")
"""Statuses of orders that still have something to send."""


def move(
    session: Session,
    purchase: Purchase,
    event: str,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> None:
    """Change the state of a locked purchase, and write the move down.

    Raises Problem 409 `wrong_state` when its state allows no such event.
    """
    was = purchase.state
    purchase.state = after(was, event)
    purchase.updated_at = now
    session.add(PurchaseMove(**moved(purchase.id, purchase.supplier_id, was, event, now, detail)))
    if purchase.state not in UNKNOWN_TO_SUPPLIER:
        known = None if was in UNKNOWN_TO_SUPPLIER else was
        events.of_purchase(session, purchase, purchase.state, now, {"was": known})


def after(was: str, event: str) -> str:
    """The state that `event` leads to. Raises Problem 409 `wrong_state` when nothing does."""
    if (was, event) not in MOVES:
        raise Problem(
            409, "wrong_state", f"a purchase that is {was} cannot {event.replace('_', ' ')}"
        )
    return MOVES[was, event]


def moved(
    purchase_id: int,
    supplier_id: int | None,
    was: str,
    event: str,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A row of purchase_moves."""
    return {
        "purchase_id": purchase_id,
        "supplier_id": supplier_id,
        "was": was,
        "now": after(was, event),
        "event": event,
        "detail": detail,
        "at": now,
    }


@dataclass(frozen=True)
class Units:
    """Where the units of one order line are; those whose place another line took are not its."""

    quantity: int
    unrouted: int
    shipped: int
    cancelled: int
    held: bool
    delivered: int = 0


def order_status(
    lines: Iterable[Units], purchases: Iterable[str], *, completed: bool = False
) -> str:
    """pending | processing | held | partly_shipped | shipped | delivered | completed | cancelled |
    partly_cancelled.

    `purchases` are their states; `completed`: nothing of it may be claimed any more. Held wins over
    all, because it waits for a person.
    """
    lines = list(lines)
    whole = sum(line.quantity for line in lines)
    shipped = sum(line.shipped for line in lines)
    cancelled = sum(line.cancelled for line in lines)
    if cancelled == whole:
        return "cancelled"
    if any(line.held and line.unrouted for line in lines):
        return "held"
    if shipped + cancelled == whole:
        if completed:
            return "completed"
        if cancelled:
            return "partly_cancelled"
        return "delivered" if sum(line.delivered for line in lines) == whole else "shipped"
    if shipped:
        return "partly_shipped"
    waiting = all(state in UNKNOWN_TO_SUPPLIER for state in purchases if state in OPEN)
    return "pending" if waiting and not any(line.unrouted for line in lines) else "processing"


def arrived(lines: Iterable[Units]) -> bool:
    """Whether all that will ever be sent was sent, and has arrived."""
    lines = list(lines)
    shipped = sum(line.shipped for line in lines)
    over = all(line.shipped + line.cancelled == line.quantity for line in lines)
    return over and 0 < shipped == sum(line.delivered for line in lines)


def units(line: OrderLine) -> Units:
    """Where the units of a line are."""
    held = line.held_reason is not None
    whole, gone = line.quantity - line.replaced, line.cancelled - line.replaced
    return Units(whole, line.unrouted, line.shipped, gone, held, line.delivered)


def restate(session: Session, order: Order, now: datetime) -> None:
    """Bring a locked order's status up to its lines and purchases, as this transaction has them."""
    session.flush()
    lines = session.scalars(select(OrderLine).where(OrderLine.order_id == order.id))
    states = session.scalars(select(Purchase.state).where(Purchase.order_id == order.id))
    found = [units(line) for line in lines]
    if order.delivered_at is None and arrived(found):
        order.delivered_at = now
    completed, was = order.completed_at is not None, order.status
    order.status = order_status(found, states, completed=completed)
    order.updated_at = now
    if was == "held" != order.status:
        session.execute(delete(Proposal).where(Proposal.order_id == order.id))


def tell(
    session: Session,
    order: Order,
    kind: str,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> None:
    """One more line of the order's timeline; `detail` must name no source, seller or cost, and hold
    nobody's own words, which may name a person: of timelines and events nothing is erased."""
    session.add(OrderEvent(**_line(order, kind, now, detail)))
    events.of_order(session, order, kind, now, detail)


def telling(order: Ordered, kind: str, now: datetime) -> list[Query]:
    """What `tell` writes, as statements."""
    return [
        insert(OrderEvent, [_line(order, kind, now, None)]),
        insert(Event, [events.order_row(order, kind, now, None)]),
    ]


def _line(
    order: Ordered, kind: str, now: datetime, detail: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "order_id": order.id,
        "party_id": order.party_id,
        "kind": kind,
        "detail": detail,
        "at": now,
    }
