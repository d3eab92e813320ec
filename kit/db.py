"""The database: one engine per process, one transaction per request, job step or page.

Code above never commits: it runs inside `as_party`, `as_system` or `as_nobody`, and the block's
end is the commit. The scope is what row-level security reads; `system` can be set only here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import BigInteger, Identity, Numeric, String, create_engine, make_url, text
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column

APP_ROLE = "huopan_app"
"""The role that serves: no superuser, no BYPASSRLS, subject to the tenant wall."""

Id = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
Ref = Annotated[int, mapped_column(BigInteger)]
Fen = Annotated[int, mapped_column(BigInteger)]
UnitPrice = Annotated[Decimal, mapped_column(Numeric(14, 4))]
Utc = Annotated[datetime, mapped_column(TIMESTAMP(timezone=True))]
OutsideId = Annotated[str, mapped_column(String(collation="C"))]


NOW = text("clock_timestamp()")
"""A column's default: the moment of writing, by the database's clock."""


class Base(DeclarativeBase):
    """The registry of every table of ours."""

    type_annotation_map = {
        bytes: BYTEA,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        datetime: TIMESTAMP(timezone=True),
        int: BigInteger,
    }


class Database:
    """A pool of connections that serve as `APP_ROLE`."""

    def __init__(self, url: str, *, connections: int = 10) -> None:
        self.engine = create_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_pre_ping=True,
            connect_args={"options": f"-c role={APP_ROLE} -c timezone=UTC", "connect_timeout": 5},
        )

    def close(self) -> None:
        """Return every connection to the server."""
        self.engine.dispose()

    @contextmanager
    def as_party(self, party_id: int) -> Iterator[Session]:
        """One transaction that sees the shared catalogue and this party's own rows."""
        with self._scope(str(party_id), "off") as session:
            yield session

    @contextmanager
    def as_system(self) -> Iterator[Session]:
        """One transaction that sees every party's rows: for workers and operators."""
        with self._scope("", "on") as session:
            yield session

    @contextmanager
    def as_nobody(self) -> Iterator[Session]:
        """One transaction that sees the shared catalogue only."""
        with self._scope("", "off") as session:
            yield session

    @contextmanager
    def _scope(self, party: str, system: str) -> Iterator[Session]:
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            session.execute(
                text(
                    "SELECT set_config('huopan.party', :party, true),"
                    " set_config('huopan.system', :system, true)"
                ),
                {"party": party, "system": system},
            )
            yield session


def cursor(session: Session) -> psycopg.Cursor[Any]:
    """A psycopg cursor inside the session's own transaction, for COPY and the hottest reads."""
    return driver(session).cursor()


def driver(session: Session) -> psycopg.Connection[Any]:
    """psycopg's own connection, inside the session's transaction."""
    raw = session.connection().connection.driver_connection
    assert isinstance(raw, psycopg.Connection)  # noqa: S101 - the only driver we ever configure
    return raw


def migrate(url: str) -> None:
    """Bring the database at `url` to the newest schema; the URL's role owns the tables.

    Safe to call from several processes at once: they queue on an advisory lock.
    """
    config = _alembic()
    config.attributes["url"] = url
    command.upgrade(config, "head")


def newest_schema() -> str | None:
    """The schema version that `migrate` brings a database to."""
    return ScriptDirectory.from_config(_alembic()).get_current_head()


def known_schemas() -> set[str]:
    """Every schema version that this code has ever had; another one is a newer Huopan's."""
    return {script.revision for script in ScriptDirectory.from_config(_alembic()).walk_revisions()}


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations"))
    return config


def dsn(url: str) -> str:
    """The libpq form of an SQLAlchemy URL, for psycopg itself."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
