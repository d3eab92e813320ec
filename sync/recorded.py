"""What is recorded in the database of an installation's settings: sources, and price rules.

Every process looks often, and opens the secrets of hundreds of sources only when something changed.
"""

from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy.orm import Session

from catalog import pricebook
from catalog.pricebook import Pricebook
from kit.db import Database
from kit.settings import Settings
from kit.statements import send
from sync.sources import MARK, with_recorded


@dataclass
class Recorded:
    """Settings with the sources of the database, and the price rules in force, as last read."""

    given: Settings
    settings: Settings = field(init=False)
    book: Pricebook = field(default_factory=Pricebook, init=False)
    _marks: list[object] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.settings = self.given

    def read(self, db: Database, session: Session | None = None) -> None:
        """Read both again if anything has changed; what is equal stays the same object.

        It looks with `session`, which is of the system's scope, or with one of its own. Raises
        SettingsError for what cannot be read, again each time, and OperationalError.
        """
        ask = partial(send, session) if session is not None else db.ask_as_system
        marks = [row.mark for [row] in ask(MARK, pricebook.MARK)]
        if marks == self._marks:
            return
        with nullcontext(session) if session is not None else db.as_system() as own:
            settings, book = with_recorded(own, self.given), pricebook.current(own)
        if settings != self.settings:
            self.settings = settings
        if book != self.book:
            self.book = book
        self._marks = marks
