"""How much each SKU is wanted, told to the catalogue, where attention is shared out by it."""

from sqlalchemy import text
from sqlalchemy.orm import Session

_WANTED = """SELECT coalesce(r.to_sku, w.sku_id) AS sku_id, sum(picked) AS picked,
    sum(sold) AS sold FROM (
    SELECT sku_id, count(*) AS picked, 0 AS sold FROM selections GROUP BY sku_id
    UNION ALL
    SELECT l.sku_id, 0, sum(l.quantity - l.cancelled) FROM order_lines l
    JOIN orders o ON o.id = l.order_id
    WHERE o.created_at > clock_timestamp() - interval '30 days' GROUP BY l.sku_id
  ) w LEFT JOIN sku_redirects r ON r.from_sku = w.sku_id GROUP BY 1"""
"""What is wanted of a SKU that was merged counts for the one that it leads to."""
_TELL = f"""INSERT INTO demand (sku_id, picked, sold) {_WANTED}
    ON CONFLICT (sku_id) DO UPDATE SET picked = excluded.picked, sold = excluded.sold
    WHERE (demand.picked, demand.sold) IS DISTINCT FROM (excluded.picked, excluded.sold)"""
_FORGET = f"""DELETE FROM demand d WHERE NOT EXISTS (
    SELECT FROM ({_WANTED}) w WHERE w.sku_id = d.sku_id)"""  # noqa: S608 - no value in it
_NEWEST = "SELECT coalesce(max(id), 0) FROM order_lines"
_ADD = """INSERT INTO demand (sku_id, sold)
    SELECT coalesce(r.to_sku, l.sku_id), sum(quantity - cancelled)
    FROM order_lines l LEFT JOIN sku_redirects r ON r.from_sku = l.sku_id
    WHERE l.id > :after AND l.id <= :upto GROUP BY 1
    ON CONFLICT (sku_id) DO UPDATE SET sold = demand.sold + excluded.sold
    RETURNING sku_id"""


def tell(session: Session) -> int:
    """Write selections and orders of 30 days as demand; returns how many SKUs it changed."""
    told = session.execute(text(_TELL)).rowcount  # type: ignore[attr-defined]
    forgotten = session.execute(text(_FORGET)).rowcount  # type: ignore[attr-defined]
    return int(told) + int(forgotten)


def add(session: Session, after: int) -> tuple[int, list[int]]:
    """Add what was ordered behind order line `after`; returns the last line, and the SKUs.

    Cheap, and nearly right: what is cancelled or leaves the 30 days is seen when `tell` does.
    """
    upto = newest_line(session)
    added = session.scalars(text(_ADD), {"after": after, "upto": upto})
    return upto, list(added)


def newest_line(session: Session) -> int:
    """The last order line there is."""
    return int(session.execute(text(_NEWEST)).scalar_one())
