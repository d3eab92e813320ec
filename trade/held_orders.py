"""What becomes of held units: bought at a new price, bought as other goods, or paid back; by their
leader, by an operator, or by the stated rule at the deadline.

Whoever acts holds the order's lock, so that of two who act at once the second finds nothing held.
What is bought anew is a line of its own: the held units count as cancelled on theirs, and as
replaced. All of it is one transaction. In system scope.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from kit.errors import FieldError, Problem, invalid
from kit.ids import inside, outside
from kit.money import yuan
from trade import books, buying, cancelling, plan_views, proposals, remaining
from trade.bundling import PLACES
from trade.desk import Desk
from trade.models import Order, OrderLine, OrderPlan, Proposal, Purchase
from trade.planning import Unsellable
from trade.proposals import Offered, Wish
from trade.states import restate, tell

Take = Literal["new_price", "substitute", "refund"]

_DUE = text("""
    SELECT o.id FROM proposals p JOIN orders o ON o.id = p.order_id
    WHERE p.deadline <= :now AND p.content ->> 'then' = 'refund'
    ORDER BY p.deadline, o.id LIMIT 1 FOR UPDATE OF o SKIP LOCKED
""")
_OUT_OF_STOCK = "套装中有商品缺货"
"""Why a bundle is given up, said to the suppliers of its other parts."""


@dataclass(frozen=True)
class Choice:
    """What a leader chooses for some held lines, by their numbers; None is all of them.

    `max_total` is the most that the order may cost then, in fen; `sku` the other goods.
    """

    take: Take
    lines: Sequence[int] | None = None
    sku: str | None = None
    max_total: int | None = None


def choose(
    session: Session, desk: Desk, party_id: int, order_id: int, choice: Choice, now: datetime
) -> None:
    """Do what the leader chooses about held units of an order.

    Raises Problem 404, 422 for a choice that says too little, 409 `wrong_state` where these lines
    are not held or may only be paid back, `not_orderable`, `price_changed` beyond `max_total`,
    `balance_short`, and for a bundle what `cancelling.cancel` raises; then nothing may be
    committed.
    """
    order = session.get(Order, order_id, with_for_update=True, populate_existing=True)
    if order is None or order.party_id != party_id:
        raise Problem(404, "not_found", "there is no such order")
    lines = _chosen(proposals.held_lines(session, order), choice.lines)
    if choice.take == "refund":
        _give_back(session, order, lines, now, by="leader")
    else:
        _buy_anew(session, desk, order, lines, choice, now)
        restate(session, order, now)
    proposals.renew(session, desk, order, now)


def refund(session: Session, desk: Desk, order_id: int, now: datetime) -> None:
    """An operator pays back all that is held of an order; what is bought stays, but for bundles:
    those go whole, and suppliers of their other parts are asked to take them back.

    Raises Problem 404, 409 `wrong_state`, and for a bundle what `cancelling.cancel` raises.
    """
    order = _locked(session, order_id)
    _give_back(session, order, _chosen(proposals.held_lines(session, order)), now, by="operator")
    proposals.renew(session, desk, order, now)


def extend(session: Session, desk: Desk, order_id: int, now: datetime) -> None:
    """The leader gets the whole time anew. Raises Problem 404, 409 `wrong_state`."""
    order = _locked(session, order_id)
    _chosen(proposals.held_lines(session, order))
    row = session.get(Proposal, order_id)
    if row is None:  # else it stands: what platforms said for it may be too old to be said again
        proposals.renew(session, desk, order, now)
        row = session.get_one(Proposal, order_id)
    row.deadline = now + timedelta(hours=desk.held.hours)
    restate(session, order, now)
    tell(session, order, "held", now, proposals.deadline(session, order))


def work_one(session: Session, now: datetime) -> bool:
    """Pay back the order whose deadline passed longest ago; False when there is none.

    One order a transaction: whoever holds its lock waits for no other.
    """
    found = session.execute(_DUE, {"now": now}).scalar_one_or_none()
    if found is None:
        return False
    order = _locked(session, found)
    row = session.get(Proposal, found, populate_existing=True)
    lines = proposals.held_lines(session, order)
    if row is None or not lines or row.deadline is None or row.deadline > now:
        return True  # somebody acted meanwhile
    try:
        with session.begin_nested():
            _give_back(session, order, lines, now, by="deadline")
    except Problem as problem:  # a bundle of which a part has left, or travels with other goods
        row.deadline = None
        restate(session, order, now)
        tell(session, order, "held", now, {"deadline": None, "why": problem.code})
    return True


def _locked(session: Session, order_id: int) -> Order:
    order = session.get(Order, order_id, with_for_update=True, populate_existing=True)
    if order is None:
        raise Problem(404, "not_found", "there is no such order")
    return order


def _chosen(held: Sequence[OrderLine], wanted: Sequence[int] | None = None) -> list[OrderLine]:
    """The held lines of these numbers; of a bundle's number its held parts."""
    if not held:
        raise Problem(409, "wrong_state", "no units of this order are held any more")
    if wanted is None:
        return list(held)
    numbers = {line.bundle_line or line.line for line in held}
    if missing := [number for number in wanted if number not in numbers]:
        raise Problem(
            409,
            "wrong_state",
            f"no units of line {missing[0]} are held; held are {sorted(numbers)}",
            errors=[FieldError("lines", "not_held", f"line {number}") for number in missing],
        )
    return [line for line in held if (line.bundle_line or line.line) in wanted]


def _give_back(
    session: Session, order: Order, lines: Sequence[OrderLine], now: datetime, *, by: str
) -> None:
    """Cancel the held units of these lines and pay them back; bundles go whole."""
    single = [line for line in lines if line.bundle_sku is None]
    bundles = {line.bundle_sku for line in lines if line.bundle_sku is not None}
    was = order.held
    if single:
        freed = cancelling.free_unrouted(session, order, single, remaining.refused(session, order))
        books.release(session, order, freed)
    if bundles:
        skus = [outside("sku", sku) for sku in sorted(bundles)]
        session.flush()  # what follows reads the order anew
        cancelling.cancel(session, order.party_id, order.id, _OUT_OF_STOCK, now, skus=skus)
    restate(session, order, now)
    tell(session, order, "held_refunded", now, {"amount": yuan(was - order.held), "by": by})


def _buy_anew(
    session: Session,
    desk: Desk,
    order: Order,
    lines: Sequence[OrderLine],
    choice: Choice,
    now: datetime,
) -> None:
    wishes = _wishes(session, order, lines, choice)
    refused = remaining.refused(session, order)
    facts = proposals.read(session, desk, order, [w.sku_id for w in wishes], now, lock=True)
    found = proposals.offered(facts, wishes, _spare(session, order, lines, refused))
    if not isinstance(found, Offered):
        raise _gone(found)
    total = order.total + found.more
    if choice.max_total is None or total > choice.max_total:
        raise _dearer(total, choice.max_total)
    retail = proposals.retail(facts, found) if choice.take == "substitute" else None
    if choice.take == "substitute" and retail is None:
        message = "its brand does not allow the line's retail price for it"
        raise Problem(409, "outside_corridor", message)
    prices = retail or {line.line: line.retail_price for line in lines}
    rows = _new_lines(session, order, wishes, found, prices)
    _pay(session, order, wishes, found, refused)
    session.add_all(rows)
    session.flush()
    plan = found.draft.plan
    ids = {row.replaces: row.id for row in rows if row.replaces is not None}
    freights = [purchase.freight for purchase in plan.purchases]
    buying.buy(session, order, plan.purchases, freights, ids, now)
    session.add(OrderPlan(order_id=order.id, plan=plan_views.record(plan), at=now))
    told = {"take": choice.take, "lines": sorted(row.line for row in rows)}
    tell(session, order, "proposal_accepted", now, told | {"total": yuan(order.total)})


def _wishes(
    session: Session, order: Order, lines: Sequence[OrderLine], choice: Choice
) -> list[Wish]:
    if any(proposals.fixed(order, line) for line in lines):
        raise Problem(
            409, "wrong_state", "a part of a bundle, or an order under a share, is only paid back"
        )
    if choice.max_total is None:
        raise invalid("max_total", "say the most that the order may cost then", "missing")
    if choice.take == "new_price":
        if len({line.sku_id for line in lines}) < len(lines):
            raise Problem(409, "wrong_state", "two of the lines are the same SKU: choose for each")
        return [Wish(line, line.sku_id) for line in lines]
    if choice.sku is None or len(lines) != 1:
        raise invalid("sku", "name the other SKU, and the one line whose place it takes", "missing")
    wanted = inside("sku", choice.sku)
    if wanted not in {one.id for one in proposals.alike(session, order, lines)}:
        raise invalid("sku", "it is no other SKU of the same product, pack and unit", "not_alike")
    return [Wish(lines[0], wanted)]


def _spare(
    session: Session, order: Order, lines: Sequence[OrderLine], refused: Sequence[Purchase]
) -> int:
    """Freight money of refused purchases, where no other units of the order wait for it."""
    rest = select(func.count()).where(
        OrderLine.order_id == order.id,
        OrderLine.unrouted > 0,
        OrderLine.id.not_in([line.id for line in lines]),
    )
    if session.scalar(rest):
        return 0
    return sum(purchase.freight_price for purchase in remaining.givers(session, refused))


def _new_lines(
    session: Session,
    order: Order,
    wishes: Sequence[Wish],
    found: Offered,
    retail: Mapping[int, Decimal | None],
) -> list[OrderLine]:
    """The lines that take the place of the held units, behind all others."""
    ids = buying.new_ids(session, order_lines=len(wishes))["order_lines"]
    last = session.scalar(
        select(func.max(OrderLine.line % PLACES)).where(OrderLine.order_id == order.id)
    )
    return [
        OrderLine(
            id=line_id,
            party_id=order.party_id,
            order_id=order.id,
            line=(last or 0) + place,
            sku_id=wish.sku_id,
            code=wish.resolved.code,
            quantity=wish.line.unrouted,
            unit_price=found.unit_price(wish),
            amount=found.amounts[wish.line.line],
            retail_price=retail[wish.line.line],
            unrouted=0,
            replaces=wish.line.line,
        )
        for place, (line_id, wish) in enumerate(zip(ids, wishes, strict=True), start=1)
    ]


def _pay(
    session: Session,
    order: Order,
    wishes: Sequence[Wish],
    found: Offered,
    refused: Sequence[Purchase],
) -> None:
    """What was held for these units is held for what takes their place, and what it costs more."""
    lines = [wish.line for wish in wishes]
    goods = sum(books.held_for(line, line.unrouted) for line in lines)
    for line in lines:
        line.replaced += line.unrouted
    freed = cancelling.free_unrouted(session, order, lines, refused)
    more = sum(found.amounts.values()) + found.draft.freight - freed
    order.freight += found.draft.freight - (freed - goods)
    books.agree(session, order, more)


def _gone(found: Sequence[Unsellable]) -> Problem:
    errors = [FieldError("lines", one.code, one.message) for one in found]
    return Problem(
        409, "not_orderable", "it cannot be bought any more; look at the order again", errors=errors
    )


def _dearer(total: int, agreed: int | None) -> Problem:
    message = f"now {yuan(total)}, agreed {yuan(agreed or 0)}"
    return Problem(
        409,
        "price_changed",
        "the order would cost more than you agreed to, so nothing was bought; look at it again",
        errors=[FieldError("max_total", "price_changed", message)],
    )
