"""The same work by so many processes of so many threads: how many a second, and how long each."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import ceil
from multiprocessing import get_context
from typing import Any

Opened = AbstractContextManager[Callable[[int], None]]


@dataclass(frozen=True)
class Measured:
    """`rate` is a second, over all processes; `took` are seconds, sorted, one for each item."""

    rate: float
    took: Sequence[float]

    @property
    def p99(self) -> float:
        """Seconds that all but a hundredth stay below."""
        return self.took[ceil(len(self.took) * 0.99) - 1]


def measure(
    processes: int, threads: int, items: int, opening: Callable[..., Opened], *given: Any
) -> Measured:
    """Items 0 … `items`, dealt out in turn; each process opens its work by `opening(*given)`.

    One process is this one, threads of which share one interpreter lock; more are started afresh,
    and the clock runs from when all of them are ready.
    """
    shares = [range(first, items, processes) for first in range(processes)]
    if processes == 1:
        with opening(*given) as work:
            started = time.perf_counter()
            took = _all(threads, work, shares[0])
        return Measured(items / (time.perf_counter() - started), sorted(took))
    context = get_context("spawn")
    ready, answers = context.Barrier(processes + 1), context.SimpleQueue()
    running = [
        context.Process(target=_share, args=(ready, answers, threads, share, opening, given))
        for share in shares
    ]
    for one in running:
        one.start()
    ready.wait(120)
    started = time.perf_counter()
    took = [seconds for _ in running for seconds in answers.get()]
    ended = time.perf_counter()
    for one in running:
        one.join()
    return Measured(items / (ended - started), sorted(took))


def _share(
    ready: Any, answers: Any, threads: int, share: range, opening: Callable[..., Opened], given: Any
) -> None:
    with opening(*given) as work:
        ready.wait(120)
        answers.put(_all(threads, work, share))


def _all(threads: int, work: Callable[[int], None], share: range) -> list[float]:
    def timed(number: int) -> float:
        began = time.perf_counter()
        work(number)
        return time.perf_counter() - began

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(timed, share))
