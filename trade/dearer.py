"""What becomes of units whose source asks more than was agreed: the rule of whoever ordered them.

hold     they wait until the source is back at the agreed cost
reroute  as hold, and another source serves them within the money held and the promise
absorb   as hold, and the leader pays what the source asks more, to the fen and up to a limit an
         order, out of her wallet
cancel   as hold for what is not dearer; the rest is cancelled and paid back

So nothing is ever bought at a worse price than she agreed to: in her order, or by the limit that
she set herself. The house's margin is neither raised nor lowered by what she absorbs. It is charged
on a line of which nothing has left, so that every unit of the line bears the same, and it is given
back when that source does not send the line after all. What a platform holds, and then asks more
for with its freight, goes by the same rule: see `trade.charging`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from kit.errors import invalid
from kit.money import line_amount, price_text, yuan
from trade import books, ledger, parties
from trade.models import DearerLine, Order, OrderLine, OrderPlan, Purchase, PurchaseLine
from trade.routing.routing import Plan, Supply

Then = Literal["hold", "reroute", "absorb", "cancel"]

HELD = "its price rose after you ordered it; it is bought once it is back, or cancel it"
TRIES = 5
"""A source that has refused a line so often for its price is not tried again by itself."""

_OFFERS = text("""
    SELECT DISTINCT l.order_line_id, l.offer_id FROM purchase_lines l
    JOIN purchase_moves m ON m.purchase_id = l.purchase_id AND m.event = 'refuse'
    WHERE l.order_line_id = ANY(:lines) AND m.detail ? 'dearer'
""")


@dataclass(frozen=True)
class Rule:
    """What a party wants done; `most` is in fen for a whole order and counts where it absorbs."""

    then: Then = "hold"
    most: int = 0

    @property
    def limit(self) -> int:
        """Fen that an order may cost more than was agreed."""
        return self.most if self.then == "absorb" else 0


@dataclass(frozen=True)
class Waiting:
    """Lines of a locked order that wait for this reason: what is known of each by its id, and the
    offers that refused it."""

    rows: Mapping[int, DearerLine]
    offers: Mapping[int, frozenset[int]]

    def __contains__(self, line: OrderLine) -> bool:
        return line.id in self.rows

    def back(self, lines: Iterable[OrderLine], market: Iterable[Supply]) -> list[Supply]:
        """The offers of the market that refused these lines and have stated a price since."""
        lines = [line for line in lines if line.id in self.rows]
        since = {
            offer: row.refused_at
            for line in lines
            if (row := self.rows[line.id]).refusals < TRIES
            for offer in self.offers.get(line.id, ())
        }
        return [
            one
            for one in market
            if (refused := since.get(one.offer_id)) and one.priced_at and one.priced_at >= refused
        ]

    def rises(self, plan: Plan, lines: Mapping[int, OrderLine]) -> dict[int, int] | None:
        """Fen by plan key that the goods cost more than was agreed, below 0 where they cost less;
        None where a line may not be charged, because part of it has left already. Pure."""
        rises: dict[int, int] = {}
        for key in {take.key for purchase in plan.purchases for take in purchase.takes}:
            takes, line = plan.takes(key), lines[key]
            agreed = line_amount(self.rows[line.id].agreed_cost, sum(t.units for t in takes))
            rise = sum(take.cost for take in takes) - agreed
            if rise > 0 and line.unrouted != line.quantity:
                return None
            rises[key] = rise
        return rises


def rule_of(session: Session, party_id: int) -> Rule:
    """The rule of a party. Raises Problem 404."""
    party = parties.get(session, party_id)
    return Rule(party.when_dearer, party.absorb_most)  # type: ignore[arg-type]


def view(rule: Rule) -> dict[str, str]:
    """The rule as JSON has it."""
    return {"when_dearer": rule.then, "absorb_most": yuan(rule.most)}


def set_rule(
    session: Session, party_id: int, *, then: Then | None = None, most: int | None = None
) -> None:
    """Change what becomes of a party's units, those that wait already included; None stays.

    Raises Problem 404, 422 where it would absorb up to nothing.
    """
    party = parties.get(session, party_id)
    wanted, limit = then or party.when_dearer, party.absorb_most if most is None else most
    if wanted == "absorb" and limit <= 0:
        message = "say up to how much an order may cost more, such as 5.00"
        raise invalid("absorb_most", message, "needed")
    party.when_dearer, party.absorb_most = wanted, limit
    session.flush()


def note(session: Session, line: PurchaseLine, at: datetime) -> None:
    """The source of a purchase line, whose order is locked, asked more than it says at `at`."""
    row = session.get(DearerLine, line.order_line_id)
    if row is None:
        row = DearerLine(order_line_id=line.order_line_id, agreed_cost=0, refusals=0, absorbed=0)
        session.add(row)
    if not row.absorbed:
        row.agreed_cost = max(row.agreed_cost, line.unit_cost)
    row.refused_at = at
    row.refusals += 1
    session.flush()


def waiting(session: Session, order: Order, lines: Sequence[OrderLine]) -> Waiting:
    """Which of these lines, whose units wait, do so for this reason.

    What was absorbed for a source that does not send them after all is given back first.
    """
    by_id = {line.id: line for line in lines}
    known = session.scalars(select(DearerLine).where(DearerLine.order_line_id.in_(by_id))).all()
    for row in known:
        line = by_id[row.order_line_id]
        if row.absorbed and line.unrouted == line.quantity:
            books.give_back(session, order, line, row.absorbed)
            row.absorbed = 0
    rows = {row.order_line_id: row for row in known if row.refused_at is not None}
    offers: dict[int, set[int]] = {}
    for found in session.execute(_OFFERS, {"lines": list(rows)}) if rows else ():
        offers.setdefault(found.order_line_id, set()).add(found.offer_id)
    return Waiting(rows, {line: frozenset(some) for line, some in offers.items()})


def left(session: Session, order: Order, rule: Rule) -> int:
    """Fen that a locked order may still cost more: of the limit, and of what the wallet holds."""
    if not rule.limit:
        return 0
    spent = session.scalars(
        select(DearerLine.absorbed)
        .join(OrderLine, OrderLine.id == DearerLine.order_line_id)
        .where(OrderLine.order_id == order.id)
    )
    carried = select(Purchase.absorbed).where(Purchase.order_id == order.id)
    rest = rule.limit - sum(spent) - sum(session.scalars(carried))
    return max(0, min(rest, ledger.kept(session, order.party_id)))


def absorb(session: Session, order: Order, line: OrderLine, row: DearerLine, amount: int) -> None:
    """The leader pays `amount` fen more for a line that is about to be bought."""
    if amount:
        books.absorb(session, order, line, amount)
        row.absorbed += amount


def record(
    session: Session,
    order: Order,
    rule: Rule,
    outcome: Literal["bought", "held", "cancelled"],
    lines: Iterable[tuple[OrderLine, DearerLine, int]],
    now: datetime,
    plan: Mapping[str, Any] | None = None,
    held: Mapping[str, Any] | None = None,
) -> None:
    """Write down what the rule decided of (line, what is known of it, fen absorbed), with the plan
    where one was bought; of what is `held` unpaid as a whole, what its source asks."""
    nothing: dict[str, Any] = {"purchases": [], "lost": [], "unsellable": {}}
    told = {
        "rule": rule.then,
        "most": yuan(rule.limit),
        "outcome": outcome,
        "lines": [
            {
                "line": line.line,
                "agreed_cost": price_text(row.agreed_cost),
                "absorbed": yuan(absorbed),
            }
            for line, row, absorbed in lines
        ],
    } | ({"held": dict(held)} if held else {})
    session.add(OrderPlan(order_id=order.id, plan=dict(plan or nothing) | {"dearer": told}, at=now))
