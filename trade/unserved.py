"""An order with units that no purchase holds: what is known of them, and what may be bought in the
place of what was agreed. Their order is locked, and stays so while it is used."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from trade import books, dearer, live_answers, planning, pricing, recipients, remaining
from trade.desk import Desk
from trade.models import DearerLine, Order, OrderLine, Purchase, Recipient
from trade.promise import keeps
from trade.routing.routing import Demand, Plan, Supply

TOO_DEAR = "no other source has it at the agreed price; cancel the line or ask your operator"
REFUSED = (
    "its sender does not have it, and nobody else does; choose another SKU, or cancel the line"
)
UNDELIVERED = (
    "its sender does not deliver to the address as it is written; correct it (the street or town,"
    " 街道 or 镇, may be missing), or cancel the line"
)
STOPPED = (
    "it is not bought at the moment, and is bought by itself once it is again; or choose another"
    " SKU, or cancel the line"
)
TOO_LATE = "no other source sends it as soon as was promised; cancel the line or ask your operator"


@dataclass(frozen=True)
class Case:
    """A locked order with units to place, the freight money that waits for them, and the market.

    `declined` are offers that refused them, true for their address; `promised` says by line id when
    they were to leave.
    """

    order: Order
    lines: dict[int, OrderLine]
    refused: Sequence[Purchase]
    market: Sequence[Supply]
    region: str
    declined: Mapping[int, bool]
    promised: Mapping[int, datetime | None]
    rule: dearer.Rule
    dear: dearer.Waiting

    def demand(self, key: int) -> Demand:
        """What is asked of routing for a line."""
        return Demand(key, self.lines[key].sku_id, self.lines[key].unrouted)

    def by_rule(self, keys: Iterable[int]) -> list[int]:
        """Those of these lines that wait because their source became dearer."""
        return [key for key in keys if self.lines[key] in self.dear]

    def known(self, keys: Iterable[int]) -> list[tuple[OrderLine, DearerLine, int]]:
        """These lines with what is known of each, and nothing absorbed."""
        return [(self.lines[key], self.dear.rows[self.lines[key].id], 0) for key in keys]

    def reason(self, key: int, code: str) -> str:
        """Why units of a line wait: what routing says, unless those who had it refused it."""
        mine = {one.offer_id for one in self.market if one.sku_id == self.lines[key].sku_id}
        gone = [self.declined[offer] for offer in mine if offer in self.declined]
        if code == "ruled_out":
            return STOPPED
        if code != "not_sold" or not gone:
            return planning.MESSAGES[code]
        return UNDELIVERED if any(gone) else REFUSED

    def detail(self, keys: Iterable[int]) -> dict[str, Any] | None:
        """The rule by which lines, by the numbers that their leader knows, were dealt with."""
        lines = sorted({self.lines[key].bundle_line or key for key in keys})
        return {"rule": self.rule.then, "lines": lines} if lines else None

    def fault(self, plan: Plan, now: datetime) -> str | None:
        """Why a plan may not be bought instead of what was agreed, or None."""
        if not self._affordable(plan):
            return TOO_DEAR
        kept = all(
            keeps(planning.promise(purchase, now), self.promised.get(self.lines[take.key].id), now)
            for purchase in plan.purchases
            for take in purchase.takes
        )
        return None if kept else TOO_LATE

    def _affordable(self, plan: Plan) -> bool:
        """Whether the money held for these units and the refused freight cover the landed cost."""
        landed = sum(purchase.landed for purchase in plan.purchases)
        goods = sum(
            books.held_for(self.lines[take.key], take.units)
            for purchase in plan.purchases
            for take in purchase.takes
        )
        return landed <= goods + self._freight_money()

    def freight_rise(self, plan: Plan, rises: Mapping[int, int]) -> int:
        """Fen that the freight is above what was agreed, less what goods are below it; the house's
        margin is no reserve for a dearer source."""
        freight = sum(purchase.freight for purchase in plan.purchases) - self._freight_money()
        return max(freight + sum(min(rise, 0) for rise in rises.values()), 0)

    def _freight_money(self) -> int:
        return sum(purchase.freight_price for purchase in self.refused)


def load(
    session: Session, desk: Desk, order: Order, lines: dict[int, OrderLine], now: datetime
) -> Case:
    """What is known of these lines of a locked order, by their numbers; the market is locked too.
    System scope."""
    refused = remaining.refused(session, order)
    reader = pricing.leader(session, desk, order.party_id, now)
    skus = [line.sku_id for line in lines.values()]
    market = remaining.market(session, desk, order, skus, reader, now, lock=True)
    recipient = session.get_one(Recipient, order.recipient_id)
    if desk.asks:
        units = {line.sku_id: line.unrouted for line in lines.values()}
        to, kept = recipients.place(desk.keyring, recipient), desk.answers_count
        market = live_answers.told(session, desk.keyring, market, units, to, now, kept)
    promises = {purchase.id: purchase.ship_by for purchase in refused}
    declined = remaining.declined(session, order)
    return Case(
        order,
        lines,
        refused,
        market,
        recipient.region,
        {row.offer_id: row.undelivered for row in declined},
        {row.order_line_id: promises.get(row.purchase_id) for row in declined},
        dearer.rule_of(session, order.party_id),
        dearer.waiting(session, order, list(lines.values())),
    )
