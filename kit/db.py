"""The database: one engine per process, one transaction per request, job step or page.

Code above never commits: it runs inside `as_party`, `as_system` or `as_nobody`, and the block's
end is the commit. The scope is what row-level security reads; `system` can be set only here.
"""

import select
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Engine,
    Identity,
    Numeric,
    String,
    create_engine,
    event,
    make_url,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, TIMESTAMP
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column

APP_ROLE = "huopan_app"
"""The role that serves: no superuser, no BYPASSRLS, subject to the tenant wall."""

Id = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
Ref = Annotated[int, mapped_column(BigInteger)]
Fen = Annotated[int, mapped_column(BigInteger)]
UnitPrice = Annotated[Decimal, mapped_column(Numeric(14, 4))]
Utc = Annotated[datetime, mapped_column(TIMESTAMP(timezone=True))]
OutsideId = Annotated[str, mapped_column(String(collation="C"))]


Query = tuple[str, Mapping[str, Any] | Sequence[Any]]
"""SQL with psycopg's placeholders, and what they stand for."""

IDLE_SECONDS = 5.0
"""A connection that rested longer is asked whether it is alive before it is used."""

_SCOPE = "SELECT set_config('huopan.party', %s, true), set_config('huopan.system', %s, true)"
_SYSTEM = ("", "on")
_PLAN_ONCE = "set_config('plan_cache_mode', 'force_generic_plan', true)"
PLAN_ONCE: Query = (f"SELECT {_PLAN_ONCE}", ())
"""From here to the end of the transaction each statement is planned once a connection: for those
that take longer to plan than to run, whatever their values are."""
_ASKING = f"{_SCOPE}, {_PLAN_ONCE}"

_DRIVER = "driver"
"""Under which a session keeps its transaction's connection."""

MIGRATIONS = Path(__file__).parent.parent / "migrations"

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
            hide_parameters=True,  # errors are logged, and values may name people
            pool_use_lifo=True,  # the connection used last has its plans and caches warm
            connect_args={"options": f"-c role={APP_ROLE} -c timezone=UTC", "connect_timeout": 5},
        )
        _heed_lost_connections(self.engine)

    def close(self) -> None:
        """Return every connection to the server."""
        self.engine.dispose()

    def as_party(self, party_id: int) -> AbstractContextManager[Session]:
        """One transaction that sees the shared catalogue and this party's own rows."""
        return self._scope(str(party_id), "off")

    def as_system(self) -> AbstractContextManager[Session]:
        """One transaction that sees every party's rows: for workers and operators."""
        return self._scope(*_SYSTEM)

    def as_nobody(self) -> AbstractContextManager[Session]:
        """One transaction that sees the shared catalogue only."""
        return self._scope("", "off")

    @contextmanager
    def _scope(self, party: str, system: str) -> Iterator[Session]:
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            _begin(session, party, system)
            yield session

    def ask_as_party(
        self, party_id: int, *statements: Query, first: Query | None = None
    ) -> list[list[Any]]:
        """A whole transaction in the scope of `as_party`, in one round trip: rows by name.

        `first` is asked before, in the scope of `as_system`, and its rows come first. For the
        hottest reads: what a session does around a statement costs several times as much.
        """
        before = () if first is None else ((_SYSTEM, (first,)),)
        return self._ask(*before, ((str(party_id), "off"), statements))

    def ask_as_system(self, *statements: Query) -> list[list[Any]]:
        """As `ask_as_party`, in the scope of `as_system`."""
        return self._ask((_SYSTEM, statements))

    def _ask(self, *asked: tuple[tuple[str, str], Sequence[Query]]) -> list[list[Any]]:
        try:
            held = self.engine.raw_connection()
            try:
                return _asked(_psycopg(held.driver_connection), asked)
            finally:
                held.close()
        except psycopg.Error as error:  # without the values: they may be a person's
            said = "; ".join(query for _, statements in asked for query, _ in statements)
            raise DBAPIError.instance(said, None, error, psycopg.Error) from error


def _asked(
    connection: psycopg.Connection[Any], asked: Sequence[tuple[tuple[str, str], Sequence[Query]]]
) -> list[list[Any]]:
    """The rows of each statement, asked in its scope."""
    connection.autocommit = True  # what is sent together is one transaction by itself
    try:
        cursors = []
        with connection.pipeline():
            for scope, statements in asked:
                connection.execute(_ASKING, scope)
                cursors += [sent(connection, *one) for one in statements]
        return [at.fetchall() for at in cursors]
    finally:
        if not connection.closed:
            connection.autocommit = False


def _begin(session: Session, party: str, system: str) -> None:
    """The first statement of every transaction, by psycopg itself: SQLAlchemy takes as long around
    it as the server does."""
    try:
        driver(session).execute(_SCOPE, (party, system))
    except psycopg.Error as error:
        session.connection().invalidate(error)
        raise DBAPIError.instance(_SCOPE, None, error, psycopg.Error) from error


def sent(
    connection: psycopg.Connection[Any], query: str, values: Mapping[str, Any] | Sequence[Any]
) -> psycopg.Cursor[Any]:
    """A statement that is on its way, or was answered; its rows come by name."""
    words, rows = _named(query)
    return connection.cursor(row_factory=rows).execute(words, values)


@lru_cache(maxsize=512)
def _named(query: str) -> tuple[bytes, Callable[[Any], Callable[[Any], Any]]]:
    """A question as psycopg takes it, and what makes its rows; which names the answers have is
    looked up once."""
    made: list[Callable[[Any], Any]] = []

    def maker(at: psycopg.Cursor[Any]) -> Callable[[Any], Any]:
        if made:
            return made[0]
        found = namedtuple_row(at)
        if at.description is not None:
            made.append(found)
        return found

    return query.encode(), maker


def cursor(session: Session) -> psycopg.Cursor[Any]:
    """A psycopg cursor inside the session's own transaction, for COPY and the hottest reads."""
    return driver(session).cursor()


def driver(session: Session) -> psycopg.Connection[Any]:
    """psycopg's own connection, inside the session's transaction: SQLAlchemy is asked once, and
    each time within a savepoint, which is made when its first statement asks."""
    transaction, connection = session.info.get(_DRIVER, (None, None))
    sure = transaction is not None and transaction is session.get_transaction()
    if not sure or not transaction.is_active or session.in_nested_transaction():
        connection = session.connection().connection.driver_connection
        session.info[_DRIVER] = session.get_transaction(), connection
    return _psycopg(connection)


_CLOCK = text("SELECT clock_timestamp()")


def read_clock(session: Session) -> datetime:
    """Now, by the database's clock."""
    moment: datetime = session.scalars(_CLOCK).one()
    return moment


_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))")


def take_turn(session: Session, what: str) -> None:
    """Transactions that name the same `what` go on one after the other: this one until it ends."""
    session.execute(_ALONE, {"what": what})


def end_version(session: Session, kept: Any, at: datetime, *which: ColumnElement[bool]) -> None:
    """What the last version of these rows says holds until `at`; `kept` is a table with `ended_at`,
    null while a version holds."""
    session.execute(update(kept).where(*which, kept.ended_at.is_(None)).values(ended_at=at))


def _psycopg(connection: Any) -> psycopg.Connection[Any]:
    assert isinstance(connection, psycopg.Connection)  # noqa: S101 - the only driver we configure
    return connection


def _heed_lost_connections(engine: Engine) -> None:
    """Never hand out a connection that the server has closed.

    A server that ends a connection says so on the socket, where nothing else comes while it rests;
    so no question must be asked each time. One that rested for long may be lost without a word.
    """

    @event.listens_for(engine, "checkin")
    def rests(_connection: Any, record: Any) -> None:
        record.info["rests_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def alive(connection: Any, record: Any, _proxy: Any) -> None:
        rested = time.monotonic() - record.info.get("rests_since", time.monotonic())
        try:
            if rested >= IDLE_SECONDS or _spoken_to(connection):
                engine.dialect.do_ping(connection)
        except psycopg.Error as error:
            raise InvalidatePoolError("the server has ended this connection") from error


def _spoken_to(connection: psycopg.Connection[Any]) -> bool:
    """Whether something waits to be read from the server, were it that it is gone."""
    waiting = select.poll()
    waiting.register(connection.pgconn.socket, select.POLLIN)
    return bool(waiting.poll(0))


def migrate(url: str) -> None:
    """Bring the database at `url` to the newest schema; the URL's role owns the tables.

    Safe to call from several processes at once: they queue on an advisory lock.
    """
    from alembic import command  # imported here: only a new schema needs it
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    command.upgrade(config, "head")


def newest_schema() -> str:
    """The schema version that `migrate` brings a database to."""
    return max(known_schemas())


def known_schemas() -> set[str]:
    """Every schema version that this code has ever had; another one is a newer Huopan's.

    A script's name begins with its version. Alembic would run all of them to tell, which takes a
    command longer than its own work.
    """
    return {path.name.partition("_")[0] for path in MIGRATIONS.glob("versions/[0-9]*_*.py")}


def dsn(url: str) -> str:
    """The libpq form of an SQLAlchemy URL, for psycopg itself."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
