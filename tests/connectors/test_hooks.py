"""Messages out: public hosts only, the address that was checked, no redirects, a deadline."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from connectors import hooks
from connectors.errors import Refused, TryLater
from connectors.hooks import Rules

INSIDE = Rules(allow_private_hosts=True, allow_http=True)
MESSAGE = {"webhook-id": "evt_1"}


class Endpoint:
    """A socket on loopback that says `reply`, piece by piece, to whoever connects."""

    def __init__(self, reply: list[bytes], wait: float = 0.0) -> None:
        self.reply, self.wait = reply, wait
        self.got = b""
        self.calls = 0
        self.ending = threading.Event()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self.server.accept()
            except OSError:
                return
            with line:
                self.calls += 1
                line.settimeout(5)
                while b"\r\n\r\n" not in self.got:
                    self.got += line.recv(65536)
                try:
                    for piece in self.reply:
                        line.sendall(piece)
                        if self.ending.wait(self.wait):
                            return
                except OSError:
                    continue

    def close(self) -> None:
        self.ending.set()
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.thread.join()


@pytest.fixture
def endpoints() -> Iterator[list[Endpoint]]:
    made: list[Endpoint] = []
    yield made
    for one in made:
        one.close()


def serving(made: list[Endpoint], *reply: bytes, wait: float = 0.0) -> Endpoint:
    made.append(Endpoint(list(reply), wait))
    return made[-1]


OK = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://10.0.0.8/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:192.168.1.1]/x",
        *("https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/", "https://127.1/"),
        "https://[fec0::1]/x",
    ],
)
def test_an_address_inside_our_network_is_refused(url: str) -> None:
    with pytest.raises(Refused, match="not on the public internet"):
        hooks.check(url, Rules())


@pytest.mark.parametrize("url", ["http://example.com/x", "ftp://example.com/", "https:///x"])
def test_only_https_unless_http_is_allowed(url: str) -> None:
    with pytest.raises(Refused, match="only https"):
        hooks.check(url, Rules())


@pytest.mark.parametrize(
    "url",
    [
        "https://me:pw@example.com/",
        "https://example.com/#x",
        "https://ex.com:99999/",
        "https://ü.de/",
    ],
)
def test_an_address_that_misleads_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        hooks.check(url, Rules())


def test_a_name_that_leads_inside_is_refused_without_a_call(endpoints: list[Endpoint]) -> None:
    there = serving(endpoints, OK)
    with pytest.raises(Refused) as caught:
        hooks.post(f"http://localhost:{there.port}/", MESSAGE, b"{}", Rules(allow_http=True))
    assert there.calls == 0
    assert "127.0.0.1" not in caught.value.message  # where our names lead is nobody's business


def test_the_connection_goes_to_the_address_that_was_checked(
    endpoints: list[Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = serving(endpoints, OK)
    asked: list[str] = []
    real = socket.getaddrinfo

    def lookup(host: Any, *more: Any, **given: Any) -> Any:
        if host != "endpoint.test":
            return real(host, *more, **given)
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "203.0.113.9"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, there.port))]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    taken = hooks.post(f"http://endpoint.test:{there.port}/a?b=c", MESSAGE, b'{"x":1}', INSIDE)
    assert taken.status == 204
    assert asked == ["endpoint.test"]
    assert there.got.startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert f"Host: endpoint.test:{there.port}\r\n".encode() in there.got


def test_a_redirect_is_an_answer_like_any_other(endpoints: list[Endpoint]) -> None:
    other = serving(endpoints, OK)
    location = f"http://127.0.0.1:{other.port}/".encode()
    head = b"HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\nLocation: "
    there = serving(endpoints, head + location + b"\r\n\r\n")
    taken = hooks.post(f"http://127.0.0.1:{there.port}/", MESSAGE, b"{}", INSIDE)
    assert (taken.status, other.calls) == (307, 0)


def test_an_endpoint_that_drips_cannot_stretch_the_deadline(
    endpoints: list[Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "DEADLINE", 0.3)
    there = serving(endpoints, *[b"H", b"T", b"T", b"P"], *[b"/"] * 100, wait=0.1)
    with pytest.raises(TryLater, match="no answer"):
        hooks.post(f"http://127.0.0.1:{there.port}/", MESSAGE, b"{}", INSIDE)


def test_of_a_long_answer_only_the_beginning_is_read(endpoints: list[Endpoint]) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\nRetry-After: 7\r\n\r\n"
    there = serving(endpoints, head, b"x" * 200_000)
    taken = hooks.post(f"http://127.0.0.1:{there.port}/", MESSAGE, b"{}", INSIDE)
    assert (taken.status, taken.wait) == (200, 7.0)


@pytest.mark.parametrize("reply", [b"", b"nonsense\r\n\r\n"])
def test_no_answer_is_to_be_tried_later(endpoints: list[Endpoint], reply: bytes) -> None:
    there = serving(endpoints, reply)
    with pytest.raises(TryLater):
        hooks.post(f"http://127.0.0.1:{there.port}/", MESSAGE, b"{}", INSIDE)


@pytest.mark.parametrize("body", [[b"half"], [b"x"] * 100])
def test_an_answer_counts_whatever_becomes_of_its_body(
    endpoints: list[Endpoint], monkeypatch: pytest.MonkeyPatch, body: list[bytes]
) -> None:
    monkeypatch.setattr(hooks, "_READ_ON", 0.2)
    there = serving(endpoints, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", *body, wait=0.05)
    taken = hooks.post(f"http://127.0.0.1:{there.port}/", MESSAGE, b"{}", INSIDE)
    assert taken.status == 200


@pytest.mark.parametrize(
    ("given", "least"), [("Thu, 01 Jan 2099 00:00:00 GMT", 3600), ("soon", None), ("9" * 30, 3600)]
)
def test_retry_after_is_seconds_or_a_date(
    endpoints: list[Endpoint], given: str, least: int | None
) -> None:
    head = f"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\nRetry-After: {given}\r\n\r\n"
    there = serving(endpoints, head.encode())
    taken = hooks.post(f"http://127.0.0.1:{there.port}/", MESSAGE, b"{}", INSIDE)
    assert (taken.status, taken.wait) == (429, least)
