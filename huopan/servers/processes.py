"""Processes of ours: who lives, how they are ended, what former ones left behind."""

import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import psutil


def inside(folder: Path, program: str) -> list[psutil.Process]:
    """The live processes of `program` that work in `folder`, whoever started them."""
    found = []
    for process in psutil.process_iter(["name", "status"]):
        if process.info["name"] != program or process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        try:
            cwd = process.cwd()
        except psutil.Error:  # gone meanwhile, or another user's
            continue
        if cwd == str(folder):
            found.append(process)
    return found


def wait_gone(processes: Iterable[psutil.Process], timeout: float) -> list[psutil.Process]:
    """Those that still live after `timeout` seconds; a zombie is gone."""
    deadline = time.monotonic() + timeout
    living = list(processes)
    while living := [process for process in living if _lives(process)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return living


def stop(
    processes: Iterable[psutil.Process], steps: Sequence[tuple[signal.Signals, float]]
) -> list[psutil.Process]:
    """Send one signal after another, each with seconds to obey; returns who still lives."""
    living = list(processes)
    for sent, seconds in steps:
        for process in living:
            try:
                process.send_signal(sent)
            except psutil.NoSuchProcess:
                continue
        living = wait_gone(living, seconds)
    return living


def reap(child: subprocess.Popen[bytes]) -> psutil.Process | None:
    """The child as psutil sees it, or None if it has ended."""
    return None if child.poll() is not None else psutil.Process(child.pid)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
