"""Price lists into the catalogue, beside what the database and the disk allow, in one run.

Three readings of invented goods (first, unchanged, 5 % with another price and stock), each beside
its limit on the same files, the same servers and the same schema:

* first: COPY of the very rows that it writes, into the same tables of a twin database
* unchanged: reading the file, COPY of key and hash into an unlogged table, one anti-join
* 5 %: reading the file, COPY of key, price and stock into an unlogged table, UPDATE of what differs

Each of ours runs in a process of its own, whose peak memory is told. BENCH_ROWS and BENCH_XLSX set
the sizes, BENCH_FORMS the forms: `BENCH_FORMS=jsonl` measures that one alone.
"""

import gc
import json
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import xlsxwriter
from psycopg import sql
from sqlalchemy import make_url

from bench.figures import Figure, record
from connectors.model import Listing
from connectors.registry import open_source
from huopan.servers import hold
from kit.db import Database, dsn, migrate
from sync.guard import GuardLimits
from sync.importer import run_listing
from tests.databases import drop

ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
XLSX_ROWS = int(os.environ.get("BENCH_XLSX", "500000"))
FORMS = os.environ.get("BENCH_FORMS", "csv,jsonl,xlsx").split(",")
HEADER = ("货号", "品名", "品牌", "分类", "条码", "供货价", "库存", "单位", "规格", "颜色", "图片")
PLACES = ("云岭", "南麓", "晨露", "星野", "松涧", "白石", "青溪", "丹霞")
KINDS = ("绿茶", "红茶", "蓝牙耳机", "手机壳", "纸尿裤", "打印纸", "保温杯")
TABLES = ("products", "skus", "offers", "terms", "prices", "price_points", "stocks", "changes")
LOOSE = GuardLimits(vanish=1, zero=1, move=1)


def run() -> None:
    """Print rows a second, ours and the limit's, and peak memory."""
    with tempfile.TemporaryDirectory(prefix="huopan-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with hold(folder / "servers") as servers:
            sizes = [("csv", 100_000), ("csv", ROWS), ("jsonl", ROWS), ("xlsx", XLSX_ROWS)]
            for form, rows in dict.fromkeys(sizes):
                if rows and form in FORMS:
                    _form(servers.database_url, folder, form, rows)


def _form(servers: str, folder: Path, form: str, rows: int) -> None:
    """All three readings of one form of file."""
    old, new = folder / f"old.{form}", folder / f"new.{form}"
    write(old, rows)
    write(new, rows, every=20)
    print(f"{rows:,} rows, {form}, {old.stat().st_size / 1e6:.0f} MB")
    parse = _timed(lambda: _parsed(old))
    print(f"  reading alone       {rows / parse:9,.0f} rows/s")
    with _database(servers, "ours") as ours:
        seconds, peak = _apart(ours, old)
        with _database(servers, "twin") as twin:
            limit = _copied(ours, twin, folder)
        done = Reading(form, rows, seconds, peak, limit)
        # to unpack and parse an XLSX takes longer than COPY of its rows: the figure has no aim
        aim = None if form == "xlsx" else 0.5
        done.tell("first import", done.rate, "rows/s", rows / limit, aim)
        _settle(ours)
        limit = parse + _keys_joined(ours, old)
        done = Reading(form, rows, *_apart(ours, old), limit)
        done.tell("unchanged", done.seconds, "s", limit, 1.5, less_is_better=True)
        with _copy(servers, ours) as bare:
            limit = _refreshed(bare, new)
        done = Reading(form, rows, *_apart(ours, new), limit)
        done.tell("5 % changed", done.rate, "rows/s", rows / limit, 0.7)
    old.unlink()
    new.unlink()


@dataclass(frozen=True)
class Reading:
    """One import beside its limit, both in seconds; `peak` in MB."""

    form: str
    rows: int
    seconds: float
    peak: float
    limit: float

    @property
    def rate(self) -> float:
        return self.rows / self.seconds

    def tell(
        self,
        what: str,
        ours: float,
        unit: str,
        limit: float,
        aim: float | None,
        **more: bool,
    ) -> None:
        """Print it, and put speed and memory on the board."""
        name = f"{self.rows:,} rows {self.form}, {what}"
        print(
            f"  {what:12s} ours {self.rate:9,.0f} rows/s ({self.seconds:6.1f} s, peak"
            f" {self.peak:5.0f} MB)   limit {self.rows / self.limit:9,.0f} rows/s",
            flush=True,
        )
        record(Figure("imports", name, ours, unit, limit, aim, **more))
        most = 1500.0 if self.form == "xlsx" else 500.0
        record(Figure("imports", f"{name}: peak", self.peak, "MB", most, 1, less_is_better=True))


def _timed(work: Callable[[], Any]) -> float:
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _apart(url: str, path: Path) -> tuple[float, float]:
    """(seconds, peak MB) of one import in a process of its own."""
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawned) as pool:
        return pool.submit(imported, url, str(path)).result()


def imported(url: str, path: str) -> tuple[float, float]:
    """Import one file as the product does."""
    db = Database(url, connections=2)
    open_source("bench", {"kind": "feed"})  # the modules of the reader are there, as in a worker
    seconds = _timed(lambda: run_listing(db, "bench", _listing(Path(path)), guard=LOOSE))
    db.close()
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _listing(path: Path) -> Listing:
    source: Any = open_source("bench", {"kind": "feed", "location": str(path)})
    listing: Listing = source.items()
    return listing


def _parsed(path: Path) -> None:
    for page in _listing(path).pages:
        assert not page.rejects


def _copied(ours: str, twin: str, folder: Path) -> float:
    """Seconds that COPY takes for the rows of every table that an import writes."""
    files = {table: folder / f"{table}.copy" for table in TABLES}
    with psycopg.connect(dsn(ours)) as connection, connection.cursor() as cursor:
        for table, path in files.items():
            with (
                cursor.copy(f"COPY (SELECT * FROM {table}) TO STDOUT") as rows,  # noqa: S608
                path.open("wb") as file,
            ):
                for block in rows:
                    file.write(block)
    seconds = 0.0
    with psycopg.connect(dsn(twin)) as connection, connection.cursor() as cursor:
        for table, path in files.items():
            seconds += _timed(lambda table=table, path=path: _copy_in(cursor, table, path))  # type: ignore[misc]
        seconds += _timed(connection.commit)
    for path in files.values():
        path.unlink()
    return seconds


def _copy_in(cursor: psycopg.Cursor[Any], table: str, path: Path) -> None:
    with cursor.copy(f"COPY {table} FROM STDIN") as rows, path.open("rb") as file:
        while block := file.read(1 << 20):
            rows.write(block)


def _staged(cursor: psycopg.Cursor[Any], columns: str, frames: Iterator[pl.DataFrame]) -> float:
    """Seconds to COPY frames into the unlogged table `bare`, the making of the text included."""
    cursor.execute(f"CREATE UNLOGGED TABLE bare ({columns})")
    seconds = 0.0
    for frame in frames:
        seconds += _timed(lambda frame=frame: _copy_frame(cursor, frame))  # type: ignore[misc]
    return seconds


def _copy_frame(cursor: psycopg.Cursor[Any], frame: pl.DataFrame) -> None:
    with cursor.copy("COPY bare FROM STDIN (FORMAT csv)") as rows:
        rows.write(frame.write_csv(None, include_header=False).encode())


def _keys_joined(ours: str, path: Path) -> float:
    """Seconds for key and hash of every row, and one anti-join with the offers."""
    keys = (
        page.rows.select("external_id", hash=page.rows.drop("file", "line").hash_rows())
        for page in _listing(path).pages
    )
    join = """SELECT count(*) FROM bare k LEFT JOIN offers o
        ON o.source = 'bench' AND o.external_id = k.external_id AND o.content_hash <> ''
        WHERE o.id IS NULL"""
    with psycopg.connect(dsn(ours)) as connection, connection.cursor() as cursor:
        seconds = _staged(cursor, 'external_id text COLLATE "C", hash numeric', keys)
        seconds += _timed(lambda: cursor.execute(join))
        connection.rollback()
    return seconds


def _refreshed(bare: str, path: Path) -> float:
    """Seconds to read the file, stage every price and stock, and update those that differ."""
    started = time.perf_counter()
    with psycopg.connect(dsn(bare)) as connection, connection.cursor() as cursor:
        rows = (
            page.rows.select("external_id", "dropship_price", "stock_state", "stock_quantity")
            for page in _listing(path).pages
        )
        columns = 'external_id text COLLATE "C", price numeric(14,4), state text, quantity bigint'
        _staged(cursor, columns, rows)
        cursor.execute("""UPDATE prices p SET price = b.price, as_of = now()
            FROM bare b JOIN offers o ON o.source = 'bench' AND o.external_id = b.external_id
            WHERE p.offer_id = o.id AND p.mode = 'dropship' AND p.price <> b.price""")
        cursor.execute("""UPDATE stocks k SET quantity = b.quantity, state = b.state, as_of = now()
            FROM bare b JOIN offers o ON o.source = 'bench' AND o.external_id = b.external_id
            WHERE k.offer_id = o.id AND k.region = '' AND k.quantity <> b.quantity""")
        connection.commit()
    return time.perf_counter() - started


def write(path: Path, rows: int, *, every: int = 0) -> None:
    """A price list of invented goods; every so manieth has another price and stock."""
    if path.suffix == ".xlsx":
        with xlsxwriter.Workbook(path, {"constant_memory": True, "strings_to_urls": False}) as book:
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, HEADER)
            for number in range(rows):
                sheet.write_row(number + 1, 0, _good(number, every))
        return
    with path.open("w", encoding="utf-8") as file:
        if path.suffix == ".csv":
            file.write(",".join(HEADER) + "\n")
            file.writelines(",".join(_good(n, every)) + "\n" for n in range(rows))
        else:
            for number in range(rows):
                good = dict(zip(HEADER, _good(number, every), strict=True))
                file.write(json.dumps(good, ensure_ascii=False) + "\n")


def _good(number: int, every: int) -> tuple[str, ...]:
    stem = f"{690_000_000_000 + number}"
    odd, even = sum(map(int, stem[1::2])), sum(map(int, stem[::2]))
    moved = bool(every) and number % every == 0
    price = 500 + number % 9973 + 100 * moved
    return (
        f"SKU{number:07d}",
        f"{PLACES[number % 8]} {KINDS[number % 7]} 第{number}号 家用礼盒装",
        PLACES[number % 8],
        f"食品 > {KINDS[number % 7]}",
        f"{stem}{-(3 * odd + even) % 10}",
        f"{price // 100}.{price % 100:02d}",
        str(number % 500 + moved),
        "件",
        f"{100 + number % 9 * 50}g",
        ("红", "蓝", "白")[number % 3],
        f"https://img.example.cn/p/{number}.jpg",
    )


@contextmanager
def _database(servers: str, name: str) -> Iterator[str]:
    with psycopg.connect(dsn(servers), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = make_url(servers).set(database=name).render_as_string(hide_password=False)
        migrate(url)
        yield url
        drop(connection, name)


@contextmanager
def _copy(servers: str, ours: str) -> Iterator[str]:
    """The database as it is, once more."""
    made = sql.SQL("CREATE DATABASE bare TEMPLATE {} STRATEGY FILE_COPY")
    with psycopg.connect(dsn(servers), autocommit=True) as connection:
        connection.execute(made.format(sql.Identifier(str(make_url(ours).database))))
        yield make_url(servers).set(database="bare").render_as_string(hide_password=False)
        drop(connection, "bare")


def _settle(url: str) -> None:
    """What autovacuum does in its own time: nobody pays for it here."""
    with psycopg.connect(dsn(url), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
