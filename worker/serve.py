"""One worker process: RQ's SimpleWorker on our queues, until it is told to end.

It ends in order: a drain finishes the batch that it claimed. A server that vanishes is waited for.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job

from kit import log
from worker.perform import RUNNING
from worker.workshop import Workshop

STOP_SECONDS = 14.0
"""A batch that is not finished by then is left to its lease."""
AWAY_SECONDS = 1.0
TTL_SECONDS = 60

_log = log.get(__name__)


class Worker(SimpleWorker):
    """RQ's worker without its remote control, told to end by us."""

    max_connection_wait_time = 5.0
    busy = False

    def execute_job(self, job: Job, queue: Queue) -> None:
        self.busy = True
        try:
            super().execute_job(job, queue)
        finally:
            self.busy = False

    def end(self) -> None:
        """Take no further job; called by a signal's handler, it ends a blocking wait."""
        self._stop_requested = True
        if not self.busy:
            raise StopRequested

    def _install_signal_handlers(self) -> None:
        """The process has its own."""

    def subscribe(self) -> None:
        """Nobody commands our workers through Redis."""

    def unsubscribe(self) -> None:
        """See `subscribe`."""


def serve(shop: Workshop, client: Redis, queues: Sequence[str]) -> None:
    """Work wake-ups until the process is told to end. `client` must be free to block.

    Runs in the main thread.
    """
    RUNNING.set(shop)
    ending: list[Callable[[], None]] = []
    with _told(shop.stopping, ending):
        away = False
        while not shop.stopping.is_set():
            try:
                worker = _worker(client, queues)
                if away:
                    _log.info("Redis answers again")
                away = False
                ending[:] = [worker.end]
                if not shop.stopping.is_set():
                    worker.work(logging_level=None)
            except StopRequested:
                break
            except RedisError as error:
                if not away and not shop.stopping.is_set():
                    _log.warning("Redis does not answer; waiting for it", error=str(error))
                away = True
            finally:
                ending.clear()
            shop.stopping.wait(AWAY_SECONDS)
        shop.lanes.finish()


def drain(shop: Workshop, client: Redis, queues: Sequence[str]) -> None:
    """Work what waits in the queues now, and return."""
    RUNNING.set(shop)
    _worker(client, queues).work(burst=True, logging_level=None)
    shop.lanes.finish()


def _worker(client: Redis, queues: Sequence[str]) -> Worker:
    for name in ("rq.worker", "rq.job"):
        logging.getLogger(name).setLevel(logging.ERROR)  # each job would be three lines of log
    return Worker(list(queues), connection=client, serializer="json", worker_ttl=TTL_SECONDS)


@contextmanager
def _told(stopping: threading.Event, ending: list[Callable[[], None]]) -> Iterator[None]:
    """SIGTERM and SIGINT end the work in order, once; a second one changes nothing."""

    limit = threading.Timer(STOP_SECONDS, _leave)
    limit.daemon = True

    def end(_signal: int, _frame: FrameType | None) -> None:
        if stopping.is_set():
            return
        stopping.set()
        limit.start()
        for each in ending:
            each()

    before: dict[signal.Signals, Any] = {
        each: signal.signal(each, end) for each in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        limit.cancel()
        for each, handler in before.items():
            signal.signal(each, handler)


def _leave() -> None:
    _log.warning("The batch is not finished in time; its leases run out and it is taken up again")
    os._exit(0)
