"""Goods whose stock or freight only their platforms know, where nobody asked for a quote: orders
without one, and units that look for another source.

They are refused, or held, at first. Then platforms are asked as for a quote, what they say is kept
for as long as a quote is good, and it is tried once more. No connection to the database is held
while a platform talks.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import select

from kit.errors import Problem
from kit.ids import outside
from trade import accepting, asking, recipients, remaining
from trade.accepting import OrderRequest
from trade.asking import ASKED, Platforms
from trade.desk import Desk
from trade.models import Order, OrderLine
from trade.planning import Draft, LineRequest
from trade.quotes import Quoting

R = TypeVar("R")


def wanted(desk: Desk, problem: Problem) -> bool:
    """Whether platforms may say something that lets this refused order be accepted. Pure."""
    codes = {error.code for error in problem.errors}
    return desk.asks and problem.code == "not_orderable" and not codes.isdisjoint(ASKED)


@dataclass(frozen=True)
class Hearing:
    """The questions of one request, which takes `until` (of the monotonic clock) at most."""

    platforms: Platforms
    party_id: int
    until: float

    def placed(self, place: Callable[[], R], request: Callable[[], OrderRequest]) -> R:
        """What placing an order comes to, tried once more where platforms that were asked may have
        helped. Raises what `place` and `helps` raise."""
        try:
            return place()
        except Problem as problem:
            if not wanted(self.platforms.desk, problem) or not self.helps(request(), problem):
                raise
        return place()

    def helps(self, request: OrderRequest, problem: Problem) -> bool:
        """Whether the order that was refused like this should be tried again: platforms were asked.

        Raises Problem 503 `busy` where no talk is free, 409 `not_orderable` for what they refuse.
        """
        if request.quote is not None or not wanted(self.platforms.desk, problem):
            return False
        heard = self.heard(request)
        if heard is not None and heard.unsellable:
            raise accepting.not_orderable(heard)
        return heard is not None

    def heard(self, request: OrderRequest) -> Draft | None:
        """The order as it can be bought after its platforms were asked; None where there is nobody
        to ask. Raises Problem 503 `busy`."""
        if time.monotonic() >= self.until:
            raise asking.busy()
        quoting = Quoting(self.party_id, request.lines, request.ship_to, request.share)
        known = self.platforms.known(quoting.load)
        return self.platforms.heard(known, quoting.load, request.ship_to)


def heard_of(platforms: Platforms, order_id: int) -> bool:
    """Ask the platforms that an order's unrouted units could be bought from, but for those that
    refused them; False where there is nobody to ask, or nobody answers."""
    desk = platforms.desk
    with platforms.db.as_system() as session:
        order = session.get_one(Order, order_id)
        units: Counter[int] = Counter()
        waiting = select(OrderLine).where(OrderLine.order_id == order_id, OrderLine.unrouted > 0)
        for line in session.scalars(waiting):
            units[line.sku_id] += line.unrouted
        to = recipients.reveal(session, desk.keyring, order.recipient_id, None, "ask platforms")
        lines = [LineRequest(count, outside("sku", sku)) for sku, count in units.items()]
        known = Quoting(order.party_id, lines, to).load(session, desk)
        known = known.without({row.offer_id for row in remaining.declined(session, order)})
    return bool(platforms.ask(known, to).answers)
