"""Databases of one server that tests and benches make, and leave nothing of."""

import psycopg
from psycopg import sql


def drop(connection: psycopg.Connection, name: str) -> None:
    """Drop the database, whoever is still connected to it.

    Not WITH (FORCE): an owner may not end the server's own vacuum, a plain DROP does.
    """
    connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = %s AND backend_type = 'client backend'",
        [name],
    )
    connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
