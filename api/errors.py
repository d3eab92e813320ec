"""Every error as application/problem+json, and none that tells more than its caller may know."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from api.replies import problem_answer
from kit import faults, log
from kit.errors import FieldError, Problem

_log = log.get(__name__)
_WORDS = {404: "there is nothing at this address; see /docs", 413: "the body is too large"}


def install(app: FastAPI) -> None:
    """Let `app` answer every error in one form."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OperationalError, _database)
    app.add_exception_handler(PoolTimeout, _database)


def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - registered for this class
    return problem_answer(error, request.state.request_id)


def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    return problem_answer(malformed(error.errors(), error.body), request.state.request_id)


def malformed(found: Sequence[Mapping[str, Any]], body: Any) -> Problem:
    """422 for what a validator found in a request; each of its `loc` begins with where it was."""
    errors: dict[str, FieldError] = {}
    for one in (_fault(fault, body) for fault in found[:50]):
        former = errors.get(one.field)  # of a field that may be given in one form or another
        words = one.message if former is None else f"{former.message}; or {one.message}"
        errors[one.field] = FieldError(one.field, former.code if former else one.code, words)
    told = "; ".join(f"{one.field}: {one.message}" for one in list(errors.values())[:3])
    problem = told or "the request is malformed"
    return Problem(422, "invalid", problem, errors=list(errors.values()))


def _fault(found: Mapping[str, Any], body: Any) -> FieldError:
    if found["type"] == "json_invalid":
        return FieldError("body", "json_invalid", "this is not JSON")
    first, *rest = found["loc"]
    if first == "body" and isinstance(body, dict):
        rest = _sent(rest, body, missing=found["type"] == "missing")
    elif first != "body":
        rest = rest[:1]  # behind the name stand only the validator's names for its forms
    field = ".".join(str(part) for part in rest) or str(first)
    return FieldError(field, str(found["type"]), faults.said(found))


def _sent(way: list[int | str], body: Any, *, missing: bool) -> list[int | str]:
    """The steps of a way that lead through what was sent, without the validator's names for the
    alternatives of a field; a field that is missing is the last step."""
    kept: list[int | str] = []
    for step in way:
        try:
            body = body[step]
        except (KeyError, IndexError, TypeError):
            if not (missing and step is way[-1]):
                continue
        kept.append(step)
    return kept


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    headers = dict(error.headers or {})
    if error.status_code == 405:
        methods = _methods(request)
        headers["Allow"] = ", ".join(methods)
        told = f"{request.method} is not offered here; there is {', '.join(methods)}"
        return problem_answer(
            Problem(405, "method_not_allowed", told), request.state.request_id, headers
        )
    if error.status_code == 400:  # a body in no encoding or form that we know
        fault = FieldError("body", "unreadable", "this cannot be read")
        problem = Problem(422, "invalid", "the body cannot be read", errors=[fault])
        return problem_answer(problem, request.state.request_id, headers)
    code = {404: "not_found", 413: "too_large"}.get(error.status_code, "refused")
    detail = _WORDS.get(error.status_code, str(error.detail))
    problem = Problem(error.status_code, code, detail)
    return problem_answer(problem, request.state.request_id, headers)


def _methods(request: Request) -> list[str]:
    """What can be done at this address, over all routes that have its template."""
    routes = request.app.state.routes
    path = next(one.path for one in routes if one.matches(request.scope)[0] != Match.NONE)
    return sorted({method for one in routes if one.path == path for method in one.methods})


def _database(request: Request, error: Exception) -> Response:
    _log.error("database_away", error=type(error).__name__)
    problem = Problem(
        503,
        "not_ready",
        "the database does not answer at the moment; try again shortly, writes with the same"
        " Idempotency-Key",
        retry_after=2,
    )
    return problem_answer(problem, request.state.request_id)
