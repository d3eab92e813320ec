"""Holding the servers: they run while anybody holds them."""

import contextlib
import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal
from urllib.parse import quote

import psycopg

from huopan.servers import redis
from huopan.servers.errors import ServersError, explained
from huopan.servers.layout import PORT, Layout, layout
from huopan.servers.postgres import NAME

DEADLINE = 180.0
"""Seconds for everything: making a database on a slow disk, or replaying a crashed one's log."""

OTHERS = 2.0
"""Seconds after which another holder is taken to stay."""

WATCH = 1.0
"""Seconds between two looks of a holder at whether the supervisor still lives."""


@dataclass(frozen=True)
class Endpoints:
    """Where the servers are: an SQLAlchemy URL and a Redis URL, both over unix sockets."""

    database_url: str
    redis_url: str


@contextlib.contextmanager
def hold(
    data: Path, *, postgres: Literal["default", "older"] = "default", durable: bool = True
) -> Iterator[Endpoints]:
    """Have PostgreSQL and Redis of the data folder run while the block runs.

    Any number of processes hold one pair; when the last has left, by its end or by its death, both
    are stopped. `postgres` is the version of a database made now (an existing one keeps its own);
    `durable=False` trades safety against a power cut for speed, for tests. Both count only for the
    one who starts the servers. Raises ServersError when they cannot run.
    """
    place = layout(data)
    options = [*(["--older"] if postgres == "older" else [])]
    options += [] if durable else ["--not-durable"]
    with _shared(place) as deadline:
        endpoints = _await(place, data, options, deadline)
        leaving = threading.Event()
        watcher = threading.Thread(
            target=_keep_supervised, args=(place, data, options, leaving), daemon=True
        )
        watcher.start()
        try:
            yield endpoints
        finally:
            leaving.set()
            watcher.join(timeout=5.0)


def await_stopped(data: Path, *, seconds: float = 45.0) -> bool:
    """Wait until the servers of `data` have stopped; False when somebody goes on holding them."""
    place = layout(data)
    alone = time.monotonic()
    deadline = alone + seconds
    while (now := time.monotonic()) < deadline and now - alone < OTHERS:
        if not _is_locked(place.lock):
            return True
        if not _is_shared(place.holders):
            alone = now
        time.sleep(0.05)
    return False


@contextlib.contextmanager
def _shared(place: Layout) -> Iterator[float]:
    """A share of `holders` until the block ends; waits while the servers are being stopped."""
    deadline = time.monotonic() + DEADLINE
    with explained(place.home):
        holders = place.holders.open("ab")
    with holders:
        while not _try_share(holders):
            if time.monotonic() > deadline:
                raise ServersError(
                    f"The servers of {place.home} are being stopped and do not end: see {place.log}"
                    " and start again."
                )
            time.sleep(0.02)
        yield deadline


def _try_share(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_shared(path: Path) -> bool:
    """Whether somebody holds `path` shared."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return _try_share(file)  # not beside the supervisor's exclusive lock
        return False


def _is_locked(path: Path) -> bool:
    """Whether somebody holds `path` exclusively."""
    try:
        with path.open("rb") as file:
            return not _try_share(file)
    except FileNotFoundError:
        return False


def _await(place: Layout, data: Path, options: list[str], deadline: float) -> Endpoints:
    """The endpoints, once both servers have answered on them.

    An answer alone would not do: servers whose supervisor was killed answer while they go down.
    """
    while True:
        if _is_locked(place.ready) and _answer(place.sockets):
            return _endpoints(place.sockets)
        if not _is_locked(place.lock):
            _start_supervisor(data, options)
        if time.monotonic() > deadline:
            raise ServersError(
                f"The embedded servers did not answer within {DEADLINE:.0f} seconds: see"
                f" {place.log} and start again."
            )
        time.sleep(0.05)


def _endpoints(sockets: Path) -> Endpoints:
    folder = quote(str(sockets), safe="")
    return Endpoints(
        database_url=f"postgresql+psycopg://{NAME}@/{NAME}?host={folder}&port={PORT}",
        redis_url=f"unix://{quote(str(sockets / redis.SOCKET))}?db=0",
    )


def _answer(sockets: Path) -> bool:
    """Whether both servers answer now, by real connections."""
    if not redis.answers(sockets):
        return False
    try:
        with psycopg.connect(
            host=str(sockets), port=PORT, user=NAME, dbname=NAME, connect_timeout=3
        ) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def _start_supervisor(data: Path, options: list[str]) -> None:
    """Start the supervisor and wait until its servers answer. Raises ServersError."""
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "huopan.servers.supervisor", data.absolute(), *options],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
        errors="replace",
    )
    if done.returncode:
        raise ServersError(
            done.stderr.strip() or "The servers' supervisor was killed: start again."
        )


def _keep_supervised(
    place: Layout, data: Path, options: list[str], leaving: threading.Event
) -> None:
    """While we hold the servers somebody must supervise them: replace a supervisor that died."""
    while not leaving.wait(WATCH):
        if _is_locked(place.lock):
            continue
        try:
            _start_supervisor(data, options)
        except ServersError as error:
            sys.stderr.write(f"{error}\n")
            leaving.wait(10 * WATCH)
