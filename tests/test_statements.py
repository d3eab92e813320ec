"""Statements that psycopg sends itself: together, in their order, with SQLAlchemy's errors."""

import contextlib
from datetime import UTC, datetime

import orjson
import pytest
from psycopg.types.json import Jsonb
from sqlalchemy.exc import IntegrityError, InvalidRequestError

from kit.db import Database
from kit.statements import Query, ids_text, insert, merged, send
from trade.models import Balance, ImportedOrder, OrderEvent, Recipient


def test_each_statement_sees_what_the_former_ones_and_the_session_wrote(
    shared_database: Database,
) -> None:
    with shared_database.as_system() as session:
        session.add(Balance(account="test:session", party_id=1))  # pending: written first
        made, seen = send(
            session,
            insert(Balance, [{"account": "test:sent", "party_id": 1, "amount": 7}]),
            ("SELECT account, amount FROM balances WHERE account LIKE 'test:%%' ORDER BY 1", []),
        )
        assert (made, [(row.account, row.amount) for row in seen]) == (
            [],
            [("test:sent", 7), ("test:session", 0)],
        )
        [[one]] = send(session, ("SELECT %(fen)s::bigint AS fen", {"fen": 9}))
        assert one.fen == 9
        assert send(session) == []
        session.rollback()


def test_what_is_sent_within_a_savepoint_goes_with_it(shared_database: Database) -> None:
    row = {"account": "test:savepoint", "party_id": 1}
    with shared_database.as_system() as session:
        with contextlib.suppress(ZeroDivisionError), session.begin_nested():
            send(session, insert(Balance, [row]))
            raise ZeroDivisionError
        [left] = send(session, ("SELECT 1 FROM balances WHERE account = 'test:savepoint'", []))
        assert left == []


def test_nothing_is_sent_once_a_flush_has_failed(shared_database: Database) -> None:
    row = {"account": "test:flushed", "party_id": 1}
    with shared_database.as_system() as session:
        send(session, insert(Balance, [row]))
        session.add(Balance(**row))
        with pytest.raises(IntegrityError):
            session.flush()
        with pytest.raises(InvalidRequestError):
            send(session, ("SELECT 1", []))
        session.rollback()


def test_a_failure_is_sqlalchemys_without_the_values_that_were_sent(
    shared_database: Database,
) -> None:
    twice = [{"account": "test:twice", "party_id": 1}] * 2
    with (
        pytest.raises(IntegrityError) as caught,
        shared_database.as_system() as session,
    ):
        send(session, ("SELECT 1", []), insert(Balance, twice))
    assert caught.value.params is None
    assert "INSERT INTO balances" in str(caught.value.statement)


def test_values_of_every_kind_are_written_as_they_are(shared_database: Database) -> None:
    now = datetime(2026, 11, 26, 4, 5, 6, 789_123, tzinfo=UTC)
    row = {
        "order_id": 2**62,
        "party_id": 1,
        "kind": "拆\"\\'\n%s",
        "detail": {"u": [1, None]},
        "at": now,
    }
    person = {
        "id": 2**61,
        "party_id": 1,
        "envelope": bytes(range(256)),
        "mask": {"name": "张**"},
        "region": "440305",
        "mobile_hash": b"",
        "address_hash": b"\\x41",
    }
    wanted = {
        "import_id": 2**40,
        "party_id": 1,
        "reference": "r",
        "rows": [1, 2**20],
        "state": "ready",
        "lines": Jsonb([{"sku": None, "retail": "1.50"}]),
        "sealed": b"s",
        "mobile_hash": b"m",
    }
    with shared_database.as_system() as session:
        send(
            session,
            insert(OrderEvent, [row, row | {"detail": None}]),
            insert(Recipient, [person]),
            insert(ImportedOrder, [wanted]),
        )
        events, people, imported = send(
            session,
            ("SELECT kind, detail, at FROM order_events WHERE order_id = %s ORDER BY id", [2**62]),
            ("SELECT * FROM recipients WHERE id = %s", [2**61]),
            (
                "SELECT rows, lines, sealed, total FROM imported_orders WHERE import_id = %s",
                [2**40],
            ),
        )
        assert [tuple(one) for one in events] == [
            (row["kind"], {"u": [1, None]}, now),
            (row["kind"], None, now),
        ]
        assert person.items() <= people[0]._asdict().items()
        assert imported[0][:3] == ([1, 2**20], [{"sku": None, "retail": "1.50"}], b"s")
        session.rollback()


def test_ids_of_any_size_are_one_kind_of_value() -> None:
    assert ids_text([1, 2**40]) == "{1,1099511627776}"
    assert ids_text([]) == "{}"


def test_rows_of_one_table_are_one_statement_however_many_they_are() -> None:
    rows = [{"account": "a", "party_id": 1}, {"account": "b", "party_id": 2**40}]
    query, values = insert(Balance, rows)
    assert query.startswith("INSERT INTO balances (account, party_id) SELECT account, party_id ")
    assert [orjson.loads(one) for one in values] == [rows]
    assert insert(Balance, rows[:1])[0] == query


def test_what_no_column_takes_is_refused() -> None:
    with pytest.raises(TypeError):
        insert(Balance, [{"account": "a", "party_id": object()}])


def test_writings_of_one_table_and_its_columns_are_merged_in_the_order_of_tables(
    shared_database: Database,
) -> None:
    def balance(name: str) -> Query:
        return insert(Balance, [{"account": f"test:{name}", "party_id": 1, "amount": 5}])

    event = insert(OrderEvent, [{"order_id": 2**62, "party_id": 1, "kind": "placed"}])
    found = merged([balance("a"), event, *(balance(f"n{number:03}") for number in range(500))])
    assert [query.split(" (")[0] for query, _ in found] == [
        "INSERT INTO balances",
        "INSERT INTO order_events",
    ]
    with shared_database.as_system() as session:
        *_, [left], names = send(
            session,
            *found,
            ("SELECT count(*) AS n FROM order_events WHERE order_id = %s", [2**62]),
            ("SELECT account FROM balances WHERE account LIKE 'test:%%' ORDER BY 1", []),
        )
        assert left.n == 1
        assert [one.account for one in names] == ["test:a", *(f"test:n{n:03}" for n in range(500))]
        session.rollback()
