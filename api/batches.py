"""Batches: what became of each item, in the order given."""

from collections.abc import Iterable
from typing import Any

from kit.errors import Problem


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
