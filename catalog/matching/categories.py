"""Our category tree, and which of its leaves a source's category is: learnt, or said by a person.

A mapping is learnt from the names of leaves, and from products that a source shares with others
whose categories are known. A person's word is never learnt over.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import Index, Integer, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from catalog.matching.text import short
from kit.db import NOW, Base, OutsideId, Utc
from kit.errors import FieldError, Problem

VOTES = 3
"""Shared products that a mapping takes at least to be learnt from them."""

SHARE = 0.8
"""Share of them that must agree."""

_LEVELS = re.compile(r"\s*[>/|]\s*")


class CategoryMapping(Base):
    """What a source calls a category, and the leaf of our tree that it is."""

    __tablename__ = "category_mappings"
    __table_args__ = (Index("category_mappings_state", "state", "source", "theirs"),)

    source: Mapped[OutsideId] = mapped_column(primary_key=True)
    theirs: Mapped[OutsideId] = mapped_column(primary_key=True)
    ours: Mapped[OutsideId]
    state: Mapped[str]
    """learnt | confirmed."""
    votes: Mapped[int] = mapped_column(Integer)
    """Shared products that say so; 0: the name does, or a person."""
    updated_at: Mapped[Utc] = mapped_column(server_default=NOW)


@dataclass(frozen=True)
class Leaf:
    """A category of ours: `food.milk`, with its name and those that sources use."""

    code: str
    name: str
    names: frozenset[str]


@cache
def tree() -> dict[str, Leaf]:
    """Leaves by their codes."""
    path = Path(__file__).parent / "data" / "categories.toml"
    branches = tomllib.loads(path.read_text(encoding="utf-8"))
    leaves = {}
    for branch, content in branches.items():
        for leaf, words in content.items():
            if leaf != "name":
                names = words.split()
                code = f"{branch}.{leaf}"
                leaves[code] = Leaf(code, f"{content['name']} > {names[0]}", frozenset(names))
    return leaves


def named(theirs: str) -> str | None:
    """The leaf that a source's category names, by its deepest level that names one. Pure."""
    for level in reversed(_LEVELS.split(short(theirs))):
        found = [leaf.code for leaf in tree().values() if level in leaf.names]
        if len(found) == 1:
            return found[0]
    return None


_UNKNOWN = text("""
    SELECT DISTINCT o.source, o.category FROM offers o
    WHERE o.source = :source AND o.category IS NOT NULL AND NOT EXISTS (
      SELECT FROM category_mappings m WHERE m.source = o.source AND m.theirs = o.category)
    ORDER BY 2
""")
_LEARN = text("""
    INSERT INTO category_mappings (source, theirs, ours, state, votes)
    SELECT :source, theirs, ours, 'learnt', votes
    FROM unnest(CAST(:theirs AS text[]), CAST(:ours AS text[]), CAST(:votes AS int[]))
      AS told(theirs, ours, votes)
    ON CONFLICT (source, theirs) DO UPDATE SET ours = excluded.ours, votes = excluded.votes,
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
    INSERT INTO category_mappings (source, theirs, ours, state, votes)
    VALUES (:source, :theirs, :ours, 'confirmed', 0)
    ON CONFLICT (source, theirs) DO UPDATE SET ours = excluded.ours, state = 'confirmed',
      updated_at = clock_timestamp()
    RETURNING source, theirs, ours, state, votes
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
    """A person says which leaf of ours a source's category is. Raises Problem 422."""
    if ours not in tree():
        raise Problem(
            422,
            "invalid",
            f"there is no category {ours!r}; GET /v1/category-tree names them",
            errors=[FieldError("ours", "unknown_category", "no leaf of our tree")],
        )
    asked = {"source": source, "theirs": theirs, "ours": ours}
    return Mapping(*session.execute(_SAY, asked).one())


def page(
    session: Session, source: str, *, state: str | None = None, limit: int = 50, after: str = ""
) -> list[Mapping]:
    """A source's mappings behind `after`, by their words."""
    asked = {"source": source, "after": after, "all": state is None, "state": state or ""}
    return [Mapping(*row) for row in session.execute(_PAGE, asked | {"limit": limit})]
