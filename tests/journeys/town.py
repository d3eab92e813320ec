"""A whole Huopan for a story: its own servers and data folder, every role a process of its own."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
import psycopg
import redis

from huopan.servers import Endpoints, await_stopped, hold
from kit.db import dsn, migrate
from kit.settings import Settings

ROOT = Path(__file__).parents[2]
PATIENCE = 90.0
"""Seconds until a wait is given up; nothing is decided by how long it takes below that."""

ROLES = {"api": ("--processes", "2"), "worker": ("--processes", "1"), "cron": ()}
T = TypeVar("T")


@dataclass
class Town:
    """Processes, and what a test does to them and asks them."""

    folder: Path
    servers: Endpoints
    port: int
    roles: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    callers: list[httpx.Client] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HUOPAN_DATA__DIR": str(self.folder / "var"),
            "HUOPAN_API__PORT": str(self.port),
        }

    def start(self, role: str) -> None:
        """Start a role; its log is appended to."""
        with (self.folder / f"{role}.log").open("ab") as said:
            self.roles[role] = subprocess.Popen(
                [sys.executable, "-m", "huopan", role, *ROLES[role]],
                cwd=self.folder,
                env=self.environment,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def kill(self, role: str) -> None:
        """SIGKILL to every process of a role at once, then start it again."""
        self.end_by_force(role)
        self.start(role)

    def end_by_force(self, role: str) -> None:
        """SIGKILL to a role and to the processes that it has started."""
        process = self.roles[role]
        if process.poll() is None:
            first = psutil.Process(process.pid)
            for each in [*first.children(recursive=True), first]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()
        process.wait()

    def stop(self) -> None:
        """End every role in order."""
        for process in self.roles.values():
            process.send_signal(signal.SIGTERM)
        for role, process in self.roles.items():
            assert process.wait(PATIENCE) == 0, f"{role}: {self.log(role)}"

    def log(self, role: str) -> str:
        return (self.folder / f"{role}.log").read_text(errors="replace")[-3000:]

    def command(self, *arguments: str, code: int = 0) -> Any:
        """`huopan … --json` by hand; returns what it says. `code` is how it must end."""
        done = subprocess.run(
            [sys.executable, "-m", "huopan", *arguments, "--json"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr + done.stdout
        return json.loads(done.stdout)

    def caller(self, token: str) -> "Caller":
        """Somebody with a token, at the door."""
        client = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
            trust_env=False,
            limits=httpx.Limits(max_connections=40),
        )
        self.callers.append(client)
        return Caller(client)

    def answers(self) -> bool:
        """Whether the API can serve."""
        for role, process in self.roles.items():
            assert process.poll() is None, f"{role}: {self.log(role)}"
        try:
            url = f"http://127.0.0.1:{self.port}/readyz"
            return httpx.get(url, timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def wipe_redis(self) -> None:
        with redis.Redis.from_url(self.servers.redis_url) as client:
            client.flushall()

    def leases_run_out(self) -> None:
        """Two minutes pass for purchases that a killed worker had claimed."""
        with psycopg.connect(dsn(self.servers.database_url), autocommit=True) as connection:
            connection.execute(
                "UPDATE purchases SET due_at = '2020-01-01Z' WHERE state = 'submitting'"
            )


@dataclass(frozen=True)
class Caller:
    """One party's programs."""

    http: httpx.Client

    def get(self, path: str) -> Any:
        answer = self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def say(self, method: str, path: str, body: Any = None, *codes: int) -> Any:
        answer = self.http.request(method, path, json=body)
        assert answer.status_code in (codes or (200, 201)), answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, *codes: int) -> Any:
        return self.say("POST", path, body, *codes)


def eventually(look: Callable[[], T]) -> T:
    """What `look` returns once it is true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.1)
    return found


@contextlib.contextmanager
def town() -> Iterator[Town]:
    """A town with nothing in it, every role up."""
    folder = Path(tempfile.mkdtemp(prefix="huopan-town-"))
    folder.chmod(0o711)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with hold(folder / "var", durable=False) as servers:
        migrate(servers.database_url)
        Settings(data={"dir": folder / "var"}).ensure_key()
        here = Town(folder, servers, port)
        for role in ROLES:
            here.start(role)
        try:
            eventually(here.answers)
            yield here
            here.stop()
        finally:
            for client in here.callers:
                client.close()
            for role in here.roles:
                here.end_by_force(role)
    assert await_stopped(folder / "var")
    shutil.rmtree(folder)
