"""Memory that is no longer needed goes back to the system."""

import ctypes

LARGE = 1 << 18
"""Bytes."""

_M_MMAP_THRESHOLD = -3


def return_what_is_large() -> None:
    """From now on each piece of `LARGE` bytes or more leaves the process when it is freed.

    glibc would begin so, but raise the bound to the largest piece freed, up to 32 MB, and keep what
    is smaller in an arena for each thread: a process whose threads take turns at large buffers
    holds the most that each of them ever had. Another C library is left as it is.
    """
    ours = ctypes.CDLL(None)
    if hasattr(ours, "mallopt"):
        ours.mallopt(_M_MMAP_THRESHOLD, LARGE)
