"""The supplier's door: see purchases, accept, refuse, ship. Every act may safely be repeated.

A supplier is known by its source. Acts run in system scope, because shipping moves a leader's
money; each filters by source itself, and locks the order, then its purchases, then balances.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog import stock
from connectors.model import ShipTo
from kit.errors import Problem
from kit.ids import inside, outside
from kit.money import price_text
from trade import address_requests, recipients
from trade.buying import reservation
from trade.desk import Desk
from trade.models import AddressRequest, Order, Purchase, PurchaseLine
from trade.paging import changed
from trade.refusal import refuse_rest
from trade.states import OPEN, UNKNOWN_TO_SUPPLIER, move, restate


@dataclass(frozen=True)
class Supplier:
    """Who stands at the door: the party behind a source, or None for the operator."""

    source: str
    party_id: int | None = None


@dataclass(frozen=True)
class Locked:
    """An order and one purchase of it, both locked, with the purchase's lines by number."""

    order: Order
    purchase: Purchase
    lines: dict[int, PurchaseLine]


def page(
    session: Session,
    desk: Desk,
    supplier: Supplier,
    *,
    status: str | None = None,
    updated_after: datetime | None = None,
    limit: int = 50,
    after: tuple[datetime, int] | None = None,
) -> tuple[list[dict[str, Any]], tuple[datetime, int] | None]:
    """Purchases that the supplier may know of, from the oldest change on.

    Those that are still to be sent show their recipients in clear; each opening is logged.
    Returns the views and where the next page starts, or None at the end.
    """
    found = select(Purchase).where(
        Purchase.source == supplier.source, Purchase.state.not_in(UNKNOWN_TO_SUPPLIER)
    )
    if status is not None:
        found = found.where(Purchase.state == status)
    shown, following = changed(
        session,
        found,
        Purchase.updated_at,
        Purchase.id,
        limit=limit,
        after=after,
        updated_after=updated_after,
    )
    lines = lines_of(session, [row.id for row in shown])
    asked = address_requests.at_door(session, [row.id for row in shown])
    to_send = {row.recipient_id for row in shown if row.state in OPEN}
    to_send |= {request.recipient_id for request in asked.values()}
    clear = recipients.reveal_many(session, desk.keyring, to_send, supplier.party_id, "ship")
    views = [
        view(
            row,
            lines[row.id],
            clear.get(row.recipient_id) if row.state in OPEN else None,
            _asked(asked.get(row.id), clear),
        )
        for row in shown
    ]
    return views, following


def get(session: Session, desk: Desk, supplier: Supplier, purchase: str) -> dict[str, Any]:
    """One purchase with its recipient in clear; without one who is sealed by age or erased, or to
    whom this supplier sends nothing. The opening is logged. Raises Problem 404."""
    row = session.get(Purchase, inside("pur", purchase))
    if row is None or row.source != supplier.source or row.state in UNKNOWN_TO_SUPPLIER:
        raise _unknown(purchase)
    request = address_requests.at_door(session, [row.id]).get(row.id)
    to = {request.recipient_id} if request else set()
    if row.state not in ("refused", "cancelled"):
        to.add(row.recipient_id)
    clear = recipients.reveal_many(session, desk.keyring, to, supplier.party_id, "ship")
    lines = lines_of(session, [row.id])[row.id]
    return view(row, lines, clear.get(row.recipient_id), _asked(request, clear))


def summary(session: Session, supplier: Supplier, purchase: str) -> dict[str, Any]:
    """One purchase without its recipient. Raises Problem 404."""
    row = session.get(Purchase, inside("pur", purchase))
    if row is None or row.source != supplier.source or row.state in UNKNOWN_TO_SUPPLIER:
        raise _unknown(purchase)
    request = address_requests.at_door(session, [row.id]).get(row.id)
    return view(row, lines_of(session, [row.id])[row.id], None, _asked(request, {}))


def accept(session: Session, supplier: Supplier, purchase: str, now: datetime) -> None:
    """The supplier takes the purchase; again, or after shipping, changes nothing.

    Raises Problem 404, or 409 `wrong_state` when it was refused or cancelled.
    """
    found = known(session, supplier, purchase)
    if found.purchase.state in ("accepted", "partly_shipped", "shipped"):
        return
    take_over(session, found, now)


def take_over(session: Session, found: Locked, now: datetime) -> None:
    """Move a locked purchase to accepted: from now on its source counts it in its stock."""
    move(session, found.purchase, "accept", now)
    stock.known(session, [reservation(line.id) for line in found.lines.values()], now)
    restate(session, found.order, now)


def refuse(
    session: Session,
    supplier: Supplier,
    purchase: str,
    code: str,
    message: str,
    now: datetime,
) -> None:
    """The supplier will not send what is still open; units go back to routing, or are cancelled
    where the leader had asked for that. Again changes nothing.

    Raises Problem 404, or 409 `wrong_state` when all of it was shipped.
    """
    found = known(session, supplier, purchase)
    rest_is_off = found.purchase.state == "shipped" and any(
        line.cancelled for line in found.lines.values()
    )
    if found.purchase.state in ("refused", "cancelled") or rest_is_off:
        return
    refuse_rest(session, found.order, found.purchase, found.lines.values(), code, message, now)


def locked(session: Session, supplier: Supplier, purchase: str) -> Locked:
    """The purchase under its order's lock. Raises Problem 404."""
    purchase_id = inside("pur", purchase)
    order_id = session.scalar(
        select(Purchase.order_id).where(
            Purchase.id == purchase_id, Purchase.source == supplier.source
        )
    )
    if order_id is None:
        raise _unknown(purchase)
    return lock(session, order_id, purchase_id)


def known(session: Session, supplier: Supplier, purchase: str) -> Locked:
    """The same, of a purchase that its supplier may know of. Raises Problem 404."""
    found = locked(session, supplier, purchase)
    if found.purchase.state in UNKNOWN_TO_SUPPLIER:
        raise _unknown(purchase)
    return found


def lock(session: Session, order_id: int, purchase_id: int) -> Locked:
    """An order and one of its purchases, locked in this order and read afresh."""
    order = session.get_one(Order, order_id, with_for_update=True, populate_existing=True)
    row = session.get_one(Purchase, purchase_id, with_for_update=True, populate_existing=True)
    lines = session.scalars(
        select(PurchaseLine)
        .where(PurchaseLine.purchase_id == purchase_id)
        .execution_options(populate_existing=True)
    )
    return Locked(order, row, {line.line: line for line in lines})


def lines_of(session: Session, purchase_ids: Iterable[int]) -> dict[int, list[PurchaseLine]]:
    """The lines of each purchase, in order."""
    wanted = list(purchase_ids)
    found: dict[int, list[PurchaseLine]] = {purchase_id: [] for purchase_id in wanted}
    rows = session.scalars(
        select(PurchaseLine)
        .where(PurchaseLine.purchase_id.in_(wanted))
        .order_by(PurchaseLine.purchase_id, PurchaseLine.line)
    )
    for row in rows:
        found[row.purchase_id].append(row)
    return found


def view(
    purchase: Purchase,
    lines: Sequence[PurchaseLine],
    ship_to: ShipTo | None = None,
    address_change: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What a supplier sees of a purchase; `ship_to` only where an opening was logged, and
    `address_change` where another address is asked for."""
    return {
        "id": outside("pur", purchase.id),
        "reference": purchase.order_reference,
        "status": purchase.state,
        "cancel_asked": purchase.cancel_reason,
        "ship_by": purchase.ship_by,
        "ship_to": ship_to and vars(ship_to),
        "address_change": address_change,
        "note": purchase.note,
        "lines": [
            {
                "line": line.line,
                "external_id": line.external_id,
                "title": line.title,
                "spec": line.spec,
                "quantity": line.quantity,
                "shipped": line.shipped,
                "cancelled": line.cancelled,
                "cost": price_text(line.unit_cost),
            }
            for line in lines
        ],
        "updated_at": purchase.updated_at,
    }


def _asked(request: AddressRequest | None, clear: Mapping[int, ShipTo]) -> dict[str, Any] | None:
    return address_requests.asked(request, clear.get(request.recipient_id) if request else None)


def _unknown(purchase: str) -> Problem:
    return Problem(404, "not_found", f"there is no purchase {purchase!r} for you")
