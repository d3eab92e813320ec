"""Search: building the index, and pages in process and through HTTP, beside the bare engine.

Invented goods lie in a database of their own, and are indexed from there as the product does.
"raw" is Tantivy alone: the same index, the same words (cut beforehand), the same condition that
the reader may see it, the first twenty in the same order; one query and nothing else, also where
that finds nothing: how often is printed. "by score" is the same query in the engine's own order.
Ours and HTTP ask with the text, as people type it; what a process warms up with is not measured.
Clients are threads, eight of them in two processes, as is the API; what stands beside one another
is measured by turns. BENCH_PRODUCTS says how many products, several sizes one after another;
BENCH_SEARCHES how many searches a figure.
"""

import itertools
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import tantivy

from bench import crowd, indexing, shop
from bench.crowd import Measured
from bench.figures import Figure, record
from bench.goods import place, timed
from bench.indexing import LISTS
from bench.wares import queries
from catalog.search import Asked, SearchIndex, search, words
from catalog.search import folder as folders
from catalog.search.thesaurus import Thesaurus
from catalog.shelf import Reader
from huopan.servers import Endpoints
from huopan.serving import settle
from kit import clock
from kit.db import Database

SIZES = [int(n) for n in os.environ.get("BENCH_PRODUCTS", "100000").split(",")]
SEARCHES = int(os.environ.get("BENCH_SEARCHES", "2000"))
LIMIT = 20
AT_LEAST = 0.7
"""Searches a second in process, of the raw engine's."""
AT_MOST = 3
"""The slowest hundredth through HTTP, times that of the raw engine."""
CROWDS = {"1 client": (1, 1), "8 clients": (2, 4)}
LEADER = Reader("leader", LISTS["resale"])
WARMING = 200
QUERIES = queries(SEARCHES + WARMING)
TURNS = 3
A_TURN = 50
"""Searches of one side before the other has its turn, where CPU is measured."""
PROCESSES = 2
"""Of the API."""


def run() -> None:
    """Print, for each size, the build, searches a second, and milliseconds a page."""
    for products in SIZES:
        with place() as (database, folder, servers):
            print(f"-- {products:,} products")
            indexing.build(database, folder, products)
            _cost(folder, f"{products:,} products")
            _searches(database, folder, servers, f"{products:,} products")
            _others(database, folder)


def _cost(folder: Path, of: str) -> None:
    """CPU a search, by short turns in one thread: what else the machine does counts least in it."""
    spent = {"raw": 0.0, "ours": 0.0}
    found: dict[str, list[int]] = {"raw": [], "ours": []}
    with _raw(str(folder)) as raw, _ours(str(folder)) as ours:
        sides: list[tuple[str, Callable[[int], Any]]] = [("raw", raw), ("ours", ours)]
        for first, (name, ask) in itertools.product(range(0, SEARCHES, A_TURN), sides):
            began = time.thread_time()
            found[name] += map(ask, range(first, min(first + A_TURN, SEARCHES)))
            spent[name] += time.thread_time() - began
    for name, sizes in found.items():
        whole, nothing = sizes.count(LIMIT) / len(sizes), sizes.count(0) / len(sizes)
        print(f"  {name}: {whole:.1%} of searches fill a page, {nothing:.1%} find nothing")
    ours_us, raw_us = (spent[name] / SEARCHES * 1e6 for name in ("ours", "raw"))
    name = f"{of}: CPU a search in process"
    record(Figure("search", name, ours_us, "us", raw_us, 1 / AT_LEAST, less_is_better=True))


def _searches(database: Database, folder: Path, servers: Endpoints, of: str) -> None:
    """Raw, in process and through HTTP, by turns of processes that go on living, as the API's."""
    with shop.opened(database, folder, servers, PROCESSES) as address_and_token:
        for who, crew in CROWDS.items():
            with ExitStack() as hired:
                crews = {
                    name: hired.enter_context(crowd.hired(*crew, opening, *given, first=SEARCHES))
                    for name, opening, given in (
                        ("raw", _raw, (str(folder),)),
                        ("by score", _raw_by_score, (str(folder),)),
                        ("ours", _ours, (str(folder),)),
                        ("HTTP", _http, address_and_token),
                    )
                }
                done: dict[str, list[Measured]] = {name: [] for name in crews}
                for turn, (name, work) in itertools.product(range(TURNS), crews.items()):
                    items = range(turn * SEARCHES // TURNS, (turn + 1) * SEARCHES // TURNS)
                    done[name].append(work(items))
            raw, by_score, ours, http = map(crowd.together, done.values())
            for name, one in (("raw", raw), ("by score", by_score), ("ours", ours), ("HTTP", http)):
                _p(f"{who}, {name}", one)
            name = f"{of}, {who}"
            record(Figure("search", f"{name}: in process", ours.rate, "/s", raw.rate, AT_LEAST))
            record(Figure("search", f"{name}: through HTTP", http.rate, "/s", raw.rate))
            p99 = (http.p99 * 1000, "ms", raw.p99 * 1000, AT_MOST)
            record(Figure("search", f"{name}: HTTP p99", *p99, less_is_better=True))


@contextmanager
def _raw(folder: str, order: str | None = "rank_resale") -> Iterator[Callable[[int], object]]:
    build = folders.current(folders.root(Path(folder)))
    assert build is not None
    index = tantivy.Index.open(str(build))
    schema = index.schema
    cut = [list(itertools.chain.from_iterable(map(words.made_of, words.asked(q)))) for q in QUERIES]
    more: dict[str, Any] = (
        {} if order is None else {"order_by_field": order, "order": tantivy.Order.Asc}
    )

    def ask(number: int) -> int:
        terms = [tantivy.Query.term_query(schema, "words", word) for word in cut[number]]
        terms.append(tantivy.Query.term_query(schema, "flag", "for:resale"))
        query = tantivy.Query.boolean_query([(tantivy.Occur.Must, term) for term in terms])
        return len(index.searcher().search(query, LIMIT, count=False, **more).hits)

    _warm(ask)
    yield ask


@contextmanager
def _raw_by_score(folder: str) -> Iterator[Callable[[int], object]]:
    with _raw(folder, None) as ask:
        yield ask


@contextmanager
def _ours(folder: str) -> Iterator[Callable[[int], object]]:
    index, thesaurus = SearchIndex(Path(folder)), Thesaurus([("纸尿裤", "尿不湿")])
    settle()  # as a process of the API does

    def ask(number: int) -> int:
        asked = Asked(QUERIES[number])
        return len(index.search(asked, LEADER, LIMIT, None, thesaurus).ids)

    _warm(ask)
    yield ask


@contextmanager
def _http(address: str, token: str) -> Iterator[Callable[[int], object]]:
    with shop.client(address, token) as get:

        def ask(number: int) -> None:
            get("/v1/products", q=QUERIES[number], limit=str(LIMIT))

        _warm(ask)
        yield ask


def _warm(ask: Callable[[int], object]) -> None:
    for number in range(SEARCHES, SEARCHES + WARMING):
        ask(number)


def _others(database: Database, folder: Path) -> None:
    """What has no plain query to stand beside it."""
    index, few = SearchIndex(folder), QUERIES[:60]
    thesaurus = Thesaurus([("纸尿裤", "尿不湿")])

    def found(text: str = "", **more: object) -> None:
        index.search(Asked(text, **more), LEADER, LIMIT, None, thesaurus)  # type: ignore[arg-type]

    def page(text: str) -> None:
        with database.as_nobody() as session:
            search(session, index, Asked(text), LEADER, clock.now(), LIMIT)

    _report("page with cards", few, page)
    _report("by price, in stock", few, lambda text: found(text, sort="price", in_stock=True))
    _report("no words, newest", [""], found)
    _report("facets", few, lambda text: index.facets(Asked(text), LEADER))
    _report("facets of everything", [""], lambda _: index.facets(Asked(), LEADER))
    _report("suggestions", few, lambda text: index.suggest(text[:2], LEADER, 10))
    _report("suggestions by initials", ["zn"], lambda text: index.suggest(text, LEADER, 10))
    _report("by a synonym", ["尿不湿", "透气尿不湿"], found)
    _report("by pinyin", ["zhiniaoku", "lanyaerji"], found)
    _report("misspelt pinyin", ["zhinianku", "lanyeerji"], found)
    _report("by a maker's number", ["B1-1", "K7-7"], found)
    _report("nothing at all", ["qqxxzzyy"], found)


def _report(name: str, texts: Sequence[str], ask: Callable[[str], object]) -> None:
    ask(texts[0])
    rounds = max(1, 120 // len(texts))
    took = [timed(lambda text=text: ask(text)) for text in [*texts] * rounds]  # type: ignore[misc]
    _p(name, Measured(len(took) / sum(took), sorted(took)))


def _p(name: str, one: Measured) -> None:
    p50 = statistics.median(one.took) * 1000
    p99 = one.p99 * 1000
    print(f"  {name:24} {one.rate:8,.0f} /s   p50 {p50:7.2f} ms   p99 {p99:7.2f} ms", flush=True)
