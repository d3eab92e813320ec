"""How long one drain may go on: a busy source must not keep the others waiting."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from kit import clock

SLICE = timedelta(seconds=3)
LONGEST = timedelta(seconds=50)
"""Well under the timeout of a job, which is a signal that can strike inside a commit."""


@dataclass(frozen=True)
class Turn:
    """A drain's time: up when others wait, when the process was told to end, or after 50 s."""

    stopping: threading.Event
    others_wait: Callable[[], bool] = lambda: False

    def end(self) -> datetime:
        """The end of the longest turn that begins now."""
        return clock.now() + LONGEST

    def slices(self) -> Iterator[datetime]:
        """The ends of short spans of time, one after the other, while it may go on."""
        last = self.end()
        while True:
            yield min(clock.now() + SLICE, last)
            if self.stopping.is_set() or clock.now() >= last or self.others_wait():
                return
