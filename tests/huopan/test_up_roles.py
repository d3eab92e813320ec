"""`huopan up` with its real roles on its own servers: it lives through what is killed under it."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from huopan.servers.layout import layout

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("town")]

ROOT = Path(__file__).parents[2]
PATIENCE = 90.0


class Up:
    """One `huopan up` in a folder of its own, looked at from outside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        arguments = ["up", "--port", str(self.port), "--data", str(folder / "var")]
        with (folder / "said").open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "huopan", *arguments],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=said,
                stderr=said,
            )

    def said(self) -> str:
        return (self.folder / "said").read_text()

    def ready(self) -> bool:
        assert self.process.poll() is None, self.said()
        try:
            url = f"http://127.0.0.1:{self.port}/readyz"
            return httpx.get(url, timeout=5, trust_env=False).json()["redis"] == "ok"
        except (httpx.TransportError, ValueError):
            return False

    def everything(self) -> list[psutil.Process]:
        """Every process of this folder: `up`, roles, supervisor, servers."""
        found = []
        home = str(layout(self.folder / "var").home)
        for process in psutil.process_iter(["cmdline", "status"]):
            if process.info["status"] == psutil.STATUS_ZOMBIE:
                continue
            with contextlib.suppress(psutil.Error):
                about = " ".join([*(process.info["cmdline"] or []), process.cwd()])
                if str(self.folder) in about or home in about:
                    found.append(process)
        return found

    def named(self, *words: str) -> list[psutil.Process]:
        found = []
        for process in self.everything():
            with contextlib.suppress(psutil.Error):
                if all(word in process.cmdline() for word in words):
                    found.append(process)
        return found


@pytest.fixture
def up() -> Iterator[Up]:
    folder = Path(tempfile.mkdtemp(prefix="huopan-up-"))
    folder.chmod(0o711)
    started = Up(folder)
    yield started
    started.process.kill()
    started.process.wait()
    eventually(lambda: started.everything() == [])
    shutil.rmtree(layout(folder / "var").home, ignore_errors=True)  # elsewhere under root
    shutil.rmtree(folder)


def eventually(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.1)


def test_up_lives_through_the_death_of_anything_and_stops_with_nothing_left(up: Up) -> None:
    eventually(up.ready)
    eventually(lambda: len(up.named("worker", "--queues")) == 2)
    before = {process.pid for process in up.everything()}
    for words in (("api",), ("cron",), ("worker", "orders"), ("worker",)):
        victims = up.named("huopan", *words)
        assert victims, words
        victims[0].kill()
    for program in ("valkey-server", "postgres"):
        victim = next(one for one in up.everything() if one.name() == program)
        victim.kill()
    eventually(lambda: "worker ended (signal 9) and starts again" in up.said())
    eventually(
        lambda: (
            up.ready()
            and all(up.named("huopan", role) for role in ("api", "cron"))
            and len(up.named("worker", "--queues")) == 2
        )
    )
    assert {process.pid for process in up.everything()} != before
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(PATIENCE) == 0
    assert up.said().splitlines()[-1] == "Everything has stopped."
    assert up.everything() == []


def test_nothing_outlives_a_killed_up(up: Up) -> None:
    eventually(up.ready)
    up.process.kill()
    eventually(lambda: up.everything() == [])
