"""One real Redis without persistence: it may be wiped at any moment, so it keeps nothing."""

import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from huopan.processes import die_with_parent
from huopan.servers import processes
from huopan.servers.errors import NO_SPACE, ServersError, explained, no_space
from huopan.servers.layout import Layout

SOCKET = "redis.sock"
DATABASES = 64
"""Numbered databases: the test suite gives each of its workers one."""

START_SECONDS = 20.0
ANSWER_SECONDS = 3.0
_PONG = b"+PONG\r\n"
_STOP = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
_LOG_LIMIT = 10 * 2**20


@dataclass
class Redis:
    """The server of one layout. Only the supervisor makes one, under its lock."""

    layout: Layout
    program: Path
    child: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it and wait until it answers. Raises ServersError."""
        folder = self.layout.redis
        with explained(folder):
            self.layout.owner.folder(folder)
            self.end_leftovers()
            log = folder / "redis.log"
            fresh = not log.exists() or log.stat().st_size > _LOG_LIMIT
            with log.open("wb" if fresh else "ab") as output:
                self.child = subprocess.Popen(  # noqa: S603 - our own program and arguments
                    [self.program, *self._arguments()],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=folder,
                    preexec_fn=lambda: die_with_parent(signal.SIGTERM),
                    start_new_session=True,
                    **self.layout.owner.popen(),
                )
        deadline = time.monotonic() + START_SECONDS
        while not answers(self.layout.sockets):
            ended = self.child.poll() is not None
            if ended or time.monotonic() > deadline:
                self.stop()
                raise self._failure(log)
            time.sleep(0.02)

    def stop(self) -> None:
        """An orderly stop within its time, by force after it."""
        if self.child and (process := processes.reap(self.child)):
            processes.stop([process], _STOP)
            self.child.wait()
        self.end_leftovers()

    def end_leftovers(self) -> None:
        """End a server that works in this folder although nobody supervises it any more."""
        processes.stop(processes.inside(self.layout.redis, "valkey-server"), _STOP)

    def _arguments(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.layout.sockets / SOCKET),
            "unixsocketperm": "700",
            "dir": str(self.layout.redis),
            "save": "",
            "appendonly": "no",
            "databases": str(DATABASES),
            "maxmemory-policy": "noeviction",
        }
        return [part for name, value in options.items() for part in (f"--{name}", value)]

    def _failure(self, log: Path) -> ServersError:
        said = log.read_text(errors="replace")[-4000:]
        if NO_SPACE in said:
            return no_space(self.layout.home)
        reason = (said.strip().splitlines() or ["it ended without a word"])[-1]
        return ServersError(f"Redis could not start: {reason}. Its log is {log}.")


def answers(sockets: Path) -> bool:
    """Whether a Redis answers there: asked in its own words, since every start asks, and a client
    for it takes longer to import than all else here."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(ANSWER_SECONDS)
        try:
            asking.connect(str(sockets / SOCKET))
            asking.sendall(b"PING\r\n")
            return asking.recv(len(_PONG)) == _PONG
        except OSError:
            return False
