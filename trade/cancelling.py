"""A leader cancels: what no supplier knows of at once, the rest when its supplier agrees."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.matching.redirects import among
from kit.errors import Problem, invalid
from kit.ids import inside, outside
from trade import books, cancelling_units, remaining
from trade.cancelling_units import Left
from trade.models import Order, OrderLine, Purchase
from trade.states import restate, tell


def cancel(
    session: Session,
    party_id: int,
    order_id: int,
    reason: str,
    now: datetime,
    *,
    skus: Collection[str] | None = None,
    units: Mapping[str, int] | None = None,
) -> None:
    """Cancel an order, or the lines of these SKUs, of those in `units` so many in all (what was
    cancelled or asked for before counts); asking again changes nothing.

    Units that wait for a source and purchases not yet submitted are cancelled and paid back at
    once. A submitted purchase is only asked for: its supplier agrees by refusing, or ships.
    Runs in system scope. Raises Problem 404, 409 `too_late` (all shipped), 409 `shared_purchase`
    (its sender has units together with others that are not cancelled), 422 for a SKU that was not
    ordered, or more of it than were.
    """
    order = session.get(Order, order_id, with_for_update=True, populate_existing=True)
    if order is None or order.party_id != party_id:
        raise Problem(404, "not_found", "there is no such order")
    lines = _lines(session, order, skus)
    if all(line.cancelled == line.quantity for line in lines):
        return
    if not units and all(line.shipped + line.cancelled == line.quantity for line in lines):
        raise Problem(409, "too_late", "all of it has been shipped; open a claim to send it back")
    before = sum(line.cancelled for line in lines)
    purchases = _purchases(session, order)
    left = cancelling_units.left_to_cancel(session, lines, units or {})
    books.release(session, order, free_unrouted(session, order, lines, purchases, left))
    asked = cancelling_units.cancel(session, order, left, purchases, reason, now)
    restate(session, order, now)
    if sum(line.cancelled for line in lines) > before:
        tell(session, order, "cancelled", now)
    if asked:
        tell(session, order, "cancel_asked", now)


def _lines(session: Session, order: Order, skus: Collection[str] | None) -> list[OrderLine]:
    lines = list(
        session.scalars(
            select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.line)
        )
    )
    if skus is None:
        return lines
    wanted = {inside("sku", sku) for sku in skus}
    ordered = {line.bundle_sku or line.sku_id for line in lines}  # a bundle goes whole
    known = among(session, wanted, ordered)
    if unknown := wanted - known.keys():
        names = ", ".join(outside("sku", sku) for sku in sorted(unknown))
        raise invalid("lines", f"{names} is not ordered", "not_ordered")
    return [line for line in lines if (line.bundle_sku or line.sku_id) in set(known.values())]


def _purchases(session: Session, order: Order) -> list[Purchase]:
    return list(
        session.scalars(
            select(Purchase)
            .where(Purchase.order_id == order.id)
            .order_by(Purchase.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def cancel_unrouted(
    session: Session, order: Order, lines: Collection[OrderLine], purchases: Collection[Purchase]
) -> None:
    """Cancel units that wait for a source, and release their money."""
    books.release(session, order, free_unrouted(session, order, lines, purchases))


def free_unrouted(
    session: Session,
    order: Order,
    lines: Collection[OrderLine],
    purchases: Collection[Purchase],
    left: Left | None = None,
) -> int:
    """Count units that wait for a source as cancelled, of `left` no more than it says, which then
    has the rest; returns the fen that were held for them. With the last of them goes what refused
    freight held."""
    freed = 0
    for line in lines:
        units = line.unrouted if left is None else min(line.unrouted, left[line.id])
        if left is not None:
            left[line.id] -= units
        line.unrouted -= units
        line.held_reason = line.held_reason if line.unrouted else None
        freed += books.cancel_units(line, units)
    session.flush()
    waiting = session.scalars(
        select(OrderLine.unrouted).where(OrderLine.order_id == order.id, OrderLine.unrouted > 0)
    )
    if not waiting.all():
        freed += refused_freight(session, purchases)
    return freed


def refused_freight(session: Session, purchases: Collection[Purchase]) -> int:
    """Take the freight that refused purchases still hold; returns the fen."""
    freed = 0
    for purchase in remaining.givers(session, purchases):
        freed += purchase.freight_price
        purchase.freight_price = 0
    return freed
