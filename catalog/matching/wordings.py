"""Which brand each wording stands for, as data: worked out here, and looked up everywhere else.

Offers keep the words of their sources, and rules those of their writers; what compares the two
compares what both stand for. A wording is written down before the first row that bears it, as far
as the names at hand tell. When names change all wordings are looked at anew in one transaction,
together with the rules that name brands, so that goods and rules turn at the same moment. The
search index follows in portions: see `follow`.
"""

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from catalog import marks, rule_changes
from catalog.matching import brands
from catalog.matching.naming import Brands, brand_names, rivals, written_as
from catalog.rule_changes import Reach
from kit.db import Base, Id, OutsideId, read_clock

_OF = "coalesce((SELECT w.{0} FROM brand_wordings w WHERE w.written = o.brand), o.brand)"
BRAND_OF = _OF.format("brand")
"""The brand of offers `o`, in SQL."""

SHOWN_OF = _OF.format("shown")
"""How that brand is shown."""


def meaning(table: str) -> str:
    """What the brands stand for that a row of `table` lists in `brands`, in SQL: JSON as text, or
    null."""
    return f"""(SELECT jsonb_object_agg(w.written, w.brand)::text FROM brand_wordings w
    WHERE w.written = ANY({table}.brands))"""  # noqa: S608 - a table of ours


LONGEST = 500
"""Characters of a wording; a longer one stands for itself."""

PORTION = 5_000
"""Products that are looked at in one turn."""

REST = 10
"""So many times as long as the last look took, the next one waits while a load brings news."""

_LOCK = 0x48504257  # "HPBW"


class BrandWording(Base):
    """A brand as somebody writes it."""

    __tablename__ = "brand_wordings"
    __table_args__ = (
        Index("brand_wordings_written", "written", unique=True),
        Index("brand_wordings_brand", "brand"),
        Index("brand_wordings_untold", "id", postgresql_where=text("NOT told")),
    )

    id: Mapped[Id]
    written: Mapped[OutsideId]
    brand: Mapped[OutsideId]
    """The brand that it stands for, in the form in which names are compared."""
    shown: Mapped[str]
    """How that brand is shown: as it was first written."""
    alias: Mapped[bool] = mapped_column(server_default="false")
    """A name of the brand that perhaps no goods bear."""
    told: Mapped[bool] = mapped_column(server_default="true")
    """Whether the goods of its brand are marked since it came to stand for that."""
    moved_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Called:
    """What a wording stands for, and how that is shown."""

    brand: str
    shown: str


_THERE = text("SELECT written, brand, shown FROM brand_wordings WHERE written = ANY(:words)")
_SHOWN = text("""
    SELECT DISTINCT ON (brand) brand, shown FROM brand_wordings WHERE brand = ANY(:brands)
    ORDER BY brand, id
""")
_ALIASES = text("""
    SELECT brand, written FROM brand_wordings WHERE brand = ANY(:brands) AND alias
""")
_WRITE = text("""
    INSERT INTO brand_wordings (written, brand, shown)
    SELECT * FROM unnest(CAST(:words AS text[]), CAST(:brands AS text[]), CAST(:shown AS text[]))
    ON CONFLICT (written) DO NOTHING
""")
_UNNAMED = text("""
    SELECT name, bool_or(by = 'operator') AS stated FROM brand_names n
    WHERE brand <> name AND NOT EXISTS (
      SELECT FROM brand_wordings w WHERE w.written = n.name AND w.alias)
    GROUP BY name ORDER BY name
""")
_NAME = text("""
    INSERT INTO brand_wordings (written, brand, shown, alias, told, moved_at)
    SELECT name, brand, shown, true, NOT stated, clock_timestamp()
    FROM unnest(CAST(:words AS text[]), CAST(:brands AS text[]), CAST(:shown AS text[]),
      CAST(:stated AS boolean[])) AS n(name, brand, shown, stated)
    ON CONFLICT (written) DO UPDATE SET alias = true,
      told = brand_wordings.told AND excluded.told, moved_at = excluded.moved_at
""")
_ALL = text("""
    SELECT id, written, brand, shown, alias FROM brand_wordings ORDER BY id
""")
_MOVE = text("""
    UPDATE brand_wordings w SET brand = m.brand, shown = m.shown, told = false,
      moved_at = clock_timestamp()
    FROM (SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:brands AS text[]),
      CAST(:shown AS text[])) AS m(id, brand, shown)) m WHERE w.id = m.id
""")
_RULES = """
    UPDATE {table} r SET brand_of = w.brand FROM brand_wordings w
    WHERE w.written = r.brand AND r.brand_of IS DISTINCT FROM w.brand
"""
_RULED_TABLES = ("grants", "grant_versions", "price_policies", "price_policy_versions")
_RULED = text("""
    SELECT brand_of FROM grants WHERE brand_of = ANY(:brands)
    UNION SELECT brand_of FROM price_policies WHERE brand_of = ANY(:brands)
    UNION SELECT w.brand FROM brand_wordings w
      WHERE w.written = ANY((SELECT brands FROM pricing_versions ORDER BY id DESC LIMIT 1)::text[])
        AND w.brand = ANY(:brands)
""")
_ALONE = text("SELECT pg_advisory_xact_lock(:lock)")
_STAND = text("""
    SELECT concat_ws(' ', 'joint', count(*), max(updated_at), (SELECT max(id) FROM brand_wordings))
    FROM brand_names
""")
"""Another way to work out what wordings stand for is another word in it."""
_JOINT = text("""
    SELECT written FROM brand_wordings
    WHERE position('/' in brand) > 0 AND NOT alias AND written > :after ORDER BY written
""")
_BEARING = text("""
    SELECT brand, count(*) AS offers FROM offers
    WHERE brand = ANY(:words) AND state <> 'gone' GROUP BY brand
""")
_LEFT = text("""
    UPDATE brand_wordings SET told = false, moved_at = clock_timestamp() WHERE brand = ANY(:brands)
""")
_UNTOLD = text("SELECT DISTINCT brand FROM brand_wordings WHERE NOT told AND moved_at < :since")
_TOLD = text("UPDATE brand_wordings SET told = true WHERE NOT told AND moved_at < :since")
_LAST = text("""
    SELECT max(id) FROM (SELECT id FROM products WHERE id > :after ORDER BY id LIMIT :limit) p
""")
_BORNE = f"""
    SELECT DISTINCT s.product_id FROM skus s JOIN offers o ON o.sku_id = s.id
    WHERE s.product_id > :after AND s.product_id <= :upto AND {BRAND_OF} = ANY(:brands)
"""  # noqa: S608 - a query of ours


def meant(session: Session, words: Iterable[str]) -> dict[str, Called]:
    """What these wordings stand for, whether they are written down or not."""
    asked = sorted(set(words))
    rows = session.execute(_THERE, {"words": asked}) if asked else ()
    found = {row.written: Called(row.brand, row.shown) for row in rows}
    missing = [word for word in asked if word not in found]
    return found | (_called(session, missing, brands.sure(session)) if missing else {})


@dataclass(frozen=True)
class Unsure:
    """A wording that names several brands, and how many offers bear it."""

    wording: str
    brands: tuple[str, ...]
    offers: int


def unsure(session: Session, *, limit: int = 50, after: str = "") -> list[Unsure]:
    """Wordings behind `after` that count for none of the brands that they name."""
    rows = session.scalars(_JOINT, {"after": after})
    several = ((word, rivals(brand_names(word))) for word in rows)
    found = dict(islice((one for one in several if len(one[1]) > 1), limit))
    rows_of = session.execute(_BEARING, {"words": list(found)}) if found else ()
    borne = {row.brand: row.offers for row in rows_of}
    return [Unsure(word, names, borne.get(word, 0)) for word, names in found.items()]


def aliases(session: Session, of: Collection[str]) -> dict[str, list[str]]:
    """Brand → names of it that perhaps no goods bear."""
    found: dict[str, list[str]] = {}
    for row in session.execute(_ALIASES, {"brands": sorted(of)}) if of else ():
        found.setdefault(row.brand, []).append(row.written)
    return found


def register(session: Session, words: Iterable[str], known: Brands | None = None) -> dict[str, str]:
    """Write down new wordings, by the names that they themselves name or by those `known`; what
    each stands for. One that is too long to be written down stands for itself.

    Whoever writes the same at once waits until this transaction ends.
    """
    asked = set(words)
    found = {word: word for word in asked if len(word) > LONGEST}
    short = sorted(asked - found.keys())
    rows = session.execute(_THERE, {"words": short}) if short else ()
    found |= {row.written: row.brand for row in rows}
    if missing := [word for word in short if word not in found]:
        called = _called(session, missing, known or brands.about(session, missing))
        session.execute(_WRITE, _columns(called))
        found |= {word: one.brand for word, one in called.items()}
    return found


def stated(session: Session, words: Iterable[str | None]) -> dict[str, str]:
    """Write down the wordings that a rule names; what each stands for, by all names there are."""
    named = {word for word in words if word is not None}
    return register(session, named, brands.sure(session)) if named else {}


def resolve(session: Session) -> int:
    """Look at every wording by the names as they are now, with the rules that name brands; returns
    how many stand for something else. System scope."""
    session.execute(_ALONE, {"lock": _LOCK})
    known = brands.sure(session)
    if stated := {row.name: row.stated for row in session.execute(_UNNAMED)}:
        called = _called(session, stated, known)
        said = [stated[word] for word in sorted(called)]
        session.execute(_NAME, _columns(called) | {"stated": said})
    rows = session.execute(_ALL).all()
    called = _called(session, [row.written for row in rows], known, fresh=True)
    moved = [
        (row, now) for row in rows if (now := called[row.written]) != Called(row.brand, row.shown)
    ]
    if not moved:
        return 0
    pairs = [(row.brand, now.brand) for row, now in moved if row.brand != now.brand]
    touched = {brand for pair in pairs for brand in pair}
    ruled = _ruled(session, touched)
    facts = {
        "ids": [row.id for row, _ in moved],
        "brands": [now.brand for _, now in moved],
        "shown": [now.shown for _, now in moved],
    }
    session.execute(_MOVE, facts)
    session.execute(_LEFT, {"brands": [row.brand for row, _ in moved if row.alias]})
    for table in _RULED_TABLES:
        session.execute(text(_RULES.format(table=table)))
    if ruled or _ruled(session, touched):
        reach = [Reach(brand=one, brand_of=one) for one in sorted(touched)]
        rule_changes.tell(session, "brand", reach)
    return len(moved)


def follow(session: Session, last: dict[str, Any]) -> dict[str, Any]:
    """Look at all wordings anew where there are other names or wordings than at the turn that
    `last` tells of, and mark some products for the search index whose brand came to be another.
    System scope.

    Returns how far it came; `more`: there are others to be marked.
    """
    session.execute(_ALONE, {"lock": _LOCK})
    stand = session.execute(_STAND).scalar_one()
    done: dict[str, Any] = {name: last[name] for name in ("stand", "again_at") if name in last}
    if stand != last.get("stand") and time.time() >= last.get("again_at", 0):
        began = time.monotonic()
        moved = resolve(session)
        rest = REST * (time.monotonic() - began)
        done = {"stand": stand, "moved": moved, "again_at": time.time() + rest}
    return done | _mark(session, last)


def _mark(session: Session, last: Mapping[str, Any]) -> dict[str, Any]:
    """Mark the next products of the brands that had come to others when this walk began."""
    walking = bool(last.get("more"))
    since = datetime.fromisoformat(last["since"]) if walking else read_clock(session)
    untold = sorted(session.scalars(_UNTOLD, {"since": since}))
    if not untold:
        return {"more": False}
    after = int(last["after"]) if walking else 0
    upto = session.execute(_LAST, {"after": after, "limit": PORTION}).scalar_one()
    if upto is None:
        session.execute(_TOLD, {"since": since})
        return {"more": False}
    marked = marks.mark(session, _BORNE, {"after": after, "upto": upto, "brands": untold})
    return {"more": True, "after": upto, "since": since.isoformat(), "marked": marked}


def _ruled(session: Session, touched: Collection[str]) -> bool:
    """Whether rules name one of these brands."""
    return session.execute(_RULED, {"brands": sorted(touched)}).first() is not None


def _called(
    session: Session, words: Iterable[str], known: Brands, *, fresh: bool = False
) -> dict[str, Called]:
    """What words stand for, in the order of their writing; `fresh`: these are all that there are,
    and how their brands are shown is up to them."""
    meaning = {word: known.brand_of(word) for word in words}
    asked = {"brands": sorted(set(meaning.values()))}
    shown = {} if fresh else {row.brand: row.shown for row in session.execute(_SHOWN, asked)}
    for word, brand in meaning.items():
        if brand not in shown and (form := written_as(word, brand)):
            shown[brand] = form
    return {word: Called(brand, shown.get(brand, brand)) for word, brand in meaning.items()}


def _columns(called: Mapping[str, Called]) -> dict[str, list[str]]:
    """In the order in which everybody writes them, lest two wait for one another."""
    words = sorted(called)
    return {
        "words": words,
        "brands": [called[word].brand for word in words],
        "shown": [called[word].shown for word in words],
    }
