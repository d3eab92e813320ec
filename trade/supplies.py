"""The offers of some SKUs, read from the catalogue as values that routing understands."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import publishing, stock
from catalog.publishing import HEARD, Record
from catalog.stock import Level
from kit import clock
from trade.desk import Desk
from trade.routing import Supply

_OFFERS = text(f"""
    SELECT o.id, a.sku AS sku_id, o.source, o.external_id, o.seller, o.title, o.attributes, o.state,
           o.brand, o.category,
           o.weight_g, o.not_delivered_to, o.min_retail, o.max_retail, p.price, p.valid_until,
           t.moq, t.multiple, t.freight, t.ships_within_hours, t.cutoff, t.presale_ship_by,
           coalesce(v.per_hour, 0) AS velocity, coalesce(c.tried, 0) AS tried,
           coalesce(c.short, 0) AS short, {HEARD} AS heard_at,
           h.paused_at IS NOT NULL AS paused
    FROM unnest(CAST(:skus AS bigint[])) a(sku)
    LEFT JOIN sku_redirects r ON r.from_sku = a.sku
    JOIN offers o ON o.sku_id = coalesce(r.to_sku, a.sku)
    LEFT JOIN prices p ON p.offer_id = o.id AND p.mode = 'dropship'
    LEFT JOIN terms t ON t.offer_id = o.id AND t.mode = 'dropship'
    LEFT JOIN stock_pace v ON v.offer_id = o.id
    LEFT JOIN stock_claims c ON c.source = o.source
    LEFT JOIN source_states h ON h.source = o.source
    ORDER BY o.id
""")  # noqa: S608 - no value in it


def load(
    session: Session, desk: Desk, sku_ids: Iterable[int], region: str, *, lock: bool = False
) -> list[Supply]:
    """Every offer of these SKUs with what is left of it for `region`.

    A SKU that was merged into another has the other's offers.

    `lock` keeps all stated numbers as they are until the transaction ends.
    """
    rows = session.execute(_OFFERS, {"skus": sorted(set(sku_ids))}).all()
    ids = [row.id for row in rows]
    if lock:
        stock.lock(session, ids, region)
    levels = stock.available(session, ids, region)
    now = clock.now()
    return [_supply(row, desk, levels.get(row.id), now) for row in rows]


def _supply(row: Any, desk: Desk, level: Level | None, now: datetime) -> Supply:
    terms = desk.terms(row.source)
    record = Record(row.velocity, row.tried, row.short, row.heard_at)
    risk = terms.policy.refusal_risk
    shown = publishing.published(level, record.age(level, now), record, risk) if level else None
    return Supply(
        offer_id=row.id,
        sku_id=row.sku_id,
        source=row.source,
        external_id=row.external_id,
        cost=row.price,
        seller=row.seller,
        title=row.title,
        spec=_spec(row.attributes),
        brand=row.brand,
        category=row.category,
        live=row.state == "live",
        resells="resell" in terms.policy.serves,
        paused=row.paused,
        price_until=row.valid_until,
        moq=row.moq or 1,
        multiple=row.multiple or 1,
        freight=row.freight,
        weight_g=row.weight_g,
        not_delivered_to=tuple(row.not_delivered_to or ()),
        stock=level,
        shown=shown.quantity if shown else None,
        unknown_stock=terms.policy.unknown_stock,
        min_retail=row.min_retail,
        max_retail=row.max_retail,
        ships_within_hours=row.ships_within_hours,
        cutoff=row.cutoff or terms.cutoff,
        presale_ship_by=row.presale_ship_by,
    )


def _spec(attributes: Mapping[str, Any] | None) -> str | None:
    """`{"颜色": "红", "尺码": "L"}` → `颜色:红 尺码:L`, as a packer reads it."""
    return " ".join(f"{name}:{value}" for name, value in (attributes or {}).items()) or None
