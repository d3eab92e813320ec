"""The lanes of one process, shared by all endpoints: a turn serves whoever is due, in rotation.

A lane claims a message, sends it with no transaction open, settles it, and is free for whoever is
next by the rota. A turn begins nothing after its time; what is out then is settled by its lane when
it is answered, so that a slow endpoint keeps neither other endpoints nor other work waiting.
"""

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import InterfaceError, OperationalError

from catalog.readers import Readership
from kit import clock, log
from kit.db import Database
from kit.ids import outside
from trade import telling
from trade.desk import Desk
from trade.rota import Call, Rota
from trade.telling import Claimed

LANES = 32
OF_PARTY = 6
"""So many messages one party has out at once in one process."""
OF_ENDPOINT = 4
"""Fewer than its party: one slow endpoint leaves lanes for the others of its party."""
_AGAIN = timedelta(seconds=1)
"""How often it is asked who is due while others are served."""
_CATALOGUE_AGAIN = timedelta(seconds=2)
"""The same of the catalogue's feed, which moves all the time and concerns few."""
_ASIDE = timedelta(seconds=30)
"""So long an endpoint is left alone that our own work failed at."""

_log = log.get(__name__)


@dataclass(frozen=True)
class Hand:
    """What one turn works with, and when it ends."""

    desk: Desk
    readership: Readership
    until: datetime


class Lanes:
    """`tell` is one thread's at a time; a lane holds a connection only while it claims, spreads or
    settles."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._pool = ThreadPoolExecutor(LANES, thread_name_prefix="hooks")
        self._changed = threading.Condition()
        self._rota = Rota(LANES, OF_PARTY, OF_ENDPOINT)
        self._behind: set[int] = set()
        """Endpoints for which more may have to be written down."""
        self._aside: dict[int, datetime] = {}
        self._moved = False
        self._fault: Exception | None = None
        self._catalogue_at: datetime | None = None

    def tell(self, desk: Desk, readership: Readership, ends: Iterable[datetime]) -> bool:
        """Tell everybody what is due, until one after the other of `ends`; whether the time was up
        before the work. Without more to do it returns when all is answered.

        Raises OperationalError and InterfaceError of the database.
        """
        asked: datetime | None = None
        self._fault = None
        for until in ends:
            hand = Hand(desk, readership, until)
            while (now := clock.now()) < until:
                self._raise_fault()
                over = self._over()
                if over and asked and not self._moved:
                    return False
                if over or asked is None or now - asked >= _AGAIN:
                    self._ask(now)
                    asked = now
                self._serve(hand, min(until, asked + _AGAIN) - now)
        self._raise_fault()
        return True

    def finish(self) -> None:
        """Wait until all that is out is settled."""
        with self._changed:
            self._changed.wait_for(lambda: not self._rota.out)

    def close(self) -> None:
        """The same, and nothing begins any more."""
        self._pool.shutdown()

    def _over(self) -> bool:
        with self._changed:
            return self._rota.over

    def _raise_fault(self) -> None:
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault

    def _ask(self, now: datetime) -> None:
        """Whoever is due joins the round."""
        last = self._catalogue_at
        catalogue = last is None or now - last >= _CATALOGUE_AGAIN
        if catalogue:
            self._catalogue_at = now
        self._moved = False
        with self._db.as_system() as session:
            found = telling.due(session, now, catalogue=catalogue)
        with self._changed:
            self._aside = {one: until for one, until in self._aside.items() if until > now}
            for one in found:
                if one.webhook_id not in self._aside:
                    self._rota.join(one.webhook_id, one.party_id)
                    if one.behind:
                        self._behind.add(one.webhook_id)

    def _serve(self, hand: Hand, span: timedelta) -> None:
        """Give free lanes to whoever is next, and wait for a lane or for the end of the span."""
        with self._changed:
            while (call := self._rota.next()) is not None:
                self._pool.submit(self._work, hand, call)
            if not self._rota.over:
                self._changed.wait(max(span.total_seconds(), 0.0))

    def _work(self, hand: Hand, call: Call) -> None:
        """One lane's turn at one endpoint; nothing that goes wrong there ends another's."""
        come_back = self._rota.leave
        try:
            if clock.now() >= hand.until:
                come_back = self._rota.back
            elif (claimed := self._claimed(hand, call)) is not None:
                self._send(hand, claimed)
                come_back = self._rota.back
        except (OperationalError, InterfaceError) as error:
            self._fault = error
        except Exception:
            name = outside("whk", call.endpoint)
            _log.exception("A webhook cannot be told; it is left alone for a while", webhook=name)
            self._aside[call.endpoint] = clock.now() + _ASIDE
            come_back = self._rota.fall_out
        with self._changed:
            come_back(call)
            self._changed.notify_all()

    def _send(self, hand: Hand, claimed: Claimed) -> None:
        outcome = telling.send(hand.desk, claimed)
        with self._db.as_system() as session:
            telling.settle(session, claimed, outcome, clock.now())
        self._moved = True

    def _claimed(self, hand: Hand, call: Call) -> Claimed | None:
        """A message to send; more is written down only where none waits."""
        claimed = self._claim(hand, call)
        if claimed is not None or call.endpoint not in self._behind:
            return claimed
        self._behind.discard(call.endpoint)
        with self._db.as_system() as session:
            more = telling.spread(session, hand.readership, call.endpoint, clock.now())
        with self._changed:
            if more:
                self._behind.add(call.endpoint)
                self._moved = True
            self._rota.join(call.endpoint, call.party)
            self._changed.notify_all()
        return self._claim(hand, call)

    def _claim(self, hand: Hand, call: Call) -> Claimed | None:
        with self._db.as_system() as session:
            return telling.claim(session, hand.desk, call.endpoint, clock.now())
