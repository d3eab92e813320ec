"""Bearer tokens: shown once, kept as SHA-256, narrowed by scopes, ended by expiry or a person.

A token opens the door, so all of this runs in system scope, before there is a party.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.pricing import NOBODY, Buyer
from kit.errors import FieldError, Problem
from kit.ids import inside, outside
from kit.statements import Query, send
from trade import parties, rights
from trade.models import Member, Party, Token

PREFIX = "hp_"
_SPAN = re.compile(r"(\d{1,4})\s*([hdwy])")
_UNITS = {"h": 1, "d": 24, "w": 24 * 7, "y": 24 * 365}
_HASHER = PasswordHasher()


@dataclass(frozen=True)
class Identity:
    """Whoever holds a token: a party in its role, and what the token may do."""

    party_id: int
    role: str
    source: str | None
    scopes: frozenset[str]
    token_id: int
    member_id: int | None = None
    buyer: Buyer = NOBODY
    """The party as price rules look at it."""

    @property
    def sees_sources(self) -> bool:
        """Operators and buyers may know sources, sellers and costs."""
        return self.role in ("operator", "buyer")


@dataclass(frozen=True)
class Issued:
    """A new token; `text` is shown this once and can never be had again."""

    id: int
    text: str
    expires_at: datetime | None


_AUTHENTICATE = """
    SELECT t.id, t.party_id, t.member_id, t.scopes, p.role, p.source, p.level,
           CASE WHEN p.parent_id IS NULL THEN '{}' ELSE party_above(p.id) END AS above,
           m.roles AS member_roles
    FROM tokens t
    JOIN parties p ON p.id = t.party_id AND p.active
    LEFT JOIN members m ON m.id = t.member_id
    WHERE t.hash = %s AND t.revoked_at IS NULL
      AND (t.expires_at IS NULL OR t.expires_at > %s)
"""


def issue(
    session: Session,
    party_id: int,
    *,
    scopes: Sequence[str] = (),
    expires_at: datetime | None = None,
    member_id: int | None = None,
) -> Issued:
    """One more token; without `scopes` it may do all that the party's role may.

    Raises Problem 404, or 422 for a scope that the role has not, or another party's member.
    """
    party = parties.get(session, party_id)
    rights.check_scopes(party.role, scopes)
    if member_id is not None and session.get_one(Member, member_id).party_id != party_id:
        raise _invalid("member", "this person is no member of the party")
    text_ = PREFIX + secrets.token_urlsafe(32)
    row = Token(
        party_id=party_id,
        member_id=member_id,
        hash=hashed(text_),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    return Issued(row.id, text_, expires_at)


def expiry(span: str, now: datetime) -> datetime:
    """`90d`, `12h`, `4w` or `1y` from now. Raises Problem 422."""
    found = _SPAN.fullmatch(span.strip())
    if found is None or int(found[1]) == 0:
        raise _invalid("expires", f"{span!r} is no span of time; write it like 90d, 12h, 4w or 1y")
    return now + timedelta(hours=int(found[1]) * _UNITS[found[2]])


def authenticate(session: Session, token: str, now: datetime) -> Identity | None:
    """Who holds this token; None when it is unknown, expired, revoked, or its party inactive."""
    return answered(send(session, question(token, now))[0])


def question(token: str, now: datetime) -> Query:
    """What `authenticate` asks; `answered` reads the rows."""
    return _AUTHENTICATE, (hashed(token), now)


def answered(rows: Sequence[Any]) -> Identity | None:
    """Who holds the token that was asked for."""
    if not rows:
        return None
    row = rows[0]
    scopes = rights.allowed(row.role, row.scopes, row.member_roles or ())
    buyer = Buyer(row.party_id, frozenset(row.above), row.level)
    return Identity(row.party_id, row.role, row.source, scopes, row.id, row.member_id, buyer)


def login(session: Session, name: str, password: str, expires_at: datetime) -> Issued:
    """A token for the member with this name and password.

    Raises Problem 401 `wrong_password`, the same and as slowly for an unknown name.
    """
    row = session.execute(
        select(Member, Party.active)
        .join(Party, Party.id == Member.party_id)
        .where(Member.name == " ".join(name.split()), Member.password_hash.is_not(None))
    ).one_or_none()
    member = row[0] if row is not None and row[1] else None
    known = member.password_hash if member is not None else None
    if not _matches(known or _nobody(), password) or member is None:
        raise Problem(401, "wrong_password", "the name or the password is wrong; try again")
    return issue(session, member.party_id, expires_at=expires_at, member_id=member.id)


def revoke(session: Session, party_id: int, token: str, now: datetime) -> None:
    """End a token of the party at once; again changes nothing. Raises Problem 404."""
    row = session.get(Token, inside("tok", token), populate_existing=True)
    if row is None or row.party_id != party_id:
        raise Problem(404, "not_found", f"there is no token {token!r}")
    row.revoked_at = row.revoked_at or now


def listed(session: Session, party_id: int) -> list[dict[str, Any]]:
    """The tokens of a party, the oldest first, without their texts."""
    rows = session.scalars(select(Token).where(Token.party_id == party_id).order_by(Token.id))
    return [
        {
            "id": outside("tok", row.id),
            "member": row.member_id and outside("mem", row.member_id),
            "scopes": row.scopes,
            "created_at": row.created_at,
            "expires_at": row.expires_at,
            "revoked_at": row.revoked_at,
        }
        for row in rows
    ]


def hashed(token: str) -> bytes:
    """By what a token is found; its text is kept nowhere."""
    return hashlib.sha256(token.encode()).digest()


@cache
def _nobody() -> str:
    """A hash to compare with where there is no member, so that both refusals take as long."""
    return _HASHER.hash(secrets.token_urlsafe(16))


def _matches(known: str, password: str) -> bool:
    try:
        return _HASHER.verify(known, password)
    except VerifyMismatchError:
        return False


def _invalid(field: str, message: str) -> Problem:
    return Problem(
        422, "invalid", f"{field}: {message}", errors=[FieldError(field, "invalid", message)]
    )
