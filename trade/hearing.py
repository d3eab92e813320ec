"""Orders that no quote was made for, of goods whose stock or freight only their platforms know.

Such an order is refused at first. Then its platforms are asked as for a quote, what they say is
kept for as long as a quote is good, and the order is tried once more. No connection to the
database is held while a platform talks.
"""

import time
from dataclasses import dataclass

from kit import clock
from kit.db import Database
from kit.errors import Problem
from trade import asking, live_answers
from trade.accepting import OrderRequest
from trade.asking import ASKED, Found, OpenSource, Talks
from trade.desk import Desk
from trade.quotes import Quoting


def wanted(desk: Desk, problem: Problem) -> bool:
    """Whether platforms may say something that lets this refused order be accepted. Pure."""
    codes = {error.code for error in problem.errors}
    return desk.asks and problem.code == "not_orderable" and not codes.isdisjoint(ASKED)


@dataclass(frozen=True)
class Hearing:
    """The questions of one request, which takes `until` (of the monotonic clock) at most."""

    db: Database
    desk: Desk
    talks: Talks
    open_source: OpenSource
    party_id: int
    until: float

    def helps(self, request: OrderRequest, problem: Problem) -> bool:
        """Whether the order that was refused like this should be tried again: platforms were asked.

        Raises Problem 503 `busy` where no talk is free.
        """
        if request.quote is not None or not wanted(self.desk, problem):
            return False
        if time.monotonic() >= self.until:
            raise asking.busy()
        quoting = Quoting(self.party_id, request.lines, request.ship_to, request.share)
        with self.db.as_system() as session:
            known = quoting.load(session, self.desk, clock.now())
        if not asking.wanting(self.desk, known, Found()):
            return False
        found = asking.settled(self.desk, known, self.talks, self.open_source, request.ship_to)
        with self.db.as_system() as session:
            live_answers.write(session, found.answers)
            if found.busy:
                draft = quoting.load(session, self.desk, clock.now()).latest()
                asking.check_heard(draft, found)
        return bool(found.answers)
