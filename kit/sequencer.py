"""Numbers the rows of a feed without gaps, after the commit.

Ids and times are given while a transaction still runs, so a reader that remembers the last one
skips what a slower transaction commits later. Here a row gets its `seq` only once it is visible to
everybody: whoever has read up to n has seen all that was ever given a number up to n. The last
number is the only row of a feed's head.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

_TRY = text("SELECT pg_try_advisory_xact_lock(:lock)")


def by_id(table: str, *also: str) -> str:
    """The CTE `placed` of a table whose ids are in the order of its story: up to `:limit` rows that
    wait, each with its place; `also` are other columns of the table's key.
    """
    key = ", ".join(("id", *also))
    return f"""placed AS (SELECT {key}, row_number() OVER (ORDER BY id) AS place FROM (
        SELECT {key} FROM {table} WHERE seq IS NULL ORDER BY id LIMIT :limit) waiting)"""  # noqa: S608 - names of ours


def numbered(table: str, head: str, key: Sequence[str], told: str = "1") -> str:
    """The CTEs that give the rows in `placed` their numbers: `numbered` returns `told` of each row
    `r`, `counted` how many there are, in `n`, and no row where there are none.
    """
    same = " AND ".join(f"r.{name} = p.{name}" for name in key)
    return f"""numbered AS (
        UPDATE {table} r SET seq = (SELECT seq FROM {head}) + p.place FROM placed p
        WHERE {same} RETURNING {told}
    ), counted AS (
        UPDATE {head} SET seq = seq + n FROM (SELECT count(*) AS n FROM numbered) c
        WHERE n > 0 RETURNING n
    )"""  # noqa: S608 - names of ours


def number(session: Session, lock: int, statements: Sequence[TextClause], **facts: Any) -> int:
    """Execute these statements, each of which selects what it `counted`; returns their sum.

    0: nothing is waiting, or another sequencer holds the advisory `lock`, on whatever host it
    runs. Keep the transaction short: commit right after. System scope.
    """
    if not session.execute(_TRY, {"lock": lock}).scalar_one():
        return 0
    return sum(session.execute(one, facts).scalar_one_or_none() or 0 for one in statements)
