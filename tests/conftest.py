"""What every test may ask for: real servers, a database of its own, an emptied Redis.

One pair of servers serves the whole run, every xdist worker included. Cloning a migrated template
file by file took 25 ms, truncating all tables 40 ms: so each test has a database of its own.
"""

import contextlib
import fcntl
import ipaddress
import itertools
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from hypothesis import settings
from psycopg import sql
from sqlalchemy import make_url

from huopan.servers import Endpoints, await_stopped, hold
from kit.db import Database, dsn, migrate
from kit.memory import seek_cycles_seldom
from sandbox.server import Sandbox, running
from tests import soak as soaking
from tests.databases import drop
from tests.stage import Stage

FOLDER = "HUOPAN_TEST_SERVERS"
"""The environment variable that tells xdist's workers where the run's servers are."""

TEMPLATE = "huopan_template"
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))

BEGAN = time.monotonic()

settings.register_profile("ours", deadline=None)  # timing never decides a test
settings.load_profile("ours")

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
ROOM = 8 * 2**30

_numbers = itertools.count(1)


_soak = pytest.StashKey[soaking.Soak]()


def pytest_addoption(parser: pytest.Parser) -> None:
    soaking.add_options(parser)


def pytest_report_header(config: pytest.Config) -> str:
    chosen = config.stash[_soak]
    return f"{'soak in full' if chosen.whole else 'sample'}, --seed {chosen.seed}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    soaking.leave_out_passed(config, items, config.stash[_soak])


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.config.stash[_soak].whole:
        soaking.leave_for_later(item.config, BEGAN)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    soaking.end(session.config, session.config.stash[_soak], exitstatus)


@pytest.fixture(scope="session")
def soak(request: pytest.FixtureRequest) -> soaking.Soak:
    """How thoroughly a long test looks."""
    return request.config.stash[_soak]


@pytest.fixture(scope="session")
def in_full(soak: soaking.Soak) -> bool:
    """Whether the long tests run in full (`make soak`) or as a seeded sample."""
    return soak.whole


def pytest_configure(config: pytest.Config) -> None:
    seek_cycles_seldom()  # as every process of the product does
    config.stash[_soak] = soaking.begin(config)
    if not hasattr(config, "workerinput"):
        if config.stash[_soak].whole:
            config.pluginmanager.register(soaking.Notes(config, config.stash[_soak]))
        memory = _memory()
        folder = tempfile.mkdtemp(prefix="huopan-tests-", dir=memory)
        os.chmod(folder, 0o711)  # noqa: S103 - under root the server user must pass through
        os.environ[FOLDER] = folder
        if memory is not None:
            os.environ["TMPDIR"] = tempfile.tempdir = folder


def _memory() -> str | None:
    """Where all files of a run lie in memory, if there is room: a database of a test's own is
    copied there in a fortieth of the time, and no disk decides how long servers take to start."""
    there = MEMORY.is_dir() and os.access(MEMORY, os.W_OK)
    return str(MEMORY) if there and shutil.disk_usage(MEMORY).free >= ROOM else None


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        folder = Path(os.environ.pop(FOLDER))
        if os.environ.get("TMPDIR") == str(folder):
            del os.environ["TMPDIR"]
            tempfile.tempdir = None
        if (folder / "servers").exists():
            await_stopped(folder)
        shutil.rmtree(folder)


def _only_loopback(event: str, details: tuple[Any, ...]) -> None:
    if event != "socket.connect" or not isinstance(details[1], tuple):
        return
    host = details[1][0]
    if not ipaddress.ip_address("127.0.0.1" if host == "localhost" else host).is_loopback:
        raise AssertionError(f"a test talks to {host}: only loopback is allowed")


sys.addaudithook(_only_loopback)


@pytest.fixture(scope="session")
def servers() -> Iterator[Endpoints]:
    """The run's PostgreSQL and Redis. A test that harms servers starts its own pair instead."""
    with hold(Path(os.environ[FOLDER]), durable=False) as endpoints:
        yield endpoints


@pytest.fixture(scope="session")
def _template(servers: Endpoints) -> str:
    """A migrated database, made once a run by whichever worker comes first."""
    with (Path(os.environ[FOLDER]) / "template").open("a") as made:
        fcntl.flock(made, fcntl.LOCK_EX)
        if made.seek(0, os.SEEK_END) == 0:  # whoever waited for the lock opened it while empty
            with psycopg.connect(dsn(servers.database_url), autocommit=True) as connection:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
            migrate(_renamed(servers.database_url, TEMPLATE))
            made.write("migrated")
    return TEMPLATE


@contextlib.contextmanager
def _database(servers: Endpoints, template: str) -> Iterator[str]:
    name = f"test_{WORKER}_{next(_numbers)}"
    ours = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
    with psycopg.connect(dsn(servers.database_url), autocommit=True) as connection:
        clone = "CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"
        connection.execute(sql.SQL(clone).format(**ours))
        yield _renamed(servers.database_url, name)
        drop(connection, name)


@pytest.fixture
def database_url(servers: Endpoints, _template: str) -> Iterator[str]:
    """A migrated, empty database that only this test uses."""
    with _database(servers, _template) as url:
        yield url


@pytest.fixture
def databases(servers: Endpoints, _template: str) -> Iterator[Callable[[], str]]:
    """Makes as many of them as a test needs; each call gives another URL."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(_database(servers, _template))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """This test's database as the product opens it."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def shared_database(servers: Endpoints, _template: str) -> Iterator[Database]:
    """A database that the tests of one module share: each makes its own parties and orders, and
    looks at nothing else."""
    with _database(servers, _template) as url:
        opened = Database(url)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def shared_redis_url(servers: Endpoints) -> str:
    """The Redis database of this worker, as the test before left it."""
    return servers.redis_url.replace("?db=0", f"?db={WORKER + 1}")


@pytest.fixture
def redis_url(shared_redis_url: str) -> str:
    """An empty Redis database that only this worker uses."""
    with redis.Redis.from_url(shared_redis_url) as client:
        client.flushdb()
    return shared_redis_url


@pytest.fixture(scope="session")
def _sandbox() -> Iterator[Stage]:
    with running(Sandbox()) as url:
        stage = Stage(url)
        yield stage
        stage.close()


@pytest.fixture
def stage(_sandbox: Stage) -> Stage:
    """The simulated platforms, as they are in the beginning."""
    _sandbox.reset(seed="huopan", size=200)
    return _sandbox


def _renamed(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)
