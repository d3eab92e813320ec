"""How much one caller may send: bytes of a body, and requests a minute.

Requests are counted in Redis, so that every API process counts together. While Redis is away each
process counts for itself: nobody is turned away because of that, and nobody is without a limit.
"""

import threading
import time

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.replies import problem_answer
from kit import log
from kit.errors import Problem

WINDOW = 10
"""Seconds over which requests are counted."""

REST = 5.0
"""Seconds for which a Redis that did not answer is not asked again."""

SHARES = 50
"""A process takes this part of what one caller may send in a window at once."""

SMALL = 4 * 2**20
LARGE = 24 * 2**20
PAPERS = 12 * 2**20
"""The largest body, in bytes: of JSON, of an uploaded sheet, of an application with its papers."""

_log = log.get(__name__)


class Limiter:
    """Counts requests by caller in windows of ten seconds.

    A process takes a share of what a caller may send from Redis at once, so that most requests ask
    nobody. No more pass than may; the last shares can lie unused at other processes.
    """

    def __init__(self, client: redis.Redis, per_minute: int) -> None:
        client.set_retry(Retry(NoBackoff(), 0))  # a limit is not worth waiting for
        self._redis = client
        self._limit = max(1, per_minute * WINDOW // 60)
        self._lock = threading.Lock()
        self._away_until = 0.0
        self._window = 0
        self._shares: dict[str, int] = {}
        self._own: dict[str, int] = {}

    def count(self, who: str, limit: int | None = None) -> None:
        """Count one request. Raises Problem 429 with the seconds to wait."""
        now = time.time()
        window = int(now) // WINDOW
        most = self._limit if limit is None else limit
        if not (self._from_share(who, window) or self._admitted(who, window, most)):
            wait = max(1, round((window + 1) * WINDOW - now))
            raise Problem(
                429,
                "too_many_requests",
                f"more than {most} requests within {WINDOW} seconds; go on in {wait} seconds",
                retry_after=wait,
            )

    def answers(self) -> bool:
        """Whether Redis answers now."""
        try:
            return bool(self._redis.ping())
        except redis.RedisError:
            return False

    def _from_share(self, who: str, window: int) -> bool:
        with self._lock:
            if window != self._window:
                self._window, self._shares, self._own = window, {}, {}
            left = self._shares.get(who, 0)
            self._shares[who] = max(left - 1, 0)
            return left > 0

    def _admitted(self, who: str, window: int, most: int) -> bool:
        """Take another share and count this request in it."""
        if time.monotonic() < self._away_until:
            return self._admitted_here(who, most)
        key, share = f"rate:{who}:{window}", max(1, most // SHARES)
        try:
            taken = int(self._redis.incrby(key, share))
            if taken == share:  # the one who begins a window says when it is forgotten
                self._redis.expire(key, WINDOW * 2)
        except redis.RedisError as error:
            self._away_until = time.monotonic() + REST
            _log.warning("redis_away", error=type(error).__name__)
            return self._admitted_here(who, most)
        granted = min(share, most - (taken - share))
        with self._lock:
            if window == self._window and granted > 1:
                self._shares[who] = self._shares.get(who, 0) + granted - 1
        return granted > 0

    def _admitted_here(self, who: str, most: int) -> bool:
        with self._lock:
            self._own[who] = self._own.get(who, 0) + 1
            return self._own[who] <= most


class BodyLimit:
    """ASGI: a body beyond the limit is answered 413, whether or not its length was stated."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = LARGE if scope["path"].endswith(("-import", "/import")) else SMALL
        most = PAPERS if scope["path"] == "/v1/applications" else most
        stated = dict(scope["headers"]).get(b"content-length", b"0")
        if stated.isdigit() and int(stated) > most:
            await self._refuse(scope, receive, send, most)
            return
        got = 0

        async def counted() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > most:
                raise HTTPException(413)  # the one kind that FastAPI lets through while it reads
            return message

        await self.app(scope, counted, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, most: int) -> None:
        problem = Problem(
            413, "too_large", f"the body is larger than {most // 2**20} MB; send it in parts"
        )
        request_id = scope.get("state", {}).get("request_id", "")
        await problem_answer(problem, request_id, {"Connection": "close"})(scope, receive, send)
