"""`huopan up` runs its roles until told to stop, and leaves nothing running."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from huopan.servers.layout import layout
from huopan.up import UpError, require_free_port

ROOT = Path(__file__).parents[2]

RUN = """
import sys
from huopan.servers import ServersError
from huopan.up import UpError, run
from kit import settings

roles = {f"role{number}": (sys.executable, path) for number, path in enumerate(sys.argv[1:])}
try:
    run(settings.load(), say=lambda line: print(line, flush=True), commands=roles)
except (UpError, ServersError) as error:
    sys.exit(str(error))
"""

API = """
import http.server, os, sys
sys.path.insert(0, os.environ["ROOT"])
from huopan.processes import follow_parent

class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()

follow_parent()
http.server.HTTPServer(("127.0.0.1", int(os.environ["HUOPAN_API__PORT"])), Health).serve_forever()
"""

BROKEN = "raise SystemExit('the scroll is missing')"


class Household:
    """An `up` with roles of the test's making, on the run's servers."""

    def __init__(self, folder: Path, servers: dict[str, str]) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.environment = {
            **os.environ,
            **servers,
            "ROOT": str(ROOT),
            "PYTHONPATH": str(ROOT),
            "HUOPAN_API__PORT": str(self.port),
            "HUOPAN_DATA__DIR": str(folder / "var"),
        }
        self.started: list[subprocess.Popen[str]] = []

    def up(self, *roles: str) -> "subprocess.Popen[str]":
        paths = []
        for number, source in enumerate(roles):
            path = self.folder / f"role{number}.py"
            path.write_text(source)
            paths.append(path)
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, *paths],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def read_until(self, process: "subprocess.Popen[str]", word: str) -> str:
        """What `up` said up to and with the line that has `word`."""
        said = ""
        assert process.stdout
        assert process.stderr
        while word not in said:
            line = process.stdout.readline()
            assert line, f"it ended after: {said}{process.stderr.read()}"
            said += line
        return said

    def roles(self) -> list[psutil.Process]:
        return [
            process
            for process in psutil.process_iter(["cmdline", "status"])
            if process.info["status"] != psutil.STATUS_ZOMBIE
            and len(process.info["cmdline"] or []) == 2
            and process.info["cmdline"][1].startswith(str(self.folder))
        ]


@pytest.fixture
def household(tmp_path: Path, database_url: str, redis_url: str) -> Iterator[Household]:
    made = Household(
        tmp_path, {"HUOPAN_DATABASE__URL": database_url, "HUOPAN_REDIS__URL": redis_url}
    )
    yield made
    for process in made.started:
        process.kill()
        process.communicate()
    assert _eventually(lambda: made.roles() == [])


def _eventually(holds: Callable[[], object]) -> bool:
    deadline = time.monotonic() + 30
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_leaves_nothing_running(household: Household, sent: signal.Signals) -> None:
    process = household.up(API)
    said = household.read_until(process, "Huopan is up")
    assert f"http://127.0.0.1:{household.port}" in said
    process.send_signal(sent)
    process.send_signal(sent)  # an impatient second one changes nothing
    assert process.stdout
    assert "Everything has stopped." in process.stdout.read()
    assert process.wait() == 0
    assert household.roles() == []


def test_children_die_with_a_killed_up(household: Household) -> None:
    process = household.up(API)
    household.read_until(process, "Huopan is up")
    assert len(household.roles()) == 1
    process.kill()
    assert _eventually(lambda: household.roles() == [])


def test_a_role_that_dies_is_started_again_and_said(household: Household) -> None:
    process = household.up(API)
    household.read_until(process, "Huopan is up")
    (role,) = household.roles()
    role.kill()
    said = household.read_until(process, "starts again")
    assert "role0 ended (signal 9) and starts again in 1 s" in said
    assert _eventually(lambda: len(household.roles()) == 1 and household.roles() != [role])


def test_a_role_that_cannot_start_is_said_with_its_own_words(household: Household) -> None:
    process = household.up(BROKEN)
    _, error = process.communicate()
    assert process.returncode == 1
    assert "role0 does not start: the scroll is missing" in error


def test_a_second_up_on_the_same_data_says_so(household: Household) -> None:
    process = household.up(API)
    household.read_until(process, "Huopan is up")
    second = household.up(API)
    _, error = second.communicate()
    assert second.returncode == 1
    assert "up already" in error
    assert f"http://127.0.0.1:{household.port}" in error
    assert "--data" in error


def test_a_busy_port_is_said_before_anything_starts(household: Household) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", household.port))
        taken.listen()
        process = household.up(API)
        said, error = process.communicate()
    assert f"Port {household.port} on 127.0.0.1 is in use" in error
    assert f"--port {household.port + 1}" in error
    assert said == ""


def test_an_address_that_is_not_ours_is_said() -> None:
    with pytest.raises(UpError, match=r"cannot listen on 192\.0\.2\.1"):
        require_free_port("192.0.2.1", 8000)


@pytest.mark.servers
def test_embedded_servers_come_and_go_with_up(household: Household) -> None:
    for name in ("HUOPAN_DATABASE__URL", "HUOPAN_REDIS__URL"):
        del household.environment[name]
    process = household.up(API)
    household.read_until(process, "Huopan is up")
    process.send_signal(signal.SIGINT)
    assert process.stdout
    said = process.stdout.read()
    assert said.splitlines()[-1] == "Everything has stopped."
    running = [
        found
        for found in psutil.process_iter(["cmdline"])
        if str(household.folder) in " ".join(found.info["cmdline"] or [])
    ]
    assert running == []
    home = layout(household.folder / "var").home
    assert (home / "postgres" / "PG_VERSION").exists()
    shutil.rmtree(home)  # under root it is not below the test's own folder
