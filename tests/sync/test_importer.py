"""What a listing does to the catalogue."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from connectors.model import Listing, page
from kit.db import Database
from sync.guard import GuardLimits
from sync.importer import RunReport, run_listing

WHEN = datetime(2026, 11, 1, tzinfo=UTC)


def row(sku: str, price: str = "9", **more: Any) -> dict[str, Any]:

    return {"external_id": sku, "title": f"茶 {sku}", "dropship_price": Decimal(price)} | more


def load(database: Database, *rows: dict[str, Any], source: str = "tea") -> RunReport:
    pages = iter([page(rows)])
    return run_listing(
        database,
        source,
        Listing(as_of=WHEN, complete=True, notes={}, pages=pages),
        guard=GuardLimits(),
    )


def count(database: Database, sql: str) -> Any:
    with database.as_system() as session:
        return session.execute(text(sql)).scalar_one()


def test_price_that_flaps_gives_an_event_each_time(database: Database) -> None:
    for price in ("9", "8", "9", "8", "8"):
        load(database, row("0007", price))
    assert count(database, "SELECT count(*) FROM changes") == 4
    assert count(database, "SELECT external_id FROM offers") == "0007"


def test_empty_listing_clears_nothing(database: Database) -> None:
    load(database, row("a"))
    load(database)
    assert count(database, "SELECT state FROM offers") == "live"


def test_vanished_offers_hold_the_listing(database: Database) -> None:
    load(database, row("a"), row("b"))
    assert load(database, row("a", "5")).held
    assert count(database, "SELECT count(*) FROM changes") == 2


def test_few_absent_offers_are_gone_after_a_complete_listing(database: Database) -> None:
    rows = [row(str(n)) for n in range(10)]
    load(database, *rows)
    assert load(database, *rows[1:]).changed == 0
    assert count(database, "SELECT external_id FROM offers WHERE state = 'gone'") == "0"


def test_unknown_stock_is_not_zero(database: Database) -> None:
    load(database, row("a"), row("b", stock_state="in_stock"))
    assert count(database, "SELECT count(*) FROM stocks WHERE quantity IS NULL") == 1
    assert count(database, "SELECT count(*) FROM stocks") == 1


def test_rows_of_one_listing_are_one_product(database: Database) -> None:
    load(database, row("a", listing="L"), row("b", listing="L"), row("c", listing="M"), row("d"))
    assert count(database, "SELECT count(*) FROM skus") == 4
    assert count(database, "SELECT count(*) FROM products") == 3
    rows = [row(sku, listing="L") for sku in "abe"]
    load(database, *rows, row("c", listing="M"), row("d"))
    assert count(database, "SELECT count(*) FROM products") == 3


COUNTED = """SELECT array_agg(tablename || '.' || attname) FROM pg_stats
    WHERE (tablename, attname) IN (('skus', 'product_id'), ('offers', 'sku_id'), ('prices', 'mode'))
      AND schemaname = 'public'"""


def test_what_is_loaded_next_is_planned_for_tables_as_they_are(database: Database) -> None:
    load(database, row("a"))
    assert count(database, COUNTED) is None
    load(database, row("a"), *(row(f"s{n}") for n in range(6_000)))
    assert sorted(count(database, COUNTED)) == ["offers.sku_id", "prices.mode", "skus.product_id"]


def test_a_price_change_writes_as_many_rows_however_many_leaders_picked_the_sku(
    database: Database,
) -> None:
    load(database, row("a"), row("b"))
    with database.as_system() as session:
        session.execute(
            text("INSERT INTO parties (role, name) SELECT 'leader', n FROM generate_series(1, 9) n")
        )
        session.execute(
            text("""
                INSERT INTO selections (party_id, sku_id, markup_percent, updated_at)
                SELECT p.id, o.sku_id, 15, now() FROM parties p, offers o
                WHERE o.external_id = 'a'""")
        )
    of_many = _written(database, lambda: load(database, row("a", "8"), row("b")))
    of_none = _written(database, lambda: load(database, row("a", "8"), row("b", "8")))
    assert of_many == of_none
    assert of_many["changes"] == 1
    assert "selections" not in of_many


def _written(database: Database, work: Callable[[], object]) -> dict[str, int]:
    """How many rows of each table `work` writes."""
    began = count(database, "SELECT pg_current_xact_id()::text::bigint")
    work()
    tables = count(
        database,
        "SELECT array_agg(relname) FROM pg_class WHERE relkind IN ('r', 'p')"
        " AND NOT relispartition AND relnamespace = 'public'::regnamespace",
    )
    found = {
        table: count(database, f"SELECT count(*) FROM {table} WHERE xmin::text::bigint > {began}")  # noqa: S608
        for table in tables
    }
    return {table: rows for table, rows in found.items() if rows}
