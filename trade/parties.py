"""Parties and their people: who trades here, in which role, on what terms.

All of it runs in system scope: parties are made and changed by operators and the command line.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from catalog import rule_changes
from catalog.rule_changes import Reach
from kit.errors import FieldError, Problem
from kit.ids import inside, outside
from kit.money import yuan
from trade import rights, standings
from trade.models import Balance, Member, Party

SHORTEST_PASSWORD = 8
_HASHER = PasswordHasher()
_TERMS = re.compile(r"prepaid|T\+\d{1,3}|monthly\+\d{1,3}")
_NESTED = 16
"""How many parties may stand one above another."""


@dataclass(frozen=True)
class Terms:
    """What of a party's terms to change; None leaves it as it is. `credit_limit` in fen."""

    terms: str | None = None
    credit_limit: int | None = None
    level: str | None = None
    parent: str | None = None
    active: bool | None = None


def create(
    session: Session,
    role: str,
    name: str,
    *,
    source: str | None = None,
    password: str | None = None,
) -> int:
    """A new party; returns its id. With `password`, a member of the same name can log in.

    `source` makes a brand the supplier of that source: its purchases appear behind that brand's
    tokens. Raises Problem 422 (role, name, source, password), 409 `source_taken` or `login_taken`.
    """
    rights.check_role(role)
    if source is not None and role != "brand":
        raise _invalid("source", "only a brand supplies a source; leave it out, or make a brand")
    party = Party(role=role, name=_name(name), source=source or None)
    try:
        with session.begin_nested():
            session.add(party)
    except IntegrityError as error:
        raise Problem(
            409,
            "source_taken",
            f"the source {source!r} has a supplier already; a source has one",
            errors=[FieldError("source", "source_taken", "this source has a supplier")],
        ) from error
    if password is not None:
        add_member(session, party.id, name, ["owner"], password=password)
    return party.id


def add_member(
    session: Session,
    party_id: int,
    name: str,
    roles: Sequence[str],
    *,
    password: str | None = None,
) -> int:
    """A person who acts for the party; returns its id. Only one with a password can log in.

    Names of those who log in are unique in the installation. Raises Problem 404, 422, 409
    `member_exists` or `login_taken`.
    """
    get(session, party_id)
    rights.check_member_roles(roles)
    member = Member(
        party_id=party_id,
        name=_name(name),
        roles=sorted(set(roles)),
        password_hash=None if password is None else hashed(password),
    )
    try:
        with session.begin_nested():
            session.add(member)
    except IntegrityError as error:
        taken = "members_login" in str(error.orig)
        raise Problem(
            409,
            "login_taken" if taken else "member_exists",
            f"{name!r} logs in here already; choose another name"
            if taken
            else f"this party has a member {name!r} already",
            errors=[FieldError("name", "taken", "choose another name")],
        ) from error
    return member.id


def set_terms(session: Session, party_id: int, change: Terms) -> None:
    """Change how a party pays and where it stands.

    Raises Problem 404, 422 (malformed terms, a parent that would stand under itself), 409
    `credit_in_use` where the wallet is further below zero than the new limit.
    """
    party = session.get(Party, party_id, with_for_update=True, populate_existing=True)
    if party is None:
        raise _unknown(party_id)
    if change.terms is not None:
        if not _TERMS.fullmatch(change.terms):
            raise _invalid("terms", "write prepaid, T+7 or monthly+30")
        party.terms = change.terms
    stood = party.level, party.parent_id
    if change.level is not None:
        party.level = change.level or None
    if change.parent is not None:
        party.parent_id = _parent(session, party_id, change.parent) if change.parent else None
    _note_standing(session, party, *stood)
    if change.active is not None:
        party.active = change.active
    if change.credit_limit is not None:
        _limit_credit(session, party_id, change.credit_limit)
    session.flush()


def get(session: Session, party_id: int) -> Party:
    """The party. Raises Problem 404."""
    party = session.get(Party, party_id, populate_existing=True)
    if party is None:
        raise _unknown(party_id)
    return party


def view(session: Session, party_id: int) -> dict[str, Any]:
    """One party as operators see it. Raises Problem 404."""
    return _views(session, [get(session, party_id)])[0]


def page(
    session: Session, *, role: str | None = None, limit: int = 50, after: int | None = None
) -> tuple[list[dict[str, Any]], int | None]:
    """Parties, the oldest first, and the id after which the next page starts."""
    found = select(Party).order_by(Party.id).limit(limit + 1)
    if role is not None:
        found = found.where(Party.role == role)
    if after is not None:
        found = found.where(Party.id > after)
    rows = session.scalars(found).all()
    more = len(rows) > limit
    return _views(session, rows[:limit]), rows[limit - 1].id if more else None


def members(session: Session, party_id: int) -> list[dict[str, Any]]:
    """The people of a party. Raises Problem 404."""
    get(session, party_id)
    rows = session.scalars(select(Member).where(Member.party_id == party_id).order_by(Member.id))
    return [member_view(row) for row in rows]


def member(session: Session, member_id: int) -> dict[str, Any]:
    """One person, as `members` lists it."""
    return member_view(session.get_one(Member, member_id, populate_existing=True))


def member_view(row: Member) -> dict[str, Any]:
    """A member without anything secret."""
    return {
        "id": outside("mem", row.id),
        "name": row.name,
        "roles": row.roles,
        "logs_in": row.password_hash is not None,
        "created_at": row.created_at,
    }


def hashed(password: str) -> str:
    """A password as it is kept. Raises Problem 422 for a short one."""
    if len(password) < SHORTEST_PASSWORD:
        raise _invalid("password", f"a password has at least {SHORTEST_PASSWORD} characters")
    return _HASHER.hash(password)


def _views(session: Session, parties: Sequence[Party]) -> list[dict[str, Any]]:
    wallets = {f"wallet:{party.id}" for party in parties}
    floors = {
        row.party_id: row.floor
        for row in session.scalars(select(Balance).where(Balance.account.in_(wallets)))
    }
    return [
        {
            "id": outside("pty", party.id),
            "role": party.role,
            "name": party.name,
            "source": party.source,
            "parent": party.parent_id and outside("pty", party.parent_id),
            "terms": party.terms,
            "credit_limit": yuan(-floors.get(party.id, 0)),
            "level": party.level,
            "when_dearer": party.when_dearer,
            "absorb_most": yuan(party.absorb_most),
            "active": party.active,
            "created_at": party.created_at,
        }
        for party in parties
    ]


def _note_standing(
    session: Session, party: Party, level: str | None, parent_id: int | None
) -> None:
    """Price rules and grants of its level, or of those above it, may count or not from now on."""
    if (level, parent_id) == (party.level, party.parent_id):
        return
    standings.keep(session, party)
    if party.parent_id != parent_id:
        rule_changes.tell(session, "level", [Reach(group=party.id)])
    else:
        rule_changes.tell(session, "level", [Reach(party=party.id)])


def _limit_credit(session: Session, party_id: int, limit: int) -> None:
    if limit < 0:
        raise _invalid("credit_limit", "a credit limit is 0 or more")
    account = f"wallet:{party_id}"
    row = session.get(Balance, account, with_for_update=True, populate_existing=True)
    if row is None:
        session.add(Balance(account=account, party_id=party_id, amount=0, floor=-limit))
        return
    if row.amount < -limit:
        raise Problem(
            409,
            "credit_in_use",
            f"the wallet stands at {yuan(row.amount)}: the limit is at least {yuan(-row.amount)}",
        )
    row.floor = -limit


def _parent(session: Session, party_id: int, parent: str) -> int:
    parent_id = inside("pty", parent)
    above: int | None = parent_id
    for _ in range(_NESTED):
        if above is None:
            return parent_id
        if above == party_id:
            break
        above = get(session, above).parent_id
    raise _invalid("parent", "a party cannot stand under itself, nor deeper than 16 levels")


def _name(name: str) -> str:
    plain = " ".join(name.split())
    if not 0 < len(plain) <= 100:
        raise _invalid("name", "give a name of at most 100 characters")
    return plain


def _unknown(party_id: int) -> Problem:
    return Problem(404, "not_found", f"there is no party {outside('pty', party_id)!r}")


def _invalid(field: str, message: str) -> Problem:
    return Problem(
        422, "invalid", f"{field}: {message}", errors=[FieldError(field, "invalid", message)]
    )
