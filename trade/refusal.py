"""Units that a source will not send go back to routing, or are cancelled and paid back."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog import stock
from kit.outbox import say
from trade import address_requests, books, dearer
from trade.buying import reservation
from trade.models import Order, OrderLine, Purchase, PurchaseLine
from trade.states import move, restate, tell

REROUTE = "orders.reroute"
"""The outbox topic that wakes the re-routing drain; its key is "all", or `HELD`."""
HELD = "held"
"""The key by which lines that wait for a person are tried once more as well."""
OUT_OF_STOCK = "out_of_stock"
"""The code with which a supplier at our own door says that the goods are not there."""
PRICE_CHANGED = "price_changed"
"""The same, that they cost more than the purchase says."""


def look_again(session: Session) -> None:
    """Have held units tried at once, after this commit: what kept them may be gone."""
    say(session, REROUTE, HELD)


def refuse_rest(
    session: Session,
    order: Order,
    purchase: Purchase,
    lines: Collection[PurchaseLine],
    code: str,
    message: str,
    now: datetime,
    *,
    short: bool = False,
    undelivered: bool = False,
    dearer_at: datetime | None = None,
) -> None:
    """The source declines every open unit of a locked purchase.

    Where the leader had asked to cancel, even if that was declined then, the refusal is the
    consent: the units are cancelled and their money released. Otherwise they wait, with their money
    held, for another source.
    `short`: for want of goods, whatever its code says; that counts against its stated stock.
    `undelivered`: for the address; at another address the source may take them.
    `dearer_at`: the source asked more than the purchase allows then, whatever its code says; the
    leader's own rule says what becomes of the units.
    """
    if code == PRICE_CHANGED:
        dearer_at = dearer_at or now
    detail: dict[str, Any] = {"code": code}
    if short or code == OUT_OF_STOCK:
        detail["short"] = True
    if undelivered:
        detail["undelivered"] = True
    if dearer_at is not None:
        detail["dearer"] = True
    unpaid_no_more(session, order, purchase, lines)
    if purchase.unwanted:
        move(session, purchase, "cancel", now, detail)
        purchase.cancel_reason = None
        cancel_rest(session, order, purchase, lines)
        tell(session, order, "cancelled", now)
    else:
        move(session, purchase, "refuse", now, detail)
        purchase.failure = message
        for line, units in open_units(lines):
            order_line(session, line).unrouted += units
            _close(session, line, units)
            if dearer_at is not None:
                dearer.note(session, line, dearer_at)
        say(session, REROUTE, "all")
        tell(session, order, "rerouting", now)
    address_requests.over(session, order, purchase, "withdrawn", now)
    restate(session, order, now)


def unpaid_no_more(
    session: Session, order: Order, purchase: Purchase, lines: Collection[PurchaseLine]
) -> None:
    """Nothing of a locked purchase is held at its source any more; what its leader paid because it
    was dearer comes back, where nothing has left."""
    purchase.held_since = purchase.held_word = None
    if not any(line.shipped for line in lines):
        purchase.overcharged = 0
        books.give_back_freight(session, order, purchase)


def refuse_units(
    session: Session,
    order: Order,
    purchase: Purchase,
    gone: Collection[tuple[PurchaseLine, int]],
    now: datetime,
) -> None:
    """The source has the purchase but for these open units of its lines: they wait for another
    source, or are cancelled where the leader had asked for that."""
    if purchase.unwanted:
        books.release(session, order, _cancelled(session, gone))
        tell(session, order, "cancelled", now)
        return
    for line, units in gone:
        order_line(session, line).unrouted += units
        _close(session, line, units)
    say(session, REROUTE, "all")
    tell(session, order, "rerouting", now)


def cancel_rest(
    session: Session,
    order: Order,
    purchase: Purchase,
    lines: Collection[PurchaseLine],
) -> None:
    """Cancel every open unit of a locked purchase and release its money."""
    freed = _cancelled(session, open_units(lines))
    if not any(line.shipped for line in lines):
        freed += purchase.freight_price
        purchase.freight_price = 0
    books.release(session, order, freed)


def cancel_some(session: Session, order: Order, gone: Collection[tuple[PurchaseLine, int]]) -> None:
    """Cancel these open units of lines of a locked purchase and release their money; what the
    parcel costs stays, as others travel in it."""
    books.release(session, order, _cancelled(session, gone))


def _cancelled(session: Session, gone: Collection[tuple[PurchaseLine, int]]) -> int:
    """Count these open units as cancelled; returns the fen that were held for them."""
    freed = 0
    for line, units in gone:
        freed += books.cancel_units(order_line(session, line), units)
        _close(session, line, units)
    return freed


def open_units(lines: Collection[PurchaseLine]) -> list[tuple[PurchaseLine, int]]:
    """Lines with units neither shipped nor cancelled, and how many."""
    left = [(line, line.quantity - line.shipped - line.cancelled) for line in lines]
    return [(line, units) for line, units in left if units]


def order_line(session: Session, line: PurchaseLine) -> OrderLine:
    """The order line that a purchase line serves, as it is now; its order must be locked."""
    return session.scalars(
        select(OrderLine)
        .where(OrderLine.id == line.order_line_id)
        .execution_options(populate_existing=True)
    ).one()


def _close(session: Session, line: PurchaseLine, units: int) -> None:
    line.cancelled += units
    stock.release(session, {reservation(line.id): units})
