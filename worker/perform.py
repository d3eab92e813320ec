"""One wake-up from a queue, worked. It never fails in the eyes of the queue.

The rows that are due are the work, and they stay due when it goes wrong: then this wake-up is
damped for a while, so that a fault is tried again without being hurried.
"""

import time
from contextvars import ContextVar

from redis.exceptions import RedisError
from sqlalchemy.exc import InterfaceError, OperationalError

from kit import log, tally
from kit.settings import SettingsError
from worker import relay
from worker.jobs import JOBS, Job
from worker.queues import QUEUES
from worker.turns import Turn
from worker.workshop import Workshop

FAULT_SECONDS = 30
"""So long a wake-up whose work failed is not repeated."""
DATABASE_SECONDS = 2.0

RUNNING: ContextVar[Workshop] = ContextVar("workshop")
"""The workshop of this process; queues carry words only."""

_log = log.get(__name__)


def _others_wait(shop: Workshop, job: Job) -> bool:
    """Whether something waits that this process would take up before or beside this job."""
    ahead = QUEUES[: QUEUES.index(job.queue) + (not job.alike)]
    return any(relay.waiting(shop.redis, name) > 0 for name in ahead)


def perform(topic: str, key: str) -> None:
    """Do what `topic` stands for. Raises RedisError only: without Redis there are no jobs."""
    shop = RUNNING.get()
    job = JOBS[topic]
    relay.unmark(shop.redis, topic, key)
    turn = Turn(shop.stopping, lambda: _others_wait(shop, job))
    started = time.monotonic()
    log.bind(job=topic, key=key)
    try:
        shop.refresh()
        left = job.work(shop, key, turn)
        outcome = "done"
        if left:
            relay.wake(shop.redis, [(topic, key)])
    except RedisError:
        raise
    except (OperationalError, InterfaceError) as error:
        outcome = "no_database"
        _log.warning("The database does not answer; the rows wait", error=str(error.orig))
        shop.stopping.wait(DATABASE_SECONDS)
    except SettingsError as error:
        outcome = "failed"
        _log.error("A source is set wrongly; its rows wait until it is put right", why=str(error))
        relay.damp(shop.redis, topic, key, FAULT_SECONDS)
    except Exception:
        outcome = "failed"
        _log.exception("A job failed; its rows stay due and are tried again")
        relay.damp(shop.redis, topic, key, FAULT_SECONDS)
    finally:
        log.unbind("job", "key")
    seconds = time.monotonic() - started
    tally.add(shop.redis, "jobs", {f"{topic}:{outcome}": 1, f"{topic}:seconds": seconds})
