"""The names that brands go by: what sources write in brand columns, and operators' aliases."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.matching.facts import Brands, brand_names
from kit.errors import FieldError, Problem

_LEARN = text("""
    INSERT INTO brand_names (name, brand, by)
    SELECT name, brand, 'source' FROM unnest(CAST(:names AS text[]), CAST(:brands AS text[]))
      AS told(name, brand)
    WHERE NOT EXISTS (SELECT FROM brand_names b WHERE b.name = told.name)
""")
_STAND = text("SELECT count(*), max(updated_at) FROM brand_names")
_ALL = text("""
    SELECT DISTINCT ON (name) name, brand FROM brand_names ORDER BY name, by <> 'operator', id
""")
_PAGE = text("""
    SELECT name, brand, by FROM (SELECT DISTINCT ON (name) name, brand, by FROM brand_names
      WHERE name > :after ORDER BY name, by <> 'operator', id) n
    WHERE :all OR brand = ANY(:brand) ORDER BY name LIMIT :limit
""")
_ALIAS = text("""
    INSERT INTO brand_names (name, brand, by) VALUES (:name, :brand, 'operator')
    ON CONFLICT (name) WHERE by = 'operator' DO UPDATE SET brand = excluded.brand,
      updated_at = clock_timestamp()
""")

_kept: dict[tuple[int, datetime | None], Brands] = {}
"""The last names read by this process: making their scanner costs more than asking for news."""


def known(session: Session) -> Brands:
    """Every name that the catalogue knows."""
    count, updated = session.execute(_STAND).one()
    stand = (count, updated)
    if stand not in _kept:
        rows = session.execute(_ALL).all()
        _kept.clear()
        _kept[stand] = Brands({row.name: row.brand for row in rows})
    return _kept[stand]


def learn(session: Session, written: Iterable[str | None]) -> None:
    """Take up the names in some brand columns. `启萌/QIMENG` says that the two are one brand."""
    names: dict[str, str] = {}
    for column in {one for one in written if one}:
        told = brand_names(column)
        for name in told:
            names.setdefault(name, told[0])
    if not names:
        return
    new = sorted(names)  # rows are written in one order, lest two runs wait for one another
    session.execute(_LEARN, {"names": new, "brands": [names[name] for name in new]})


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
    session.execute(_ALIAS, {"name": alias[0], "brand": ours[0]})
    return Name(alias[0], ours[0], "operator")
