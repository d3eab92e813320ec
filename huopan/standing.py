"""What every command and role stands on: servers that answer, with the newest schema.

It knows nothing of the trade, so that a role that only keeps others starts at once.
"""

import contextlib
from collections.abc import Iterator

from sqlalchemy import create_engine, pool, text

from huopan.backing import EMBEDDED, backing
from huopan.errors import HouseError
from huopan.servers import Endpoints
from kit import db, settings
from kit.settings import Settings

CONNECTIONS = 2
"""Of one command."""


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
    found = schema(url)
    if found == db.newest_schema():
        return
    if found is not None and found not in db.known_schemas():
        raise _newer(found)
    db.migrate(url)


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


def _newer(found: str) -> HouseError:
    return HouseError(
        f"The database has the schema {found}, which is a newer Huopan's: update this installation"
        " (git pull, make install) before it touches that data."
    )
