"""What the index holds of products, gathered from the catalogue as it is now."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import bundles, discretion, shop_names, titles
from catalog import deals as all_deals
from catalog.matching.wordings import BRAND_OF
from catalog.search import labels
from catalog.search.documents import Goods, document
from catalog.search.lists import EVERYTHING
from catalog.search.lists import Goods as Named
from catalog.shelf import Reader
from kit import clock

_PRODUCTS = text("""
    SELECT p.id, p.title, p.brand, p.category, coalesce(m.sold, 0) AS sold
    FROM products p LEFT JOIN product_marks m ON m.product_id = p.id WHERE p.id = ANY(:ids)
""")
_SKUS = text("""
    SELECT product_id, id, gtin, attributes, msrp FROM skus WHERE product_id = ANY(:ids)
""")
_LED = text("""
    SELECT s.product_id, k.id, k.gtin FROM skus s JOIN sku_redirects r ON r.to_sku = s.id
    JOIN skus k ON k.id = r.from_sku WHERE s.product_id = ANY(:ids)
""")
_MPNS = text("""
    SELECT DISTINCT s.product_id, o.mpn FROM skus s JOIN offers o ON o.sku_id = s.id
    WHERE s.product_id = ANY(:ids) AND o.mpn IS NOT NULL
""")
_NEXT = text("SELECT id FROM products WHERE id > :after ORDER BY id LIMIT :limit")
_OFFERED = text(
    """
    SELECT DISTINCT s.product_id FROM (
        SELECT id, product_id FROM skus WHERE product_id = ANY(:ids)
        UNION ALL SELECT coalesce(r.to_sku, b.part_id), s.product_id
        FROM skus s JOIN sku_parts b ON b.sku_id = s.id
        LEFT JOIN sku_redirects r ON r.from_sku = b.part_id
        WHERE s.product_id = ANY(:ids)
    ) s JOIN LATERAL (SELECT source, {brand_of} AS brand, category FROM offers o
      WHERE o.sku_id = s.id) o ON true WHERE EXISTS (
        SELECT FROM unnest(CAST(:sources AS text[]), CAST(:brands AS text[]),
            CAST(:categories AS text[])) AS named(source, brand, category)
        WHERE (named.source IS NULL OR named.source = o.source)
          AND (named.brand IS NULL OR named.brand = o.brand)
          AND (named.category IS NULL OR named.category = o.category
               OR starts_with(o.category, named.category || ' > ')))
""".replace("{brand_of}", BRAND_OF)
)


def following(session: Session, after: int, limit: int) -> list[int]:
    """The next products by id."""
    return list(session.scalars(_NEXT, {"after": after, "limit": limit}))


def offered(session: Session, ids: Collection[int], goods: Sequence[Named]) -> list[int]:
    """Those of these products of which some offer is among the goods."""
    if EVERYTHING in goods:
        return list(ids)
    sources, brands, categories = (list(column) for column in zip(*goods, strict=True))
    named = {"sources": sources, "brands": brands, "categories": categories}
    return list(session.scalars(_OFFERED, {"ids": list(ids)} | named))


def documents(
    session: Session, ids: Collection[int], readers: Sequence[Reader]
) -> list[dict[str, Any]]:
    """The documents of these products; one that is for sale to nobody has none."""
    now = clock.now()
    asked = {"ids": list(ids)}
    names = titles.rules(session)
    mpns: dict[int, list[str]] = defaultdict(list)
    for row in session.execute(_MPNS, asked):
        mpns[row[0]].append(row[1])
    led: dict[int, list[Any]] = defaultdict(list)
    for product, sku, gtin in session.execute(_LED, asked):
        led[product].append((sku, gtin))
    deals: Mapping[int, dict[int, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for deal in all_deals.of_products(session, ids):
        deals[deal.product_id][deal.sku_id].append(deal)
    skus: dict[int, list[Any]] = defaultdict(list)
    for product, sku, gtin, told, msrp in session.execute(_SKUS, asked):
        shown = discretion.of(names, deals[product][sku]).attributes(told) if told else None
        skus[product].append((sku, gtin, shown, msrp))
    parts = bundles.parts(session, [sku[0] for of in skus.values() for sku in of])
    found = []
    rows = session.execute(_PRODUCTS, asked).all()
    offered = {row.id: [deal for own in deals[row.id].values() for deal in own] for row in rows}
    called = labels.of(session, [(row.brand, offered[row.id]) for row in rows])
    for row, label in zip(rows, called, strict=True):
        sellers = {deal.seller for deal in offered[row.id]}
        goods = Goods(
            row.id,
            row.title,
            label,
            shop_names.category_of_goods(row.category, sellers),
            skus[row.id],
            mpns[row.id],
            deals[row.id],
            {sku[0]: parts[sku[0]] for sku in skus[row.id] if sku[0] in parts},
            row.sold,
            led[row.id],
        )
        found.append(document(goods, readers, now))
    return [one for one in found if one is not None]
