"""A statement ends at a moment before which nothing that is still open can post."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Event

import psycopg

from kit.db import dsn


def test_whatever_is_open_when_a_statement_ends_began_after_it(database_url: str) -> None:
    url, done = dsn(database_url), Event()

    def writer() -> list[tuple[float, datetime]]:
        """When each transaction was open for certain, and the moment of what it would post."""
        seen = []
        with psycopg.connect(url) as connection:
            while not done.is_set():
                row = connection.execute("SELECT now()").fetchone()
                assert row is not None
                seen.append((time.monotonic(), row[0]))
                connection.commit()
                time.sleep(0.0003)
        return seen

    ends = []
    with ThreadPoolExecutor(2) as pool, psycopg.connect(url, autocommit=True) as connection:
        writers = [pool.submit(writer) for _ in range(2)]
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            row = connection.execute("SELECT quiet_until()").fetchone()
            assert row is not None
            ends.append((time.monotonic(), row[0]))
        done.set()
        opened = sorted(one for each in writers for one in each.result())
    for told, end in ends:
        assert [at for moment, at in opened if moment > told and at < end] == []
