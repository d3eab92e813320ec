"""The demo's accounts: made once, found again at every later start."""

import secrets
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from kit.errors import Problem
from kit.ids import outside
from kit.money import fen
from trade import parties, tokens, wallets
from trade.models import Party

ROLES: dict[str, tuple[str, str | None]] = {
    "leader": ("团长小鹿", None),
    "brand": ("青禾供应链", "qinghe"),
    "buyer": ("云帆采购部", None),
    "operator": ("货盘运营", None),
}
"""Role → name, and the source that a brand supplies."""

MONEY = {"leader": "5000.00", "buyer": "20000.00"}
"""What lies in the wallets at first, in CNY."""


@dataclass(frozen=True)
class Person:
    """An account of the demo; token and password are known at the start that made it only."""

    role: str
    name: str
    id: str
    token: str | None = None
    password: str | None = None


def made(session: Session) -> list[Person]:
    """The four accounts, made where they are missing. Runs in system scope."""
    return [_found(session, role) or _new(session, role) for role in ROLES]


def _found(session: Session, role: str) -> Person | None:
    name, _ = ROLES[role]
    party_id = session.scalar(select(Party.id).where(Party.role == role, Party.name == name))
    return None if party_id is None else Person(role, name, outside("pty", party_id))


def _new(session: Session, role: str) -> Person:
    name, source = ROLES[role]
    password = secrets.token_urlsafe(9)
    party_id = _created(session, role, name, source, password)
    if role in MONEY:
        wallets.deposit(session, party_id, fen(MONEY[role]), f"demo-{role}")
    token = tokens.issue(session, party_id).text
    return Person(role, name, outside("pty", party_id), token, password)


def _created(session: Session, role: str, name: str, source: str | None, password: str) -> int:
    try:
        return parties.create(session, role, name, source=source, password=password)
    except Problem as problem:
        if problem.code != "source_taken":  # somebody made another brand its supplier
            raise
        return parties.create(session, role, name, password=password)
