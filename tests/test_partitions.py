"""Growing tables lie in months, which come and go without anybody waiting."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

from catalog import reads
from catalog.pricing import price_lists
from catalog.sequencer import forget_changes, number_changes
from catalog.shelf import Reader
from kit import clock, partitions
from kit.db import Database, dsn
from kit.errors import Problem
from migrations import partitions as dividing
from tests.catalog.goods import Made, event, product, reprice
from trade import events

LEADER = Reader("leader", price_lists(Decimal(0))["resale"])


def next_month() -> datetime:
    now = clock.now()
    return (now.replace(day=1, hour=12) + timedelta(days=32)).replace(day=2)


def lies_in(database: Database, table: str) -> list[str]:
    with database.as_system() as session:
        rows = session.scalars(text(f"SELECT tableoid::regclass::text FROM {table} ORDER BY 1"))  # noqa: S608
        return list(rows)


def ahead(database: Database) -> int:
    with database.as_system() as session:
        return partitions.ahead(session)


def numbered(database: Database) -> None:
    with database.as_system() as session:
        number_changes(session)


def test_months_stand_ready_and_take_what_came_before_them(database: Database) -> None:
    soon = next_month()
    with database.as_system() as session:
        made = product(session, "茶")
        event(session, made.offer_ids[0], made.sku_id, 2, "stock", None, None, at=soon)
    assert lies_in(database, "changes") == ["changes_default", "changes_first"]
    assert ahead(database) == partitions.AHEAD * len(partitions.TABLES)
    assert ahead(database) == 0
    assert lies_in(database, "changes") == [f"changes_{soon:%Y_%m}", "changes_first"]
    numbered(database)
    with database.as_nobody() as session:
        told = reads.changes(session, 0, 10, Reader("operator"), clock.now()).items
    assert [(one.seq, one.kind) for one in told] == [(1, "listed"), (2, "stock")]


def test_nobody_waits_for_a_month_and_a_month_waits_for_nobody(
    database: Database, database_url: str
) -> None:
    with psycopg.connect(dsn(database_url)) as reader:
        reader.execute("SELECT * FROM changes, price_points, events")
        assert ahead(database) == 0
        with database.as_system() as session:
            product(session, "茶")
    assert ahead(database) > 0


class TestForgetting:
    """What no cursor may read any more goes by whole months."""

    def fill(self, database: Database) -> Made:
        """Listed at 10 and then at 11 this month, 12 in the next one."""
        with database.as_system() as session:
            made = product(session, "茶")
            reprice(session, made, 2, "11")
            reprice(session, made, 3, "12")
            session.execute(
                text("UPDATE changes SET at = :at WHERE version = 3"), {"at": next_month()}
            )
        ahead(database)
        numbered(database)
        return made

    def forget(self, database: Database, before: datetime) -> int:
        with database.as_system() as session:
            return forget_changes(session, before)

    def refused(self, database: Database, after: int) -> bool:
        with database.as_nobody() as session:
            try:
                reads.changes(session, after, 10, LEADER, clock.now())
            except Problem as problem:
                return problem.code == "cursor_expired"
        return False

    def test_a_month_goes_when_all_of_it_is_old(self, database: Database) -> None:
        self.fill(database)
        assert self.forget(database, clock.now()) == 0
        assert not self.refused(database, 0)
        assert self.forget(database, next_month()) == 1
        assert [self.refused(database, after) for after in (0, 1, 2, 3)] == [
            True,
            True,
            False,
            False,
        ]

    def test_what_changed_is_told_though_what_was_before_is_forgotten(
        self, database: Database
    ) -> None:
        self.fill(database)
        self.forget(database, next_month())
        with database.as_nobody() as session:
            (item,) = reads.changes(session, 2, 10, LEADER, clock.now()).items
        assert (item.was, item.now) == ({"price": Decimal(11)}, {"price": Decimal(12)})

    def test_what_was_not_told_yet_is_not_forgotten(self, database: Database) -> None:
        self.fill(database)
        with database.as_system() as session:
            product(session, "新茶")
        assert self.forget(database, next_month()) == 0

    def test_events_go_by_months_as_well(self, database: Database) -> None:
        insert = text(
            "INSERT INTO events (kind, about, data, at) VALUES ('order.placed', 'ord_1', '{}', :at)"
        )
        with database.as_system() as session:
            for moment in (clock.now(), next_month()):
                session.execute(insert, {"at": moment})
        ahead(database)
        with database.as_system() as session:
            assert events.prune(session, next_month()) == 0
        with database.as_system() as session:
            assert events.number(session) == 2
        with database.as_system() as session:
            assert events.prune(session, next_month()) == 1
            assert session.scalars(text("SELECT seq FROM events")).all() == [2]

    def test_prices_are_never_dropped(self, database: Database) -> None:
        with database.as_system() as session, pytest.raises(Exception, match="ever dropped"):
            partitions.drop(session, "price_points", next_month())


def test_no_party_reads_past_the_wall_through_a_month(database: Database) -> None:
    with database.as_system() as session:
        session.execute(
            text("INSERT INTO events (kind, about, party_id, data) VALUES ('a', 'b', 7, '{}')")
        )
    ahead(database)
    with database.as_party(8) as session:
        assert session.scalar(text("SELECT count(*) FROM events")) == 0
        assert session.scalar(text("SELECT count(*) FROM events_first")) == 0
    for month in ("events_default", f"events_{next_month():%Y_%m}"):
        denied = pytest.raises(ProgrammingError, match="permission denied")
        with denied, database.as_party(8) as session:
            session.execute(text(f"SELECT count(*) FROM {month}"))  # noqa: S608 - names of ours


def test_a_table_keeps_its_rows_when_it_is_divided(database_url: str) -> None:
    engine = create_engine(database_url)
    far = datetime(2031, 5, 6, tzinfo=UTC)
    with engine.begin() as connection:
        run = connection.exec_driver_sql
        run("CREATE TABLE kept (id int PRIMARY KEY, at timestamptz NOT NULL)")
        run("CREATE INDEX kept_at ON kept (at)")
        run("INSERT INTO kept SELECT n, now() - n * interval '1 day' FROM generate_series(1, 99) n")
        run("INSERT INTO kept VALUES (100, %s)", (far,))
        with Operations.context(MigrationContext.configure(connection)):
            dividing.divide("kept", "id, at", {"kept_at": "(at)"})
        run("INSERT INTO kept VALUES (101, %s)", (far + timedelta(days=99),))
        found: Any = run("SELECT tableoid::regclass::text, count(*) FROM kept GROUP BY 1").all()
    engine.dispose()
    assert dict(tuple(row) for row in found) == {"kept_first": 100, "kept_default": 1}
