"""Statements of the hottest paths: psycopg sends them itself, several in one round trip.

What SQLAlchemy does around a statement costs several times the statement, and every round trip is
a wait. Each statement still sees all that was committed before it ran, so that a lock and the
reading that it guards may travel together. Failures are raised as SQLAlchemy's, as everywhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from functools import lru_cache
from typing import Any, Protocol

import orjson
import psycopg
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from kit.db import Base, Query, driver

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
            cursors = [
                connection.cursor(row_factory=namedtuple_row).execute(query.encode(), values)
                for query, values in statements
            ]
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
    """One statement that writes all these rows, which name the same columns."""
    columns = tuple(rows[0])
    values = [_plain(row[column]) for row in rows for column in columns]
    return _insert(table.__tablename__, columns, len(rows)), values


def merged(queries: Iterable[Query]) -> list[Query]:
    """The same writing in fewer statements, where all are of `insert`: one for each table and its
    columns, in the order in which they first come, or a few of `_LONGEST` letters."""
    tables: dict[str, list[tuple[str, list[Any]]]] = {}
    for query, values in queries:
        head, _, rows = query.partition(_VALUES)
        statements = tables.setdefault(head, [])
        if statements and len(statements[-1][0]) + len(rows) < _LONGEST:
            former, all_values = statements[-1]
            statements[-1] = (f"{former}, {rows}", all_values)
            all_values.extend(values)
        else:
            statements.append((query, list(values)))
    return [statement for statements in tables.values() for statement in statements]


_LONGEST = 4_000
"""Letters of a merged statement: well under what PostgreSQL takes, 65,535 values at once."""
_VALUES = " VALUES "


@lru_cache(maxsize=512)
def _insert(table: str, columns: tuple[str, ...], rows: int) -> str:
    one = f"({', '.join(['%s'] * len(columns))})"
    values = ", ".join([one] * rows)
    return f"INSERT INTO {table} ({', '.join(columns)}){_VALUES}{values}"


def _plain(value: Any) -> Any:
    """Integers as text: psycopg types them by their size, and each mixture of types would be
    another statement to prepare."""
    if isinstance(value, dict):
        return Jsonb(value, orjson.dumps)
    return str(value) if type(value) is int else value
