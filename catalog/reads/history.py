"""What a SKU has cost, as a reader sees it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.matching.tree import OURS
from catalog.matching.wordings import BRAND_OF
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
    """A price of an offer in a mode; or, with `mode` listed or gone, that it is there or not."""

    at: datetime
    offer_id: int
    mode: str
    cost: Decimal | None
    source: str
    external_id: str
    goods: Goods

    def paid(self, reader: Reader) -> Decimal | None:
        """What `reader` pays; links to goods that a platform sells itself are not marked up."""
        if self.cost is None or self.mode == "affiliate":
            return self.cost
        return reader.prices.price(self.cost, self.goods)


_POINTS = text(f"""
    WITH o AS MATERIALIZED (
      SELECT id, source, external_id, {BRAND_OF} AS brand, category, state, seen_at,
        {OURS} AS ours FROM offers o
      WHERE o.sku_id = coalesce((SELECT to_sku FROM sku_redirects WHERE from_sku = :sku), :sku)
    ), told AS (
      SELECT c.at, c.offer_id, c.kind AS mode, CAST(NULL AS numeric) AS price, c.version
      FROM changes c WHERE c.offer_id IN (SELECT id FROM o) AND c.kind IN ('listed', 'gone')
    )
    SELECT h.at, h.offer_id, h.mode, h.price, o.source, o.external_id, o.brand, o.category, o.ours
    FROM (
      SELECT at, offer_id, mode, price, version FROM price_points
      WHERE offer_id IN (SELECT id FROM o)
      UNION ALL SELECT * FROM told
      UNION ALL SELECT seen_at, id, 'gone', NULL, NULL FROM o
        WHERE state <> 'live' AND NOT EXISTS (
          SELECT FROM told WHERE offer_id = o.id AND mode = 'gone')
    ) h JOIN o ON o.id = h.offer_id
    WHERE h.at <= :until
    ORDER BY h.at, h.version NULLS LAST, h.mode = 'listed', h.offer_id
""")  # noqa: S608 - a query of ours
"""That an offer went is told by the feed as long as it is kept, then by when it was last seen."""


def price_history(
    session: Session, sku_id: int, since: datetime, until: datetime, reader: Reader
) -> list[Point]:
    """Prices of a SKU from `since` to `until`, oldest first, starting with the one that stood then.

    Leaders see the lowest price of each mode that any source listed then, marked up as they pay
    it, and only where it changed; operators and buyers see what each source asked.
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
    return [
        Point(one.at, one.mode, one.cost, one.source, one.external_id)
        for one in moments
        if one.cost is not None
    ]


def _lowest(moments: Iterable[_Moment], reader: Reader) -> list[Point]:
    asked: dict[int, dict[str, Decimal]] = defaultdict(dict)
    gone: set[int] = set()
    lowest: dict[str, Decimal] = {}
    points = []
    for moment in moments:
        price = moment.paid(reader)
        if price is not None:
            asked[moment.offer_id][moment.mode] = price
        elif moment.mode == "gone":
            gone.add(moment.offer_id)
        else:
            gone.discard(moment.offer_id)
        there = [prices for offer, prices in asked.items() if offer not in gone]
        modes = {mode for prices in there for mode in prices}
        now = {mode: min(p[mode] for p in there if mode in p) for mode in sorted(modes)}
        points += [
            Point(moment.at, mode, best) for mode, best in now.items() if lowest.get(mode) != best
        ]
        lowest = now
    return points


def _standing(points: list[Point], since: datetime) -> list[Point]:
    """The points from `since` on, and before them the last earlier one of each mode and offer."""
    earlier: dict[tuple[str, str | None, str | None], Point] = {}
    for point in points:
        if point.at < since:
            earlier[point.mode, point.source, point.external_id] = point
    return [*earlier.values(), *(point for point in points if point.at >= since)]
