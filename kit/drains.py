"""Working what is due, batch by batch, with a few threads, until nothing is or time is up."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

from kit import clock

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")


def drained(
    take: Callable[[], Sequence[Job]],
    work: Callable[[Job], Outcome],
    until: datetime,
    *,
    threads: int,
    name: str,
    ends: Callable[[Outcome], bool] = lambda _: False,
) -> int:
    """Take batches and work each job of them; returns how many.

    Ends when `take` finds nothing, when it is `until`, or after a batch with an outcome that
    `ends`. `name` is the threads'.
    """
    done = 0
    with ThreadPoolExecutor(threads, thread_name_prefix=name) as pool:
        while clock.now() < until:
            batch = take()
            if not batch:
                break
            outcomes = list(pool.map(work, batch))
            done += len(batch)
            if any(map(ends, outcomes)):
                break
    return done
