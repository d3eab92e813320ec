"""300,000 leaders on one catalogue: what a selection page, a price change and a feed page cost.

Two sizes are measured, and what grows between them is told: bytes of table and indexes, and blocks
that a page touches. "bare" is the very same statements with the same values, recorded once and
sent by psycopg alone. BENCH_SELECTIONS names the sizes.
"""

import os
import random
import statistics
from collections.abc import Callable
from decimal import Decimal

import psycopg
from sqlalchemy import text

from bench import bare
from bench.figures import Figure, record
from bench.goods import number_all, place, timed, write_goods
from catalog.pricing import price_lists
from catalog.reads.changes import changes
from catalog.shelf import Reader
from kit import clock
from kit.crypto import Keyring
from kit.db import Database, dsn
from trade import selections
from trade.desk import Desk

LEADERS = int(os.environ.get("BENCH_LEADERS", "300000"))
SKUS = int(os.environ.get("BENCH_SKUS", "50000"))
SIZES = [int(n) for n in os.environ.get("BENCH_SELECTIONS", "1000000,6000000").split(",")]
ASKED = 400
DESK = Desk(Keyring(b"k" * 32), markup_percent=Decimal(20))
LEADER = Reader("leader", price_lists(Decimal(20))["resale"])
FAVOURITE = 1
"""The SKU that every third leader has picked."""


def run() -> None:
    """Print, for each number of selections, milliseconds a page and rows written a change."""
    with place() as (database, *_):
        write_goods(database, SKUS)
        number_all(database)
        written = 0
        for size in SIZES:
            _select(database, written, size)
            written = size
            print(f"-- {size:,} selections of {LEADERS:,} leaders, {SKUS:,} SKUs")
            _measure(database, f"{size:,} selections")


def _select(database: Database, written: int, size: int) -> None:
    """Picks spread over leaders and goods, none twice; every third leader has the favourite."""
    each = size // LEADERS or 1
    first = written // LEADERS
    with psycopg.connect(dsn(_url(database)), autocommit=True) as connection:
        if not written:
            connection.execute(
                "INSERT INTO parties (role, name) SELECT 'leader', 'leader ' || n"
                " FROM generate_series(1, %s::int) n",
                [LEADERS],
            )
        connection.execute(
            "INSERT INTO selections (party_id, sku_id, markup_percent, updated_at)"
            " SELECT p, s, 15, now() - n * interval '1 minute'"
            " FROM generate_series(1, %(leaders)s::int) p,"
            " generate_series(%(first)s::int, %(last)s::int) n,"
            " LATERAL (SELECT CASE WHEN n = 0 AND p %% 3 = 0 THEN %(favourite)s::int"
            "   ELSE 2 + (p::bigint * 7919 + n * 104729) %% (%(skus)s::int - 1) END AS s) x"
            " ON CONFLICT DO NOTHING",
            {
                "leaders": LEADERS,
                "first": first,
                "last": each - 1,
                "skus": SKUS,
                "favourite": FAVOURITE,
            },
        )
        connection.execute("VACUUM ANALYZE")


def _measure(database: Database, of: str) -> None:
    dice = random.Random(3)  # noqa: S311 - the same leaders in every run
    leaders = [dice.randrange(1, LEADERS + 1) for _ in range(ASKED)]
    now = clock.now()

    def page(mine: Database, leader: int) -> None:
        with mine.as_party(leader) as session:
            selections.page(session, DESK, leader, now, limit=20)

    head = _head(database)

    def feed(mine: Database, leader: int) -> None:
        with mine.as_party(leader) as session:
            own = session.scalars(
                text("SELECT sku_id FROM selections WHERE party_id = :party"), {"party": leader}
            ).all()
            changes(session, head - 1000, 100, LEADER, now, sku_ids=own)

    _beside_bare(f"{of}: selection page", _url(database), page, leaders)
    _beside_bare(f"{of}: feed of own goods", _url(database), feed, leaders)
    rows = _price_change(database, FAVOURITE)
    other = _price_change(database, _one(database, _UNPICKED))
    name = f"{of}: rows of a price change, most picked SKU"
    record(Figure("selections", name, rows, "rows", other, 1, less_is_better=True))
    _growth(database, leaders[0])


_UNPICKED = """
    SELECT max(id) FROM skus k WHERE NOT EXISTS (SELECT FROM selections s WHERE s.sku_id = k.id)
    OR id = (SELECT max(id) FROM skus)
"""


def _beside_bare(
    name: str, url: str, ask: Callable[[Database, int], None], leaders: list[int]
) -> None:
    """Ours, and its statements alone; the slowest hundredth of both."""
    mine = Database(url, connections=1)
    recorded = []
    with bare.recording(mine.engine) as sent:
        for leader in leaders:
            sent.clear()
            ask(mine, leader)
            recorded.append(next(iter(sent.values())))
    mine.close()
    mine = Database(url, connections=1)
    ours = _timed(lambda number: ask(mine, leaders[number]), len(leaders))
    mine.close()
    with bare.replaying(url, 1) as replay:
        limit = _timed(lambda number: replay(recorded[number]), len(leaders))
    record(Figure("selections", f"{name}, p50", ours[0], "ms", limit[0]))
    record(Figure("selections", f"{name}, p99", ours[1], "ms", limit[1]))


def _timed(ask: Callable[[int], None], count: int) -> tuple[float, float]:
    """(p50, p99) in milliseconds of asking for 0 … count."""
    for number in range(20):
        ask(number % count)
    took = [timed(lambda one=number: ask(one)) * 1000 for number in range(count)]  # type: ignore[misc]
    return statistics.median(took), statistics.quantiles(took, n=100)[98]


def _growth(database: Database, leader: int) -> None:
    """Bytes a selection, and blocks that finding a page of them touches."""
    size = "SELECT {}('selections') / (SELECT count(*) FROM selections)"
    table, indexes = (
        _one(database, size.format(name)) for name in ("pg_table_size", "pg_indexes_size")
    )
    with psycopg.connect(dsn(_url(database)), autocommit=True) as connection:
        (plan,) = connection.execute(
            "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT sku_id FROM selections"
            " WHERE party_id = %s ORDER BY updated_at, sku_id LIMIT 21",
            [leader],
        ).fetchone() or ([],)
    blocks = sum(plan[0]["Plan"][name] for name in ("Shared Hit Blocks", "Shared Read Blocks"))
    print(f"{table} + {indexes} bytes a selection (table, indexes); {blocks} blocks find a page")


def _price_change(database: Database, sku: int) -> float:
    """Rows that a new price of a SKU with one offer writes, as an import writes it."""
    written = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables"
    with database.engine.begin() as connection:
        before = connection.exec_driver_sql(written).scalar_one()  # what is not told yet
        took = timed(
            lambda: connection.exec_driver_sql(
                "WITH o AS (UPDATE offers SET version = version + 1 WHERE sku_id = %(sku)s"
                "   AND source = 'a' RETURNING id, version, sku_id),"
                " p AS (UPDATE prices SET price = price + 1 FROM o WHERE offer_id = o.id)"
                " INSERT INTO changes (offer_id, version, kind, sku_id, at)"
                " SELECT id, version, 'price', sku_id, clock_timestamp() FROM o",
                {"sku": sku},
            )
        )
        rows = connection.exec_driver_sql(written).scalar_one() - before
    number_all(database)
    picked = _one(database, "SELECT count(*) FROM selections WHERE sku_id = %s", sku)
    print(f"price change of a SKU that {picked:,} picked: {rows} rows, {took * 1000:.1f} ms")
    return float(rows)


def _head(database: Database) -> int:
    return _one(database, "SELECT seq FROM feed_head")


def _one(database: Database, query: str, *values: object) -> int:
    with psycopg.connect(dsn(_url(database)), autocommit=True) as connection:
        row = connection.execute(query, values).fetchone()
    assert row is not None
    return int(row[0])


def _url(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)
