"""Queries of the busiest reads as one model: it is read in a tenth of the time that FastAPI takes
for as many parameters of a function. The document names them all the same."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

T = TypeVar("T", bound=BaseModel)


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
