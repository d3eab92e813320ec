"""Roles typed by hand: what they say when used wrongly, and that they wait for servers."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.huopan.conftest import Cli

ROOT = Path(__file__).parents[2]


def test_an_unknown_queue_is_told_with_the_known_ones(huopan: Cli) -> None:
    done = huopan("worker", "--queues", "parcels")
    assert done.code == 2
    assert "there is no queue parcels; there are orders, hooks, pictures, sync" in done.err


def test_a_busy_port_is_told(huopan: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "huopan", "api", "--port", port],
            cwd=huopan.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1, port {port}" in done.stderr


@pytest.mark.parametrize("role", ["worker", "cron"])
def test_a_role_waits_for_its_database_and_ends_when_told(huopan: Cli, role: str) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    log = huopan.folder / "said"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "huopan", role],
            cwd=huopan.folder,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "HUOPAN_DATABASE__URL": f"postgresql://huopan@127.0.0.1:{port}/huopan",
            },
            stderr=said,
        )
    deadline = time.monotonic() + 60
    while "The database does not answer; waiting for it" not in log.read_text():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
