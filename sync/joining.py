"""What a batch tells matching: its new offers, and ids that now name another thing."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.matching import drift
from catalog.matching.facts import Listed

QUEUE_FRESH = "INSERT INTO match_queue SELECT offer_id FROM batch WHERE fresh ORDER BY offer_id"
"""New offers wait to be matched behind the run that brings them: see catalog.matching.settling."""

_RENAMED = text("""
    SELECT offer_id, sku_id, told_was AS was, told AS now FROM batch
    WHERE retold AND EXISTS (SELECT FROM unnest('{title,pack,gtin,attributes}'::text[]) name
      WHERE told -> name IS DISTINCT FROM told_was -> name)
    ORDER BY offer_id
""")
"""Offers that say otherwise what they are; a case that became a single has the same title."""


def watch(session: Session, source: str) -> None:
    """Raise an alarm for ids under which the source now lists another thing."""
    changed = [
        drift.Retold(row.offer_id, row.sku_id, _told(row.was), _told(row.now), row.now["seller"])
        for row in session.execute(_RENAMED)
    ]
    drift.watch(session, source, changed)


def _told(said: dict[str, Any]) -> Listed:
    names = ("title", "brand", "category", "gtin", "mpn", "pack", "unit", "attributes")
    return Listed(**{name: said[name] for name in names})
