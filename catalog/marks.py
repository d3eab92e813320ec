"""What the search index must read anew although no offer changed: what sells, what was mapped.

A mark is a number that rises with every commit, one row a product however often it is marked: each
index remembers the highest that it has read, beside the last number of the feed. Marks are given
under a lock that is held until the commit, so that none appears behind one that was read.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from kit.db import Base

_LOCK = 0x48504D4B  # "HPMK"


class ProductMark(Base):
    """A product that was marked once; never deleted, so that the highest mark stays known."""

    __tablename__ = "product_marks"
    __table_args__ = (Index("product_marks_mark", "mark"),)

    product_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sold: Mapped[int] = mapped_column(server_default="0")
    """Units sold in 30 days under all its SKUs: exact below 64, then six binary digits of it."""
    mark: Mapped[int]


_ALONE = text("SELECT pg_advisory_xact_lock(:lock)")
_ALL = """
    SELECT s.product_id, d.sold FROM demand d
    LEFT JOIN sku_redirects r ON r.from_sku = d.sku_id
    JOIN skus s ON s.id = coalesce(r.to_sku, d.sku_id) WHERE d.sold > 0"""
_SOME = """
    WITH among AS (
      SELECT DISTINCT s.product_id FROM unnest(CAST(:skus AS bigint[])) a(id)
      LEFT JOIN sku_redirects r ON r.from_sku = a.id JOIN skus s ON s.id = coalesce(r.to_sku, a.id)
    ), own AS (SELECT s.product_id, s.id FROM among JOIN skus s USING (product_id))
    SELECT o.product_id, d.sold FROM own o JOIN demand d ON d.sku_id = o.id
    WHERE NOT EXISTS (SELECT FROM sku_redirects r WHERE r.from_sku = o.id)
    UNION ALL
    SELECT o.product_id, d.sold FROM own o
    JOIN sku_redirects r ON r.to_sku = o.id JOIN demand d ON d.sku_id = r.from_sku"""
_SALES = """
    WITH sales AS (
      SELECT product_id, sum(sold)::bigint AS units FROM ({sold}) sold GROUP BY product_id
    ), short AS (
      SELECT product_id, units,
        greatest(length(ltrim(units::bit(64)::text, '0')) - 6, 0) AS digits FROM sales
    ), moved AS (
      SELECT product_id, coalesce((n.units >> n.digits) << n.digits, 0) AS sold
      FROM short n {beside} JOIN product_marks m USING (product_id)
      WHERE coalesce((n.units >> n.digits) << n.digits, 0) <> coalesce(m.sold, 0)
    )
    INSERT INTO product_marks (product_id, sold, mark)
    SELECT product_id, sold,
      (SELECT coalesce(max(mark), 0) FROM product_marks) + row_number() OVER () FROM moved
    ON CONFLICT (product_id) DO UPDATE SET sold = excluded.sold, mark = excluded.mark
"""
_MARK = """
    INSERT INTO product_marks (product_id, mark)
    SELECT product_id,
      (SELECT coalesce(max(mark), 0) FROM product_marks) + row_number() OVER () FROM ({which}) which
    ON CONFLICT (product_id) DO UPDATE SET mark = excluded.mark
"""
_NEXT = text("""
    SELECT product_id, mark FROM product_marks WHERE mark > :after ORDER BY mark LIMIT :limit
""")
_HIGHEST = text("SELECT coalesce(max(mark), 0) FROM product_marks")


def roll_sales(session: Session, skus: Collection[int] | None = None) -> int:
    """Write what products sold from `demand`; returns how many are to be read anew.

    Only those that `skus` belong to, where these are named. What a merged SKU sold counts for the
    product that it leads on to. A product whose sales moved within the accuracy that is kept is not
    marked.
    """
    sold, beside = (_ALL, "FULL") if skus is None else (_SOME, "LEFT")
    session.execute(_ALONE, {"lock": _LOCK})
    rolled = session.execute(
        text(_SALES.format(sold=sold, beside=beside)), {} if skus is None else {"skus": list(skus)}
    )
    return int(rolled.rowcount)  # type: ignore[attr-defined]


def mark(session: Session, which: str, facts: Mapping[str, Any]) -> int:
    """Mark products by a query for `product_id`, each once, and its values; returns how many."""
    session.execute(_ALONE, {"lock": _LOCK})
    marked = session.execute(text(_MARK.format(which=which)), facts)
    return int(marked.rowcount)  # type: ignore[attr-defined]


def following(session: Session, after: int, limit: int) -> tuple[Sequence[int], int]:
    """The next products behind a mark, and the last mark among them (`after`: there is none)."""
    rows = session.execute(_NEXT, {"after": after, "limit": limit}).all()
    return [row.product_id for row in rows], rows[-1].mark if rows else after


def highest(session: Session) -> int:
    """The last mark that was given."""
    return int(session.execute(_HIGHEST).scalar_one())
