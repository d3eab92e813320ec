"""Search: indexing rate and page latency, beside the bare engine on the same queries.

Invented goods are written straight into a database of their own. "bare" is Tantivy with the same
index and the plainest query for the same words: one term query a word, twenty answers by score.
"""

import itertools
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import psycopg
import tantivy
from psycopg import sql
from sqlalchemy import make_url

from catalog.pricing import price_lists
from catalog.readers import Readership
from catalog.search import Asked, SearchIndex, open_indexer, search, words
from catalog.search import folder as folders
from catalog.sequencer import number_changes
from catalog.shelf import Reader
from huopan.servers import await_stopped, hold
from kit import clock
from kit.db import Database, dsn, migrate

PRODUCTS = int(os.environ.get("BENCH_PRODUCTS", "100000"))
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
QUERIES = [
    "绿茶",
    "无线蓝牙耳机",
    "云岭 纸尿裤",
    "智能手机壳 透明",
    "保温杯大容量",
    "iphone15",
    "红茶礼盒",
    "茶",
]

LISTS = price_lists(Decimal(20))
LEADER = Reader("leader", LISTS["resale"])


def run() -> None:
    """Print products indexed a second, and milliseconds a page."""
    with tempfile.TemporaryDirectory(prefix="huopan-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with (
            hold(folder / "servers", durable=False) as servers,
            _database(servers.database_url) as database,
        ):
            _measure(database, folder)
        await_stopped(folder / "servers")


def _measure(database: Database, folder: Path) -> None:
    took = _timed(lambda: _write_goods(database))
    print(f"{PRODUCTS:,} products written in {took:.1f} s")
    numbered = 0
    started = time.perf_counter()
    while True:
        with database.as_system() as session:
            if not (count := number_changes(session)):
                break
        numbered += count
    print(f"sequencer: {numbered / (time.perf_counter() - started):,.0f} changes/s")
    with open_indexer(database, folder, Readership(LISTS).per_list()) as writer:
        took = _timed(writer.rebuild)
        print(f"rebuild: {PRODUCTS / took:,.0f} products/s")
        _touch(database)
        took = _timed(lambda: list(iter(writer.step, 0)))
        print(f"following: {PRODUCTS // 20 / took:,.0f} changed products/s")
    index = SearchIndex(folder)
    _latencies(database, index, folder)


def _latencies(database: Database, index: SearchIndex, folder: Path) -> None:
    build = folders.current(folders.root(folder))
    assert build is not None
    bare = tantivy.Index.open(str(build))

    def plainly(text: str) -> None:
        asked = itertools.chain.from_iterable(map(words.made_of, words.asked(text)))
        terms = [tantivy.Query.term_query(bare.schema, "words", word) for word in asked]
        query = tantivy.Query.boolean_query([(tantivy.Occur.Must, term) for term in terms])
        bare.searcher().search(query, 20, count=False)

    def page(text: str) -> None:
        with database.as_nobody() as session:
            search(session, index, Asked(text), LEADER, clock.now(), 20)

    def second(text: str) -> None:
        asked = Asked(text, sort="price")
        if after := index.search(asked, LEADER, 20).next:
            index.search(asked, LEADER, 20, after)

    _report("bare engine", plainly)
    _report("ids by relevance", lambda text: index.search(Asked(text), LEADER, 20))
    _report(
        "ids by price, in stock",
        lambda text: index.search(Asked(text, sort="price", in_stock=True), LEADER, 20),
    )
    _report("two pages by price", second)
    _report("facets", lambda text: index.facets(Asked(text), LEADER))
    _report("facets of everything", lambda _: index.facets(Asked(), LEADER))
    _report("suggestions", lambda text: index.suggest(text[:2], LEADER, 10))
    _report("suggestions by initials", lambda _: index.suggest("zn", LEADER, 10))
    _report("by pinyin", lambda _: index.search(Asked("zhiniaoku"), LEADER, 20))
    _report("misspelt pinyin", lambda _: index.search(Asked("zhinianku"), LEADER, 20))
    _report("nothing at all", lambda _: index.search(Asked("qqxxzzyy"), LEADER, 20))
    _report("newest, no words", lambda _: index.search(Asked(), LEADER, 20))
    _report("page with cards", page)


def _report(name: str, ask: Callable[[str], object]) -> None:
    for text in QUERIES:
        ask(text)
    took = [_timed(lambda text=text: ask(text)) * 1000 for text in QUERIES * 30]  # type: ignore[misc]
    p99 = statistics.quantiles(took, n=100)[98]
    print(f"{name:24} p50 {statistics.median(took):6.2f} ms   p99 {p99:6.2f} ms")


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


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


def _write_goods(database: Database) -> None:
    dice = random.Random(8)  # noqa: S311 - the same goods in every run
    titles = _titles()
    with database.engine.begin() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        cursor = raw.cursor()
        with cursor.copy("COPY products (title, brand, category) FROM STDIN") as copy:
            for title in itertools.islice(titles, PRODUCTS):
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


def _touch(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO changes (offer_id, version, kind, sku_id, at) SELECT id, 2, 'price',"
            " sku_id, clock_timestamp() FROM offers WHERE mod(sku_id, 20) = 0 AND source = 'a'"
        )
    with database.as_system() as session:
        number_changes(session, PRODUCTS)


@contextmanager
def _database(url: str) -> Iterator[Database]:
    with psycopg.connect(dsn(url), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE bench_search"))
    ours = make_url(url).set(database="bench_search").render_as_string(hide_password=False)
    migrate(ours)
    database = Database(ours)
    try:
        yield database
    finally:
        database.close()
