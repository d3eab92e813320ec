"""Redis: job ids, budgets and caches. It may be wiped at any moment; nothing true lives here."""

from urllib.parse import unquote, urlsplit

import redis
from redis.sentinel import Sentinel

SENTINEL = "redis+sentinel"
CONNECT_SECONDS = 3.0
SENTINEL_PORT = 26379


def connect(url: str, *, timeout: float | None = 5.0) -> redis.Redis:
    """A client for `redis://`, `rediss://`, `unix://` or `redis+sentinel://host:port,host:port/name/0`.

    Under Sentinel every connection asks for the master of `name` anew, so a failover needs no
    restart; a user and password in the URL are the master's. `timeout` is how many seconds one
    answer may take; None waits for ever, which only a worker's blocking pop needs. Nothing is
    connected yet. Raises ValueError for a URL in another form.
    """
    if url.startswith(f"{SENTINEL}://"):
        return _master(url, timeout)
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=timeout,
        health_check_interval=30,
    )


def _master(url: str, timeout: float | None) -> redis.Redis:
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    name, _, number = parts.path.strip("/").partition("/")
    if not hosts or not name or not (number or "0").isdigit():
        raise ValueError(f"{SENTINEL}:// is followed by host:port,host:port/name/0")
    user, _, password = credentials.partition(":")
    patience = {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": timeout}
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        [_address(host) for host in hosts.split(",")], sentinel_kwargs={"socket_timeout": 3.0}
    )
    master: redis.Redis = sentinel.master_for(  # type: ignore[no-untyped-call]
        name,
        db=int(number or 0),
        username=unquote(user) or None,
        password=unquote(password) or None,
        **patience,
    )
    return master


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host:
        return text, SENTINEL_PORT
    if not port.isdigit():
        raise ValueError(f"{text}: the port of a sentinel is a number")
    return host.strip("[]"), int(port)
