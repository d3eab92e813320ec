"""Access tokens of platforms, one refresh at a time across all workers.

The row in PostgreSQL is the truth. Whoever refreshes first takes a lease on the row, talks to the
platform with no transaction open, and writes the new token; the others wait for it. What was
refreshed lives sealed in the database and wins over the settings, until the settings' own
credentials change. Tokens are renewed early, and after a failure the platform is left alone for a
growing while: platforms block accounts that ask too often.
"""

import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Integer, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from kit import clock, log
from kit.crypto import Keyring
from kit.db import Base, Database, Utc

from .errors import NotAuthorised, SupplierError, TryLater

EARLY = timedelta(minutes=10)
"""How long before its end a token is renewed, or a tenth of its life if that is less."""
LEASE = timedelta(seconds=60)
"""How long one worker may take to refresh; it must outlast every timeout of a call."""
_FIRST_PAUSE = 30.0
_LONGEST_PAUSE = 3600.0
_LOOK = 0.1

logger = log.get(__name__)


class SourceToken(Base):
    """The token of one source, sealed; `lease` is held by the worker that refreshes it."""

    __tablename__ = "source_tokens"

    source: Mapped[str] = mapped_column(primary_key=True)
    envelope: Mapped[bytes | None]
    origin: Mapped[bytes | None]
    """From which credentials of the settings it came: a digest, sealed."""
    expires_at: Mapped[datetime | None]
    refresh_expires_at: Mapped[datetime | None]
    lease: Mapped[str | None]
    leased_until: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(Integer, server_default="0")
    failure: Mapped[str | None]
    refused: Mapped[bool] = mapped_column(server_default="false")
    retry_at: Mapped[datetime | None]
    updated_at: Mapped[Utc] = mapped_column(server_default=text("clock_timestamp()"))


@dataclass(frozen=True)
class Token:
    """What a platform's calls are authorised with. Ends are aware UTC, None: it does not say.

    `facts` are other words of the grant that calls need (a member id, a shop's name).
    """

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    issued_at: datetime | None = None
    facts: dict[str, str] = field(default_factory=dict, repr=False)

    def alive(self, now: datetime) -> bool:
        """Whether it may still be used."""
        return self.expires_at is None or now < self.expires_at

    def due(self, now: datetime) -> bool:
        """Whether it is time to renew it."""
        if self.expires_at is None:
            return False
        early = EARLY
        if self.issued_at is not None:
            early = min(early, (self.expires_at - self.issued_at) / 10)
        return now >= self.expires_at - early


Obtain = Callable[[Token | None], Token]
"""Asks the platform for a token, given the former one; raises SupplierError."""


@dataclass
class Tokens:
    """The tokens of every source, as this process knows them. Safe to share between threads.

    Without a database they live in this process only.
    """

    database: Database | None = None
    keyring: Keyring | None = None
    now: Callable[[], datetime] = clock.now
    sleep: Callable[[float], None] = time.sleep
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _known: dict[str, Token] = field(default_factory=dict, repr=False)
    _one: dict[str, threading.Lock] = field(default_factory=dict, repr=False)

    def get(self, source: str, origin: str, obtain: Obtain) -> Token:
        """A token of `source` to call with now; renewed first where that is due.

        `origin` stands for the settings' own credentials: when they change, what was kept from
        the former ones is forgotten. Raises NotAuthorised or TryLater when there is none.
        """
        known = self._known.get(_key(source, origin))
        if known is not None and not known.due(self.now()):
            return known
        return self._renewed(source, origin, obtain, stale=None)

    def renew(self, source: str, origin: str, stale: Token, obtain: Obtain) -> Token:
        """A token other than `stale`, which the platform has just refused.

        Whoever comes after another worker's refresh gets that one's token without a call.
        """
        return self._renewed(source, origin, obtain, stale=stale)

    def put(self, source: str, origin: str, token: Token) -> None:
        """Keep a token that came another way, for example from an authorisation in a browser."""
        self._remember(source, origin, token)
        if self.database is not None:
            with self.database.as_system() as session:
                self._write(session, source, origin, token)

    def expiry(self, source: str) -> tuple[datetime | None, datetime | None, str | None]:
        """When the kept token and its refresh token end, and why the last renewal failed."""
        if self.database is None:
            return None, None, None
        with self.database.as_system() as session:
            row = session.get(SourceToken, source)
            return (row.expires_at, row.refresh_expires_at, row.failure) if row else (None,) * 3

    def _renewed(self, source: str, origin: str, obtain: Obtain, stale: Token | None) -> Token:
        with self._lock:
            one = self._one.setdefault(source, threading.Lock())
        with one:  # one thread of this process asks; the database decides between processes
            known = self._known.get(_key(source, origin))
            if known is not None and _good(known, stale, self.now()):
                return known
            if self.database is None:
                token = obtain(stale or known)
            else:
                token = self._refreshed(self.database, source, origin, obtain, stale)
            self._remember(source, origin, token)
            return token

    def _refreshed(
        self, db: Database, source: str, origin: str, obtain: Obtain, stale: Token | None
    ) -> Token:
        """The token in the row, by waiting for whoever refreshes it or by doing so ourselves."""
        deadline = self.now() + LEASE + timedelta(seconds=5)
        while True:
            now = self.now()
            with db.as_system() as session:
                row = _locked(session, source)
                kept = self._opened(row, origin)
                if kept is not None and _good(kept, stale, now):
                    return kept
                usable = kept if kept is not None and _usable(kept, stale, now) else None
                if row.retry_at is not None and now < row.retry_at and self._same(row, origin):
                    if usable is not None:
                        return usable
                    raise _left_alone(row, now)
                if row.leased_until is None or row.leased_until <= now:
                    lease = row.lease = uuid4().hex
                    row.leased_until = now + LEASE
                    break
                if usable is not None:  # early renewal: somebody is at it, this one still works
                    return usable
            if now > deadline:
                raise TryLater("token", f"{source}: another worker's refresh does not end", wait=30)
            self.sleep(_LOOK)
        return self._asked(db, source, origin, obtain, _Held(lease, kept or stale, usable))

    def _asked(
        self, db: Database, source: str, origin: str, obtain: Obtain, held: "_Held"
    ) -> Token:
        try:
            token = obtain(held.former)
        except SupplierError as error:
            with db.as_system() as session:
                _failed(_locked(session, source), error, self.now())
                self._mark(_locked(session, source), origin)
            logger.warning("token_not_renewed", source=source, code=error.code)
            if held.usable is not None:
                return held.usable
            raise
        with db.as_system() as session:
            row = _locked(session, source)
            if row.lease == held.lease:
                self._write(session, source, origin, token)
        return token

    def _write(self, session: Session, source: str, origin: str, token: Token) -> None:
        row = _locked(session, source)
        row.envelope = self._ring().seal(_packed(token), _context(source))
        self._mark(row, origin)
        row.expires_at, row.refresh_expires_at = token.expires_at, token.refresh_expires_at
        row.lease = row.leased_until = row.retry_at = row.failure = None
        row.failures, row.refused = 0, False
        row.updated_at = self.now()

    def _opened(self, row: SourceToken, origin: str) -> Token | None:
        if row.envelope is None or not self._same(row, origin):
            return None
        return _unpacked(self._ring().open(row.envelope, _context(row.source)))

    def _same(self, row: SourceToken, origin: str) -> bool:
        """Whether what is kept came from the same credentials; not marked yet, it is trusted."""
        if row.origin is None:
            return True
        return self._ring().open(row.origin, _origin_context(row.source)) == _digest(origin)

    def _mark(self, row: SourceToken, origin: str) -> None:
        row.origin = self._ring().seal(_digest(origin), _origin_context(row.source))

    def _ring(self) -> Keyring:
        if self.keyring is None:
            raise TypeError("tokens in a database need a keyring")
        return self.keyring

    def _remember(self, source: str, origin: str, token: Token) -> None:
        with self._lock:
            self._known[_key(source, origin)] = token


@dataclass(frozen=True)
class _Held:
    lease: str
    former: Token | None
    usable: Token | None


def _key(source: str, origin: str) -> str:
    return f"{source}\0{origin}"


def _context(source: str) -> str:
    return f"source-token:{source}"


def _origin_context(source: str) -> str:
    return f"source-token-origin:{source}"


def _digest(origin: str) -> bytes:
    return hashlib.sha256(origin.encode()).digest()


def _good(token: Token, stale: Token | None, now: datetime) -> bool:
    """Whether no refresh is needed: it is fresh, and not the one that was refused."""
    return not token.due(now) and (stale is None or token.access != stale.access)


def _usable(token: Token, stale: Token | None, now: datetime) -> bool:
    return token.alive(now) and (stale is None or token.access != stale.access)


def _locked(session: Session, source: str) -> SourceToken:
    session.execute(insert(SourceToken).values(source=source).on_conflict_do_nothing())
    return session.scalars(
        select(SourceToken).where(SourceToken.source == source).with_for_update()
    ).one()


def _failed(row: SourceToken, error: SupplierError, now: datetime) -> None:
    row.lease = row.leased_until = None
    row.failures += 1
    pause = min(_FIRST_PAUSE * 2 ** min(row.failures - 1, 16), _LONGEST_PAUSE)
    row.retry_at = now + timedelta(seconds=max(pause, error.wait or 0))
    row.failure = error.message
    row.refused = isinstance(error, NotAuthorised)


def _left_alone(row: SourceToken, now: datetime) -> SupplierError:
    wait = (row.retry_at - now).total_seconds() if row.retry_at else None
    kind = NotAuthorised if row.refused else TryLater
    return kind("token", f"{row.source}: no access token: {row.failure}", wait=wait)


def _packed(token: Token) -> bytes:
    words = asdict(token)
    for name in ("expires_at", "refresh_expires_at", "issued_at"):
        words[name] = words[name].isoformat() if words[name] else None
    return json.dumps(words).encode()


def _unpacked(packed: bytes) -> Token:
    words = json.loads(packed)
    for name in ("expires_at", "refresh_expires_at", "issued_at"):
        words[name] = datetime.fromisoformat(words[name]) if words[name] else None
    return Token(**words)
