"""Search: indexing rate and page latency, beside the bare engine on the same queries.

Invented goods are written straight into a database of their own. "bare" is Tantivy with the same
index and the plainest query for the same words: one term query a word, twenty answers by score.
"""

import itertools
import os
import statistics
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import tantivy

from bench.goods import number_all, place, timed, write_goods
from catalog.pricebook import Pricebook
from catalog.pricing import Rule, price_lists
from catalog.readers import Readership
from catalog.search import Asked, Indexer, SearchIndex, open_indexer, search, words
from catalog.search import folder as folders
from catalog.sequencer import number_changes
from catalog.shelf import Reader
from kit import clock
from kit.db import Database

PRODUCTS = int(os.environ.get("BENCH_PRODUCTS", "100000"))
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
    with place() as (database, folder):
        _measure(database, folder)


def _measure(database: Database, folder: Path) -> None:
    took = timed(lambda: write_goods(database, PRODUCTS))
    print(f"{PRODUCTS:,} products written in {took:.1f} s")
    started = time.perf_counter()
    numbered = number_all(database)
    print(f"sequencer: {numbered / (time.perf_counter() - started):,.0f} changes/s")
    with open_indexer(database, folder, Readership(LISTS).per_list(clock.now())) as writer:
        took = timed(writer.rebuild)
        print(f"rebuild: {PRODUCTS / took:,.0f} products/s")
        _touch(database)
        took = timed(lambda: list(iter(writer.step, 0)))
        print(f"following: {PRODUCTS // 20 / took:,.0f} changed products/s")
        _follow_a_rule(database, writer)
    index = SearchIndex(folder)
    _latencies(database, index, folder)


def _follow_a_rule(database: Database, writer: Indexer) -> None:
    """One price rule for a quarter of the goods; meanwhile single changes are to be seen."""
    book = Pricebook(1, (Rule(1, Decimal(30), source="b"),))
    writer.follow(Readership(LISTS, book=book).per_list(clock.now()))
    waited: list[float] = []
    versions = itertools.count(100)

    def one_change_a_step() -> int:
        with database.engine.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO changes (offer_id, version, kind, sku_id, at)"
                " SELECT id, %s, 'price', sku_id, clock_timestamp() FROM offers WHERE id = 1",
                (next(versions),),
            )
        changed = time.perf_counter()
        number_all(database)
        done = writer.step()
        waited.append((time.perf_counter() - changed) * 1000)
        return done - 1

    took = timed(lambda: list(iter(one_change_a_step, 0)))
    print(
        f"a rule for a quarter of the goods: {PRODUCTS / took:,.0f} products/s looked through; a"
        f" change meanwhile p50 {statistics.median(waited):.0f} ms, at most {max(waited):.0f} ms"
    )


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
    took = [timed(lambda text=text: ask(text)) * 1000 for text in QUERIES * 30]  # type: ignore[misc]
    p99 = statistics.quantiles(took, n=100)[98]
    print(f"{name:24} p50 {statistics.median(took):6.2f} ms   p99 {p99:6.2f} ms")


def _touch(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO changes (offer_id, version, kind, sku_id, at) SELECT id, 2, 'price',"
            " sku_id, clock_timestamp() FROM offers WHERE mod(sku_id, 20) = 0 AND source = 'a'"
        )
    with database.as_system() as session:
        number_changes(session, PRODUCTS)
