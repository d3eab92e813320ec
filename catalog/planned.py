"""Prices that were announced for a date (调价通知) and count from then on."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

_LOCK = text("""
    SELECT id FROM offers WHERE id IN (
        SELECT offer_id FROM planned_prices WHERE valid_from <= :now
        ORDER BY valid_from, offer_id LIMIT :limit)
    ORDER BY id FOR UPDATE SKIP LOCKED
""")

_APPLY = text("""
    WITH taken AS (
        DELETE FROM planned_prices WHERE valid_from <= :now AND offer_id = ANY(:offers)
        RETURNING offer_id, mode, valid_from, valid_until, price, tiers
    ), newest AS (
        SELECT DISTINCT ON (offer_id, mode) * FROM taken
        WHERE valid_until IS NULL OR valid_until > :now
        ORDER BY offer_id, mode, valid_from DESC
    ), coming AS (
        SELECT n.*, p.price AS was FROM newest n
        LEFT JOIN prices p ON p.offer_id = n.offer_id AND p.mode = n.mode
        WHERE p.as_of IS NULL OR p.as_of < n.valid_from
    ), differing AS (
        SELECT DISTINCT offer_id FROM coming WHERE was IS DISTINCT FROM price
    ), versions AS (
        UPDATE offers o SET version = o.version + 1 FROM differing d WHERE o.id = d.offer_id
        RETURNING o.id, o.version, o.sku_id
    ), before AS (
        SELECT offer_id, jsonb_object_agg(mode, price::text) AS price FROM prices
        WHERE offer_id = ANY(:offers) GROUP BY offer_id
    ), after AS (
        SELECT offer_id, jsonb_object_agg(mode, price::text) AS price FROM coming GROUP BY offer_id
    ), written AS (
        INSERT INTO prices (offer_id, mode, price, tiers, valid_until, as_of)
        SELECT offer_id, mode, price, tiers, valid_until, valid_from FROM coming
        ON CONFLICT (offer_id, mode) DO UPDATE SET price = excluded.price, tiers = excluded.tiers,
            valid_until = excluded.valid_until, as_of = excluded.as_of
    ), points AS (
        INSERT INTO price_points (offer_id, mode, version, price, tiers, at)
        SELECT c.offer_id, c.mode, v.version, c.price, c.tiers, clock_timestamp()
        FROM coming c JOIN versions v ON v.id = c.offer_id WHERE c.was IS DISTINCT FROM c.price
    )
    INSERT INTO changes (offer_id, version, kind, sku_id, was, now, at)
    SELECT v.id, v.version, 'price', v.sku_id, b.price, coalesce(b.price, '{}') || a.price,
        clock_timestamp()
    FROM versions v LEFT JOIN before b ON b.offer_id = v.id JOIN after a ON a.offer_id = v.id
""")


def apply_planned(session: Session, now: datetime, limit: int = 1000) -> int:
    """Let announced prices count whose date has come; returns for how many offers any was due.

    What the source stated after that date is younger than the announcement and stands; of several
    announcements for one date gone by, the latest counts. An offer that another transaction works
    on is left for the next time.
    """
    offers = list(session.scalars(_LOCK, {"now": now, "limit": limit}))
    if offers:
        session.execute(_APPLY, {"now": now, "offers": offers})
    return len(offers)
