"""Children that die with their parent, however it dies."""

import ctypes
import os
import signal
import sys
import threading
import time

PARENT = "HUOPAN_PARENT"
"""The environment variable by which `up` tells a child whose it is."""

PR_SET_PDEATHSIG = 1
GRACE_SECONDS = 20.0


def die_with_parent(sent: signal.Signals) -> None:
    """Let the kernel send `sent` to this process when its parent dies. Linux only, else nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(sent))


def follow_parent() -> None:
    """In a child of `up`: end in order when `up` is gone, by force if that takes too long.

    The kernel tells at once on Linux; a thread that looks every second covers the rest and the
    moment before the kernel was asked. Does nothing in a process that nobody's `up` started.
    """
    parent = int(os.environ.pop(PARENT, "0"))
    if not parent:
        return
    die_with_parent(signal.SIGTERM)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)
