"""Queries: which parameters a route takes, and that it is asked with no others.

A misspelt parameter that nobody reads would list everything. Whoever comes with a token is told so;
addresses that others write (platforms' callbacks, shared pages, media) ask for none, and take any.

The busiest reads take their query as one model: it is read in a tenth of the time that FastAPI
takes for as many parameters of a function. The document names them all the same.
"""

from collections.abc import Callable, Coroutine, Iterator
from difflib import get_close_matches
from typing import Any, TypeVar

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from kit.errors import FieldError, Problem

T = TypeVar("T", bound=BaseModel)

_PAGED = frozenset({"limit", "cursor"})
"""What every list may be asked with: those that are told whole are one page."""
_known: dict[Callable[..., Any], frozenset[str]] = {}


def check(request: Request) -> None:
    """Raises Problem 422 that names each parameter of the query which its route does not take."""
    if not request.scope["query_string"]:
        return
    route: APIRoute = request.scope["route"]
    if (names := _known.get(route.endpoint)) is None:
        names = _known[route.endpoint] = taken(route)
    if strange := sorted(request.query_params.keys() - names):
        faults = [FieldError(name, "extra_forbidden", _told(name, names)) for name in strange]
        told = "; ".join(f"{one.field}: {one.message}" for one in faults[:3])
        raise Problem(422, "invalid", told, errors=faults[:50])


def taken(route: APIRoute) -> frozenset[str]:
    """The parameters of a route's query."""
    said = (route.openapi_extra or {}).get("parameters", [])
    names = frozenset(_of(route.dependant)) | {one["name"] for one in said}
    fields = getattr(route.response_model, "model_fields", {})
    return names | _PAGED if "items" in fields and "after" not in names else names


def _of(dependant: Dependant) -> Iterator[str]:
    for one in dependant.query_params:
        yield one.alias
    for below in dependant.dependencies:
        yield from _of(below)


def _told(name: str, names: frozenset[str]) -> str:
    if close := get_close_matches(name, names, n=1):
        return f"there is no such parameter here; {close[0]} is meant?"
    can = f"there are {', '.join(sorted(names))}" if names else "this address takes none"
    return f"there is no such parameter here; {can}"


def queried(shape: type[T]) -> Callable[[Request], Coroutine[Any, Any, T]]:
    """A dependency: the query as `shape` says it. Raises RequestValidationError."""

    async def given(request: Request) -> T:  # waits for nothing
        try:
            return shape.model_validate(dict(request.query_params))
        except ValidationError as error:
            faults = error.errors(include_url=False)
            raise RequestValidationError(
                [fault | {"loc": ("query", *fault["loc"])} for fault in faults]
            ) from error

    return given


def parameters(shape: type[BaseModel]) -> dict[str, Any]:
    """The same for the document, as `openapi_extra`."""
    schemas = shape.model_json_schema()["properties"]
    return {"parameters": [_parameter(name, schema) for name, schema in schemas.items()]}


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    if schema.get("default", "") is None:
        del schema["default"]
    said = {"description": schema["description"]} if "description" in schema else {}
    return {"name": name, "in": "query", "required": False, "schema": schema} | said
