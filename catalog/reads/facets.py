"""The words by which products can be narrowed: categories and brands of what is listed."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Facet:
    """A category or brand, and how many products have it."""

    name: str
    products: int


def categories(session: Session) -> list[Facet]:
    """Every category with products, by name; levels are joined by " > "."""
    return _facets(session, "category")


def brands(session: Session) -> list[Facet]:
    """Every brand with products, by name."""
    return _facets(session, "brand")


def _facets(session: Session, column: str) -> list[Facet]:
    rows = session.execute(
        text(f"""
            SELECT {column} AS name, count(*) AS products FROM products p
            WHERE {column} IS NOT NULL AND EXISTS (
                SELECT FROM skus s JOIN offers o ON o.sku_id = s.id
                WHERE s.product_id = p.id AND o.state = 'live')
            GROUP BY {column} ORDER BY {column}
        """)  # noqa: S608 - one of two words of ours
    )
    return [Facet(row.name, row.products) for row in rows]
