"""For which goods, where and when a brand's rule counts; how such rules are kept.

A rule belongs to a source (a brand's goods) under the name that its writer gave it; "" stands for
every source and is the operators' own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, Session, mapped_column

from catalog import rule_changes
from catalog.matching import wordings
from catalog.matching.redirects import current
from catalog.pricing import Goods
from catalog.rule_changes import Kind, Reach
from kit.db import NOW, Base, Id, OutsideId, Ref, Utc, end_version, read_clock, take_turn
from kit.errors import Problem, invalid

EVERY_SOURCE = ""


class Scoped:
    """The columns that say whose rule it is, and for which goods, where and when."""

    source: Mapped[OutsideId]
    name: Mapped[OutsideId]
    sku_id: Mapped[int | None]
    brand: Mapped[str | None]
    brand_of: Mapped[OutsideId | None]
    """What that word stands for."""
    category: Mapped[str | None]
    regions: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default="{}")
    """GB/T 2260 codes that a region's code begins with; none is everywhere."""
    valid_from: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]

    @property
    def scope(self) -> "Scope":
        """As a value."""
        return Scope(
            self.source,
            self.sku_id,
            self.brand,
            self.category,
            tuple(self.regions),
            self.valid_from,
            self.valid_until,
            self.brand_of,
        )


@dataclass(frozen=True)
class Scope:
    """Which goods of a source, where and when; what is left out names all."""

    source: str = EVERY_SOURCE
    sku_id: int | None = None
    brand: str | None = None
    category: str | None = None
    regions: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    brand_of: str | None = None
    """What `brand` stands for; None: itself."""

    def covers(self, sku_id: int, goods: Goods) -> bool:
        """Whether this SKU, as one source offers it, is meant; a category with all below it."""
        return (
            self.source in (EVERY_SOURCE, goods.source)
            and (self.sku_id is None or self.sku_id == sku_id)
            and (self.brand is None or goods.brand == (self.brand_of or self.brand))
            and (self.category is None or goods.is_in(self.category))
        )

    def reaches(self, region: str) -> bool:
        """Whether a GB/T 2260 code lies inside it."""
        return not self.regions or region.startswith(self.regions)

    def holds(self, now: datetime) -> bool:
        """Whether it counts at `now`."""
        begun = self.since is None or self.since <= now
        return begun and (self.until is None or now < self.until)


class Version(Scoped, Base):
    """What a rule said from `began_at` until `ended_at`; null: it says so still. Never deleted."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    began_at: Mapped[Utc] = mapped_column(primary_key=True)
    ended_at: Mapped[datetime | None]


R = TypeVar("R", bound="Rule")


class Rule(Scoped, Base):
    """A rule of a brand, whatever it rules."""

    __abstract__ = True

    id: Mapped[Id]
    party_id: Mapped[Ref]
    """Who wrote it last."""
    updated_at: Mapped[Utc] = mapped_column(server_default=NOW)

    versions: ClassVar[type[Version]]
    """Where it is kept as it was."""
    told_as: ClassVar[Kind]
    """What the change feed calls it."""
    excludes: ClassVar[bool] = False
    """Whether the first one of a source is felt by everybody, named or not, and the last one."""

    @property
    def reach(self) -> Reach:
        """Which goods it rules, and for whom."""
        named = (self.source or None, self.sku_id, self.brand, self.category)
        return Reach(*named, brand_of=self.brand_of)


def followed(session: Session, rows: Sequence[R]) -> list[tuple[R, Scope]]:
    """Rules with their scopes; one for a SKU that was merged is for the one it was merged into."""
    skus = [row.sku_id for row in rows if row.sku_id is not None]
    led = current(session, skus) if skus else {}
    return [(row, replace(row.scope, sku_id=row.sku_id and led[row.sku_id])) for row in rows]


def prefix(region: str) -> str:
    """What every code inside a region begins with: 440000 is all of 44, 440300 all of 4403."""
    if len(region) != 6:
        return region
    return region.removesuffix("00").removesuffix("00")


def whole(prefix: str) -> str:
    """The code of a region by what its codes begin with: 44 is 440000 again."""
    return prefix.ljust(6, "0")


def put(
    session: Session, kind: type[R], scope: Scope, name: str, party_id: int, more: Mapping[str, Any]
) -> R:
    """Write a rule, or write it anew. Raises Problem 422 for goods or a span that cannot be."""
    _check(session, scope)
    _lock(session, kind, scope.source, name)
    row = _found(session, kind, scope.source, name)
    former: list[Reach] = []
    said = None
    if row is None:
        row = kind(source=scope.source, name=name)
        session.add(row)
    else:
        former, said = [row.reach], (row.scope, [getattr(row, column) for column in more])
    row.party_id = party_id
    row.sku_id, row.brand, row.category = scope.sku_id, scope.brand, scope.category
    row.brand_of = scope.brand and wordings.stated(session, [scope.brand])[scope.brand]
    row.regions = sorted({prefix(region) for region in scope.regions})
    row.valid_from, row.valid_until = scope.since, scope.until
    for column, value in more.items():
        setattr(row, column, value)
    row.updated_at = read_clock(session)
    session.flush()
    if said != (row.scope, list(more.values())):
        _end(session, row, row.updated_at)
        _begin(session, row)
        everybody = [] if former else _everybody(session, row)
        rule_changes.tell(session, kind.told_as, [*former, row.reach, *everybody])
    return row


def get(session: Session, kind: type[R], source: str, name: str) -> R:
    """One rule of a source. Raises Problem 404."""
    row = _found(session, kind, source, name)
    if row is None:
        raise Problem(404, "not_found", f"there is nothing under the id {name!r}")
    return row


def remove(session: Session, kind: type[R], source: str, name: str) -> bool:
    """End a rule; returns whether there was one."""
    _lock(session, kind, source, name)
    row = _found(session, kind, source, name)
    if row is not None:
        rule_changes.tell(session, kind.told_as, [row.reach, *_everybody(session, row)])
        _end(session, row, read_clock(session))
        session.delete(row)
        session.flush()
    return row is not None


def page(
    session: Session, kind: type[R], source: str | None, *, limit: int, after: int | None
) -> tuple[list[R], int | None]:
    """Rules of a source (None: of all), the oldest first, and where the next page starts."""
    wanted = select(kind).where(kind.id > (after or 0)).order_by(kind.id).limit(limit + 1)
    if source is not None:
        wanted = wanted.where(kind.source == source)
    rows = list(session.scalars(wanted))
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


_SPAN = ("began_at", "ended_at")


def _begin(session: Session, row: Rule) -> None:
    """From its last writing on it says what it says now."""
    columns = row.versions.__table__.columns.keys()
    said = {name: getattr(row, name) for name in columns if name not in _SPAN}
    session.add(row.versions(began_at=row.updated_at, **said))


def _end(session: Session, row: Rule, at: datetime) -> None:
    """What it said holds until then."""
    end_version(session, row.versions, at, row.versions.id == row.id)


def _check(session: Session, scope: Scope) -> None:
    if scope.since is not None and scope.until is not None and scope.until <= scope.since:
        raise invalid("until", "it would end before it begins", "empty_span")
    if scope.sku_id is None:
        return
    offered = session.scalar(
        text(
            "SELECT EXISTS (SELECT FROM offers WHERE sku_id = :sku"
            " AND (:source = '' OR source = :source))"
        ),
        {"sku": scope.sku_id, "source": scope.source},
    )
    if not offered:
        raise invalid("sku", "this SKU is not among the goods that this is for", "not_offered")


def _found(session: Session, kind: type[R], source: str, name: str) -> R | None:
    return session.scalar(select(kind).where(kind.source == source, kind.name == name))


def _everybody(session: Session, row: Rule) -> list[Reach]:
    """What a source's only rule of a kind affects beside what it names."""
    kind = type(row)
    if not kind.excludes:
        return []
    others = select(kind.id).where(kind.source == row.source, kind.id != row.id).limit(1)
    return [] if session.scalar(others) else [Reach(row.source)]


def _lock(session: Session, kind: type[R], source: str, name: str) -> None:
    """Two writers of one rule queue here, also of one that is not there yet."""
    take_turn(session, f"{kind.__tablename__}:{source}:{name}")
