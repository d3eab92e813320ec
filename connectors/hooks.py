"""One message to somebody else's endpoint, sent defensively.

Only https (http by an explicit setting); the host is checked to be public and the connection goes
to the very address that was checked; redirects are not followed; connecting, sending and reading
together have a deadline that a dripping endpoint cannot stretch; of the answer only the status and
Retry-After are looked at, and nothing of it is kept: they stand whatever becomes of its body.
"""

import contextlib
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import httpcore
from httpcore import SOCKET_OPTION

from kit import clock

from . import hosts
from .errors import Refused, SupplierError, TryLater

DEADLINE = 10.0
"""Seconds for one message in all."""
_MOST_READ = 4096
_READ_ON = 1.0
"""Seconds for the body of an answer, which is read so that whoever sends it is not broken off."""
_LONGEST_WAIT = 3600.0
_BROKEN = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    ssl.SSLError,
)


@dataclass(frozen=True)
class Rules:
    """Where messages may go."""

    allow_private_hosts: bool = False
    allow_http: bool = False


@dataclass(frozen=True)
class Taken:
    """What the endpoint answered; `wait` in seconds when it asks for a pause."""

    status: int
    wait: float | None = None


def check(url: str, rules: Rules) -> None:
    """Raises Refused for an address that no message may ever go to; names are looked up later."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise Refused("bad-address", f"this is no web address: {error}") from error
    allowed = ("https", "http") if rules.allow_http else ("https",)
    if parts.scheme not in allowed or not host:
        raise Refused("scheme", f"only {' and '.join(allowed)} addresses get messages")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Refused("bad-address", "leave user, password and fragment out of the address")
    if not url.isascii() or any(character <= " " for character in url):
        raise Refused("bad-address", "write the address in ASCII, without spaces")
    address = hosts.literal(host)
    public = address is None or hosts.is_public(address)
    if not public and not rules.allow_private_hosts:
        raise Refused("private-host", f"{host} is not on the public internet")


def post(url: str, headers: Mapping[str, str], body: bytes, rules: Rules) -> Taken:
    """What the endpoint answers to `body`, whatever the status.

    Raises Refused for an address that is not allowed, TryLater when nobody answers in time.
    """
    check(url, rules)
    road = _Road(time.monotonic() + DEADLINE, rules)
    try:
        with (
            httpcore.ConnectionPool(ssl_context=_tls(), network_backend=road) as pool,
            pool.stream("POST", url, headers=_headers(url, headers), content=body) as answer,
        ):
            taken = Taken(answer.status, _wait(answer.headers))
            road.hurry(_READ_ON)
            with contextlib.suppress(*_BROKEN):  # it has answered already
                _read_on(answer)
            return taken
    except SupplierError:
        raise
    except _BROKEN as error:
        raise TryLater("network", f"no answer: {type(error).__name__}") from error


def _read_on(answer: httpcore.Response) -> None:
    read = 0
    for block in answer.iter_stream():
        read += len(block)
        if read >= _MOST_READ:
            return


def _headers(url: str, more: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    given = {
        "Host": urlsplit(url).netloc,
        "User-Agent": "Huopan-Webhooks",
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close",
        **more,
    }
    return [(name.encode(), value.encode()) for name, value in given.items()]


def _wait(headers: Iterable[tuple[bytes, bytes]]) -> float | None:
    given = next((value for name, value in headers if name.lower() == b"retry-after"), b"")
    if given.isdigit():
        return min(float(given), _LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(given.decode("latin-1"))
    except ValueError:
        return None
    left = moment.replace(tzinfo=moment.tzinfo or UTC) - clock.now()
    return min(max(left.total_seconds(), 0.0), _LONGEST_WAIT)


@lru_cache(1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


@dataclass
class _Clock:
    end: float

    def left(self) -> float:
        """Seconds that are left; raises when there are none."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout(f"not done after {DEADLINE:.0f} s")
        return left


class _Road(httpcore.NetworkBackend):
    """Connects to the address that was checked, and to no other."""

    def __init__(self, end: float, rules: Rules) -> None:
        self._clock = _Clock(end)
        self._rules = rules
        self._inner = httpcore.SyncBackend()

    def hurry(self, seconds: float) -> None:
        """End so soon, if not before."""
        self._clock.end = min(self._clock.end, time.monotonic() + seconds)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            address = hosts.checked(host, port, allow_private=self._rules.allow_private_hosts)
        except Refused as error:  # whose network leads where is not for everybody to read
            raise Refused(error.code, f"{host} is not on the public internet") from error
        left = self._clock.left()
        stream = self._inner.connect_tcp(address, port, left, local_address, socket_options)
        return _Line(stream, self._clock)


class _Line(httpcore.NetworkStream):
    """A connection each of whose steps ends by the deadline of the whole."""

    def __init__(self, stream: httpcore.NetworkStream, clock: _Clock) -> None:
        self._stream = stream
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._clock.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._clock.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._clock.left()
        return _Line(self._stream.start_tls(ssl_context, server_hostname, left), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
