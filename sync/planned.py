"""Prices that begin or end at a stated moment (调价通知), when that moment has come.

Set-wise, with versions, price points and events like any other change; cron calls it every minute.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

_LOCK = """SELECT FROM offers WHERE id IN (
    SELECT offer_id FROM (SELECT offer_id FROM planned_prices
      WHERE valid_from <= clock_timestamp() ORDER BY valid_from LIMIT :most) p
    UNION SELECT offer_id FROM (SELECT offer_id FROM prices
      WHERE valid_until <= clock_timestamp() ORDER BY valid_until LIMIT :most) q)
    ORDER BY id FOR UPDATE"""
_TURNED = """CREATE TEMP TABLE turned ON COMMIT DROP AS
    SELECT o.id AS offer_id, o.sku_id, o.version + 1 AS version, o.state = 'live' AS live,
      coalesce((SELECT jsonb_object_agg(mode, price::text) FROM prices WHERE offer_id = o.id), '{}')
        AS was
    FROM offers o WHERE o.id IN (
      SELECT offer_id FROM (SELECT offer_id FROM planned_prices
        WHERE valid_from <= clock_timestamp() ORDER BY valid_from LIMIT :most) p
      UNION SELECT offer_id FROM (SELECT offer_id FROM prices
        WHERE valid_until <= clock_timestamp() ORDER BY valid_until LIMIT :most) q)"""
_BEGINNING = """CREATE TEMP TABLE beginning ON COMMIT DROP AS
    SELECT DISTINCT ON (p.offer_id, p.mode) p.* FROM planned_prices p JOIN turned USING (offer_id)
    WHERE p.valid_from <= clock_timestamp() ORDER BY p.offer_id, p.mode, p.valid_from DESC"""
_STATEMENTS = (
    """DELETE FROM planned_prices p USING beginning b WHERE p.offer_id = b.offer_id
      AND p.mode = b.mode AND p.valid_from <= b.valid_from""",
    """INSERT INTO prices (offer_id, mode, price, tiers, valid_until, as_of)
      SELECT offer_id, mode, price, tiers, valid_until, greatest(valid_from, as_of)
      FROM beginning ON CONFLICT (offer_id, mode) DO UPDATE SET price = excluded.price,
        tiers = excluded.tiers, valid_until = excluded.valid_until, as_of = excluded.as_of""",
    """WITH over AS (DELETE FROM prices p USING turned t WHERE p.offer_id = t.offer_id
        AND p.valid_until <= clock_timestamp() RETURNING p.offer_id, p.mode, t.version)
      INSERT INTO price_points (offer_id, mode, version, at)
      SELECT offer_id, mode, version, clock_timestamp() FROM over""",
    """INSERT INTO price_points (offer_id, mode, version, price, tiers, at)
      SELECT p.offer_id, p.mode, t.version, p.price, p.tiers, clock_timestamp()
      FROM prices p JOIN beginning b USING (offer_id, mode) JOIN turned t USING (offer_id)""",
    """INSERT INTO changes (offer_id, version, kind, sku_id, was, now, at)
      SELECT t.offer_id, t.version, 'price', t.sku_id, t.was, x.now, clock_timestamp()
      FROM turned t, LATERAL (SELECT coalesce(jsonb_object_agg(mode, price::text), '{}') AS now
        FROM prices WHERE offer_id = t.offer_id) x
      WHERE t.live AND x.now <> t.was""",
    "UPDATE offers o SET version = t.version FROM turned t WHERE o.id = t.offer_id",
)


def turn(session: Session, most: int = 5_000) -> int:
    """Let planned prices begin and past ones end; returns how many offers were touched.

    Call again while it returns `most` or more. Of several plans that are due the latest counts.
    """
    facts = {"most": most}
    for statement in (_LOCK, _TURNED, _BEGINNING):
        session.execute(text(statement), facts)
    touched = int(session.execute(text("SELECT count(*) FROM turned")).scalar_one())
    if touched:
        for statement in _STATEMENTS:
            session.execute(text(statement))
    session.execute(text("DROP TABLE turned, beginning"))
    return touched
