"""Units that a source refused are bought elsewhere, or their line is held with a reason.

The leader goes on paying what was agreed: another source is taken only where it costs, delivered,
no more than the money still held for these units. A source that refused is not asked again.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from kit import clock
from kit.db import Database
from kit.money import yuan
from trade import (
    books,
    buying,
    cancelling,
    dearer,
    hearing,
    plan_views,
    proposals,
    remaining,
    unserved,
)
from trade.asking import Platforms
from trade.desk import Desk
from trade.models import Order, OrderLine, OrderPlan, Purchase
from trade.routing import routing
from trade.routing.routing import Plan
from trade.states import restate, tell
from trade.unserved import Case

BATCH = 100


def waiting(session: Session, *, held: bool = False, limit: int = BATCH) -> list[int]:
    """Orders with units that no purchase holds; `held` ones only when asked for."""
    found = select(OrderLine.order_id).where(OrderLine.unrouted > 0).distinct()
    if not held:
        found = found.where(OrderLine.held_reason.is_(None))
    return list(session.scalars(found.order_by(OrderLine.order_id).limit(limit)))


def drain(
    db: Database,
    desk: Desk,
    until: datetime,
    *,
    held: bool = False,
    platforms: Platforms | None = None,
) -> int:
    """Re-route every waiting order; returns how many were looked at.

    With `held`, lines that are held are tried once more as well. Before anything is held that
    `platforms` could say more of, they are asked.
    """
    done: set[int] = set()
    while clock.now() < until:
        with db.as_system() as session:
            found = waiting(session, held=held, limit=BATCH + len(done))
        fresh = [order_id for order_id in found if order_id not in done]
        if not fresh:
            break
        for order_id in fresh:
            _look(db, desk, order_id, platforms if desk.asks else None)
            done.add(order_id)
    return len(done)


def _look(db: Database, desk: Desk, order_id: int, platforms: Platforms | None) -> None:
    """Re-route one order in one transaction: of the first nothing stays where platforms are asked,
    so that nobody is told what is known better a moment later."""
    with db.as_system() as session:
        reroute(session, desk, order_id, clock.now())
        ways = hearing.unheard(session, desk, order_id) if platforms else []
        if ways:
            session.rollback()
    if platforms is not None and ways:
        hearing.ask_about(platforms, order_id, ways)
        with db.as_system() as session:
            reroute(session, desk, order_id, clock.now())


def reroute(session: Session, desk: Desk, order_id: int, now: datetime) -> None:
    """Buy an order's unrouted units from other offers, or hold their lines with a reason and
    propose something else. Where nothing has changed nothing is written.

    Units whose source became dearer go by their leader's own rule.
    """
    order = session.get_one(Order, order_id, with_for_update=True, populate_existing=True)
    lines = session.scalars(
        select(OrderLine)
        .where(OrderLine.order_id == order_id, OrderLine.unrouted > 0)
        .order_by(OrderLine.line)
        .execution_options(populate_existing=True)
    ).all()
    before = _waiting(order, lines)
    ruled: dict[str, Any] = {}
    for some in _apart(lines):
        case = unserved.load(session, desk, order, some, now)
        kept = _by_rule(session, case, now)
        _elsewhere(session, case, [key for key in case.lines if key not in kept], now)
        held = [key for key, line in case.lines.items() if line.unrouted]
        ruled = ruled or case.detail(case.by_rule(held)) or {}
    proposed = proposals.renew(session, desk, order, now)
    after = _waiting(order, lines)
    if not proposed and after == before:
        return
    restate(session, order, now)
    if order.status == "held":
        tell(session, order, "held", now, ruled | proposals.deadline(session, order))


def _waiting(order: Order, lines: Iterable[OrderLine]) -> list[Any]:
    """What tells whether anything was done."""
    return [order.repriced, *((line.unrouted, line.held_reason) for line in lines)]


def _apart(lines: Iterable[OrderLine]) -> list[dict[int, OrderLine]]:
    """The lines by number, in parts that ask for a SKU once: a line may have taken the place of
    some units of another one of the same SKU."""
    parts: list[dict[int, OrderLine]] = []
    for line in lines:
        fits = (x for x in parts if line.sku_id not in {one.sku_id for one in x.values()})
        part = next(fits, None)
        if part is None:
            part = {}
            parts.append(part)
        part[line.line] = line
    return parts


def _by_rule(session: Session, case: Case, now: datetime) -> set[int]:
    """Buy what was refused for its price and may be bought again of the same offers; of the rest,
    what the rule keeps from other sources: held, or cancelled."""
    mine = case.by_rule(case.lines)
    charge = dearer.left(session, case.order, case.rule) if mine else 0
    back = case.dear.back((case.lines[key] for key in mine), case.market)
    for keys in (mine, *([key] for key in mine)):
        asked = [key for key in keys if case.lines[key].unrouted]
        plan = routing.route([case.demand(key) for key in asked], back, case.region, now)
        if not asked or plan.unsellable:
            continue
        rises = case.dear.rises(plan, case.lines)
        if rises is None:
            continue
        freight = case.freight_rise(plan, rises)
        absorbed = {key: max(rise, 0) for key, rise in rises.items()}
        more = sum(absorbed.values()) + freight
        if more > charge:
            continue
        for key, rise in absorbed.items():
            row = case.dear.rows[case.lines[key].id]
            dearer.absorb(session, case.order, case.lines[key], row, rise)
        _buy(session, case, plan, now, absorbed, freight)
        charge -= more
    rest = [key for key in mine if case.lines[key].unrouted]
    if not rest or case.rule.then == "reroute":
        return set()
    if case.rule.then == "cancel":
        _cancel(session, case, [key for key in rest if case.lines[key].bundle_sku is None], now)
    held = [key for key in rest if case.lines[key].unrouted]
    if any(case.lines[key].held_reason != dearer.HELD for key in held):
        dearer.record(session, case.order, case.rule, "held", case.known(held), now)
    for key in held:
        case.lines[key].held_reason = dearer.HELD
    return set(rest)


def _cancel(session: Session, case: Case, keys: Sequence[int], now: datetime) -> None:
    """Cancel what waits of these lines, and pay it back."""
    if keys:
        dearer.record(session, case.order, case.rule, "cancelled", case.known(keys), now)
        lines = [case.lines[key] for key in keys]
        cancelling.cancel_unrouted(session, case.order, lines, case.refused)
        for _, row, _ in case.known(keys):
            row.refused_at = None
        tell(session, case.order, "cancelled", now, case.detail(keys))


def _elsewhere(session: Session, case: Case, keys: Sequence[int], now: datetime) -> None:
    """Buy these lines of offers that have not refused them, or hold them."""
    demands = [case.demand(key) for key in keys if case.lines[key].unrouted]
    market = routing.without(case.market, set(case.declined))
    whole = routing.route(demands, market, case.region, now)
    served = [demand for demand in demands if demand.key not in whole.unsellable]
    for key, code in whole.unsellable.items():
        case.lines[key].held_reason = case.reason(key, code)
    if served and case.fault(whole, now) is None:
        _buy(session, case, whole, now)
        return
    for demand in served:
        alone = routing.route([demand], market, case.region, now)
        if fault := case.fault(alone, now):
            case.lines[demand.key].held_reason = fault
        else:
            _buy(session, case, alone, now)


def _buy(
    session: Session,
    case: Case,
    plan: Plan,
    now: datetime,
    absorbed: Mapping[int, int] | None = None,
    freight: int = 0,
) -> None:
    """Write the planned purchases; `absorbed` are fen by line that were charged for them, `freight`
    fen are now for the transport."""
    ruled = case.by_rule({take.key: None for buy in plan.purchases for take in buy.takes})
    for purchase in plan.purchases:
        for take in purchase.takes:
            line = case.lines[take.key]
            line.unrouted -= take.units
            line.held_reason = None
    session.flush()
    waits = select(OrderLine.id).where(OrderLine.order_id == case.order.id, OrderLine.unrouted > 0)
    last = session.scalar(waits.limit(1)) is None
    freights = _freights(session, case, plan, last=last)
    ids = {number: line.id for number, line in case.lines.items()}
    bought = buying.buy(session, case.order, plan.purchases, freights, ids, now)
    _absorb_freight(session, case, plan, bought, freights, freight)
    if not ruled:
        session.add(OrderPlan(order_id=case.order.id, plan=plan_views.record(plan), at=now))
        tell(session, case.order, "rerouted", now)
        return
    fen = {key: (absorbed or {}).get(key, 0) for key in ruled}
    known = [(line, row, fen[line.line]) for line, row, _ in case.known(ruled)]
    dearer.record(session, case.order, case.rule, "bought", known, now, plan_views.record(plan))
    for _, row, _ in known:
        row.refused_at = None
    charged = sum(fen.values()) + freight
    more = {"amount": yuan(charged)} if charged else {}
    kind = "absorbed" if more else "rerouted"
    tell(session, case.order, kind, now, (case.detail(ruled) or {}) | more)


def _absorb_freight(
    session: Session,
    case: Case,
    plan: Plan,
    bought: Sequence[int],
    freights: Sequence[int],
    amount: int,
) -> None:
    """The leader pays `amount` fen of freight that nothing is held for, purchase by purchase."""
    for purchase_id, planned, paid in zip(bought, plan.purchases, freights, strict=True):
        part = min(amount, max(planned.freight - paid, 0))
        amount -= part
        if part:
            purchase = session.get_one(Purchase, purchase_id)
            books.absorb_freight(session, case.order, purchase, part)


def _freights(session: Session, case: Case, plan: Plan, *, last: bool) -> list[int]:
    """Move freight money from refused purchases to the new ones; the `last` ones take all of it."""
    givers = remaining.givers(session, case.refused)
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
