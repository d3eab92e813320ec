"""Memory that is freed does not stay with the process."""

import ctypes
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import psutil
import pytest

from kit.memory import LARGE, return_what_is_large

MB = 1 << 20


def _held() -> int:
    """Bytes that are ours alone, without mapped files."""
    now = psutil.Process().memory_info()
    return int(now.rss - now.shared)


def _measured() -> tuple[int, int]:
    """Bytes more than before while large pieces are held, and after they were freed."""
    return_what_is_large()
    largest = b"x" * (16 * MB)
    del largest  # glibc left alone keeps pieces up to this size from now on
    before = _held()
    pieces = [(b"x" * LARGE, b"x" * 8_000) for _ in range(256)]  # what is small stays between
    full = _held()
    small = [pin for _, pin in pieces]
    del pieces
    freed = _held()
    assert len(small) == 256
    return full - before, freed - before


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="glibc's allocator only")
def test_large_pieces_leave_the_process_when_they_are_freed() -> None:
    """In a process of its own: another's threads allocate and free meanwhile."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        full, freed = apart.submit(_measured).result()
    assert full > 60 * MB
    assert freed < 8 * MB
