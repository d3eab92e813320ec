"""Units of lines are cancelled, and the others kept: which of them, and where they are."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from catalog.matching.redirects import among
from kit.errors import Problem, invalid
from kit.ids import inside
from trade import address_requests, following
from trade.models import Order, OrderLine, Purchase, PurchaseLine
from trade.purchases import lines_of
from trade.refusal import cancel_rest, cancel_some, open_units
from trade.states import OPEN, UNKNOWN_TO_SUPPLIER, move

Left = dict[int, int]
"""Order line → how many of its units are still to be cancelled."""


def left_to_cancel(session: Session, lines: Sequence[OrderLine], units: Mapping[str, int]) -> Left:
    """What is still to be cancelled of lines: of the SKUs in `units` so many in all, of the others
    everything. Raises Problem 422 where more is meant than was ordered, 409 `too_late` where too
    much has left."""
    named = {inside("sku", sku): sku for sku in units}
    meant = among(session, set(named), {line.bundle_sku or line.sku_id for line in lines})
    left = {line.id: line.quantity - line.shipped - line.cancelled for line in lines}
    for sku, name in named.items():
        own = [line for line in lines if (line.bundle_sku or line.sku_id) == meant[sku]]
        bundles: dict[int, list[OrderLine]] = {}
        for line in own:
            bundles.setdefault(line.bundle_line or line.line, []).append(line)
        firsts = [parts[0] for parts in bundles.values()]
        ordered = sum(_whole(line, line.quantity - line.replaced) for line in firsts)
        if units[name] > ordered:
            told = f"{name}: {units[name]} is more than the {ordered} that were ordered"
            raise invalid("lines", told, "too_many")
        more = units[name] - sum(_whole(line, line.cancelled - line.replaced) for line in firsts)
        for parts in bundles.values():
            taken = max(0, min(more, *(_whole(line, left[line.id]) for line in parts)))
            left |= {line.id: taken * (line.bundle_units or 1) for line in parts}
            more -= taken
        if more > 0:
            told = f"{name}: {more} of these have been shipped; open a claim to send them back"
            raise Problem(409, "too_late", told)
    return left


def _whole(line: OrderLine, units: int) -> int:
    """Units of a part as bundles."""
    return units // (line.bundle_units or 1)


def cancel(
    session: Session,
    order: Order,
    left: Left,
    purchases: Collection[Purchase],
    reason: str,
    now: datetime,
) -> bool:
    """Cancel these units in the purchases of a locked order: first those that no sender knows of,
    then those whose sender has no others in the purchase and is asked; returns whether one is asked
    anew. Raises Problem 409 `shared_purchase`."""
    open_now = [one for one in purchases if one.state in OPEN]
    lines = lines_of(session, [one.id for one in open_now])
    served = {one.id: open_units(lines[one.id]) for one in open_now}
    for purchase in open_now:
        if purchase.cancel_reason is not None:  # its sender is asked for them already
            _take(left, served[purchase.id])
    for purchase in open_now:
        if purchase.state == "ready":
            _from_ready(session, order, purchase, served[purchase.id], left, reason, now)
    anew = False
    for purchase in open_now:
        had = served[purchase.id]
        unasked = purchase.state != "ready" and purchase.cancel_reason is None
        if unasked and purchase.state in OPEN and had and _covers(left, had):
            _take(left, had)
            _ask(session, purchase, reason, now)
            anew = True
    if any(left.values()):
        raise _shared()
    return anew


def _ask(session: Session, purchase: Purchase, reason: str, now: datetime) -> None:
    """Ask the sender of a locked purchase to give it back."""
    purchase.cancel_reason, purchase.unwanted = reason, True
    purchase.updated_at = now
    if purchase.state not in UNKNOWN_TO_SUPPLIER:
        following.ask_back(session, purchase, now)


def _withdraw(
    session: Session,
    order: Order,
    purchase: Purchase,
    lines: Collection[PurchaseLine],
    reason: str,
    now: datetime,
) -> None:
    """Cancel a locked purchase that no sender knows of."""
    move(session, purchase, "cancel", now, {"reason": reason})
    cancel_rest(session, order, purchase, lines)
    address_requests.over(session, order, purchase, "withdrawn", now)


def _shared() -> Problem:
    """Units cannot be kept from a parcel that a sender has with others in it."""
    return Problem(
        409,
        "shared_purchase",
        "the sender has this in one parcel with goods that you keep; cancel the whole order, or"
        " send it back when it has come",
    )


def _from_ready(
    session: Session,
    order: Order,
    purchase: Purchase,
    had: Sequence[tuple[PurchaseLine, int]],
    left: Left,
    reason: str,
    now: datetime,
) -> None:
    gone = [(line, min(units, left.get(line.order_line_id, 0))) for line, units in had]
    for line, taken in gone:
        left[line.order_line_id] = left.get(line.order_line_id, 0) - taken
    if gone == list(had):
        _withdraw(session, order, purchase, [line for line, _ in had], reason, now)
    elif any(taken for _, taken in gone):
        cancel_some(session, order, [(line, taken) for line, taken in gone if taken])
        purchase.updated_at = now


def _covers(left: Left, had: Collection[tuple[PurchaseLine, int]]) -> bool:
    """Whether all of these are to be cancelled."""
    need: Left = {}
    for line, units in had:
        need[line.order_line_id] = need.get(line.order_line_id, 0) + units
    return all(left.get(line_id, 0) >= units for line_id, units in need.items())


def _take(left: Left, had: Collection[tuple[PurchaseLine, int]]) -> None:
    for line, units in had:
        left[line.order_line_id] = max(0, left.get(line.order_line_id, 0) - units)
