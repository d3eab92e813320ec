"""Where a search goes on: after which answer of which level, and how many were given before."""

import base64
import binascii
from dataclasses import dataclass

import orjson

from kit.errors import FieldError, Problem


@dataclass(frozen=True)
class Cursor:
    """`mark` names the search, `key` is the sort number of the last answer of `level`."""

    mark: str
    level: int = 0
    key: int | None = None
    given: int = 0

    def text(self) -> str:
        """The cursor as it is handed out."""
        said = orjson.dumps([self.mark, self.level, str(self.key), self.given])
        return base64.urlsafe_b64encode(said).decode().rstrip("=")


FIRST = Cursor("")
"""Where every search begins."""


def read(text: str, mark: str) -> Cursor:
    """The cursor that was handed out for this search. Raises Problem 422."""
    try:
        said = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        whose, level, key, given = said
        level, key, given = int(level), int(key), int(given)
    except (binascii.Error, ValueError, TypeError) as error:
        raise _foreign() from error
    if whose != mark or level < 0 or given < 0 or not 0 <= key < 1 << 64:
        raise _foreign()
    return Cursor(mark, level, key, given)


def _foreign() -> Problem:
    message = "this cursor belongs to another search; start again without one"
    return Problem(
        422, "invalid_cursor", message, errors=[FieldError("cursor", "invalid_cursor", message)]
    )
