"""Several processes of one role: started again when they end, stopped together."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence

from huopan.errors import UpError
from huopan.processes import PARENT
from kit import log

LISTENER = "HUOPAN_LISTENER"
"""The environment variable that names the descriptor of a pool's listening socket."""

BACKLOG = 2048
STOP_SECONDS = 15.0
AGAIN_SECONDS = 1.0
LOOK_SECONDS = 0.2

_log = log.get(__name__)


def run_pool(
    commands: Sequence[Sequence[str]],
    stopping: threading.Event,
    listener: socket.socket | None = None,
) -> None:
    """Keep one process a command alive until `stopping` is set; then end them in order.

    All of them get `listener`, which `inherited` finds there.
    """
    running: dict[int, subprocess.Popen[bytes]] = {}
    again = dict.fromkeys(range(len(commands)), 0.0)
    try:
        while not stopping.wait(LOOK_SECONDS):
            for number, command in enumerate(commands):
                process = running.get(number)
                if process is not None and (code := process.poll()) is not None:
                    _log.warning("A process ended and starts again", command=command[-1], code=code)
                    del running[number]
                    again[number] = time.monotonic() + AGAIN_SECONDS
                if number not in running and time.monotonic() >= again[number]:
                    running[number] = _start(command, listener)
    finally:
        _stop(list(running.values()))


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket. Raises UpError when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((host, port))
        except OSError as error:
            raise UpError(
                f"The API cannot listen on {host}, port {port} ({error.strerror}): stop the program"
                " that does, or choose another with --port."
            ) from error
        found.listen(BACKLOG)
        yield found


def inherited() -> socket.socket | None:
    """The listening socket that our pool gave to this process, if it did."""
    number = os.environ.pop(LISTENER, None)
    return socket.socket(fileno=int(number)) if number else None


def _start(command: Sequence[str], listener: socket.socket | None) -> "subprocess.Popen[bytes]":
    given = {PARENT: str(os.getpid())}
    if listener is not None:
        given[LISTENER] = str(listener.fileno())
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "huopan", *command],
        stdin=subprocess.DEVNULL,
        env={**os.environ, **given},
        pass_fds=[listener.fileno()] if listener is not None else [],
        start_new_session=True,  # a terminal's Ctrl-C is for us, who stop them in order
    )


def _stop(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    for process in processes:
        process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
