"""Several processes of one role: started again when they end, stopped together."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

from huopan.processes import PARENT
from kit import log

STOP_SECONDS = 15.0
AGAIN_SECONDS = 1.0
LOOK_SECONDS = 0.2

_log = log.get(__name__)


def run_pool(commands: Sequence[Sequence[str]], stopping: threading.Event) -> None:
    """Keep one process a command alive until `stopping` is set; then end them in order."""
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
                    running[number] = _start(command)
    finally:
        _stop(list(running.values()))


def _start(command: Sequence[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "huopan", *command],
        stdin=subprocess.DEVNULL,
        env={**os.environ, PARENT: str(os.getpid())},
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
