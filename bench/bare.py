"""What ours sends to PostgreSQL, recorded, and sent once more by psycopg alone: the bare loop.

Statements that ours sends in one round trip go in one round trip again, so that the bare loop has
every advantage but that of doing nothing else.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count, groupby
from queue import SimpleQueue
from typing import Any, NamedTuple
from unittest import mock

import psycopg
from psycopg.pq import PipelineStatus
from sqlalchemy import Engine, event

from kit.db import APP_ROLE, dsn


class Sent(NamedTuple):
    """A statement; those of one `trip` went together."""

    query: str | bytes
    values: Any
    many: bool
    trip: int


Transaction = list[Sent]


@contextmanager
def recording(engine: Engine) -> Iterator[dict[Any, Transaction]]:
    """Every statement sent through `engine`'s next connections, by psycopg's connection."""
    sent: dict[Any, Transaction] = {}
    trips = count()
    current: dict[Any, int] = {}
    pipeline = psycopg.Connection.pipeline

    def begun(connection: Any) -> Any:
        current[connection] = next(trips)
        return pipeline(connection)

    class Recorder(psycopg.Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **more: Any) -> Any:
            self._note(query, params, many=False)
            return super().execute(query, params, **more)

        def executemany(self, query: Any, params_seq: Any, **more: Any) -> None:
            rows = list(params_seq)
            self._note(query, rows, many=True)
            super().executemany(query, rows, **more)

        def _note(self, query: Any, values: Any, *, many: bool) -> None:
            one = self.connection
            together = one.pgconn.pipeline_status != PipelineStatus.OFF
            trip = current[one] if together else next(trips)
            sent.setdefault(one, []).append(Sent(query, values, many, trip))

    def connected(connection: Any, _: Any) -> None:
        connection.cursor_factory = Recorder

    event.listen(engine, "connect", connected)
    with mock.patch.object(psycopg.Connection, "pipeline", begun):
        yield sent


@contextmanager
def replaying(url: str, connections: int) -> Iterator[Callable[[Sequence[Sent]], None]]:
    """Sends a recorded transaction once more, on a connection that is idle."""
    options = f"-c role={APP_ROLE} -c timezone=UTC"
    idle: SimpleQueue[psycopg.Connection] = SimpleQueue()
    with ExitStack() as opened:
        for _ in range(connections):
            idle.put(opened.enter_context(psycopg.connect(dsn(url), options=options)))

        def replay(transaction: Sequence[Sent]) -> None:
            connection = idle.get()
            with connection.transaction():
                for _, trip in groupby(transaction, lambda one: one.trip):
                    _send(connection, list(trip))
            idle.put(connection)

        yield replay


def _send(connection: psycopg.Connection, trip: Sequence[Sent]) -> None:
    with ExitStack() as together:
        if len(trip) > 1:
            together.enter_context(connection.pipeline())
        cursors = []
        for one in trip:
            at = connection.cursor()
            (at.executemany if one.many else at.execute)(one.query, one.values)
            cursors.append(at)
    for at in cursors:
        if at.rownumber is not None:
            at.fetchall()
