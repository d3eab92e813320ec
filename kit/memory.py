"""Memory that is no longer needed: it goes back to the system, and is not sought too often."""

import ctypes
import gc

LARGE = 1 << 18
"""Bytes."""

ALLOCATIONS = 50_000
"""So many more objects than were freed, and the youngest are looked through for cycles."""

_M_MMAP_THRESHOLD = -3


def seek_cycles_seldom() -> None:
    """A page makes thousands of objects that are gone after it, a start hundreds of thousands that
    stay: by Python's own bound a seventh of either went into looking through them."""
    gc.set_threshold(ALLOCATIONS)


def return_what_is_large() -> None:
    """From now on each piece of `LARGE` bytes or more leaves the process when it is freed.

    glibc would begin so, but raise the bound to the largest piece freed, up to 32 MB, and keep what
    is smaller in an arena for each thread: a process whose threads take turns at large buffers
    holds the most that each of them ever had. Another C library is left as it is.
    """
    ours = ctypes.CDLL(None)
    if hasattr(ours, "mallopt"):
        ours.mallopt(_M_MMAP_THRESHOLD, LARGE)
