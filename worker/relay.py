"""Wake-ups on their way from the outbox to the queues.

A wake-up is (topic, key). One that waits in a queue is marked for a few seconds, so that a hundred
orders for one source become one job; the job takes its mark away before it looks for work, so that
whatever is committed later wakes again. A wake-up that is lost with Redis is made anew from the
due rows; one that comes twice finds nothing to do.
"""

from collections.abc import Iterable, Mapping

import redis
from rq import Queue

from kit import outbox
from kit.db import Database
from worker.jobs import JOBS, PERFORM, Job

MARK_SECONDS = 5
BATCH = 500
WAIT_LIMIT_SECONDS = 600
"""A wake-up that nobody took for so long is dropped: its rows are due and wake again."""
LONGEST_QUEUE = 5_000
"""With so many wake-ups in a queue nobody works there, and more of them help nobody."""

WakeUp = tuple[str, str]


def relay(db: Database, client: redis.Redis) -> int:
    """Send what waits in the outbox to the queues; returns how many wake-ups were waiting.

    Wake-ups count as relayed only once Redis has them. Raises RedisError, and then they wait on.
    """
    with db.as_system() as session:
        waiting = outbox.take(session, BATCH)
        wake(client, waiting)
    return len(waiting)


def wake(client: redis.Redis, wakeups: Iterable[WakeUp]) -> int:
    """Enqueue those that do not wait in a queue already; returns how many. Raises RedisError."""
    wanted = [wakeup for wakeup in wakeups if wakeup[0] in JOBS]
    with client.pipeline(transaction=False) as pipeline:
        for topic, key in wanted:
            pipeline.set(mark(topic, key), b"", nx=True, ex=MARK_SECONDS)
        fresh = [wakeup for wakeup, new in zip(wanted, pipeline.execute(), strict=True) if new]
    for name, topics in _by_queue(JOBS).items():
        _enqueue(client, name, [wakeup for wakeup in fresh if wakeup[0] in topics])
    return len(fresh)


def mark(topic: str, key: str) -> str:
    """The Redis key that says: this wake-up waits in a queue."""
    return f"huopan:wake:{topic}:{key}"


def unmark(client: redis.Redis, topic: str, key: str) -> None:
    """The wake-up waits no longer. Raises RedisError."""
    client.delete(mark(topic, key))


def damp(client: redis.Redis, topic: str, key: str, seconds: int) -> None:
    """Let this wake-up be dropped for a while. Raises RedisError."""
    client.set(mark(topic, key), b"", ex=seconds)


def waiting(client: redis.Redis, queue: str) -> int:
    """How many wake-ups wait in a queue. Raises RedisError."""
    return int(Queue(queue, connection=client).count)


def _enqueue(client: redis.Redis, name: str, wakeups: list[WakeUp]) -> None:
    if not wakeups:
        return
    queue = Queue(name, connection=client, serializer="json")
    if queue.count > LONGEST_QUEUE:
        return
    queue.enqueue_many(
        [
            Queue.prepare_data(
                PERFORM,
                args=[topic, key],
                timeout=JOBS[topic].timeout,
                ttl=WAIT_LIMIT_SECONDS,
                result_ttl=0,
                failure_ttl=86_400,
                description=f"{topic} {key}",
            )
            for topic, key in wakeups
        ]
    )


def _by_queue(jobs: Mapping[str, Job]) -> dict[str, set[str]]:
    queues: dict[str, set[str]] = {}
    for topic, job in jobs.items():
        queues.setdefault(job.queue, set()).add(topic)
    return queues
