"""The same work by so many processes of so many threads: how many a second, and how long each."""

import gc
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from math import ceil
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

Opened = AbstractContextManager[Callable[[int], object]]


@dataclass(frozen=True)
class Measured:
    """`rate` is a second, over all processes; `took` are seconds, sorted, one for each item; `cpu`
    are the processor's seconds that the processes used, without those of servers."""

    rate: float
    took: Sequence[float]
    cpu: float = 0.0

    @property
    def p99(self) -> float:
        """Seconds that all but a hundredth stay below."""
        return self.took[ceil(len(self.took) * 0.99) - 1]


def together(turns: Sequence[Measured]) -> Measured:
    """Several turns as one."""
    seconds = sum(len(one.took) / one.rate for one in turns)
    took = sorted(chain.from_iterable(one.took for one in turns))
    return Measured(len(took) / seconds, took, sum(one.cpu for one in turns))


@contextmanager
def hired(
    processes: int,
    threads: int,
    opening: Callable[..., Opened],
    *given: Any,
    first: int | None = None,
) -> Iterator[Callable[[range], Measured]]:
    """Processes that have opened their work by `opening(*given)` and wait for items, which are
    dealt out in turn; threads of one process share one interpreter lock. Each thread has done the
    item `first` before, where one is named: so it has a connection.

    Each process is a new one, and the clock never runs while they start.
    """
    context = get_context("spawn")
    running, clerks = [], []
    for _ in range(processes):
        ours, theirs = context.Pipe()
        one = context.Process(
            target=_clerk, args=(theirs, threads, opening, given, first), daemon=True
        )
        one.start()
        theirs.close()  # so that a process that dies is heard of
        running.append(one)
        clerks.append(ours)
    for clerk in clerks:
        clerk.recv()

    def work(items: range) -> Measured:
        started = time.perf_counter()
        for first, clerk in enumerate(clerks):
            clerk.send(items[first::processes])
        answers = [clerk.recv() for clerk in clerks]
        seconds = time.perf_counter() - started
        took = sorted(chain.from_iterable(took for took, _ in answers))
        return Measured(len(items) / seconds, took, sum(cpu for _, cpu in answers))

    try:
        yield work
    finally:
        for clerk in clerks:
            with suppress(OSError):  # it is gone already
                clerk.send(None)
        for one in running:
            one.join()


def _clerk(
    boss: Connection,
    threads: int,
    opening: Callable[..., Opened],
    given: Any,
    first: int | None,
) -> None:
    with opening(*given) as work, ThreadPoolExecutor(threads) as pool:
        all_there = threading.Barrier(threads)

        def begin(item: int) -> None:
            all_there.wait()
            work(item)

        def timed(item: int) -> float:
            began = time.perf_counter()
            work(item)
            return time.perf_counter() - began

        if first is not None:
            list(pool.map(begin, [first] * threads))
        gc.collect()
        gc.freeze()  # a look through all that was loaded takes a third of a second
        boss.send(None)
        for share in iter(boss.recv, None):
            before = time.process_time()
            took = list(pool.map(timed, share))
            boss.send((took, time.process_time() - before))
