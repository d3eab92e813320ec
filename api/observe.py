"""What is seen of a request: its id, a line of log, its numbers, and faults of ours."""

import re
import secrets
import time
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.replies import problem_answer
from kit import log
from kit.errors import Problem

BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})

_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_log = log.get(__name__)


class Numbers:
    """Rate, errors and duration by route template."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["method", "route", "status"]
        self.requests = Counter("huopan_http_requests", "Requests", labels, registry=registry)
        self.seconds = Histogram(
            "huopan_http_request_seconds",
            "Seconds from request to answer",
            ["method", "route"],
            buckets=BUCKETS,
            registry=registry,
        )

    def saw(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(method, route).observe(seconds)


class Observe:
    """ASGI, outermost of ours: gives ids, counts, logs, and turns faults of ours into a 500."""

    def __init__(self, app: ASGIApp, numbers: Numbers) -> None:
        self.app = app
        self.numbers = numbers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        log.clear()
        log.bind(request_id=request_id)
        begun, status = time.perf_counter(), 0

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self.app(scope, receive, told)
        except Exception as error:
            _log.exception("request_failed", path=_route(scope), error=type(error).__name__)
            if status:
                raise
            await _our_fault(request_id)(scope, receive, told)
        finally:
            self._note(scope, status, time.perf_counter() - begun)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = _route(scope)
        method = scope["method"] if route != "unknown" else "any"
        self.numbers.saw(method, route, status, seconds)
        if route not in QUIET:
            caller: dict[str, Any] = scope["state"].get("caller", {})
            _log.info(
                "request",
                method=scope["method"],
                route=route,
                status=status,
                ms=round(seconds * 1000, 1),
                **caller,
            )


def _our_fault(request_id: str) -> Any:
    problem = Problem(
        500,
        "internal",
        "something went wrong on our side and was written down; try again, and if it stays so"
        " tell your operator the request_id",
    )
    return problem_answer(problem, request_id)


def _request_id(scope: Scope) -> str:
    given = dict(scope["headers"]).get(b"x-request-id", b"")
    return given.decode() if _ID.fullmatch(given) else secrets.token_hex(12)


def _route(scope: Scope) -> str:
    """The template of the route, so that no id becomes a label or a log field."""
    route = scope.get("route")
    return str(getattr(route, "path", "unknown"))
