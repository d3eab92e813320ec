"""Memory that is freed does not stay with the process."""

import ctypes

import psutil
import pytest

from kit.memory import LARGE, return_what_is_large

MB = 1 << 20


def _held() -> int:
    """Bytes that are ours alone, without mapped files."""
    now = psutil.Process().memory_info()
    return int(now.rss - now.shared)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="glibc's allocator only")
def test_large_pieces_leave_the_process_when_they_are_freed() -> None:
    return_what_is_large()
    largest = b"x" * (16 * MB)
    del largest  # glibc left alone keeps pieces up to this size from now on
    before = _held()
    pieces = [(b"x" * LARGE, b"x" * 8_000) for _ in range(256)]  # what is small stays between
    full = _held()
    small = [pin for _, pin in pieces]
    del pieces
    assert full - before > 60 * MB
    assert _held() - before < 8 * MB
    assert len(small) == 256
