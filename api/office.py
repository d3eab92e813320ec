"""What every request may use: database, Redis, the search index, and the terms as they are now."""

import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import redis
from anyio import CapacityLimiter
from fastapi import Request
from sqlalchemy.orm import Session

from api.limits import Limiter
from catalog import pricebook
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
from kit.statements import send
from sync.opening import OpenSources
from sync.sources import MARK, config_of, with_recorded
from trade import desk
from trade.asking import Talks
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
    turns: CapacityLimiter = field(init=False)
    known: dict[bytes, Entered] = field(default_factory=dict, init=False)
    """By a token's hash, who it let in last."""
    _marks: list[object] = field(default_factory=list, init=False)
    _fresh_until: float = field(default=0.0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self.terms = _terms(self.given, Pricebook())
        tokens = Tokens(self.db, self.terms.desk.keyring)
        around = Surroundings(Budgets(self.redis), tokens, deadline=PATIENCE)
        self.sources = OpenSources(around)
        self.talks = Talks(PATIENCE)
        self.turns = CapacityLimiter(self.given.api.pages_at_once)

    def source(self, code: str) -> Source:
        """A source that is set, opened; it waits for its platform `PATIENCE` seconds at most.

        Raises Problem 404.
        """
        return self.sources.get(code, config_of(self.terms.settings, code))

    def hearing(self, party_id: int, seconds: float) -> Hearing:
        """Asks platforms about orders of a party; no question begins after so many seconds."""
        until = time.monotonic() + seconds
        return Hearing(self.db, self.terms.desk, self.talks, self.source, party_id, until)

    def remember(self, token: bytes, found: Entered) -> None:
        """Who the token with this hash has let in."""
        if len(self.known) >= KNOWN:
            self.known.clear()
        self.known[token] = found

    def refresh(self, session: Session | None = None) -> None:
        """Take in what was recorded meanwhile, unless that was done a moment ago.

        It looks with `session`, which is of the system's scope, or with one of its own.
        """
        with self._lock:
            now = time.monotonic()
            if now < self._fresh_until:
                return
            self._fresh_until = now + FRESH_SECONDS
        ask = partial(send, session) if session is not None else self.db.ask_as_system
        marks = [row.mark for [row] in ask(MARK, pricebook.MARK)]
        if marks == self._marks:
            return
        with nullcontext(session) if session is not None else self.db.as_system() as own:
            settings, book = with_recorded(own, self.given), pricebook.current(own)
        if (settings, book) != (self.terms.settings, self.terms.book):
            self.terms = _terms(settings, book)
        self._marks = marks


def office(request: Request) -> Office:
    """The office of the application that serves this request."""
    found: Office = request.app.state.office
    return found


def _terms(settings: Settings, book: Pricebook) -> Terms:
    made = desk.from_settings(settings)
    return Terms(settings, book, made, desk.readership(settings, book, Album(made.keyring)))
