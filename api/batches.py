"""Batches: what became of each item, in the order given; a malformed one keeps no other out."""

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from api import errors
from kit.errors import Problem

T = TypeVar("T")
R = TypeVar("R")


def _or_problem(value: Any, validated: ValidatorFunctionWrapHandler) -> Any:
    try:
        return validated(value)
    except ValidationError as error:
        found = [one | {"loc": ("body", *one["loc"])} for one in error.errors(include_url=False)]
        return errors.malformed(found, value)


Each = Annotated[T, WrapValidator(_or_problem)]
"""An item of a batch, or the Problem that it is malformed; `each` tells them apart."""


def each(items: Sequence[T], read: Callable[[T], R]) -> list[R | Problem]:
    """What `read` makes of each item, or the Problem that it is or raises."""
    found: list[R | Problem] = []
    for one in items:
        try:
            found.append(one if isinstance(one, Problem) else read(one))
        except Problem as problem:
            found.append(problem)
    return found


def told(results: Iterable[tuple[int, Any] | Problem]) -> dict[str, Any]:
    """(status, result) or the Problem of each item, as a batch answers."""
    return {"items": [_item(index, one) for index, one in enumerate(results)]}


def _item(index: int, one: tuple[int, Any] | Problem) -> dict[str, Any]:
    if isinstance(one, Problem):
        return {
            "index": index,
            "status": one.status,
            "result": None,
            "problem": {
                "status": one.status,
                "code": one.code,
                "detail": one.detail,
                "errors": [vars(error) for error in one.errors],
            },
        }
    status, result = one
    return {"index": index, "status": status, "result": result, "problem": None}
