"""Time: everything that happens by itself, in a few lanes that do not wait for one another.

Any number of these may run. The sequencer is one by an advisory lock, the relay shares its rows, a
chore is held by its row, and the index has one writer for each data folder.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from redis.exceptions import RedisError
from sqlalchemy.exc import InterfaceError, OperationalError

from catalog.search import open_indexer
from catalog.sequencer import number_changes
from catalog.shelf import Reader
from kit import chores, clock, log
from kit.errors import Problem
from trade import events
from trade.desk import readership
from worker import relay
from worker.chores import CHORES
from worker.workshop import Workshop

PULSE_SECONDS = 0.1
LOOK_SECONDS = 1.0
"""How often a lane asks which chores are due, and the indexer by which rules it is to write."""
FAULT_SECONDS = 60.0
"""A chore that failed is tried again after so long."""
AWAY_SECONDS = 1.0
INDEXER_SECONDS = 5.0
"""How often it is asked whether the process that writes the index has gone."""
STOP_SECONDS = 12.0

_log = log.get(__name__)


@dataclass
class Step:
    """Something to do every so often; what it returns says whether to go on at once."""

    every: float
    act: Callable[[], bool]
    at: float = field(default=0.0)


def run(shop: Workshop) -> None:
    """Do everything until `shop.stopping` is set; then each lane ends with what it has begun."""
    lanes = {
        "sequencer": [Step(PULSE_SECONDS, lambda: _sequence(shop))],
        "relay": [
            Step(PULSE_SECONDS, lambda: relay.relay(shop.db, shop.redis) == relay.BATCH),
            Step(LOOK_SECONDS, lambda: _perform_due(shop, wakes=True)),
        ],
        "chores": [Step(LOOK_SECONDS, lambda: _perform_due(shop, wakes=False))],
    }
    threads = [
        threading.Thread(target=_lane, args=(shop, name, steps), name=name, daemon=True)
        for name, steps in lanes.items()
    ]
    threads.append(threading.Thread(target=_index, args=(shop,), name="indexer", daemon=True))
    for thread in threads:
        thread.start()
    shop.stopping.wait()
    deadline = time.monotonic() + STOP_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


def perform(shop: Workshop, name: str) -> bool:
    """Do one chore if it is due and nobody is at it; whether there is more of it at once."""
    kind = CHORES[name]
    try:
        with shop.db.as_system() as session:
            chore = chores.take(session, name)
            if chore is None:
                return False
            result = kind.work(shop, session, chore.result or {})
            more = bool(result.pop("more", False))
            chores.done(session, chore, result, 0.0 if more else kind.every)
            return more
    except (OperationalError, InterfaceError, RedisError):
        raise
    except Exception as error:
        _log.exception("A chore failed and is tried again", chore=name)
        with shop.db.as_system() as session:
            chores.failed(session, name, type(error).__name__, FAULT_SECONDS)
        return False


def _perform_due(shop: Workshop, *, wakes: bool) -> bool:
    """Do each chore of a lane that is due; whether there is more of any at once."""
    names = [name for name, kind in CHORES.items() if kind.wakes == wakes]
    with shop.db.as_system() as session:
        due = chores.due(session, names)
    more = False
    for name in due:
        if shop.stopping.is_set():
            break
        more |= perform(shop, name)
    return more


def _sequence(shop: Workshop) -> bool:
    with shop.db.as_system() as session:
        changed = number_changes(session)
    with shop.db.as_system() as session:
        return events.number(session) > 0 or changed > 0


def _lane(shop: Workshop, name: str, steps: Sequence[Step]) -> None:
    """Take the steps of one lane in turn; while a server is away, wait for it and say so once."""
    outage = Outage(name)
    while not shop.stopping.is_set():
        for step in steps:
            if shop.stopping.is_set() or time.monotonic() < step.at:
                continue
            more = outage.survived(step.act)
            if more is None:
                shop.stopping.wait(AWAY_SECONDS)
            else:
                step.at = time.monotonic() + (0.0 if more else step.every)
        wait = min(step.at for step in steps) - time.monotonic()
        if wait > 0:
            shop.stopping.wait(wait)


def _index(shop: Workshop) -> None:
    """Keep the index of this data folder abreast, unless another process does."""
    outage = Outage("indexer")
    while not shop.stopping.is_set():
        if outage.survived(lambda: _indexing(shop)) is None:
            shop.stopping.wait(AWAY_SECONDS)


def _indexing(shop: Workshop) -> bool:
    """Write the index, by the sources and price rules of each moment, unless another does."""
    shop.refresh()
    readers = _readers(shop)
    try:
        with open_indexer(shop.db, shop.settings.data.dir, readers) as indexer:
            looked = time.monotonic()
            while not shop.stopping.is_set():
                if not indexer.step():
                    shop.stopping.wait(PULSE_SECONDS)
                if time.monotonic() - looked > LOOK_SECONDS:
                    looked = time.monotonic()
                    shop.refresh()
                    if (fresh := _readers(shop)) != readers:
                        readers = fresh
                        indexer.follow(readers)
    except Problem as problem:
        if problem.code != "indexer_running":
            raise
        shop.stopping.wait(INDEXER_SECONDS)
    return True


def _readers(shop: Workshop) -> list[Reader]:
    return readership(shop.settings, shop.book).per_list(clock.now())


@dataclass
class Outage:
    """A lane's patience with servers that are away, and with faults of ours."""

    lane: str
    away: bool = False

    def survived(self, act: Callable[[], bool]) -> bool | None:
        """What `act` returned, or None: it could not be done now. Says so once an outage."""
        try:
            done = act()
        except (OperationalError, InterfaceError) as error:
            self._gone("The database", str(error.orig))
        except RedisError as error:
            self._gone("Redis", str(error))
        except Exception:
            _log.exception("A lane of cron failed and goes on", lane=self.lane)
        else:
            if self.away:
                _log.info("The servers answer again", lane=self.lane)
            self.away = False
            return done
        return None

    def _gone(self, server: str, why: str) -> None:
        if not self.away:
            _log.warning(f"{server} does not answer; waiting for it", lane=self.lane, error=why)
        self.away = True
