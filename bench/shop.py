"""A real API process over a bench's database, and callers of it that cost next to nothing."""

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from huopan.servers import Endpoints
from kit.crypto import new_key
from kit.db import Database
from trade import parties, tokens

MARKUP = 20
"""Percent of the cost that leaders of the bench pay on top."""

Get = Callable[..., bytes]


@contextmanager
def opened(
    database: Database, folder: Path, servers: Endpoints, processes: int = 1
) -> Iterator[tuple[str, str]]:
    """(address, a leader's token) of `huopan api` as it is started on a server."""
    with database.as_system() as session:
        token = tokens.issue(session, parties.create(session, "leader", "bench")).text
    key = folder / "secret.key"
    key.write_text(new_key())
    port = _free_port()
    environment = os.environ | {
        "HUOPAN_SETTINGS": str(folder / "none.toml"),
        "HUOPAN_DATABASE__URL": database.engine.url.render_as_string(hide_password=False),
        "HUOPAN_REDIS__URL": servers.redis_url,
        "HUOPAN_DATA__DIR": str(folder),
        "HUOPAN_SECURITY__KEY": f"file:{key}",
        "HUOPAN_PRICING__MARKUP_PERCENT": str(MARKUP),
        "HUOPAN_API__REQUESTS_PER_MINUTE": "1000000",
    }
    (folder / "none.toml").touch()
    command = [sys.executable, "-m", "huopan", "api", "--port", str(port)]
    with (folder / "api.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--processes", str(processes)], env=environment, stdout=log, stderr=log
        )
    try:
        _await_ready(port, process, folder / "api.log")
        yield f"127.0.0.1:{port}", token
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def client(address: str, token: str) -> Iterator[Get]:
    """GET by one kept connection for each thread; anything but 200 is an error.

    It reads of an answer what it must: http.client takes a quarter of a millisecond for one.
    """
    own = threading.local()
    host, _, port = address.rpartition(":")
    heads = f" HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n"

    def get(path: str, **asked: str) -> bytes:
        query = "&".join(f"{name}={quote(value)}" for name, value in asked.items())
        said = f"GET {path}?{query}{heads}".encode()
        answer = _answer(own.line, said) if hasattr(own, "line") else None
        if answer is None:  # the first one, or it rested for so long that the API has hung up
            own.line = socket.create_connection((host, int(port)), timeout=60)
            answer = _answer(own.line, said)
        if answer is None:
            raise RuntimeError("the API has hung up")
        status, body = answer
        if status != 200:
            raise RuntimeError(f"{status} {json.loads(body)}")
        return body

    yield get


def _answer(line: socket.socket, said: bytes) -> tuple[int, bytes] | None:
    """(status, body) of what a server with lengths in its heads says; None: it has hung up."""
    got, heads, body, length = b"", b"", b"", None
    with suppress(BrokenPipeError, ConnectionResetError):
        line.sendall(said)
        while length is None or len(body) < length:
            if not (part := line.recv(2**18)):
                return None
            got += part
            heads, _, body = got.partition(b"\r\n\r\n")
            if length is None and len(heads) < len(got):
                length = int(heads.lower().partition(b"\r\ncontent-length:")[2].split(None, 1)[0])
        return int(heads.split(None, 2)[1]), body
    return None


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _await_ready(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            asking = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            asking.request("GET", "/healthz")
            if asking.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the API did not start: {log.read_text()[-2000:]}")
