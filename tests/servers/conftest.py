"""Pairs of servers that a test may harm."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from huopan.servers import await_stopped
from huopan.servers.layout import Layout, layout
from huopan.servers.processes import inside


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder of this test's own, short and reachable for the server user."""
    folder = Path(tempfile.mkdtemp(prefix="huopan-pair-"))
    folder.chmod(0o711)
    yield folder
    for supervisor in supervisors(folder):  # no need to wait until it notices
        supervisor.terminate()
    for home in folder.rglob("servers/lock"):
        assert await_stopped(home.parents[1]), f"somebody still holds {home}"
    shutil.rmtree(folder)


def supervisors(data: Path) -> list[psutil.Process]:
    """The live supervisors of this data folder and of those below it."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if "huopan.servers.supervisor" in (process.info["cmdline"] or [])
        and any(part.startswith(str(data)) for part in process.info["cmdline"])
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


class Pair:
    """Looks at the processes of one data folder from outside."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.layout: Layout = layout(data)

    def supervisors(self) -> list[psutil.Process]:
        return supervisors(self.data)

    def postgres(self) -> list[psutil.Process]:
        """The postmaster first, then its children."""
        return sorted(inside(self.layout.postgres, "postgres"), key=lambda found: found.pid)

    def redis(self) -> list[psutil.Process]:
        return inside(self.layout.redis, "valkey-server")

    def everything(self) -> list[psutil.Process]:
        return [*self.supervisors(), *self.postgres(), *self.redis()]

    def hold_elsewhere(self) -> "subprocess.Popen[str]":
        """Another process that holds the pair until its standard input ends; it is ready."""
        script = (
            "import sys; from pathlib import Path; from huopan.servers import hold\n"
            "with hold(Path(sys.argv[1]), durable=False) as held:\n"
            "    print(held.database_url, flush=True); sys.stdin.read()"
        )
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(self.data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert child.stdout
        assert child.stdout.readline().startswith("postgresql+psycopg://")
        return child


@pytest.fixture
def pair(data: Path) -> Pair:
    return Pair(data)


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], None]:
    """Wait until something is true; fails after 30 seconds, so speed decides nothing."""

    def wait(holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < deadline, "it never came true"
            time.sleep(0.05)

    return wait
