"""`huopan up`: servers, schema and every role on one machine, until somebody says stop."""

import contextlib
import errno
import fcntl
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType

import httpx

from huopan.backing import backing, is_embedded
from huopan.children import Children
from huopan.errors import UpError
from huopan.keys import opens
from huopan.servers import Endpoints, await_stopped
from huopan.servers.errors import explained
from huopan.standing import make_ready
from kit.settings import Settings

READY_SECONDS = 90.0
TIRED = 3
"""A role that ends this often before everything is up will not come up by trying again."""

ROLES: dict[str, Sequence[str]] = {
    name: (sys.executable, "-m", "huopan", name)  # each role is a command of its own
    for name in ("api", "worker", "cron")
}


def run(
    settings: Settings,
    *,
    say: Callable[[str], None],
    commands: dict[str, Sequence[str]] | None = None,
    prepare: Callable[[Endpoints], None] | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Run everything until SIGINT, SIGTERM or SIGHUP; nothing is left running then.

    `prepare` is called once the schema is there and before the roles start, `ready` with the
    address once they answer. Raises UpError, ServersError, SettingsError.
    """
    data = settings.data.dir.expanduser().absolute()
    with explained(data):
        data.mkdir(parents=True, exist_ok=True)
    with _stoppable(), _alone(data, _address(settings)):
        require_free_port(settings.api.host, settings.api.port)
        try:
            with backing(settings) as servers:
                say("PostgreSQL and Redis answer.")
                make_ready(settings, servers.database_url)
                if (sealed := opens(settings, servers)) and sealed.advice:
                    say(f"{sealed.found}: {sealed.advice}")
                say("The database has the newest schema.")
                if prepare:
                    prepare(servers)
                _run_roles(settings, data, commands or ROLES, say, ready)
        except KeyboardInterrupt:
            say("Stopping.")
        finally:
            _deaf()
            if is_embedded(settings) and not await_stopped(data):
                say(f"The servers of {data} go on: another command still uses them.")
    say("Everything has stopped.")


def require_free_port(host: str, port: int) -> None:
    """Raises UpError when somebody listens there already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise UpError(
                    f"Port {port} on {host} is in use by another program: stop that one, or choose"
                    f" another port with --port {port + 1}."
                ) from error
            raise UpError(
                f"The API cannot listen on {host}, port {port} ({error.strerror}): choose another"
                " with --host and --port."
            ) from error


def _run_roles(
    settings: Settings,
    data: Path,
    commands: dict[str, Sequence[str]],
    say: Callable[[str], None],
    ready: Callable[[str], None] | None,
) -> None:
    children = Children(commands, data / "log", say)
    try:
        children.start()
        _await_health(settings, children)
        say(f"Huopan is up: {_address(settings)}  (documentation at /docs; Ctrl-C stops it)")
        if ready:
            ready(_address(settings))
        while True:
            time.sleep(0.5)
            children.tend()
    finally:
        _deaf()
        children.stop()


def _await_health(settings: Settings, children: Children) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _healthy(f"{_address(settings)}/healthz"):
        children.tend()
        if failing := children.failing(TIRED):
            raise UpError(
                f"{failing.name} does not start: {failing.last_words()}. Its log is {failing.log}."
            )
        if time.monotonic() > deadline:
            raise UpError(
                f"The API did not answer within {READY_SECONDS:.0f} seconds: see {children.logs}."
            )
        time.sleep(0.1)


def _healthy(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2.0, trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _address(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.api.host, settings.api.host)  # noqa: S104 - shown, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.api.port}"


@contextlib.contextmanager
def _alone(data: Path, address: str) -> Iterator[None]:
    """One `up` a data folder, by a lock that ends with the process. Raises UpError."""
    with (data / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise UpError(
                f"Huopan is up already with the data in {data} ({lock.read().strip()}): use that"
                " one, stop it with Ctrl-C in its terminal, or start a second one with --data and"
                " --port."
            ) from None
        lock.truncate(0)
        lock.write(address)
        lock.flush()
        yield


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM and a closed terminal stop us like Ctrl-C does."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {each: signal.signal(each, _interrupt) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _deaf() -> None:
    """A second Ctrl-C must not leave half of it running: stopping takes its own, bounded time."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
