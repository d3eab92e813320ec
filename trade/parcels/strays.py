"""Goods that left although their source had taken them back.

Their leader was paid back, or has them from another source, and pays nothing for them. Their parcel
is watched like any other, and carries none of the order's units. A person decides what becomes of
the money: the house owes it to their source, or their source asks nothing.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from connectors.trading import Part, SourceParcel
from kit.errors import Problem
from kit.ids import outside
from kit.money import portion, split
from trade import books
from trade.models import Order, Parcel, Purchase, PurchaseLine, Stray
from trade.parcels import leaves, shipping
from trade.parcels.leaves import Known
from trade.parcels.shipping import Shipment
from trade.purchases import Locked, Supplier, lock, locked
from trade.refusal import order_line
from trade.states import GONE, tell

OPEN = ("open", "stopping")


def told(
    session: Session, found: Locked, parts: Sequence[Part], known: Sequence[Known], now: datetime
) -> None:
    """Write down what of the cancelled units of a locked purchase is in parcels of these leaves,
    whose numbers are as they are printed. Again finds nothing new."""
    before = _units(session, found)
    for told_parcel, units in leaves.astray(found.lines, parts, known, before):
        if waybill := _waybill(found, told_parcel):
            left(session, found, *waybill, units, now)


def moved(
    session: Session, found: Locked, parts: Sequence[Part], known: Sequence[Known], now: datetime
) -> bool:
    """Parcels with nothing but cancelled units go by other numbers in these leaves; whether any
    was written down anew."""
    renumbered = False
    for told_parcel, was in leaves.moved(found.lines, parts, known):
        parcel, waybill = shipping.written(session, found, was), _waybill(found, told_parcel)
        if parcel is not None and waybill is not None:
            shipping.renumber(session, found, parcel, *waybill, now)
            renumbered = True
    return renumbered


def _waybill(found: Locked, told_parcel: SourceParcel) -> tuple[str, str] | None:
    """Carrier and number; None where it cannot be one, which an operator is told."""
    try:
        return shipping.waybill(told_parcel.carrier, told_parcel.tracking_number, trusted=True)
    except Problem as problem:
        found.purchase.failure = problem.detail
        return None


def by_number(session: Session, found: Locked) -> dict[str, dict[int, int]]:
    """Cancelled units that left all the same, by the number of their parcel and line number."""
    if not any(line.cancelled for line in found.lines.values()):
        return {}
    session.flush()
    rows = session.execute(
        select(Parcel.tracking_number, PurchaseLine.line, Stray.quantity)
        .join(PurchaseLine, PurchaseLine.id == Stray.purchase_line_id)
        .join(Parcel, Parcel.id == Stray.parcel_id)
        .where(Stray.purchase_id == found.purchase.id)
    )
    units: dict[str, dict[int, int]] = {}
    for number, line, quantity in rows:
        own = units.setdefault(number, {})
        own[line] = own.get(line, 0) + quantity
    return units


def left(
    session: Session,
    found: Locked,
    carrier: str,
    number: str,
    units: Mapping[int, int],
    now: datetime,
) -> None:
    """So many cancelled units by line number of a locked purchase left all the same."""
    parcel = shipping.written(session, found, number)
    parcel = parcel or shipping.new_parcel(session, found, carrier, number, now)
    before = _units(session, found)
    freight = 0 if before or _any_left(found) else found.purchase.freight_cost
    lines = [line for n, line in found.lines.items() if n in units]
    costs = [
        portion(line.cost, line.shipped + before.get(line.line, 0), units[line.line], line.quantity)
        for line in lines
    ]
    fees = [freight] + [0] * (len(lines) - 1)
    for line, cost, fee in zip(lines, costs, fees, strict=True):
        session.add(
            Stray(
                order_id=found.order.id,
                purchase_id=found.purchase.id,
                purchase_line_id=line.id,
                parcel_id=parcel.id,
                quantity=units[line.line],
                cost=cost + fee,
                found_at=now,
            )
        )
    goods = [
        {"sku": outside("sku", order_line(session, line).sku_id), "quantity": units[line.line]}
        for line in lines
    ]
    detail = {"carrier": parcel.carrier, "tracking_number": parcel.tracking_number}
    tell(session, found.order, "left_anyway", now, detail | {"lines": goods})
    found.order.updated_at = now


def at_door(session: Session, supplier: Supplier, shipment: Shipment, now: datetime) -> None:
    """A supplier tells of a parcel of a purchase that it had refused, or given back: what is in it
    left all the same. Again changes nothing. Raises Problem 404, 422."""
    carrier, number = shipping.waybill(shipment.carrier, shipment.tracking_number)
    found = locked(session, supplier, shipment.purchase)
    if found.purchase.state not in GONE or shipping.written(session, found, number) is not None:
        return
    before, said = _units(session, found), shipment.lines
    units = {
        number: min(there, said.get(number, 0) if said else there)
        for number, line in found.lines.items()
        if (there := line.cancelled - before.get(number, 0))
    }
    if any(units.values()):
        left(session, found, carrier, number, {n: took for n, took in units.items() if took}, now)


def stop(session: Session, purchase_id: int, now: datetime) -> None:
    """Somebody asked their carrier or source to stop them. Raises Problem 404, 409."""
    _, rows = _open(session, purchase_id)
    for row in rows:
        row.state = "stopping"


def owe(session: Session, purchase_id: int, amount: int | None, now: datetime) -> None:
    """Their source keeps the money: the house owes it `amount` fen, or what was agreed for them.
    Raises Problem 404, 409 `wrong_state`."""
    (order, purchase), rows = _open(session, purchase_id)
    costs = [row.cost for row in rows]
    whole = sum(costs) if amount is None else amount
    shares = split(whole, costs if any(costs) else [1] * len(rows))
    for row, owed in zip(rows, shares, strict=True):
        row.cost = owed
        books.owe_stray(session, order, purchase.source, row.id, owed)
    _decided(rows, "owed", now)


def settle(session: Session, purchase_id: int, now: datetime) -> None:
    """They came back, or their source asks nothing for them. Raises Problem 404, 409."""
    _, rows = _open(session, purchase_id)
    _decided(rows, "settled", now)


def _decided(rows: Collection[Stray], state: str, now: datetime) -> None:
    for row in rows:
        row.state, row.decided_at = state, now


def _open(session: Session, purchase_id: int) -> tuple[tuple[Order, Purchase], Sequence[Stray]]:
    order_id = session.scalar(select(Purchase.order_id).where(Purchase.id == purchase_id))
    if order_id is None:
        raise Problem(404, "not_found", "there is no such purchase")
    held = lock(session, order_id, purchase_id)
    rows = session.scalars(
        select(Stray)
        .where(Stray.purchase_id == purchase_id, Stray.state.in_(OPEN))
        .order_by(Stray.id)
        .execution_options(populate_existing=True)
    ).all()
    if not rows:
        raise Problem(409, "wrong_state", "nothing of it waits for a decision any more")
    return (held.order, held.purchase), rows


def _units(session: Session, found: Locked) -> dict[int, int]:
    """Units that were found before, by line number."""
    units = Counter[int]()
    for inside in by_number(session, found).values():
        units.update(inside)
    return units


def _any_left(found: Locked) -> bool:
    return any(line.shipped for line in found.lines.values())
