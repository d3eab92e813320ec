"""What a SKU has cost, as a reader sees it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.matching.tree import OURS
from catalog.pricing import Goods
from catalog.shelf import Reader


@dataclass(frozen=True)
class Point:
    """From `at` on, the lowest listed price was `price` CNY a unit.

    `source` and `external_id` are set for operators and buyers only, and then `price` is the cost.
    """

    at: datetime
    mode: str
    price: Decimal
    source: str | None = None
    external_id: str | None = None


@dataclass(frozen=True)
class _Moment:
    at: datetime
    offer_id: int
    mode: str
    cost: Decimal
    source: str
    external_id: str
    goods: Goods


_POINTS = text(f"""
    SELECT p.at, p.offer_id, p.mode, p.price, o.source, o.external_id, o.brand, o.category,
      {OURS} AS ours
    FROM price_points p JOIN offers o ON o.id = p.offer_id
    WHERE o.sku_id = coalesce((SELECT to_sku FROM sku_redirects WHERE from_sku = :sku), :sku)
      AND p.at <= :until
    ORDER BY p.at, p.offer_id, p.version
""")  # noqa: S608 - a query of ours


def price_history(
    session: Session, sku_id: int, since: datetime, until: datetime, reader: Reader
) -> list[Point]:
    """Prices of a SKU from `since` to `until`, oldest first, starting with the one that stood then.

    Leaders see the lowest price of each mode that any source listed, marked up as they pay it, and
    only where it changed; operators and buyers see what each source asked.
    """
    rows = session.execute(_POINTS, {"sku": sku_id, "until": until})
    moments = [
        _Moment(
            r.at,
            r.offer_id,
            r.mode,
            r.price,
            r.source,
            r.external_id,
            Goods(r.source, r.brand, r.category, r.ours),
        )
        for r in rows
        if (reader.sees_sources or reader.prices.serves in reader.policy(r.source).serves)
        and reader.grants.allows(sku_id, Goods(r.source, r.brand, r.category, r.ours), "", until)
    ]
    points = _asked(moments) if reader.sees_sources else _lowest(moments, reader)
    return _standing(points, since)


def _asked(moments: Iterable[_Moment]) -> list[Point]:
    return [Point(m.at, m.mode, m.cost, m.source, m.external_id) for m in moments]


def _lowest(moments: Iterable[_Moment], reader: Reader) -> list[Point]:
    current: dict[str, dict[int, Decimal]] = {}
    lowest: dict[str, Decimal] = {}
    points = []
    for moment in moments:
        prices = current.setdefault(moment.mode, {})
        prices[moment.offer_id] = reader.prices.price(moment.cost, moment.goods)
        price = min(prices.values())
        if lowest.get(moment.mode) != price:
            lowest[moment.mode] = price
            points.append(Point(moment.at, moment.mode, price))
    return points


def _standing(points: list[Point], since: datetime) -> list[Point]:
    """The points from `since` on, and before them the last earlier one of each mode and offer."""
    earlier: dict[tuple[str, str | None, str | None], Point] = {}
    for point in points:
        if point.at < since:
            earlier[point.mode, point.source, point.external_id] = point
    return [*earlier.values(), *(point for point in points if point.at >= since)]
