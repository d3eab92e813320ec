"""The lines of statements, from postings, and the postings that explain a line."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from kit.errors import Problem
from kit.ids import outside
from kit.money import yuan
from trade.models import Order, Statement, StatementLine

_ENDS = """
    p.at >= :since AND p.at < :until
    AND (p.destination = ANY(:own)) <> (p.source = ANY(:own))
"""
"""One end is the party's and one is not: moves between its own accounts cancel out."""

_SIGNED = "CASE WHEN p.destination = ANY(:own) THEN p.amount ELSE -p.amount END"

_MOVED = text(f"""
    SELECT count(*) AS postings, coalesce(sum({_SIGNED}), 0) AS fen FROM postings p WHERE {_ENDS}
""")  # noqa: S608 - our own words

# A party is told of its own orders, and a supplier of those that it ships: what it is owed names
# no party. Whatever comes from other parties' orders is one line of its kind, and the house's is
# so by kind alone. What a bank moved carries the bank's own reference.
_WRITE = text(f"""
    WITH moved AS (
        SELECT p.id, p.kind, p.at, {_SIGNED} AS fen,
               CASE WHEN NOT :house AND (o.party_id = :party OR p.party_id IS NULL)
                    THEN p.order_id END AS told,
               CASE WHEN p.order_id IS NULL AND NOT :house THEN p.id END AS alone,
               CASE WHEN p.order_id IS NULL AND NOT :house
                         AND p.kind IN ('deposit', 'supplier_payment')
                    THEN substr(p.reference, strpos(p.reference, ':') + 1) END AS paper
        FROM postings p LEFT JOIN orders o ON o.id = p.order_id WHERE {_ENDS}
    ), grouped AS (
        SELECT kind, told, alone, count(*) AS postings, sum(fen) AS fen, min(at) AS at,
               min(id) AS first, min(paper) AS paper
        FROM moved GROUP BY kind, told, alone
    )
    INSERT INTO statement_lines
        (statement_id, line, party_id, kind, order_id, posting_id, reference, postings, amount, at)
    SELECT :statement, row_number() OVER (ORDER BY g.at, g.first), :party, g.kind, g.told, g.alone,
           coalesce(o.reference, g.paper), g.postings, g.fen, g.at
    FROM grouped g LEFT JOIN orders o ON o.id = g.told
""")  # noqa: S608 - our own words

_EXPLAIN = text(f"""
    SELECT p.id, p.at, {_SIGNED} AS fen FROM postings p LEFT JOIN orders o ON o.id = p.order_id
    WHERE {_ENDS} AND p.kind = :kind AND p.id > :after
      AND CASE WHEN CAST(:alone AS bigint) IS NOT NULL THEN p.id = :alone
               WHEN CAST(:told AS bigint) IS NOT NULL THEN p.order_id = :told
               ELSE :house OR (p.order_id IS NOT NULL AND o.party_id <> :party
                               AND p.party_id IS NOT NULL) END
    ORDER BY p.id LIMIT :limit
""")  # noqa: S608 - our own words


def moved(
    session: Session, own: Sequence[str], since: datetime, until: datetime
) -> tuple[int, int]:
    """How many postings moved these accounts, and by how many fen together."""
    row = session.execute(_MOVED, {"own": list(own), "since": since, "until": until}).one()
    return int(row.postings), int(row.fen)


def write(session: Session, statement: Statement, *, house: bool) -> None:
    """Write the lines of a new statement."""
    session.execute(
        _WRITE,
        _span(statement) | {"statement": statement.id, "party": statement.party_id, "house": house},
    )


def page(
    session: Session, statement: Statement, *, limit: int = 50, after: int | None = None
) -> tuple[list[dict[str, Any]], int | None]:
    """The lines, and where the next page starts. A supplier is told a reference and no order."""
    rows = session.scalars(
        select(StatementLine)
        .where(StatementLine.statement_id == statement.id, StatementLine.line > (after or 0))
        .order_by(StatementLine.line)
        .limit(limit + 1)
    ).all()
    wanted = [row.order_id for row in rows if row.order_id is not None]
    own = select(Order.id).where(Order.id.in_(wanted), Order.party_id == statement.party_id)
    orders = set(session.scalars(own))
    views = [
        {
            "line": row.line,
            "kind": row.kind,
            "order": outside("ord", row.order_id) if row.order_id in orders else None,
            "reference": row.reference,
            "amount": yuan(row.amount),
            "postings": row.postings,
            "at": row.at,
        }
        for row in rows[:limit]
    ]
    return views, rows[limit - 1].line if len(rows) > limit else None


def explain(
    session: Session,
    statement: Statement,
    line: int,
    *,
    house: bool,
    limit: int = 50,
    after: int | None = None,
) -> tuple[list[dict[str, Any]], int | None]:
    """The postings that a line adds up. System scope. Raises Problem 404."""
    row = session.get(StatementLine, (statement.id, line))
    if row is None:
        raise Problem(404, "not_found", f"this statement has no line {line}")
    about = {"kind": row.kind, "told": row.order_id, "alone": row.posting_id, "house": house}
    page = {"party": statement.party_id, "after": after or 0, "limit": limit + 1}
    found = session.execute(_EXPLAIN, _span(statement) | about | page).all()
    views = [
        {"id": outside("ent", one.id), "amount": yuan(int(one.fen)), "at": one.at}
        for one in found[:limit]
    ]
    return views, found[limit - 1].id if len(found) > limit else None


def _span(statement: Statement) -> dict[str, Any]:
    return {"own": statement.accounts, "since": statement.since, "until": statement.until}
