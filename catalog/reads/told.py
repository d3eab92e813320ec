"""Offers as the change feed had told them at some point: what they are now, less what came since.

Every event says what was before it, so the first one of each kind after a point tells what held
there, and what has no later event holds still. Nothing older than the point is read: the feed may
forget what it no longer tells, and a reader near its end reads little.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from catalog import freight_templates
from catalog.changes import Event, Later, Told, untold
from catalog.freight_templates import NAMED, THEN
from catalog.matching.tree import OURS
from catalog.matching.wordings import BRAND_OF

Offers = list[tuple[Event, Told]]
"""Each offer under one SKU: whose it is, and what was told of it."""

_KINDS = "c.kind IN ('listed', 'gone', 'price', 'stock')"


_TERMS = ("brand", "category", "min_retail", "max_retail", "not_delivered_to")
_OFFER = "offers"
_OFFER_THEN = f"""(
    SELECT n.id, n.sku_id, n.source, n.external_id, n.state, {", ".join(f"t.{x}" for x in _TERMS)},
        CASE WHEN e.was ? 'freight' THEN e.was -> 'freight' ->> 'name'
          ELSE {NAMED.format(offer="n.id")} END AS template
    FROM offers n LEFT JOIN (
        SELECT offer_id, jsonb_object_agg(key, value) AS was FROM (
            SELECT DISTINCT ON (c.offer_id, f.key) c.offer_id, f.key, f.value
            FROM changes c, jsonb_each(c.was) f
            WHERE c.offer_id IN (SELECT offer_id FROM pairs) AND c.kind = 'product'
              AND {{later}} ORDER BY c.offer_id, f.key, c.version) first
        GROUP BY offer_id) e ON e.offer_id = n.id,
    LATERAL jsonb_populate_record(n, coalesce(e.was, '{{{{}}}}')) t
    WHERE n.id IN (SELECT offer_id FROM pairs))"""  # noqa: S608 - columns of ours
"""Offers with the first value of each field that was told otherwise later; the freight template
that they named."""


def _statement(later: str, offers: str = _OFFER, template: str = "NULL") -> TextClause:
    # One statement, so that what is now and what came since are of one moment.
    return text(f"""
        WITH later AS MATERIALIZED (
            SELECT DISTINCT ON (c.sku_id, c.offer_id, c.kind)
                c.sku_id, c.offer_id, c.kind, c.version, c.was
            FROM changes c WHERE c.sku_id = ANY(:skus) AND {_KINDS} AND {later}
            ORDER BY c.sku_id, c.offer_id, c.kind, c.version
        ), pairs AS (
            SELECT sku_id, offer_id FROM later
            UNION SELECT sku_id, id FROM offers WHERE sku_id = ANY(:skus)
        )
        SELECT p.sku_id, o.id, o.source, o.external_id, {BRAND_OF} AS brand, o.category,
            {OURS} AS ours, o.min_retail, o.max_retail, o.not_delivered_to, {template} AS template,
            o.sku_id = p.sku_id AND o.state = 'live' AS listed,
            coalesce((SELECT jsonb_object_agg(mode, price::text) FROM prices
                WHERE offer_id = o.id), '{{}}') AS price,
            (SELECT jsonb_build_object('state', state, 'quantity', quantity) FROM stocks
                WHERE offer_id = o.id AND region = '') AS stock,
            (SELECT jsonb_object_agg(l.kind, jsonb_build_array(l.version, l.was)) FROM later l
                WHERE l.sku_id = p.sku_id AND l.offer_id = o.id) AS later
        FROM pairs p JOIN {offers} o ON o.id = p.offer_id ORDER BY p.sku_id, o.id
    """)  # noqa: S608 - conditions of ours


_NOW = _statement("false")
_AT_NUMBER = _statement("(c.seq > :point OR c.seq IS NULL)")
_AT_MOMENT = _statement(
    "c.at > :point",
    _OFFER_THEN.format(later="c.at > :point"),
    THEN.format(source="o.source", name="o.template", moment=":point"),
)


def now(session: Session, sku_ids: Collection[int], at: datetime) -> Offers:
    """Offers of these SKUs by all that is committed, numbered or not."""
    return _read(session, _NOW, {"skus": list(sku_ids)}, at)


def at_number(session: Session, sku_ids: Collection[int], seq: int, at: datetime) -> Offers:
    """Offers of these SKUs when the feed had been told up to `seq`."""
    return _read(session, _AT_NUMBER, {"skus": list(sku_ids), "point": seq}, at)


def at_moment(session: Session, sku_ids: Collection[int], moment: datetime) -> Offers:
    """Offers of these SKUs at `moment`, which lies within the days that the feed is kept: with the
    brands, categories, retail prices and areas that their sources named then."""
    return _read(session, _AT_MOMENT, {"skus": list(sku_ids), "point": moment}, moment)


def beyond(row: Any) -> tuple[str, ...]:
    """Where an offer was not delivered: as it said itself, and its freight template."""
    return tuple(freight_templates.beyond(row.not_delivered_to, row.template) or ())


def _read(session: Session, asked: TextClause, bound: dict[str, Any], at: datetime) -> Offers:
    offers: Offers = []
    for row in session.execute(asked, bound):
        said = Event(
            0, "", row.sku_id, row.id, row.source, row.external_id, row.brand, row.category,
            None, None, at, row.ours,
        )  # fmt: skip
        later = {kind: Later(*first) for kind, first in (row.later or {}).items()}
        bounds = (row.min_retail, row.max_retail)
        offer = Told(row.listed, row.price, row.stock, bounds, beyond(row))
        if (before := untold(offer, later)) is not None:
            offers.append((said, before))
    return offers
