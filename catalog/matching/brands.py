"""The names that brands go by: what sources write in brand columns, and operators' aliases."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.matching.naming import (
    Brands,
    alike,
    brand_names,
    joint,
    parted,
    rivals,
    settled,
    told,
)
from kit.errors import FieldError, Problem, invalid

_LEARN = text("""
    INSERT INTO brand_names (name, brand, by)
    SELECT name, brand, 'source' FROM unnest(CAST(:names AS text[]), CAST(:brands AS text[]))
      AS told(name, brand)
    WHERE NOT EXISTS (
      SELECT FROM brand_names b WHERE b.name = told.name AND b.brand = told.brand)
""")
_STAND = text("SELECT count(*), max(updated_at) FROM brand_names")
_ALL = text("SELECT name, brand, by FROM brand_names ORDER BY id")
_SOME = text("SELECT name, brand, by FROM brand_names WHERE name = ANY(:names) ORDER BY id")
_PAGE = text("""
    SELECT name, brand, by FROM (SELECT DISTINCT ON (name) name, brand, by FROM brand_names
      WHERE name > :after ORDER BY name, by <> 'operator', brand = name, id) n
    WHERE :all OR brand = ANY(:brand) ORDER BY name LIMIT :limit
""")
_ALIAS = text("""
    INSERT INTO brand_names (name, brand, by) VALUES (:name, :brand, 'operator')
    ON CONFLICT (name) WHERE by = 'operator' DO UPDATE SET brand = excluded.brand,
      updated_at = clock_timestamp()
""")

_kept: dict[bool, tuple[tuple[int, datetime | None], Brands]] = {}
"""The last names read by this process: making their scanner costs more than asking for news."""


def known(session: Session) -> Brands:
    """Every name that the catalogue knows: enough to compare two offers, among much else."""
    return _read(session, sure=False)


def sure(session: Session) -> Brands:
    """The names by which goods have prices and are opened to people: operators' words, and those
    that sound alike. What a source says besides moves nobody else's goods."""
    return _read(session, sure=True)


def _read(session: Session, *, sure: bool) -> Brands:
    count, updated = session.execute(_STAND).one()
    stand = (count, updated)
    former, found = _kept.get(sure, (None, None))
    if found is None or former != stand:
        found = _settled(session.execute(_ALL).all(), sure=sure)
        _kept[sure] = stand, found
    return found


def about(session: Session, words: Iterable[str]) -> Brands:
    """The `sure` names that these wordings name, and those that they lead to. Others that sound
    alike are not among them: for a few words it is read in no time, however many names there are.
    """
    named = [brand_names(word) for word in words]
    names = {name for of in named for name in of} | {joint(rivals(of)) for of in named if of}
    names |= {part for name in names for part in parted(name) or ()}
    rows: list[Any] = []
    seen: set[str] = set()
    while names:
        more = session.execute(_SOME, {"names": sorted(names)}).all()
        rows, seen = [*rows, *more], seen | names
        names = {row.brand for row in more} - seen
    return _settled(rows, sure=True)


def _settled(rows: Sequence[Any], *, sure: bool) -> Brands:
    told = ((row.name, row.brand) for row in rows if row.by == "source")
    names = settled(one for one in told if not sure or alike(*one))
    names |= {row.name: row.brand for row in rows if row.by == "operator"}
    return Brands({name: names.get(brand, brand) for name, brand in names.items()})


def learn(session: Session, said: Iterable[tuple[str | None, str]]) -> None:
    """Take up the names in some offers' brand columns and titles, as (column, title).

    `启萌/QIMENG` says that the two are one brand, and so does a title that has `启萌（QIMENG）`.
    """
    offers = {(column, title) for column, title in said if column or "(" in title or "（" in title}
    if not offers:
        return
    ours = {name for column, _ in offers for name in brand_names(column)}
    ours |= known(session).names.keys()
    pairs = sorted({pair for column, title in offers for pair in told(column, title, ours)})
    if pairs:  # rows are written in one order, lest two runs wait for one another
        names, brands = zip(*pairs, strict=True)
        session.execute(_LEARN, {"names": list(names), "brands": list(brands)})


@dataclass(frozen=True)
class Name:
    """A name that a brand goes by, and who says so."""

    name: str
    brand: str
    by: str


def page(
    session: Session, *, brand: str | None = None, limit: int = 50, after: str = ""
) -> list[Name]:
    """Names behind `after`, of one brand or of all."""
    ours = brand_names(brand)
    asked = {"after": after, "limit": limit, "all": brand is None, "brand": list(ours)}
    return [Name(*row) for row in session.execute(_PAGE, asked)]


def call(session: Session, name: str, brand: str) -> Name:
    """An operator says that `name` is `brand`. Raises Problem 422 unless each is one name."""
    alias, ours = brand_names(name), brand_names(brand)
    if len(alias) != 1 or len(ours) != 1:
        raise Problem(
            422,
            "invalid",
            "give one name and one brand",
            errors=[FieldError("name", "not_one_name", "one name, without / or brackets")],
        )
    return _said(session, alias[0], ours[0])


def decide(session: Session, wording: str, brand: str) -> Name:
    """An operator says which brand goods are of that bear the names of several. Raises Problem 422
    unless the wording names several, and `brand` is one name."""
    names, ours = rivals(brand_names(wording)), brand_names(brand)
    if len(names) < 2:
        raise invalid("wording", "it names one brand; call that by a name instead", "one_brand")
    if len(ours) != 1:
        raise invalid("brand", "give one name", "not_one_name")
    return _said(session, joint(names), ours[0])


def _said(session: Session, name: str, brand: str) -> Name:
    session.execute(_ALIAS, {"name": name, "brand": brand})
    return Name(name, brand, "operator")
