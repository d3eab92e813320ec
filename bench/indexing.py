"""Building the search index, in a process that does nothing else, as bench `search` begins."""

from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path

from bench.figures import Figure, record
from bench.goods import number_all, timed, write_goods
from bench.memory import Peak, peak
from bench.shop import MARKUP
from catalog.pricebook import Pricebook
from catalog.pricing import Rule, price_lists
from catalog.readers import Readership
from catalog.search import Indexer, open_indexer
from catalog.sequencer import number_changes
from kit import clock
from kit.db import Database

LISTS = price_lists(Decimal(MARKUP))
MOST_MEMORY = 500 + 128
"""MB of the process that builds the index; 128 of them are the engine's own."""


def build(database: Database, folder: Path, products: int) -> None:
    """Write so many goods, index them into `folder`, and record what that took."""
    took = timed(lambda: write_goods(database, products))
    print(f"written in {took:.1f} s")
    took = timed(lambda: number_all(database))
    print(f"changes numbered in {took:.1f} s")
    url = database.engine.url.render_as_string(hide_password=False)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        built, followed, waited, held = apart.submit(_indexed, url, str(folder)).result()
    of = f"{products:,} products"
    record(Figure("search", f"{of}: index built", products / built, "docs/s"))
    record(Figure("search", f"{of}: 5,000 changed ones followed", 5_000 / followed, "docs/s"))
    record(
        Figure(
            "search",
            f"{of}: a change seen while a rule is followed",
            max(waited),
            "s",
            1,
            1,
            less_is_better=True,
        )
    )
    most = (held.own, "MB", MOST_MEMORY, 1)
    record(Figure("search", f"{of}: build, most memory", *most, less_is_better=True))
    record(Figure("search", f"{of}: build, most of mapped files", held.mapped, "MB"))


def _indexed(url: str, folder: str) -> tuple[float, float, list[float], Peak]:
    """(seconds of a build, seconds of following 5,000 changes, seconds that single changes take
    until they are in the index while it follows a price rule for a quarter of the goods, the
    most memory meanwhile).
    """
    database = Database(url, connections=2)
    readers = Readership(LISTS).per_list(clock.now())
    with peak() as held, open_indexer(database, Path(folder), readers) as writer:
        built = timed(writer.rebuild)
        _touch(database)
        followed = timed(lambda: list(iter(writer.step, 0)))
        waited = _follow_a_rule(database, writer)
    database.close()
    return built, followed, waited, held


def _follow_a_rule(database: Database, writer: Indexer) -> list[float]:
    book = Pricebook(1, (Rule(1, Decimal(30), source="b"),))
    writer.follow(Readership(LISTS, book=book).per_list(clock.now()))
    waited: list[float] = []

    def one_change_a_step() -> int:
        with database.engine.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO changes (offer_id, version, kind, sku_id, at)"
                " SELECT id, %s, 'price', sku_id, clock_timestamp() FROM offers WHERE id = 1",
                (100 + len(waited),),
            )
        done: list[int] = []
        waited.append(timed(lambda: done.append(number_all(database) and writer.step())))
        return done[0] - 1

    list(iter(one_change_a_step, 0))
    writer.follow(Readership(LISTS).per_list(clock.now()))
    list(iter(writer.step, 0))
    return waited


def _touch(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO changes (offer_id, version, kind, sku_id, at)"
            " SELECT id, 2, 'price', sku_id, clock_timestamp() FROM offers WHERE source = 'a'"
            " AND sku_id <= 5000"
        )
    with database.as_system() as session:
        number_changes(session, 10_000)
