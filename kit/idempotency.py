"""Idempotency-Key: the same key and body give the same answer, for seven days.

`begin` commits a claim before the work starts; the answer is written by `finish` in the work's own
transaction, so a crash between leaves either both or neither. A claim whose worker died expires.
Answers are kept sealed: some show a token or an address that is kept nowhere else in clear.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Mapped, Session, mapped_column

from kit.crypto import Keyring
from kit.db import Base, Utc
from kit.errors import Problem

RUNNING_SECONDS = 60


class IdempotencyKey(Base):
    """One key of one party on one route."""

    __tablename__ = "idempotency_keys"

    party_id: Mapped[int] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes]
    claimed_until: Mapped[Utc]
    status: Mapped[int | None]
    body: Mapped[bytes | None]
    sealed: Mapped[bool] = mapped_column(server_default="false")
    """False of answers that an older Huopan gave."""
    created_at: Mapped[datetime] = mapped_column(
        server_default=text("clock_timestamp()"), index=True
    )


@dataclass(frozen=True)
class Answer:
    """What was answered the first time."""

    status: int
    body: bytes


def request_hash(body: bytes) -> bytes:
    """What makes two requests the same."""
    return hashlib.sha256(body).digest()


def begin(
    session: Session, keyring: Keyring, party_id: int, route: str, key: str, hashed: bytes
) -> Answer | None:
    """Claim the key, or return the remembered answer.

    Raises Problem 409 `idempotency_conflict` (another body) or `in_progress` (still running),
    CannotOpen.
    """
    where = {"party": party_id, "route": route, "key": key, "hash": hashed}
    claimed = session.execute(
        text("""
            INSERT INTO idempotency_keys AS k (party_id, route, key, request_hash, claimed_until)
            VALUES (:party, :route, :key, :hash, clock_timestamp() + make_interval(secs => :secs))
            ON CONFLICT (party_id, route, key) DO UPDATE
            SET claimed_until = excluded.claimed_until
            WHERE k.status IS NULL AND k.request_hash = :hash
              AND k.claimed_until < clock_timestamp()
            RETURNING true
        """),
        where | {"secs": RUNNING_SECONDS},
    ).scalar()
    if claimed:
        return None
    row = session.execute(
        text("""SELECT request_hash, status, body, sealed FROM idempotency_keys
                WHERE party_id = :party AND route = :route AND key = :key"""),
        where,
    ).one()
    if bytes(row.request_hash) != hashed:
        raise Problem(
            409,
            "idempotency_conflict",
            "this Idempotency-Key was used for another request; use a new key for a new request",
        )
    if row.status is None:
        raise in_progress()
    body = bytes(row.body)
    if row.sealed:
        body = keyring.open(body, _context(party_id, route, key))
    return Answer(row.status, body)


def in_progress() -> Problem:
    """What is answered while another request with the same key runs."""
    return Problem(
        409,
        "in_progress",
        "the first request with this Idempotency-Key is still running; ask again shortly",
        retry_after=2,
    )


def finish(
    session: Session, keyring: Keyring, party_id: int, route: str, key: str, answer: Answer
) -> bool:
    """Remember the answer, in the transaction that did the work. False: a request with this key
    that ran at the same time was answered before, and this work must not be committed."""
    body = keyring.seal(answer.body, _context(party_id, route, key))
    done = session.execute(
        text("""UPDATE idempotency_keys SET status = :status, body = :body, sealed = true
                WHERE party_id = :party AND route = :route AND key = :key AND status IS NULL"""),
        {"party": party_id, "route": route, "key": key, "status": answer.status, "body": body},
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def abandon(session: Session, party_id: int, route: str, key: str) -> None:
    """Let go of a claim whose work failed on our side, so that it can be tried again."""
    session.execute(
        text("""DELETE FROM idempotency_keys
                WHERE party_id = :party AND route = :route AND key = :key AND status IS NULL"""),
        {"party": party_id, "route": route, "key": key},
    )


def prune(session: Session) -> int:
    """Forget keys older than seven days; returns how many."""
    gone = session.execute(
        text("DELETE FROM idempotency_keys WHERE created_at < clock_timestamp() - interval '7 d'")
    )
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _context(party_id: int, route: str, key: str) -> str:
    return f"answer:{party_id}:{route}:{key}"
