"""What a process holds of the machine's memory."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

SECONDS = 0.05
"""Between two looks."""


class Peak:
    """The most that was held, in MB.

    `own` is the process's alone. `mapped` are pages of files that are read in place: the system
    takes those back whenever another process needs the room, and where there is plenty they are as
    many as the files have.
    """

    own = 0.0
    mapped = 0.0

    def look(self) -> None:
        """Count what is held now."""
        now = psutil.Process().memory_info()
        mapped = getattr(now, "shared", 0)  # other systems than Linux do not say
        self.own = max(self.own, (now.rss - mapped) / 1e6)
        self.mapped = max(self.mapped, mapped / 1e6)


@contextmanager
def peak() -> Iterator[Peak]:
    """What this process holds while the block runs; it is looked at again and again."""
    most, over = Peak(), threading.Event()

    def watch() -> None:
        while not over.wait(SECONDS):
            most.look()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield most
    finally:
        over.set()
        watcher.join()
        most.look()
