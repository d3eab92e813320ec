"""How often a source's stated stock proved false, told to the catalogue, which shows less of it."""

from sqlalchemy import text
from sqlalchemy.orm import Session

_TOLD = """SELECT p.source, count(*) AS tried,
      count(*) FILTER (WHERE EXISTS (SELECT FROM purchase_moves m WHERE m.purchase_id = p.id
        AND m.event = 'refuse' AND (m.detail ->> 'short')::boolean)) AS short
    FROM purchases p
    WHERE p.created_at > clock_timestamp() - interval '90 days'
      AND EXISTS (SELECT FROM purchase_moves m WHERE m.purchase_id = p.id
        AND m.event IN ('taken', 'accept', 'refuse', 'ship', 'ship_part'))
    GROUP BY p.source"""
_TELL = text(f"""
    WITH told AS ({_TOLD}), over AS (
        DELETE FROM stock_claims c WHERE NOT EXISTS (
            SELECT FROM told WHERE told.source = c.source) RETURNING 1
    ), written AS (
        INSERT INTO stock_claims (source, tried, short) SELECT source, tried, short FROM told
        ON CONFLICT (source) DO UPDATE SET tried = excluded.tried, short = excluded.short
        WHERE (stock_claims.tried, stock_claims.short)
          IS DISTINCT FROM (excluded.tried, excluded.short) RETURNING 1
    ) SELECT (SELECT count(*) FROM over) + (SELECT count(*) FROM written)
""")  # noqa: S608 - no value in it


def tell(session: Session) -> int:
    """Count purchases of 90 days that were answered, and those refused for want of goods.

    Returns how many sources that changed. Runs in system scope.
    """
    return int(session.execute(_TELL).scalar_one())
