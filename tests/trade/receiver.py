"""Somebody else's endpoint: a real HTTP server on loopback that keeps what it was told."""

import base64
import contextlib
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Heard:
    """One request as it came in."""

    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def said(self) -> Any:
        return json.loads(self.body)

    @property
    def about(self) -> str:
        return str(self.said["data"]["id"])


@dataclass
class Receiver:
    """`answer` decides the status of each request; `heard` are all of them, in order of arrival."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answer: Callable[[Heard], int] = lambda _: 204
    more: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)
    busy: dict[str, int] = field(default_factory=dict)
    overlapped: list[str] = field(default_factory=list)
    """Objects of which two messages were out at once."""

    def taken(self) -> list[Heard]:
        return [one for one in self.heard if one.status < 300]

    def hear(self, headers: dict[str, str], body: bytes) -> int:
        first = Heard(headers, body, 0)
        with self.lock:
            self.busy[first.about] = self.busy.get(first.about, 0) + 1
            if self.busy[first.about] > 1:
                self.overlapped.append(first.about)
        time.sleep(self.delay)
        status = self.answer(first)
        with self.lock:
            self.busy[first.about] -= 1
            self.heard.append(Heard(headers, body, status))
        return status


@dataclass
class Gate:
    """An `answer` that comes once the gate is open; `stood` says of each whether it was in time."""

    open: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    came: int = 0
    stood: list[bool] = field(default_factory=list)
    patience: float = 8.0
    """Seconds; an endpoint has ten."""

    @property
    def waiting(self) -> int:
        return self.came - len(self.stood)

    def __call__(self, _: Heard) -> int:
        with self.lock:
            self.came += 1
        opened = self.open.wait(self.patience)
        with self.lock:
            self.stood.append(opened)
        return 204

    def opened_by(self, count: int, act: Callable[[], object] = bool) -> Callable[[Heard], int]:
        """The `answer` of others who open it, once they have heard so many messages; each of them
        lets `act` happen before."""
        left = iter(range(count - 1, -1, -1))

        def answer(_: Heard) -> int:
            with self.lock:
                act()
                if next(left, None) == 0:
                    self.open.set()
            return 204

        return answer


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver, for as long as the block lasts."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = receiver.hear(headers, body)
            self.send_response(status)
            for name, value in receiver.more.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Silent."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 64  # many lanes knock at once

    server = Server(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """What a receiver does by the specification of Standard Webhooks, in words of its own."""
    key = base64.b64decode(secret[len("whsec_") :])
    signed = b".".join(
        [headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body]
    )
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    versions = (one.split(",", 1) for one in headers["webhook-signature"].split(" "))
    return any(version == "v1" and value == expected for version, value in versions)
