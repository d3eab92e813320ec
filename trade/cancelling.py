"""A leader cancels: what no supplier knows of at once, the rest when its supplier agrees."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.matching.redirects import among
from kit.errors import Problem, invalid
from kit.ids import inside, outside
from trade import address_requests, books, following, remaining
from trade.models import Order, OrderLine, Purchase
from trade.purchases import lines_of
from trade.refusal import cancel_lines, cancel_rest, open_units
from trade.states import OPEN, UNKNOWN_TO_SUPPLIER, move, restate, tell


def cancel(
    session: Session,
    party_id: int,
    order_id: int,
    reason: str,
    now: datetime,
    *,
    skus: Collection[str] | None = None,
) -> None:
    """Cancel an order, or the lines of these SKUs; asking again changes nothing.

    Units that wait for a source and purchases not yet submitted are cancelled and paid back at
    once. A submitted purchase is only asked for: its supplier agrees by refusing, or ships.
    Runs in system scope. Raises Problem 404, 409 `too_late` (all shipped), 409 `shared_purchase`
    (its sender has a line together with others that are not cancelled), 422 for a SKU that was not
    ordered.
    """
    order = session.get(Order, order_id, with_for_update=True, populate_existing=True)
    if order is None or order.party_id != party_id:
        raise Problem(404, "not_found", "there is no such order")
    lines = _lines(session, order, skus)
    if all(line.cancelled == line.quantity for line in lines):
        return
    if all(line.shipped + line.cancelled == line.quantity for line in lines):
        raise Problem(409, "too_late", "all of it has been shipped; open a claim to send it back")
    before = sum(line.cancelled for line in lines)
    purchases = _purchases(session, order)
    meant = {line.id for line in lines}
    asked = [
        _cancel_purchase(session, order, purchase, meant, reason, now)
        for purchase in purchases
        if purchase.state in OPEN and _serves(session, purchase, meant)
    ]
    cancel_unrouted(session, order, lines, purchases)
    restate(session, order, now)
    if sum(line.cancelled for line in lines) > before:
        tell(session, order, "cancelled", now)
    if any(asked):
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


def _serves(session: Session, purchase: Purchase, order_line_ids: set[int]) -> bool:
    lines = lines_of(session, [purchase.id])[purchase.id]
    return any(line.order_line_id in order_line_ids for line in lines)


def _cancel_purchase(
    session: Session,
    order: Order,
    purchase: Purchase,
    order_line_ids: set[int],
    reason: str,
    now: datetime,
) -> bool:
    """Cancel what is meant of a purchase, or ask its supplier; returns whether it is asked anew."""
    lines = lines_of(session, [purchase.id])[purchase.id]
    meant = [line for line in lines if line.order_line_id in order_line_ids]
    kept = open_units([line for line in lines if line not in meant])
    if kept and purchase.state != "ready":
        raise Problem(
            409,
            "shared_purchase",
            "the sender has this line in one parcel with lines that you keep; cancel the whole"
            " order, or send it back when it has come",
        )
    if kept:
        cancel_lines(session, order, meant)
        purchase.updated_at = now
    elif purchase.state == "ready":
        move(session, purchase, "cancel", now, {"reason": reason})
        cancel_rest(session, order, purchase, lines)
        address_requests.over(session, order, purchase, "withdrawn", now)
    elif purchase.cancel_reason is None:
        purchase.cancel_reason = reason
        purchase.updated_at = now
        if purchase.state not in UNKNOWN_TO_SUPPLIER:
            following.ask_back(session, purchase, now)
        return True
    return False


def cancel_unrouted(
    session: Session, order: Order, lines: Collection[OrderLine], purchases: Collection[Purchase]
) -> None:
    """Cancel units that wait for a source, and release their money."""
    books.release(session, order, free_unrouted(session, order, lines, purchases))


def free_unrouted(
    session: Session, order: Order, lines: Collection[OrderLine], purchases: Collection[Purchase]
) -> int:
    """Count units that wait for a source as cancelled; returns the fen that were held for them.
    With the last of them goes what refused freight held."""
    freed = 0
    for line in lines:
        units, line.unrouted, line.held_reason = line.unrouted, 0, None
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
