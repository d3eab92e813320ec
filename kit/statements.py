"""Statements of the hottest paths: psycopg sends them itself, several in one round trip.

What SQLAlchemy does around a statement costs several times the statement, and every round trip is
a wait. Each statement still sees all that was committed before it ran, so that a lock and the
reading that it guards may travel together. Failures are raised as SQLAlchemy's, as everywhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from decimal import Decimal
from functools import lru_cache
from typing import Any, Protocol

import orjson
import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from kit.db import Base, Query, driver, sent

__all__ = ["Ask", "Query", "ids_text", "insert", "send"]


class Ask(Protocol):
    """Sends statements that read, together, and returns the rows of each, by name."""

    def __call__(self, *statements: Query) -> list[list[Any]]: ...


def send(session: Session, *statements: Query) -> list[list[Any]]:
    """Run the statements in their order, in the session's transaction; the rows of each, by name.

    What the session has pending is written first. Objects that it has loaded are not refreshed.
    """
    session.flush()
    connection = driver(session)
    try:
        with connection.pipeline() if len(statements) > 1 else nullcontext():
            cursors = [sent(connection, *one) for one in statements]
        return [[] if at.rownumber is None else at.fetchall() for at in cursors]
    except psycopg.Error as error:  # without the values: they may be a person's
        raise DBAPIError.instance(
            "; ".join(query for query, _ in statements), None, error, psycopg.Error
        ) from error


def ids_text(ids: Iterable[int]) -> str:
    """Ids for `= ANY(%s)`: as a list psycopg types them by the largest, and each type would be
    another statement to prepare."""
    return f"{{{','.join(map(str, ids))}}}"


def insert(table: type[Base], rows: Sequence[Mapping[str, Any]]) -> Query:
    """One statement that writes all these rows, which name the same columns.

    They travel as one value of JSON: so the statement is the same for any number of rows, prepared
    once, and neither side has a long one to read.
    """
    values = orjson.dumps([dict(row) for row in rows], _as_text).decode()
    return _insert(table.__tablename__, tuple(rows[0])), [values]


def merged(queries: Iterable[Query]) -> list[Query]:
    """The same writing, where all are of `insert`, in one statement for each table and its columns,
    in the order in which they first come."""
    tables: dict[str, list[str]] = {}
    for query, values in queries:
        tables.setdefault(query, []).extend(one[1:-1] for one in values)
    return [(query, [f"[{','.join(rows)}]"]) for query, rows in tables.items()]


@lru_cache(maxsize=512)
def _insert(table: str, columns: tuple[str, ...]) -> str:
    named = ", ".join(columns)
    rows = f"json_populate_recordset(NULL::{table}, %s)"
    return f"INSERT INTO {table} ({named}) SELECT {named} FROM {rows}"  # noqa: S608 - our own names


def _as_text(value: Any) -> Any:
    """What JSON has no form for, as PostgreSQL reads it."""
    match value:
        case Jsonb():
            return value.obj
        case Decimal():
            return str(value)
        case bytes():
            return f"\\x{value.hex()}"
    raise TypeError(f"no column takes a {type(value).__name__}")
