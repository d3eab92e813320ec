"""Which category of ours a source's category is: learnt, or said by a person.

A mapping is learnt from names, and from products that a source shares with others whose categories
are known. A person's word is never learnt over. What a mapping moves is marked for the search index
a moment later (`shelve`), in one go for however many mappings are new.
"""

from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Index, Integer, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from catalog import marks, rule_changes
from catalog.matching.tree import meant, named, tree
from catalog.rule_changes import Reach
from kit.db import NOW, Base, OutsideId, Utc
from kit.errors import FieldError, Problem

VOTES = 3
"""Shared products that a mapping takes at least to be learnt from them."""

SHARE = 0.8
"""Share of them that must agree."""


class CategoryMapping(Base):
    """What a source calls a category, and the category of ours that it is."""

    __tablename__ = "category_mappings"
    __table_args__ = (
        Index("category_mappings_state", "state", "source", "theirs"),
        Index("category_mappings_untold", "source", "theirs", postgresql_where=text("NOT told")),
    )

    source: Mapped[OutsideId] = mapped_column(primary_key=True)
    theirs: Mapped[OutsideId] = mapped_column(primary_key=True)
    ours: Mapped[OutsideId]
    state: Mapped[str]
    """learnt | confirmed."""
    votes: Mapped[int] = mapped_column(Integer)
    """Shared products that say so; 0: the name does, or a person."""
    updated_at: Mapped[Utc] = mapped_column(server_default=NOW)
    told: Mapped[bool] = mapped_column(server_default="true")
    """Whether the products that it moves are marked."""


_UNKNOWN = text("""
    SELECT DISTINCT o.source, o.category FROM offers o
    WHERE o.source = :source AND o.category IS NOT NULL AND NOT EXISTS (
      SELECT FROM category_mappings m WHERE m.source = o.source AND m.theirs = o.category)
    ORDER BY 2
""")
_LEARN = text("""
    INSERT INTO category_mappings (source, theirs, ours, state, votes, told)
    SELECT :source, theirs, ours, 'learnt', votes, votes = 0  -- by its name it stood there before
    FROM unnest(CAST(:theirs AS text[]), CAST(:ours AS text[]), CAST(:votes AS int[]))
      AS told(theirs, ours, votes)
    ON CONFLICT (source, theirs) DO UPDATE SET ours = excluded.ours, votes = excluded.votes,
      told = category_mappings.told AND category_mappings.ours = excluded.ours,
      updated_at = clock_timestamp() WHERE category_mappings.state = 'learnt'
""")
_VOTES = text("""
    SELECT theirs, ours, votes FROM (
      SELECT o.category AS theirs, m.ours, count(DISTINCT o.sku_id)::int AS votes,
        sum(count(DISTINCT o.sku_id)) OVER (PARTITION BY o.category) AS cast_in_all
      FROM offers o JOIN offers p ON p.sku_id = o.sku_id AND p.source <> o.source
      JOIN category_mappings m ON m.source = p.source AND m.theirs = p.category
        AND m.state = 'confirmed'
      WHERE o.source = :source AND o.category IS NOT NULL GROUP BY o.category, m.ours) voted
    WHERE votes >= :least AND votes >= :share * cast_in_all ORDER BY theirs
""")


def learn(session: Session, source: str) -> int:
    """Learn what a source's categories are; returns how many mappings were written.

    Products that it shares with sources whose categories a person confirmed outweigh names.
    """
    rows = {}
    for row in session.execute(_UNKNOWN, {"source": source}):
        if code := named(row.category):
            rows[row.category] = (code, 0)
    asked = {"source": source, "least": VOTES, "share": SHARE}
    for theirs, ours, votes in session.execute(_VOTES, asked):
        rows[theirs] = (ours, votes)
    if rows:
        told = sorted(rows)
        ours = [rows[name][0] for name in told]
        votes = [rows[name][1] for name in told]
        session.execute(_LEARN, {"source": source, "theirs": told, "ours": ours, "votes": votes})
    return len(rows)


_SAY = text("""
    INSERT INTO category_mappings (source, theirs, ours, state, votes, told)
    VALUES (:source, :theirs, :ours, 'confirmed', 0, false)
    ON CONFLICT (source, theirs) DO UPDATE SET ours = excluded.ours, state = 'confirmed',
      told = false, updated_at = clock_timestamp()
    RETURNING source, theirs, ours, state, votes
""")
_UNTOLD = text("""
    UPDATE category_mappings SET told = true WHERE NOT told RETURNING source, theirs, ours
""")
_MOVED = """
    SELECT DISTINCT s.product_id
    FROM unnest(CAST(:sources AS text[]), CAST(:theirs AS text[])) m(source, theirs)
    JOIN offers o ON o.source = m.source AND o.category = m.theirs JOIN skus s ON s.id = o.sku_id
"""
_RULED = text("""
    SELECT category FROM grants WHERE category IS NOT NULL
    UNION SELECT category FROM price_policies WHERE category IS NOT NULL
    UNION SELECT rule ->> 'category' FROM
      (SELECT rules FROM pricing_versions ORDER BY id DESC LIMIT 1) book,
      jsonb_array_elements(book.rules) rule
    WHERE rule ->> 'category' IS NOT NULL
""")
_UNMAPPED = text("""
    SELECT o.category, count(*) AS offers FROM offers o
    WHERE o.source = :source AND o.category COLLATE "C" > :after AND o.state <> 'gone'
      AND NOT EXISTS (
        SELECT FROM category_mappings m WHERE m.source = o.source AND m.theirs = o.category)
    GROUP BY o.category ORDER BY o.category COLLATE "C"
""")
_PAGE = text("""
    SELECT source, theirs, ours, state, votes FROM category_mappings
    WHERE source = :source AND theirs > :after AND (:all OR state = :state)
    ORDER BY theirs LIMIT :limit
""")


@dataclass(frozen=True)
class Mapping:
    """A source's category as it is mapped."""

    source: str
    theirs: str
    ours: str
    state: str
    votes: int


def confirm(session: Session, source: str, theirs: str, ours: str) -> Mapping:
    """A person says which category of ours a source's is. Raises Problem 422."""
    if ours not in tree():
        raise Problem(
            422,
            "invalid",
            f"there is no category {ours!r}; GET /v1/category-tree names them",
            errors=[FieldError("ours", "unknown_category", "no category of ours")],
        )
    asked = {"source": source, "theirs": theirs, "ours": ours}
    return Mapping(*session.execute(_SAY, asked).one())


def page(
    session: Session, source: str, *, state: str | None = None, limit: int = 50, after: str = ""
) -> list[Mapping]:
    """A source's mappings behind `after`, by their words."""
    asked = {"source": source, "after": after, "all": state is None, "state": state or ""}
    return [Mapping(*row) for row in session.execute(_PAGE, asked | {"limit": limit})]


@dataclass(frozen=True)
class Unmapped:
    """A source's category that is none of ours, and how many of its offers are in it."""

    theirs: str
    offers: int


def unmapped(session: Session, source: str, *, limit: int = 50, after: str = "") -> list[Unmapped]:
    """A source's categories behind `after` that neither a mapping nor their name places."""
    rows = session.execute(_UNMAPPED, {"source": source, "after": after})
    unknown = (Unmapped(*row) for row in rows if named(row.category) is None)
    return list(islice(unknown, limit))


def shelve(session: Session) -> int:
    """Mark the products that new mappings move, and tell of it where rules name categories of ours;
    returns how many mappings were new."""
    untold = session.execute(_UNTOLD).all()
    if untold:
        sources, theirs, ours = (list(column) for column in zip(*untold, strict=True))
        marks.mark(session, _MOVED, {"sources": sources, "theirs": theirs})
        if any(map(meant, session.scalars(_RULED))):
            reach = [Reach(category=tree()[code].name) for code in ours if code in tree()]
            rule_changes.tell(session, "category", reach)
    return len(untold)
