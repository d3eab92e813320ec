"""What `huopan doctor` looks at: a name, what was found, and what to do where it is wrong."""

import os
import platform
import shutil
from collections.abc import Iterator
from datetime import timedelta

import redis
from sqlalchemy import Connection, create_engine, pool, text

from huopan import keys
from huopan.checks import Check
from huopan.commands import cron, worker
from huopan.credentials import examine_sources
from huopan.servers import Endpoints
from kit import __version__, clock, extras
from kit.db import APP_ROLE, newest_schema
from kit.redis import connect
from kit.settings import Settings

CLOCK_TOLERANCE = timedelta(seconds=2)
"""The database's clock decides leases and expiries, ours tokens and quotes: they must agree."""

FREE_BYTES = 2**30

CONNECTIONS = {"worker": worker.CONNECTIONS * worker.PROCESSES, "cron": cron.CONNECTIONS}
"""The pools of one machine's roles beside the API's own, which is a setting."""


def examine(settings: Settings, servers: Endpoints) -> list[Check]:
    """Every check; of sources only on the newest schema.

    Raises OperationalError or RedisError when a server does not answer.
    """
    engine = create_engine(servers.database_url, poolclass=pool.NullPool)
    found = f"{__version__} on Python {platform.python_version()}"
    checks = [Check("huopan", found)]
    with engine.connect() as connection:
        checks += [*_database(connection, settings), _clock(connection)]
    with connect(servers.redis_url) as client:
        checks.append(_redis(client))
    key = keys.readable(settings)
    if not any(check.name == "schema" and check.advice for check in checks):
        checks += _sealed(settings, servers)
    return [*checks, _data(settings), _extras(), key]


def _sealed(settings: Settings, servers: Endpoints) -> Iterator[Check]:
    """Whether what is sealed opens; only then the sources, whose secrets are among it."""
    opens = keys.opens(settings, servers)
    if opens is not None:
        yield opens
        if opens.advice:
            return
    yield from examine_sources(settings, servers)


def _database(connection: Connection, settings: Settings) -> Iterator[Check]:
    server = str(connection.scalar(text("SHOW server_version")))
    old = int(server.partition(".")[0]) < 16
    yield Check("postgresql", server, "use PostgreSQL 16 to 18" if old else "")
    yield _login_role(connection)
    yield _serving_role(connection)
    yield _schema(connection)
    yield _connections(connection, settings)


def _login_role(connection: Connection) -> Check:
    name, above = connection.execute(
        text("SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = session_user")
    ).one()
    advice = "connect as a role without SUPERUSER and BYPASSRLS: it stands above the tenant wall"
    return Check("login role", name, advice if above else "")


def _serving_role(connection: Connection) -> Check:
    found = connection.execute(
        text(
            "SELECT pg_has_role(session_user, oid, 'SET'), rolsuper OR rolbypassrls"
            " FROM pg_roles WHERE rolname = :name"
        ),
        {"name": APP_ROLE},
    ).one_or_none()
    if found is None:
        return Check("serving role", "missing", "run `huopan migrate`, which makes it")
    may_serve, above = found
    if above:
        return Check("serving role", APP_ROLE, f"ALTER ROLE {APP_ROLE} NOSUPERUSER NOBYPASSRLS")
    return Check("serving role", APP_ROLE, "" if may_serve else f"GRANT {APP_ROLE} to that login")


def _schema(connection: Connection) -> Check:
    known = connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
    query = text("SELECT version_num FROM alembic_version")
    current = connection.scalar(query) if known else None
    head = newest_schema()
    advice = "" if current == head else f"run `huopan migrate`: the newest is {head}"
    return Check("schema", current or "none", advice)


def _connections(connection: Connection, settings: Settings) -> Check:
    ours = settings.database.connections + sum(CONNECTIONS.values())
    limit = int(connection.scalar(text("SHOW max_connections")) or 0)
    reserved = int(connection.scalar(text("SHOW superuser_reserved_connections")) or 0)
    advice = f"raise max_connections above {ours + reserved}, or lower [database] connections"
    return Check(
        "connections",
        f"{ours} of one machine's roles, {limit} allowed",
        advice if ours + reserved > limit else "",
    )


def _clock(connection: Connection) -> Check:
    """The skew, as far as the answer's own travel time lets it be known."""
    before = clock.now()
    theirs = connection.scalar(text("SELECT clock_timestamp()"))
    after = clock.now()
    assert theirs is not None  # noqa: S101 - a function's result without arguments
    skew = max(before - theirs, theirs - after, timedelta(0))
    advice = "set both clocks by NTP" if skew > CLOCK_TOLERANCE else ""
    return Check("clock", f"{skew.total_seconds():.1f} s from the database's", advice)


def _redis(client: redis.Redis) -> Check:
    server = client.info("server")
    name = server.get("server_name", "redis")
    return Check("redis", f"{name} {server.get(f'{name}_version', server['redis_version'])}")


def _extras() -> Check:
    """The files from npm. Everything else works without them, so it is told and no fault."""
    lacking = {
        "no font: there are no PDFs and posters": extras.FONT,
        "no table of towns: addresses are read to the district": extras.STREETS,
    }
    told = [what for what, file in lacking.items() if not file.is_file()]
    return Check("extras", f"{'; '.join(told)} (make extras)" if told else "font, table of towns")


def _data(settings: Settings) -> Check:
    folder = settings.data.dir.expanduser().absolute()
    if not folder.is_dir():
        return Check("data", f"{folder} is not there", "it is made by `huopan up`")
    if not os.access(folder, os.W_OK | os.X_OK):
        return Check("data", str(folder), "make it writable for this user, or set [data] dir")
    free = shutil.disk_usage(folder).free
    advice = f"free some space: below {FREE_BYTES >> 30} GB" if free < FREE_BYTES else ""
    return Check("data", f"{folder}, {free / 2**30:.1f} GB free", advice)
