"""Seconds of the processor: where all cores are busy, they decide how much is done, and unlike the
clock they hardly see what else the machine does."""

from collections.abc import Callable
from contextlib import suppress

import psutil
import psycopg

from kit.db import dsn


def of_server(url: str) -> Callable[[], float]:
    """Reads the seconds that all processes of PostgreSQL have used until then."""
    with psycopg.connect(dsn(url)) as connection:
        postmaster = psutil.Process(connection.info.backend_pid).parent()
    assert postmaster is not None

    def seconds() -> float:
        spent = sum(postmaster.cpu_times()[:4])  # its own, and those of children that have ended
        for child in postmaster.children():
            with suppress(psutil.NoSuchProcess):
                spent += sum(child.cpu_times()[:2])
        return spent

    return seconds
