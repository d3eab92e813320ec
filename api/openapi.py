"""The OpenAPI document: FastAPI's own, with our one form of errors in place of its."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.replies import PROBLEM
from api.shapes.base import ProblemOut

_SAID = {
    401: "The token is missing or not known.",
    403: "The token is known but may not do this.",
    404: "There is no such thing for you.",
    409: "It cannot be done in the state things are in.",
    413: "The body is too large.",
    422: "The request is malformed; `errors` names each field.",
    429: "Too many requests; wait `Retry-After` seconds.",
    503: "Not ready at the moment; wait `Retry-After` seconds.",
}
_REF = {"$ref": "#/components/schemas/ProblemOut"}

Answers = dict[int | str, dict[str, Any]]
ANSWERS: Answers = {
    status: {"description": said, "content": {PROBLEM: {"schema": _REF}}}
    for status, said in _SAID.items()
}
"""The problems that every operation may answer."""

EXPIRED: Answers = {410: {"description": "The cursor is too old; start again at `snapshot`."}}
"""What operations that read on from a cursor of a feed may answer as well."""


def described(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
        )
        schemas = made["components"]["schemas"]
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        problem = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs", {}))
        schemas["ProblemOut"] = problem
        for operations in made["paths"].values():
            for operation in operations.values():
                _mend(operation)
        app.openapi_schema = made
    return app.openapi_schema


def _mend(operation: dict[str, Any]) -> None:
    for status, answer in operation["responses"].items():
        if status.isdigit() and int(status) >= 400:
            answer["content"] = {PROBLEM: {"schema": _REF}}
            answer.pop("model", None)
    for status in ("429", "503"):
        operation["responses"][status]["headers"] = {
            "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}
        }
