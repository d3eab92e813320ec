"""Units that a source refused are bought elsewhere, or their line is held with a reason.

The leader goes on paying what was agreed: another source is taken only where it costs, delivered,
no more than the money still held for these units. A source that refused is not asked again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from kit import clock
from kit.db import Database
from kit.money import portion
from trade import buying, limits, plan_views, planning, pricing, recipients, supplies
from trade.desk import Desk
from trade.models import Order, OrderLine, OrderPlan, Purchase, PurchaseLine, Recipient
from trade.purchases import lines_of
from trade.routing import routing
from trade.routing.routing import Demand, Plan, Supply
from trade.states import restate, tell

BATCH = 100
TOO_DEAR = "no other source has it at the agreed price; cancel the line or ask your operator"


@dataclass(frozen=True)
class _Case:
    """A locked order with units to place, the freight money that waits for them, and the market."""

    order: Order
    lines: dict[int, OrderLine]
    refused: Sequence[Purchase]
    market: Sequence[Supply]
    region: str


def waiting(session: Session, *, held: bool = False, limit: int = BATCH) -> list[int]:
    """Orders with units that no purchase holds; `held` ones only when asked for."""
    found = select(OrderLine.order_id).where(OrderLine.unrouted > 0).distinct()
    if not held:
        found = found.where(OrderLine.held_reason.is_(None))
    return list(session.scalars(found.order_by(OrderLine.order_id).limit(limit)))


def drain(db: Database, desk: Desk, until: datetime, *, held: bool = False) -> int:
    """Re-route every waiting order, each in one transaction; returns how many were looked at.

    With `held`, lines that are held are tried once more as well.
    """
    done: set[int] = set()
    while clock.now() < until:
        with db.as_system() as session:
            found = waiting(session, held=held, limit=BATCH + len(done))
        fresh = [order_id for order_id in found if order_id not in done]
        if not fresh:
            break
        for order_id in fresh:
            with db.as_system() as session:
                reroute(session, desk, order_id, clock.now())
            done.add(order_id)
    return len(done)


def reroute(session: Session, desk: Desk, order_id: int, now: datetime) -> None:
    """Buy an order's unrouted units from other offers, or hold their lines with a reason."""
    case = _case(session, desk, order_id, now)
    if not case.lines:
        return
    demands = [Demand(n, line.sku_id, line.unrouted) for n, line in case.lines.items()]
    whole = routing.route(demands, case.market, case.region, now)
    served = [demand for demand in demands if demand.key not in whole.unsellable]
    for key, code in whole.unsellable.items():
        case.lines[key].held_reason = planning.MESSAGES[code]
    if served and _affordable(case, whole):
        _buy(session, case, whole, now)
    else:
        for demand in served:
            alone = routing.route([demand], case.market, case.region, now)
            if _affordable(case, alone):
                _buy(session, case, alone, now)
            else:
                case.lines[demand.key].held_reason = TOO_DEAR
    restate(session, case.order, now)
    if case.order.status == "held":
        tell(session, case.order, "held", now)


def _case(session: Session, desk: Desk, order_id: int, now: datetime) -> _Case:
    order = session.get_one(Order, order_id, with_for_update=True, populate_existing=True)
    lines = session.scalars(
        select(OrderLine)
        .where(OrderLine.order_id == order_id, OrderLine.unrouted > 0)
        .order_by(OrderLine.line)
        .execution_options(populate_existing=True)
    ).all()
    refused = session.scalars(
        select(Purchase)
        .where(Purchase.order_id == order_id, Purchase.state == "refused")
        .order_by(Purchase.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    declined = session.scalars(
        select(PurchaseLine.offer_id).where(
            PurchaseLine.order_line_id.in_([line.id for line in lines]), PurchaseLine.cancelled > 0
        )
    )
    region = session.get_one(Recipient, order.recipient_id).region
    market = supplies.load(session, desk, [line.sku_id for line in lines], region, lock=True)
    usable = routing.without(_allowed(session, desk, order, market, now), set(declined))
    return _Case(order, {line.line: line for line in lines}, refused, usable, region)


def _allowed(
    session: Session, desk: Desk, order: Order, market: Sequence[Supply], now: datetime
) -> list[Supply]:
    """The market with what brands allow the leader to have and this recipient to get."""
    to = session.get_one(Recipient, order.recipient_id)
    granted = pricing.leader(session, desk, order.party_id, now).grants
    known: tuple[bytes, ...] = (to.mobile_hash,)
    if desk.keyring.previous:  # others may be kept under another key's hash still
        opened = recipients.reveal(session, desk.keyring, to.id, None, "count what was ordered")
        known = limits.keyed(desk.keyring, opened.mobile)
    asks = limits.Asking(order.party_id, granted, to.region, known, order.id)
    return limits.applied(session, market, asks, now, lock=True)


def _affordable(case: _Case, plan: Plan) -> bool:
    """Whether the money held for these units, and the refused freight, covers the landed cost."""
    landed = sum(purchase.landed for purchase in plan.purchases)
    goods = sum(
        _held(case.lines[take.key], take.units)
        for purchase in plan.purchases
        for take in purchase.takes
    )
    return landed <= goods + sum(purchase.freight_price for purchase in case.refused)


def _held(line: OrderLine, units: int) -> int:
    return portion(line.amount, line.shipped + line.cancelled, units, line.quantity)


def _buy(session: Session, case: _Case, plan: Plan, now: datetime) -> None:
    for purchase in plan.purchases:
        for take in purchase.takes:
            line = case.lines[take.key]
            line.unrouted -= take.units
            line.held_reason = None
    last = not any(line.unrouted for line in case.lines.values())
    freights = _freights(session, case, plan, last=last)
    ids = {number: line.id for number, line in case.lines.items()}
    buying.buy(session, case.order, plan.purchases, freights, ids, now)
    session.add(OrderPlan(order_id=case.order.id, plan=plan_views.record(plan), at=now))
    tell(session, case.order, "rerouted", now)


def _freights(session: Session, case: _Case, plan: Plan, *, last: bool) -> list[int]:
    """Move freight money from refused purchases to the new ones; the `last` ones take all of it."""
    begun = {
        purchase_id
        for purchase_id, lines in lines_of(session, [p.id for p in case.refused]).items()
        if any(line.shipped for line in lines)
    }
    givers = [purchase for purchase in case.refused if purchase.id not in begun]
    money = sum(purchase.freight_price for purchase in givers)
    freights = []
    for purchase in plan.purchases:
        freights.append(min(purchase.freight, money))
        money -= freights[-1]
    if last:
        freights[-1] += money
    rest = 0 if last else money
    for giver in givers:
        giver.freight_price = min(giver.freight_price, rest)
        rest -= giver.freight_price
    return freights
