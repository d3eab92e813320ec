"""Files from other people's machines by HTTPS, read defensively.

Only https (http by an explicit setting); every host is checked to be public and the connection
goes to the very address that was checked; redirects are followed by hand, each checked again; the
size is capped while it streams. Passwords and queries never show in errors.
"""

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from . import hosts
from .errors import NotAuthorised, Refused, TryLater, Unreadable

ATTEMPTS = 3
FIRST_PAUSE = 1.0
"""Seconds before the second attempt; the pause doubles."""
_MOST_REDIRECTS = 5
_LONGEST_WAIT = 30.0

Result = TypeVar("Result")


@dataclass(frozen=True)
class Rules:
    """What a source's settings allow its downloads."""

    max_bytes: int
    deadline: float = 1800.0
    """Seconds that one download may take in all."""
    allow_http: bool = False
    allow_private_hosts: bool = False
    private_hosts: frozenset[str] = frozenset()
    """`host:port` of single ones that are allowed all the same."""
    pictures: bool = False
    """Pictures are wanted, and nothing else; otherwise lists, and no picture."""


@dataclass(frozen=True)
class Fetched:
    """A downloaded file. `modified` is when the far end says it changed, aware, else None."""

    path: Path
    modified: datetime | None


def patiently(call: Callable[[], Result]) -> Result:
    """What `call` gives, tried up to three times while it raises TryLater with a short wait."""

    def worthwhile(error: BaseException) -> bool:
        return isinstance(error, TryLater) and (error.wait or 0) <= _LONGEST_WAIT

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        stated = error.wait if isinstance(error, TryLater) else None
        return float(max(stated or 0, FIRST_PAUSE * 2 ** (state.attempt_number - 1)))

    retrying = Retrying(
        retry=retry_if_exception(worthwhile),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait,
        reraise=True,
    )
    return retrying(call)


def download(url: str, into: Path, rules: Rules, auth: tuple[str, str] | None = None) -> Fetched:
    """The file at an https address, written to `into`.

    Raises TryLater when the far end is away or busy, NotAuthorised when it wants other
    credentials, Refused for a host or redirect that is not allowed, Unreadable for what is no file.
    """
    return patiently(lambda: _once(url, into, rules, auth))


def _once(url: str, into: Path, rules: Rules, auth: tuple[str, str] | None) -> Fetched:
    deadline = time.monotonic() + rules.deadline
    target = _parsed(url)
    origin = target.host
    with httpx.Client(
        verify=_tls(), trust_env=False, follow_redirects=False, timeout=httpx.Timeout(30.0)
    ) as client:
        for _ in range(_MOST_REDIRECTS + 1):
            request = _request(client, target, rules)
            own = auth if target.host == origin else None
            try:
                response = client.send(request, stream=True, auth=own)
                try:
                    if response.has_redirect_location:
                        target = _parsed(str(target.join(response.headers["location"])))
                        continue
                    _check(response, target, rules)
                    return _saved(response, into, rules, deadline, target)
                finally:
                    response.close()
            except (httpx.TransportError, httpx.DecodingError) as error:
                raise TryLater("network", f"{shown(target)}: {_why(error)}") from error
    raise Refused("redirects", f"{shown(target)}: more than {_MOST_REDIRECTS} redirects")


@lru_cache(1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _parsed(url: str) -> httpx.URL:
    try:
        return httpx.URL(url)
    except httpx.InvalidURL as error:
        raise Refused("bad-address", f"this is no web address: {error}") from error


def _request(client: httpx.Client, target: httpx.URL, rules: Rules) -> httpx.Request:
    """A request to the checked address, under the name that the address stands for."""
    allowed = ("https", "http") if rules.allow_http else ("https",)
    if target.scheme not in allowed or not target.host:
        raise Refused(
            "scheme", f"{shown(target)}: only {' and '.join(allowed)} addresses are fetched"
        )
    port = target.port or (443 if target.scheme == "https" else 80)
    inside = rules.allow_private_hosts or f"{target.host}:{port}" in rules.private_hosts
    address = hosts.checked(target.host, port, allow_private=inside)
    return client.build_request(
        "GET",
        target.copy_with(host=address, username=None, password=None),
        headers={"Host": target.netloc.decode("ascii"), "Accept-Encoding": "identity"},
        extensions={"sni_hostname": target.host},
    )


def _check(response: httpx.Response, target: httpx.URL, rules: Rules) -> None:
    status, where = response.status_code, shown(target)
    if status in (401, 403, 407):
        raise NotAuthorised(str(status), f"{where} refuses our credentials (HTTP {status})")
    if status == 429 or status >= 500:
        raise TryLater(str(status), f"{where} answers HTTP {status}", wait=_wait(response))
    if status != 200:
        raise Unreadable(str(status), f"{where} answers HTTP {status}; there is no file")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    picture = kind.startswith("image/") and kind != "image/svg+xml"
    if rules.pictures:
        if not picture and kind not in ("", "application/octet-stream", "binary/octet-stream"):
            raise Unreadable("content-type", f"{where} gives {kind}, which is no picture")
    elif kind in ("text/html", "application/xhtml+xml") or kind.startswith(("image/", "video/")):
        raise Unreadable("content-type", f"{where} gives {kind}, a page and not a price list")


def _wait(response: httpx.Response) -> float | None:
    stated = response.headers.get("retry-after", "")
    return float(stated) if stated.isdigit() else None


def _saved(
    response: httpx.Response, into: Path, rules: Rules, deadline: float, target: httpx.URL
) -> Fetched:
    left = rules.max_bytes
    stated = response.headers.get("content-length", "")
    if stated.isdigit() and int(stated) > left:
        raise _too_large(target, rules)
    with into.open("wb") as file:
        for block in response.iter_bytes(1 << 16):
            left -= len(block)
            if left < 0:
                raise _too_large(target, rules)
            if time.monotonic() > deadline:
                raise TryLater("slow", f"{shown(target)}: not done after {rules.deadline:.0f} s")
            file.write(block)
    return Fetched(into, _modified(response))


def _too_large(target: httpx.URL, rules: Rules) -> Unreadable:
    return Unreadable(
        "too-large", f"{shown(target)} is larger than {rules.max_bytes:,} bytes (max_bytes)"
    )


def _modified(response: httpx.Response) -> datetime | None:
    for name in ("last-modified", "date"):
        try:
            when = parsedate_to_datetime(response.headers[name])
        except (KeyError, ValueError):
            continue
        if when.tzinfo is not None:
            return when
    return None


def _why(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()


def shown(target: httpx.URL) -> str:
    """An address without user, password and query."""
    return f"{target.scheme}://{target.host}{target.path}"
