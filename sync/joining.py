"""Where the new offers of a batch belong: matched with the catalogue before they are written."""

from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.matching import drift, run
from catalog.matching.facts import Listed
from catalog.matching.run import Found, Fresh

_SAID = """SELECT r.n, r.seller, r.title, r.brand, r.category, r.mpn, coalesce(r.pack, 1) AS pack,
      r.unit, r.attributes, coalesce(r.dropship_price, r.bulk_price, r.affiliate_price) AS price,
      CASE WHEN NOT EXISTS (SELECT FROM {twins} t WHERE t.gtin = r.gtin) THEN r.gtin END AS gtin"""
FRESH = f"{_SAID} FROM batch r WHERE r.fresh ORDER BY r.n"
"""What the batch's new offers say. A GTIN that its own list uses twice says nothing."""

ALL_FRESH = f"{_SAID} FROM {{rows}} r ORDER BY r.n"
"""The same of staged rows that are all new, before there is a batch."""

BATCH_IDS = "SELECT n, offer_id FROM batch WHERE fresh"
NEW_IDS = """SELECT r.n, o.id AS offer_id FROM {rows} r
    JOIN offers o ON o.source = :source AND o.external_id = r.external_id"""
_PLACE = text("""
    UPDATE batch b SET sku_id = j.sku_id, new_sku = false
    FROM unnest(CAST(:ns AS bigint[]), CAST(:skus AS bigint[])) j(n, sku_id) WHERE j.n = b.n
""")


def match(session: Session, source: str, said: Iterable[Any]) -> list[Found]:
    """Where new offers of `source` belong; `said` are rows of FRESH or ALL_FRESH."""
    return run.match(session, source, [_fresh(row) for row in said])


def place(session: Session, found: list[Found]) -> None:
    """Have the batch's new offers that join a SKU do so."""
    joins = [(one.n, one.sku_id) for one in found if one.sku_id is not None]
    if joins:
        session.execute(_PLACE, {"ns": [n for n, _ in joins], "skus": [sku for _, sku in joins]})


def remember(session: Session, found: list[Found], ids: Iterable[Any]) -> None:
    """Keep the keys and claims of new offers; `ids` are rows of BATCH_IDS or NEW_IDS."""
    run.remember(session, found, {row.n: row.offer_id for row in ids})


_RETITLED = text("""
    SELECT offer_id, sku_id, told_was AS was, told AS now FROM batch
    WHERE retold AND told ->> 'title' <> told_was ->> 'title'
    ORDER BY offer_id
""")


def watch(session: Session, source: str) -> None:
    """Raise an alarm for ids under which the source now lists another thing."""
    changed = [
        drift.Retold(row.offer_id, row.sku_id, _told(row.was), _told(row.now), row.now["seller"])
        for row in session.execute(_RETITLED)
    ]
    drift.watch(session, source, changed)


def _fresh(row: Any) -> Fresh:
    return Fresh(
        row.n,
        row.seller,
        Listed(
            title=row.title,
            brand=row.brand,
            category=row.category,
            gtin=row.gtin,
            mpn=row.mpn,
            pack=row.pack,
            unit=row.unit,
            attributes=None if row.attributes is None else orjson.loads(row.attributes),
            price=row.price,
        ),
    )


def _told(said: dict[str, Any]) -> Listed:
    names = ("title", "brand", "category", "gtin", "mpn", "pack", "unit", "attributes")
    return Listed(**{name: said[name] for name in names})
