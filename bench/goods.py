"""What benches share: servers and a database of their own, and invented goods in it."""

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from bench.wares import wares
from catalog.sequencer import number_changes
from huopan.servers import Endpoints, await_stopped, hold
from kit.db import Database, dsn, migrate


def write_goods(database: Database, products: int) -> None:
    """So many products, every third of two SKUs, the others of one; three of four SKUs from one
    source, the others from two."""
    with database.engine.begin() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        cursor = raw.cursor()
        cursor.execute(
            "CREATE TEMP TABLE wares (title text, brand text, category text, code text,"
            " colour text, id bigint GENERATED ALWAYS AS IDENTITY)"
        )
        with cursor.copy("COPY wares (title, brand, category, code, colour) FROM STDIN") as copy:
            for ware in itertools.islice(wares(), products):
                copy.write_row(ware)
        cursor.execute("ANALYZE wares")  # joined without statistics, some sizes take minutes
        cursor.execute(
            "INSERT INTO products (title, brand, category)"
            " SELECT title, brand, category FROM wares ORDER BY id"
        )
        cursor.execute(
            "INSERT INTO skus (product_id, msrp, attributes)"
            " SELECT id, 10 + id % 90, jsonb_build_object("
            "   '颜色', CASE n WHEN 0 THEN colour ELSE '混色' END)"
            " FROM wares, generate_series(0, (id % 3 = 0)::int) n ORDER BY id, n"
        )
        cursor.execute("""
            INSERT INTO offers (source, external_id, sku_id, title, brand, category, mpn,
                content_hash, seen_at)
            SELECT source, source || '-' || s.id, s.id, w.title, w.brand, w.category, w.code,
                '-', now()
            FROM skus s JOIN wares w ON w.id = s.product_id,
                unnest(CASE WHEN s.id % 4 = 0 THEN ARRAY['a', 'b'] ELSE ARRAY['a'] END) AS source
            ORDER BY s.id""")
        cursor.execute("DROP TABLE wares")
        cursor.execute(
            "INSERT INTO prices (offer_id, mode, price, as_of)"
            " SELECT id, 'dropship', 5 + id % 97, now() FROM offers"
        )
        cursor.execute("INSERT INTO terms (offer_id, mode) SELECT id, 'dropship' FROM offers")
        cursor.execute("""
            INSERT INTO stocks (offer_id, region, state, quantity, as_of)
            SELECT id, '', CASE WHEN id % 9 = 0 THEN 'out' ELSE 'in_stock' END,
                   CASE WHEN id % 9 = 0 THEN 0 ELSE id % 50 + 1 END, now() FROM offers""")
        cursor.execute(
            "INSERT INTO changes (offer_id, version, kind, sku_id, at)"
            " SELECT id, 1, 'listed', sku_id, clock_timestamp() FROM offers"
        )
    with psycopg.connect(dsn(str(database.engine.url)), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


@contextmanager
def place() -> Iterator[tuple[Database, Path, Endpoints]]:
    """A migrated, empty database on servers of its own, and a folder; all gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="huopan-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with (
            hold(folder / "servers", durable=False) as servers,
            opened_database(servers.database_url) as database,
        ):
            yield database, folder, servers
        await_stopped(folder / "servers")


@contextmanager
def opened_database(url: str) -> Iterator[Database]:
    """A migrated, empty database `bench` on the server at `url`."""
    with psycopg.connect(dsn(url), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE bench"))
    ours = make_url(url).set(database="bench").render_as_string(hide_password=False)
    migrate(ours)
    database = Database(ours)
    try:
        yield database
    finally:
        database.close()


def number_all(database: Database) -> int:
    """Number every change that waits; returns how many."""
    numbered = 0
    while True:
        with database.as_system() as session:
            if not (count := number_changes(session)):
                return numbered
        numbered += count


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
