"""What is remembered of stated stock: how fast it falls, and how often it proved false.

Rolled up set-wise, hour by hour, into narrow tables: a source's change writes nothing here.
"""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Mapped, Session, mapped_column

from kit.db import Base, OutsideId

WINDOW = timedelta(days=7)
LEAST = timedelta(days=1)
"""A velocity is never taken from less time than this: one sale in a minute is not 60 an hour."""


class StockPace(Base):
    """Units an hour by which an offer's stock falls; offers that do not sell have no row."""

    __tablename__ = "stock_pace"

    offer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    per_hour: Mapped[float]


class StockClaims(Base):
    """Purchases tried at a source, and those refused for want of goods; written by trade."""

    __tablename__ = "stock_claims"

    source: Mapped[OutsideId] = mapped_column(primary_key=True)
    tried: Mapped[int]
    short: Mapped[int]


_PACE = """
    SELECT o.id AS offer_id, round(greatest(f.per_hour, d.per_hour)::numeric, 4)::float8 AS per_hour
    FROM offers o
    LEFT JOIN (
        SELECT offer_id, sum(fell) / greatest(
            extract(epoch FROM least(:window, clock_timestamp() - min(at) FILTER (WHERE came))),
            extract(epoch FROM CAST(:least AS interval))) * 3600 AS per_hour
        FROM (SELECT offer_id, at, kind = 'listed' AS came,
            CASE WHEN kind = 'stock' THEN
                greatest((was ->> 'quantity')::int - (now ->> 'quantity')::int, 0) END AS fell
            FROM changes WHERE kind IN ('stock', 'listed')
              AND at > clock_timestamp() - CAST(:window AS interval)) told
        GROUP BY offer_id HAVING sum(fell) > 0) f ON f.offer_id = o.id
    LEFT JOIN (SELECT sku_id, sold / 720.0 AS per_hour FROM demand WHERE sold > 0) d
      ON d.sku_id = o.sku_id
    WHERE o.state = 'live' AND greatest(f.per_hour, d.per_hour) > 0
"""
_ROLL = text(f"""
    WITH pace AS ({_PACE}), over AS (
        DELETE FROM stock_pace p WHERE NOT EXISTS (
            SELECT FROM pace WHERE pace.offer_id = p.offer_id) RETURNING 1
    ), written AS (
        INSERT INTO stock_pace (offer_id, per_hour) SELECT offer_id, per_hour FROM pace
        ON CONFLICT (offer_id) DO UPDATE SET per_hour = excluded.per_hour
        WHERE stock_pace.per_hour IS DISTINCT FROM excluded.per_hour RETURNING 1
    ) SELECT (SELECT count(*) FROM over) + (SELECT count(*) FROM written)
""")  # noqa: S608 - columns of ours


def roll(session: Session) -> int:
    """Write how fast each offer sells; returns how many rows that changed.

    That is the faster of two: the falls of its own figure in a week, and what we sold of its SKU
    in 30 days (`demand`). A figure's falls count our purchases too, so they are not added up.
    """
    facts = {"window": WINDOW, "least": LEAST}
    return int(session.execute(_ROLL, facts).scalar_one())
