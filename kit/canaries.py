"""A word sealed with each key that ever sealed something here, by which a wrong key is noticed."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from kit.crypto import CannotOpen, Keyring
from kit.db import NOW, Base, Utc

_CONTEXT = "canary"


class KeyCanary(Base):
    """One key, by its name."""

    __tablename__ = "key_canaries"

    key: Mapped[str] = mapped_column(primary_key=True)
    envelope: Mapped[bytes]
    made_at: Mapped[Utc] = mapped_column(server_default=NOW)


def leave(session: Session, keyring: Keyring) -> None:
    """One for the current key, unless it has one."""
    known = select(KeyCanary.key).where(KeyCanary.key == keyring.name)
    if session.scalar(known) is None:
        row = {"key": keyring.name, "envelope": keyring.seal(keyring.name.encode(), _CONTEXT)}
        session.execute(insert(KeyCanary).values(row).on_conflict_do_nothing())


def unopened(session: Session, keyring: Keyring) -> list[str]:
    """Keys by name whose canary this ring does not open."""
    found = []
    for row in session.scalars(select(KeyCanary).order_by(KeyCanary.made_at, KeyCanary.key)):
        try:
            keyring.open(row.envelope, _CONTEXT)
        except CannotOpen:
            found.append(row.key)
    return found


def known(session: Session) -> dict[str, datetime]:
    """Every key that has one, and since when."""
    rows = session.execute(select(KeyCanary.key, KeyCanary.made_at).order_by(KeyCanary.made_at))
    return {row.key: row.made_at for row in rows}


def remove(session: Session, key: str) -> None:
    """This key is not needed here any more."""
    session.execute(delete(KeyCanary).where(KeyCanary.key == key))
