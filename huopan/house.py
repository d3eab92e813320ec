"""The house as a command finds it: servers that answer, the newest schema, and all sources."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from alembic.util.exc import CommandError
from sqlalchemy import create_engine, pool, text

from catalog.pricebook import Pricebook
from catalog.readers import Readership
from huopan.backing import EMBEDDED, backing
from huopan.servers import Endpoints
from kit import db, settings
from kit.db import Database
from kit.settings import Settings
from sync.recorded import Recorded
from trade import desk
from trade.desk import Desk

CONNECTIONS = 2


class HouseError(Exception):
    """The house cannot be entered like this; the message says what to do."""


@dataclass(frozen=True)
class House:
    """What commands work with. `settings` know the sources of the database too."""

    settings: Settings
    db: Database
    servers: Endpoints
    book: Pricebook

    @property
    def desk(self) -> Desk:
        """The terms of trade. Raises SettingsError."""
        return desk.from_settings(self.settings)

    @property
    def readership(self) -> Readership:
        """Who reads the catalogue, and at which prices. Raises SettingsError."""
        return desk.readership(self.settings, self.book)


@contextlib.contextmanager
def opened() -> Iterator[House]:
    """The house of the settings here, its embedded servers running while the block runs.

    An embedded database is brought to the newest schema and its key is made, so that the first
    command may be any; one of your own is left to `huopan migrate`. Raises HouseError,
    ServersError, SettingsError, OperationalError.
    """
    with standing() as (chosen, servers), entered(chosen, servers) as house:
        yield house


@contextlib.contextmanager
def standing() -> Iterator[tuple[Settings, Endpoints]]:
    """The settings here and their servers, on the newest schema; nothing sealed is opened yet.

    Raises what `opened` raises.
    """
    chosen = settings.load()
    with backing(chosen) as servers:
        if chosen.database.url == EMBEDDED:
            make_ready(chosen, servers.database_url)
        require_schema(servers.database_url)
        yield chosen, servers


@contextlib.contextmanager
def entered(chosen: Settings, servers: Endpoints) -> Iterator[House]:
    """The house on servers that answer and have the newest schema."""
    database = Database(servers.database_url, connections=CONNECTIONS)
    try:
        recorded = Recorded(chosen)
        recorded.read(database)
        yield House(recorded.settings, database, servers, recorded.book)
    finally:
        database.close()


def make_ready(chosen: Settings, url: str) -> None:
    """The newest schema, and the key as long as there was none here.

    Once something was sealed a key that is missing is never made anew: a misspelt path would have
    everything sealed with another one. Raises HouseError.
    """
    newest_schema(url)
    engine = create_engine(url, poolclass=pool.NullPool, connect_args={"connect_timeout": 5})
    with engine.connect() as connection:
        if connection.scalar(text("SELECT count(*) FROM key_canaries")) == 0:
            chosen.ensure_key()


def newest_schema(url: str) -> None:
    """Bring the database to the newest schema. Raises HouseError when it is a newer Huopan's."""
    if schema(url) == db.newest_schema():
        return
    try:
        db.migrate(url)
    except CommandError as error:
        raise _newer(schema(url)) from error


def require_schema(url: str) -> None:
    """Raises HouseError unless the database has exactly the schema of this Huopan."""
    found, newest = schema(url), db.newest_schema()
    if found is None:
        raise HouseError("The database has no schema yet: run `huopan migrate` once, then again.")
    if found != newest:
        if found not in db.known_schemas():
            raise _newer(found)
        raise HouseError(
            f"The database has the schema {found}, this Huopan needs {newest}: run"
            " `huopan migrate`, then again."
        )


def schema(url: str) -> str | None:
    """The schema version of the database, or None where it has none."""
    engine = create_engine(url, poolclass=pool.NullPool, connect_args={"connect_timeout": 5})
    with engine.connect() as connection:
        if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
            return None
        found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found


def _newer(found: str | None) -> HouseError:
    return HouseError(
        f"The database has the schema {found}, which is a newer Huopan's: update this installation"
        " (git pull, make install) before it touches that data."
    )
