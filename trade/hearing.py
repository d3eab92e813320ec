"""Goods whose stock or freight only their platforms know, where nobody asked for a quote: orders
without one, units that look for another source, and what may be proposed for held ones.

They are refused, or held, at first. Then platforms are asked as for a quote, what they say is kept
for as long as a quote is good, and it is tried once more. No connection to the database is held
while a platform talks.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.orm import Session

from kit import clock
from kit.errors import Problem
from trade import accepting, asking, proposals, recipients
from trade.accepting import OrderRequest
from trade.asking import ASKED, Platforms
from trade.desk import Desk
from trade.models import Order, Recipient
from trade.planning import Draft, Loaded
from trade.quotes import Quoting

R = TypeVar("R")

MOST_ASKED = 6
"""Ways out for one held order that platforms are asked about at once."""


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
        if not wanted(self.platforms.desk, problem):
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


def helps_held(platforms: Platforms, order_id: int, problem: Problem) -> bool:
    """Whether a choice for held units that was refused like this should be tried again."""
    return wanted(platforms.desk, problem) and heard_of(platforms, order_id)


def heard_of(platforms: Platforms, order_id: int) -> bool:
    """Ask platforms about what an order holds; False where there is nobody to ask, or nobody
    answers."""
    with platforms.db.as_system() as session:
        ways = unheard(session, platforms.desk, order_id)
    return bool(ways) and ask_about(platforms, order_id, ways)


def unheard(session: Session, desk: Desk, order_id: int) -> list[Loaded]:
    """The ways out for what an order holds of which platforms could say something, and have not a
    short time ago: all units as agreed, at a new price, or other goods in their place."""
    order = session.get_one(Order, order_id)
    if not recipients.can_be_opened(session.get_one(Recipient, order.recipient_id)):
        return []
    ways = proposals.ways_out(session, desk, order, clock.now())
    return [one for one in ways if asking.unheard(desk, one)][:MOST_ASKED]


def ask_about(platforms: Platforms, order_id: int, ways: Sequence[Loaded]) -> bool:
    """Ask platforms about these ways out; whether any of them answers. No transaction may be
    open."""
    keyring = platforms.desk.keyring
    with platforms.db.as_system() as session:
        order = session.get_one(Order, order_id)
        to = recipients.reveal(session, keyring, order.recipient_id, None, "ask platforms")
    return bool(platforms.ask(ways, to).answers)
