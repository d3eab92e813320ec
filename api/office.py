"""What every request may use: database, Redis, the search index, and the terms as they are now."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

import redis
from fastapi import Request
from sqlalchemy.orm import Session

from api.limits import Limiter
from catalog.media import Album
from catalog.pricebook import Pricebook
from catalog.readers import Readership
from catalog.search import SearchIndex
from connectors.budgets import Budgets
from connectors.model import Source
from connectors.surroundings import Surroundings
from connectors.tokens import Tokens
from kit.db import Database
from kit.settings import Settings
from sync.opening import OpenSources
from sync.recorded import Recorded
from sync.sources import config_of
from trade import desk
from trade.asking import Platforms, Talks
from trade.desk import Desk
from trade.hearing import Hearing
from trade.tokens import Identity

PATIENCE = 3.0
"""A caller waits for a platform so many seconds at most."""

BATCH_SECONDS = 20.0
"""So long platforms are asked about the orders of a batch; the rest is told to ask again."""

KNOWN = 10_000
"""Tokens whose holders one process remembers."""

FRESH_SECONDS = 1.0
"""Sources and price rules that somebody records count here after so long at the latest."""


@dataclass(frozen=True)
class Terms:
    """Settings with the sources of the database, and what follows from them and the price rules."""

    settings: Settings
    book: Pricebook
    desk: Desk
    readership: Readership


class Entered(NamedTuple):
    """Who holds a token, and whether any source uses grants."""

    identity: Identity
    closed: bool


@dataclass
class Office:
    """One API process; made once, shared by its threads."""

    given: Settings
    db: Database
    redis: redis.Redis
    index: SearchIndex
    limiter: Limiter
    terms: Terms = field(init=False)
    sources: OpenSources = field(init=False)
    talks: Talks = field(init=False)
    turns: ThreadPoolExecutor = field(init=False)
    known: dict[bytes, Entered] = field(default_factory=dict, init=False)
    """By a token's hash, who it let in last."""
    _recorded: Recorded = field(init=False)
    _fresh_until: float = field(default=0.0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self._recorded = Recorded(self.given)
        self.terms = _terms(self._recorded.settings, self._recorded.book)
        tokens = Tokens(self.db, self.terms.desk.keyring)
        around = Surroundings(Budgets(self.redis), tokens, deadline=PATIENCE)
        self.sources = OpenSources(around)
        self.talks = Talks(PATIENCE)
        self.turns = ThreadPoolExecutor(self.given.api.pages_at_once, "pages")

    def source(self, code: str) -> Source:
        """A source that is set, opened; it waits for its platform `PATIENCE` seconds at most.

        Raises Problem 404.
        """
        return self.sources.get(code, config_of(self.terms.settings, code))

    @property
    def platforms(self) -> Platforms:
        """Whom this process can ask, by the terms as they are now."""
        return Platforms(self.db, self.terms.desk, self.talks, self.source)

    def hearing(self, party_id: int, seconds: float) -> Hearing:
        """Asks platforms about orders of a party; no question begins after so many seconds."""
        return Hearing(self.platforms, party_id, time.monotonic() + seconds)

    def remember(self, token: bytes, found: Entered) -> None:
        """Who the token with this hash has let in."""
        if len(self.known) >= KNOWN:
            self.known.clear()
        self.known[token] = found

    def refresh(self, session: Session | None = None, *, at_once: bool = False) -> None:
        """Take in what was recorded meanwhile, unless that was done a moment ago: whoever has just
        recorded something, or asks for it, has it taken in `at_once`.

        It looks with `session`, which is of the system's scope, or with one of its own.
        """
        with self._lock:
            now = time.monotonic()
            if now < self._fresh_until and not at_once:
                return
            self._fresh_until = now + FRESH_SECONDS
        self._recorded.read(self.db, session)
        settings, book = self._recorded.settings, self._recorded.book
        if settings is not self.terms.settings or book is not self.terms.book:
            self.terms = _terms(settings, book)


def office(request: Request) -> Office:
    """The office of the application that serves this request."""
    found: Office = request.app.state.office
    return found


def _terms(settings: Settings, book: Pricebook) -> Terms:
    made = desk.from_settings(settings)
    return Terms(settings, book, made, desk.readership(settings, book, Album(made.keyring)))
