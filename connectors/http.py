"""The one road to the network: throttle → sign → send → classify → maybe again.

Never left the machine → TryLater. Any other transport error, a 5xx, an empty body or a page
instead of JSON: on a read TryLater, on a write OutcomeUnknown. 429 and ban texts → TryLater(wait)
and no call at all on that budget until then. A token that ran out is renewed once, by one worker.
A timestamp that is refused sets our clock by the date of that very reply: questions about the time
want a good timestamp themselves.
"""

import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, Protocol

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
)

from . import jsontext
from .calls import BROKEN, DENIED, GARBLED, Call, Failure, Limit, Outgoing, Reply, banned
from .errors import OutcomeUnknown, SupplierError, TryLater, Unreadable
from .surroundings import Surroundings
from .tokens import Token

CONNECTIONS = 10
"""httpx costs 1.8 ms a request with a pool of 10, 7.8 ms with one of 100."""
ATTEMPTS = 3
FIRST_PAUSE = 0.5
"""Seconds before the second attempt; the pause doubles."""
LONGEST_PAUSE = 5.0
"""A reply that asks for a longer wait is handed to the caller, who has other things to do."""
BAN_SECONDS = 60.0
"""How long a budget rests after a 429 that does not say."""
LONGEST_BAN = 86_400.0
MAX_REPLY = 64 * 1024**2
_ANSWER_SECONDS = 30.0
_CONNECT_SECONDS = 5.0
_LEAST_SECONDS = 0.5
_NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)


class Dialect(Protocol):
    """What a platform adds to the road; all of it pure."""

    @property
    def limits(self) -> Mapping[str, Limit]:
        """Its call budgets by bucket."""
        ...

    def outgoing(
        self, call: Call, args: Mapping[str, Any], token: Token | None, now: datetime
    ) -> Outgoing:
        """The signed request of a call. Made anew for each attempt: timestamps count."""
        ...

    def failure(self, reply: Reply) -> Failure | None:
        """What the reply says went wrong; None when it is an answer to use."""
        ...


class Authority(Protocol):
    """Where a source's token comes from."""

    @property
    def origin(self) -> str:
        """The settings' own credentials, as one word; tokens of other ones are forgotten."""
        ...

    def obtain(self, former: Token | None) -> Token:
        """Ask the platform for a token. Raises SupplierError."""
        ...


class _StaleToken(Exception):
    """The platform refused the token that a call was sent with."""

    def __init__(self, token: Token, error: SupplierError) -> None:
        super().__init__(error.message)
        self.token = token
        self.error = error


class _WrongClock(Exception):
    """The platform refused our timestamp, and told the time."""

    def __init__(self, error: SupplierError) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True)
class _Attempt:
    """What one call carries from attempt to attempt."""

    call: Call
    args: Mapping[str, Any]
    until: float


class Road:
    """All calls of one source account. Safe to use from many threads; close it when done."""

    def __init__(self, account: str, dialect: Dialect, around: Surroundings) -> None:
        self.account = account
        self._dialect = dialect
        self._around = around
        self._authority: Authority | None = None
        self._client: httpx.Client | None = None
        self._opening = threading.Lock()
        self._ahead = timedelta()

    def authorised_by(self, authority: Authority) -> None:
        """Calls marked `token` get theirs here; set once, by the source that owns the road."""
        self._authority = authority

    def now(self) -> datetime:
        """This moment by the platform's clock, as far as a refusal of ours has told it."""
        return self._around.now() + self._ahead

    def close(self) -> None:
        """Close the connections."""
        with self._opening:
            if self._client is not None:
                self._client.close()
                self._client = None

    def call(self, call: Call, args: Mapping[str, Any], *, urgent: bool = False) -> Reply:
        """The answer to a call, repeated while that is safe and worth it.

        Raises SupplierError: TryLater when nothing happened, OutcomeUnknown when a write may have
        happened, and what the platform's own faults say.
        """
        given = replace(call, urgent=True) if urgent else call
        attempt = _Attempt(given, args, time.monotonic() + self._around.deadline)
        retrying = Retrying(
            retry=retry_if_exception(_worthwhile),
            stop=stop_after_attempt(ATTEMPTS) | stop_after_delay(self._around.deadline),
            wait=_pause,
            sleep=self._around.sleep,
            reraise=True,
        )
        return retrying(lambda: self._in_time(attempt))

    def _in_time(self, attempt: _Attempt) -> Reply:
        """One attempt, and a second one where the first told us the time."""
        with suppress(_WrongClock):
            return self._with_token(attempt)
        try:
            return self._with_token(attempt)
        except _WrongClock as again:
            raise again.error from again

    def _with_token(self, attempt: _Attempt) -> Reply:
        """One attempt, and a second one with a new token where the old one was refused.

        The slot comes first: while a budget rests no token is asked for either.
        """
        self._wait_for_slot(attempt)
        token = self._token(attempt.call)
        try:
            return self._once(attempt, token)
        except _StaleToken as stale:
            assert self._authority is not None  # noqa: S101 - it gave the token
            fresh = self._around.tokens.renew(
                self.account, self._authority.origin, stale.token, self._authority.obtain
            )
        self._wait_for_slot(attempt)
        try:
            return self._once(attempt, fresh)
        except _StaleToken as stale:
            raise stale.error from stale

    def _token(self, call: Call) -> Token | None:
        if not call.token or self._authority is None:
            return None
        return self._around.tokens.get(self.account, self._authority.origin, self._authority.obtain)

    def _once(self, attempt: _Attempt, token: Token | None) -> Reply:
        call = attempt.call
        out = self._dialect.outgoing(call, attempt.args, token, self.now())
        reply, failure = self._answer(call, out, attempt.until)
        failure = failure or self._dialect.failure(reply)
        if failure is None:
            return reply
        error = failure.error(call)
        if failure.fault.ban:
            self._around.budgets.ban(self.account, call.bucket, error.wait or BAN_SECONDS)
        if failure.fault.stale_token and token is not None:
            raise _StaleToken(token, error)
        if failure.fault.clock and reply.dated is not None:
            self._ahead = reply.dated - reply.at
            raise _WrongClock(error)
        raise error

    def _wait_for_slot(self, attempt: _Attempt) -> None:
        call = attempt.call
        left = max(0.0, attempt.until - time.monotonic())
        limit = self._dialect.limits[call.bucket]
        slot = self._around.budgets.take(
            self.account, call.bucket, limit, urgent=call.urgent, most=left
        )
        if not slot.granted:
            raise self._resting(call, slot.wait, "rests after a ban" if slot.ban else "is spent")
        if slot.wait > 0:
            self._around.sleep(slot.wait)
            banned_since = self._around.budgets.banned_for(self.account, call.bucket)
            if banned_since > 0:  # while we queued: the slot is worth nothing now
                raise self._resting(call, banned_since, "rests after a ban")

    def _resting(self, call: Call, wait: float, why: str) -> TryLater:
        return TryLater("budget", f"{self.account}: the {call.bucket} budget {why}", wait=wait)

    def _answer(self, call: Call, out: Outgoing, until: float) -> tuple[Reply, Failure | None]:
        """The reply as it came, and what is wrong with it whatever the platform."""
        try:
            response, raw = self._sent(call, out, until)
        except httpx.HTTPError as error:
            raise _lost(call, error) from error
        dated = _dated(response)
        reply = Reply(call, response.status_code, None, raw, self._around.now(), dated)
        if failure := _by_status(response):
            return reply, failure
        if call.redirect and response.has_redirect_location:
            return replace(reply, data={"location": response.headers["location"]}), None
        try:
            return replace(reply, data=jsontext.parse(raw)), None
        except Unreadable as error:
            return reply, _unread(response.status_code, error)

    def _sent(self, call: Call, out: Outgoing, until: float) -> tuple[httpx.Response, bytes]:
        client = self._open()
        left = max(_LEAST_SECONDS, until - time.monotonic())
        request = client.build_request(
            call.verb,
            out.url,
            params=dict(out.query) or None,
            data=dict(out.form) if out.form is not None else None,
            content=out.content,
            headers=dict(out.headers),
            timeout=httpx.Timeout(min(_ANSWER_SECONDS, left), connect=min(_CONNECT_SECONDS, left)),
        )
        response = client.send(request, stream=True)
        try:
            raw = bytearray()
            for block in response.iter_bytes():
                raw += block
                if len(raw) > MAX_REPLY:
                    raise httpx.DecodingError(f"more than {MAX_REPLY:,} bytes", request=request)
        finally:
            response.close()
        return response, bytes(raw)

    def _open(self) -> httpx.Client:
        with self._opening:
            if self._client is None:
                self._client = httpx.Client(
                    verify=_tls(),
                    trust_env=False,
                    limits=httpx.Limits(
                        max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS
                    ),
                )
            return self._client


@lru_cache(1)
def _tls() -> ssl.SSLContext:
    """One context for every account: making one costs some 40 ms."""
    return ssl.create_default_context()


def _worthwhile(error: BaseException) -> bool:
    return (
        isinstance(error, TryLater)
        and error.code != "budget"
        and (error.wait or 0.0) <= LONGEST_PAUSE
    )


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    stated = error.wait if isinstance(error, TryLater) else None
    return float(max(stated or 0.0, FIRST_PAUSE * 2 ** (state.attempt_number - 1)))


def _lost(call: Call, error: httpx.HTTPError) -> SupplierError:
    """No whole reply: what that means hangs on whether the request can have arrived."""
    told = f"{call.name}: {type(error).__name__} {error}".strip()
    if isinstance(error, _NEVER_LEFT) or not call.writes:
        return TryLater("network", told)
    return OutcomeUnknown("network", told)


def _by_status(response: httpx.Response) -> Failure | None:
    status = response.status_code
    code, told = str(status), f"the platform answers HTTP {status}"
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return Failure(banned(BAN_SECONDS), code, told, wait=_retry_after(response))
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return Failure(BROKEN, code, told, wait=_retry_after(response))
    return None


def _unread(status: int, error: Unreadable) -> Failure:
    """A body that is no JSON; gateways and proxies answer so, before or behind the platform."""
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return Failure(DENIED, str(status), f"the platform answers HTTP {status}")
    if error.code in ("empty", "html") and status < httpx.codes.MULTIPLE_CHOICES:
        return Failure(BROKEN, error.code, error.message)
    return Failure(replace(GARBLED, doubtful=True), error.code, error.message)


def _dated(response: httpx.Response) -> datetime | None:
    try:
        told = parsedate_to_datetime(response.headers["date"])
    except (ValueError, KeyError):
        return None
    return told if told.tzinfo is not None else None


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds that the reply asks to wait, stated as a number or as a moment."""
    stated = response.headers.get("retry-after", "")
    if stated.isdigit():
        return min(float(stated), LONGEST_BAN)
    try:
        then = parsedate_to_datetime(stated)
        asked = parsedate_to_datetime(response.headers["date"])
    except (ValueError, KeyError):
        return None
    return min(max(0.0, (then - asked).total_seconds()), LONGEST_BAN)
