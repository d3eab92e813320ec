"""Statements that psycopg sends itself: together, in their order, with SQLAlchemy's errors."""

import pytest
from sqlalchemy.exc import IntegrityError

from kit.db import Database
from kit.statements import ids_text, insert, merged, send
from trade.models import Balance, OrderEvent


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


def test_integers_and_objects_are_written_as_they_are(shared_database: Database) -> None:
    row = {"order_id": 2**40, "party_id": 1, "kind": "placed", "detail": {"units": {"1": "2"}}}
    with shared_database.as_system() as session:
        send(session, insert(OrderEvent, [row, row | {"detail": None}]))
        found = send(
            session,
            ("SELECT order_id, detail FROM order_events WHERE order_id = %s ORDER BY id", [2**40]),
        )[0]
        assert [(one.order_id, one.detail) for one in found] == [
            (2**40, {"units": {"1": "2"}}),
            (2**40, None),
        ]
        session.rollback()


def test_ids_of_any_size_are_one_kind_of_value() -> None:
    assert ids_text([1, 2**40]) == "{1,1099511627776}"
    assert ids_text([]) == "{}"


def test_one_shape_of_rows_is_one_statement_to_prepare() -> None:
    rows = [{"account": "a", "party_id": 1}, {"account": "b", "party_id": 2**40}]
    query, values = insert(Balance, rows)
    assert query == "INSERT INTO balances (account, party_id) VALUES (%s, %s), (%s, %s)"
    assert values == ["a", "1", "b", str(2**40)]
    assert (
        insert(Balance, rows[:1])[0] == "INSERT INTO balances (account, party_id) VALUES (%s, %s)"
    )


def test_writings_of_one_table_and_its_columns_are_merged_in_the_order_of_tables() -> None:
    def balance(name: str) -> tuple[str, list[str]]:
        return insert(Balance, [{"account": name, "party_id": 1}])

    event = insert(OrderEvent, [{"order_id": 1, "kind": "placed"}])
    found = merged([balance("a"), event, balance("b")])
    assert [query.split(" (")[0] for query, _ in found] == [
        "INSERT INTO balances",
        "INSERT INTO order_events",
    ]
    assert found[0][1] == ["a", "1", "b", "1"]
    many = merged(balance(f"n{number}") for number in range(1000))
    assert len(many) > 1
    assert all(len(query) < 4100 for query, _ in many)
    assert [value for _, values in many for value in values[::2]] == [f"n{n}" for n in range(1000)]
