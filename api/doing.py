"""One action of an operator on one case that waits."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from api.callers import Caller
from api.shapes.workbench import ActionIn
from kit.errors import invalid
from kit.money import fen
from trade.desk import Desk


@dataclass(frozen=True)
class Doing:
    """One action on one case: `key` is its row, `subject` the outside id of what it concerns."""

    session: Session
    caller: Caller
    key: int
    subject: str
    asked: ActionIn
    now: datetime

    @property
    def desk(self) -> Desk:
        """The terms of now."""
        return self.caller.office.terms.desk

    def need(self, field: str) -> str:
        """What the action cannot do without. Raises Problem 422."""
        given: str | None = getattr(self.asked, field)
        if given is None:
            raise invalid(field, "this action needs it", "missing")
        return given

    @property
    def amount(self) -> int | None:
        """Fen, where an amount was given."""
        return None if self.asked.amount is None else fen(self.asked.amount)


Work = tuple[str, Callable[[Doing], None]]
"""The right that it needs, and what is done."""
