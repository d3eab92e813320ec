"""The one process that owns both servers of a data folder.

`python -m huopan.servers.supervisor DATA` returns when the servers answer (or when another
supervisor is at work), and leaves a detached process behind which starts a server that died again
and stops both once nobody has held them for `LINGER` seconds.
"""

import argparse
import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import IO

from huopan.servers.binaries import NEWEST, OLDEST
from huopan.servers.errors import ServersError, explained
from huopan.servers.layout import Layout, layout
from huopan.servers.postgres import Postgres
from huopan.servers.redis import Redis

LINGER = 1.0
"""Seconds without a holder: commands typed one after the other need no fresh start each."""

TICK = 0.1
TIRED = 5
"""A server that ends this often within `SETTLED` seconds of its start is given up."""
SETTLED = 10.0


def main() -> int:
    """Start the supervisor of a data folder; 0 when its servers answer, 3 with the reason."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--older", action="store_true")
    parser.add_argument("--not-durable", action="store_true")
    chosen = parser.parse_args()
    try:
        place = layout(chosen.data)
        with explained(place.home):
            lock = place.lock.open("ab")  # freed by the end of the process, not a moment earlier
            log = place.log.open("ab")
    except ServersError as error:
        sys.stderr.write(str(error))
        return 3
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        return _await_start(reader, place)
    os.close(reader)
    _detach(log)
    version = OLDEST if chosen.older else NEWEST
    with open(writer, "w") as report:
        _supervise(place, report, version=version, durable=not chosen.not_durable)
    return 0


def _await_start(reader: int, place: Layout) -> int:
    with open(reader) as report:
        said = report.read()
    if said == "ready":
        return 0
    sys.stderr.write(
        said or f"The servers' supervisor ended before they answered: see {place.log}."
    )
    return 3


def _detach(log: IO[bytes]) -> None:
    """No terminal, no folder and no output of the caller's stays in use."""
    os.setsid()
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)


def _supervise(place: Layout, report: IO[str], *, version: int, durable: bool) -> None:
    """Run both servers until nobody holds them; `report` hears "ready" or why not."""
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    try:
        with (
            _servers(place, version=version, durable=durable) as servers,
            place.ready.open("ab") as ready,
        ):
            fcntl.flock(ready, fcntl.LOCK_EX)
            report.write("ready")
            report.close()
            _watch(place, servers)
    except ServersError as error:
        if report.closed:
            _say(str(error))
        else:
            report.write(str(error))


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


@contextlib.contextmanager
def _servers(place: Layout, *, version: int, durable: bool) -> Iterator[list[Postgres | Redis]]:
    with explained(place.home):
        place.make_sockets()
    postgres = Postgres.prepare(place, version=version, durable=durable)
    redis = Redis(place, postgres.programs.redis)
    servers: list[Postgres | Redis] = [redis, postgres]
    try:
        for server in servers:
            server.start()
        yield servers
    finally:
        for server in reversed(servers):
            server.stop()
        place.remove_sockets()


def _watch(place: Layout, servers: list[Postgres | Redis]) -> None:
    """Until nobody has held the servers for `LINGER` seconds: restart whichever ends."""
    ends: list[float] = []
    held = time.monotonic()
    with place.holders.open("ab") as holders:
        while time.monotonic() - held < LINGER:
            for server in servers:
                if server.child is None or server.child.poll() is None:
                    continue
                _say(
                    f"{type(server).__name__} ended ({server.child.returncode}): starting it again"
                )
                now = time.monotonic()
                ends = [*(end for end in ends if now - end < SETTLED), now]
                if len(ends) > TIRED:
                    raise ServersError(f"{type(server).__name__} ends again and again")
                server.start()
            time.sleep(TICK)
            try:
                fcntl.flock(holders, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held = time.monotonic()
            else:
                if time.monotonic() - held < LINGER:
                    fcntl.flock(holders, fcntl.LOCK_UN)
        for server in reversed(servers):  # newcomers wait until `holders` is free again
            server.stop()


def _say(line: str) -> None:
    sys.stderr.write(f"{time.strftime('%FT%TZ', time.gmtime())} {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
