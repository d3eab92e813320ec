"""The ring of keys as commands and `huopan doctor` meet it, also where a key is missing."""

import contextlib
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from huopan.checks import Check
from huopan.servers import Endpoints
from huopan.standing import CONNECTIONS, standing
from kit import canaries
from kit.crypto import Keyring
from kit.db import Database
from kit.settings import Settings, SettingsError

if TYPE_CHECKING:
    from worker.rekeying import KeyUse


@contextlib.contextmanager
def ring() -> Iterator[tuple[Database, Keyring]]:
    """The database and the keys of the settings here; nothing sealed is opened by it.

    Raises what `huopan.house.opened` raises.
    """
    with standing() as (chosen, servers):
        keyring = chosen.keyring()
        database = Database(servers.database_url, connections=CONNECTIONS)
        try:
            yield database, keyring
        finally:
            database.close()


def readable(chosen: Settings) -> Check:
    """Whether the key is where the settings say, and only its owner reads it."""
    try:
        keyring = chosen.keyring()
    except SettingsError as error:
        return Check(
            "key",
            str(error),
            "a fresh installation makes it; else copy it from where it was made, or a backup",
        )
    found = f"{keyring.name}, readable; keep a copy of it apart from the database's backup"
    for name in chosen.key_files():
        if Path(name).stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
            return Check("key", found, f"everybody reads {name}: chmod 600 {name}")
    return Check("key", found)


def opens(chosen: Settings, servers: Endpoints) -> Check | None:
    """Whether the keys open what was sealed here; None without keys. The schema must be the
    newest."""
    try:
        keyring = chosen.keyring()
    except SettingsError:
        return None
    database = Database(servers.database_url, connections=1)
    try:
        with database.as_system() as session:
            shut = set(canaries.unopened(session, keyring))
            lost = _uses(session, keyring, shut) if shut else []
    finally:
        database.close()
    needed = [f"{use.key} ({use.envelopes} envelopes)" for use in lost if use.envelopes]
    if not needed:
        return Check("sealed data", "opens with the keys of [security]")
    return Check(
        "sealed data",
        f"sealed with a key that is not here: {', '.join(needed)}",
        "name that key in [security] previous_keys, or make it the key again",
    )


def _uses(session: Session, keyring: Keyring, keys: set[str]) -> "list[KeyUse]":
    from worker.rekeying import uses  # it knows every table, and most starts ask nothing of it

    return [use for use in uses(session, keyring) if use.key in keys]
