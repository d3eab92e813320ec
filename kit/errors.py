"""Domain errors: each knows its HTTP status and code; one handler renders them (RFC 9457)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field of a request, for example `lines.0.quantity`."""

    field: str
    code: str
    message: str


class Problem(Exception):
    """Something that a caller did or met, told in a sentence that says what to do.

    `status` is the HTTP status, `code` a stable word for programs, `detail` for people;
    `retry_after` in seconds where waiting helps; `more` are further members for programs.
    Expected, so it pages nobody.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: list[FieldError] | None = None,
        retry_after: int | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors or []
        self.retry_after = retry_after
        self.more = dict(more or {})


def invalid(field: str, message: str, code: str = "invalid") -> Problem:
    """422 about one field of a request."""
    return Problem(422, "invalid", f"{field}: {message}", errors=[FieldError(field, code, message)])


def version_changed(made_from: int, in_force: int, address: str) -> Problem:
    """409: a set of rules was made from another version than the one in force; `address` is where
    that one is read."""
    return Problem(
        409,
        "version_changed",
        f"these rules were made from version {made_from}, but version {in_force} is in force; read"
        f" GET {address} again and repeat your change",
    )
