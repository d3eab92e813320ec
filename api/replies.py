"""Answers: JSON by orjson, problems by RFC 9457, pages with cursors."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from starlette.responses import Response

from kit.errors import FieldError, Problem
from kit.money import price_text

PROBLEM = "application/problem+json"
JSON = "application/json"
MOMENT_CURSOR = r"^[0-9]{1,16}\.[0-9]{1,18}$"
NUMBER_CURSOR = r"^[0-9]{1,18}$"
SNAPSHOT_CURSOR = r"^[0-9]{1,18}\.[0-9]{1,18}$"
TITLES = {
    400: "Bad request",
    401: "Not known",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    410: "Gone",
    413: "Too large",
    415: "Unsupported media type",
    422: "Malformed",
    429: "Too many requests",
    500: "Our fault",
    503: "Not ready",
}


_MOMENT = re.compile(r"([0-9]{1,16})\.([0-9]{1,18})")
_NUMBER = re.compile(r"[0-9]{1,18}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Reply:
    """A status and what is said with it."""

    status: int
    content: Any


def dumps(content: Any) -> bytes:
    """JSON with RFC 3339 times and prices as decimal text."""
    return orjson.dumps(content, default=_text)


def answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`content` as JSON."""
    return Response(dumps(content), status, headers, JSON)


def held(tag: str, if_none_match: str | None) -> bool:
    """Whether the caller says that it has the version with this tag."""
    said = (one.strip().removeprefix("W/") for one in (if_none_match or "").split(","))
    return tag in said


def problem_body(problem: Problem, request_id: str) -> dict[str, Any]:
    """A problem as RFC 9457 has it."""
    return {
        "type": "about:blank",
        "title": TITLES.get(problem.status, "Problem"),
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        "errors": [vars(error) for error in problem.errors],
        "request_id": request_id,
    } | problem.more


def problem_answer(
    problem: Problem, request_id: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer that tells of a problem."""
    told = dict(headers or {})
    if problem.retry_after is not None:
        told["Retry-After"] = str(problem.retry_after)
    if problem.status == 401:
        told["WWW-Authenticate"] = "Bearer"
    return Response(dumps(problem_body(problem, request_id)), problem.status, told, PROBLEM)


def page(items: Sequence[Any], after: tuple[datetime, int] | int | None) -> Response:
    """A page of a list, and the cursor to go on from."""
    return answer({"items": items, "next": None if after is None else _cursor(after)})


def moment_cursor(text: str | None) -> tuple[datetime, int] | None:
    """The (moment, id) behind a cursor of ours. Raises Problem 422."""
    if text is None:
        return None
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise _foreign()
    return _EPOCH + timedelta(microseconds=int(found[1])), int(found[2])


def number_cursor(text: str | None) -> int | None:
    """The id behind a cursor of ours. Raises Problem 422."""
    if text is None:
        return None
    if _NUMBER.fullmatch(text) is None:
        raise _foreign()
    return int(text)


def _cursor(after: tuple[datetime, int] | int) -> str:
    if isinstance(after, int):
        return str(after)
    moment, number = after
    return f"{(moment - _EPOCH) // timedelta(microseconds=1)}.{number}"


def _foreign() -> Problem:
    message = "this cursor is none that was given out here; start again without one"
    return Problem(
        422, "invalid_cursor", message, errors=[FieldError("cursor", "invalid_cursor", message)]
    )


def _text(value: Any) -> Any:
    if isinstance(value, Decimal):
        return price_text(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
