"""300,000 leaders on one catalogue: what a selection page, a price change and a feed page cost.

Two sizes are measured and the growth between them is told. The limit beside each figure is the
plainest query for the same rows: index look-ups by psycopg alone, without pricing or views.
"""

import os
import random
import statistics
from collections.abc import Callable
from decimal import Decimal

import psycopg
from sqlalchemy import text

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
            _measure(database)


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


def _measure(database: Database) -> None:
    dice = random.Random(3)  # noqa: S311 - the same leaders in every run
    leaders = [dice.randrange(1, LEADERS + 1) for _ in range(ASKED)]
    now = clock.now()

    def page(leader: int) -> None:
        with database.as_party(leader) as session:
            selections.page(session, DESK, leader, now, limit=20)

    with psycopg.connect(dsn(_url(database)), autocommit=True) as bare:

        def plainly(leader: int) -> None:
            bare.execute(
                "SELECT s.sku_id, k.product_id, p.price, t.quantity FROM (SELECT sku_id"
                " FROM selections WHERE party_id = %s ORDER BY updated_at, sku_id LIMIT 20) s"
                " JOIN skus k ON k.id = s.sku_id JOIN offers o ON o.sku_id = k.id"
                " JOIN prices p ON p.offer_id = o.id JOIN stocks t ON t.offer_id = o.id",
                [leader],
            ).fetchall()

        _report("bare rows of a page", plainly, leaders)
    _report("selection page", page, leaders)
    _price_change(database)
    head = _head(database)

    def feed(leader: int) -> None:
        with database.as_party(leader) as session:
            own = session.scalars(
                text("SELECT sku_id FROM selections WHERE party_id = :party"), {"party": leader}
            ).all()
            changes(session, head - 1000, 100, LEADER, now, sku_ids=own)

    _report("feed of own goods", feed, leaders)


def _price_change(database: Database) -> None:
    """Rows and seconds of a new price for the favourite."""
    with database.engine.begin() as connection:
        took = timed(
            lambda: connection.exec_driver_sql(
                "WITH o AS (UPDATE offers SET version = version + 1 WHERE sku_id = %(sku)s"
                "   RETURNING id, version, sku_id),"
                " p AS (UPDATE prices SET price = price + 1 FROM o WHERE offer_id = o.id)"
                " INSERT INTO changes (offer_id, version, kind, sku_id, at)"
                " SELECT id, version, 'price', sku_id, clock_timestamp() FROM o",
                {"sku": FAVOURITE},
            )
        )
        rows = connection.exec_driver_sql(
            "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables"
        ).scalar_one()
    number_all(database)
    picked = _one(database, "SELECT count(*) FROM selections WHERE sku_id = %s", FAVOURITE)
    print(f"price change of a SKU that {picked:,} picked: {rows} rows, {took * 1000:.1f} ms")


def _head(database: Database) -> int:
    return _one(database, "SELECT seq FROM feed_head")


def _one(database: Database, query: str, *values: object) -> int:
    with psycopg.connect(dsn(_url(database)), autocommit=True) as connection:
        row = connection.execute(query, values).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return int(row[0])


def _url(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)


def _report(name: str, ask: Callable[[int], None], leaders: list[int]) -> None:
    for leader in leaders[:20]:
        ask(leader)
    took = [timed(lambda one=leader: ask(one)) * 1000 for leader in leaders]  # type: ignore[misc]
    p99 = statistics.quantiles(took, n=100)[98]
    print(f"{name:24} p50 {statistics.median(took):6.2f} ms   p99 {p99:6.2f} ms")
