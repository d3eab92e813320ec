"""What every job and chore of one process works with."""

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import redis

from catalog.pricebook import Pricebook
from connectors.budgets import Budgets
from connectors.model import Sells, Source
from connectors.surroundings import Surroundings
from connectors.tokens import Tokens
from kit import log
from kit.db import Database
from kit.errors import Problem
from kit.redis import connect
from kit.settings import Settings, SettingsError
from sync.opening import OpenSources
from sync.recorded import Recorded
from trade.asking import Platforms, Talks
from trade.desk import Desk, from_settings
from trade.hearing import Hearing
from trade.lanes import Lanes

_log = log.get(__name__)

PATIENCE = 10.0
"""So many seconds a platform has to say what it would sell an order's held units for."""

AT_THE_DOOR: Mapping[str, Any] = {"kind": "feed"}
"""A source that is set nowhere is a supplier who sells at our own door."""


@dataclass
class Workshop:
    """Settings, servers and open sources. `stopping` is set once the process was told to end."""

    given: Settings
    db: Database
    redis: redis.Redis
    book: Pricebook = field(default_factory=Pricebook, init=False)
    settings: Settings = field(init=False)
    """What was given, with the sources of the database."""
    desk: Desk = field(init=False)
    stopping: threading.Event = field(default_factory=threading.Event)
    talks: Talks = field(default_factory=lambda: Talks(PATIENCE), init=False)
    lanes: Lanes = field(init=False)
    _sources: OpenSources = field(init=False)
    _recorded: Recorded = field(init=False)
    _unreadable: str = field(default="", init=False)
    _shut: dict[str, str] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._recorded = Recorded(self.given)
        self.settings = self.given
        self.desk = from_settings(self.given)
        self.lanes = Lanes(self.db)
        tokens = Tokens(self.db, self.desk.keyring)
        self._sources = OpenSources(Surroundings(Budgets(self.redis), tokens, mail=self.given.mail))

    def refresh(self) -> None:
        """Learn of sources and price rules that were recorded, changed or removed meanwhile.

        One that cannot be read sells nothing; while the keys cannot be read all stand as they were.
        Raises OperationalError.
        """
        self._recorded.read(self.db)
        fresh, self.book = self._recorded.settings, self._recorded.book
        if fresh.sources == self.settings.sources:
            return
        try:
            self.desk = from_settings(fresh)
        except SettingsError as error:
            if self._unreadable != str(error):
                _log.error("Settings cannot be read; the former ones stand", why=str(error))
            self._unreadable = str(error)
            return
        self.settings, self._unreadable = fresh, ""

    def source(self, code: str) -> Source:
        """Source `code`, opened once. Raises SettingsError."""
        return self._sources.get(code, self.settings.sources.get(code, AT_THE_DOOR))

    def asked(self, code: str) -> Source:
        """The same for whoever asks several side by side. Raises Problem."""
        try:
            return self.source(code)
        except SettingsError as error:
            raise Problem(503, "source_unset", str(error)) from error

    @property
    def platforms(self) -> Platforms:
        """Whom this process can ask."""
        return Platforms(self.db, self.desk, self.talks, self.asked)

    def hearing(self, party_id: int) -> Hearing:
        """Asks platforms about one order of a party."""
        return Hearing(self.platforms, party_id, time.monotonic() + PATIENCE)

    def sources(self, codes: Iterable[str]) -> list[Source]:
        """Those of the named sources that can be opened; one that cannot stops no other, and is
        told once."""
        found = []
        for code in codes:
            try:
                found.append(self.source(code))
                self._shut.pop(code, None)
            except SettingsError as error:
                if self._shut.get(code) != str(error):
                    _log.error("A source cannot be opened", source=code, why=str(error))
                self._shut[code] = str(error)
        return found

    def seller(self, code: str) -> Sells:
        """Source `code` as one that sells. Raises SettingsError, Problem."""
        source = self.source(code)
        if not isinstance(source, Sells):
            raise Problem(409, "does_not_sell", f"source {code} takes no purchases from us")
        return source

    def close(self) -> None:
        """Let go of every connection."""
        self.lanes.close()
        self.talks.close()
        self._sources.close()
        self.redis.close()
        self.db.close()


def open_workshop(
    settings: Settings, database_url: str, redis_url: str, *, connections: int
) -> Workshop:
    """A workshop on these servers, with at most so many connections to the database.

    Talks to nobody yet. Raises SettingsError.
    """
    return Workshop(settings, Database(database_url, connections=connections), connect(redis_url))
