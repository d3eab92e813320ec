"""What benches share: servers and a database of their own, and invented goods in it."""

import itertools
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from catalog.sequencer import number_changes
from huopan.servers import await_stopped, hold
from kit.db import Database, dsn, migrate

PLACES = ["云岭", "南麓", "晨露", "星野", "松涧", "白石", "青溪", "丹霞"]
KINDS = [
    "绿茶",
    "红茶",
    "蓝牙耳机",
    "手机壳",
    "纸尿裤",
    "打印纸",
    "保温杯",
    "电饭煲",
    "跑步鞋",
    "护手霜",
    "洗衣液",
    "充电宝",
]
TRAITS = [
    "高山",
    "便携",
    "智能",
    "加厚",
    "儿童",
    "家用",
    "礼盒装",
    "大容量",
    "防水",
    "静音",
    "无线",
    "透明",
]


def _titles() -> Iterator[str]:
    dice = random.Random(7)  # noqa: S311 - the same goods in every run
    while True:
        yield "".join(
            [
                dice.choice(PLACES),
                dice.choice(TRAITS),
                dice.choice(TRAITS),
                dice.choice(KINDS),
                f" {dice.randrange(1, 999)}款 ",
                dice.choice(["iPhone 15", "A4", "L码", "500g"]),
            ]
        )


def write_goods(database: Database, products: int) -> None:
    """So many products of one SKU, three of four from one source, the others from two."""
    dice = random.Random(8)  # noqa: S311 - the same goods in every run
    titles = _titles()
    with database.engine.begin() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        cursor = raw.cursor()
        with cursor.copy("COPY products (title, brand, category) FROM STDIN") as copy:
            for title in itertools.islice(titles, products):
                copy.write_row((title, title[:2], f"{dice.choice(KINDS)} > {dice.choice(TRAITS)}"))
        cursor.execute(
            "INSERT INTO skus (product_id, msrp, attributes)"
            ' SELECT id, 10 + id % 90, \'{"颜色": "红"}\' FROM products ORDER BY id'
        )
        cursor.execute("""
            INSERT INTO offers (source, external_id, sku_id, title, content_hash, seen_at)
            SELECT source, source || '-' || id, id, '-', '-', now() FROM skus,
                unnest(CASE WHEN id % 4 = 0 THEN ARRAY['a', 'b'] ELSE ARRAY['a'] END) AS source""")
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
def place() -> Iterator[tuple[Database, Path]]:
    """A migrated, empty database on servers of its own, and a folder; all gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="huopan-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with hold(folder / "servers", durable=False) as servers:
            yield from _database(servers.database_url, folder)
        await_stopped(folder / "servers")


def _database(url: str, folder: Path) -> Iterator[tuple[Database, Path]]:
    with psycopg.connect(dsn(url), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE bench"))
    ours = make_url(url).set(database="bench").render_as_string(hide_password=False)
    migrate(ours)
    database = Database(ours)
    try:
        yield database, folder
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
