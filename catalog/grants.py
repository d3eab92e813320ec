"""Who may see and order what: a source that uses grants sells only to those whom they name.

A source without any grant is open to all. One with a grant on record, also one that has ended or
not begun, is closed to whoever no grant in force names.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Index, select, text
from sqlalchemy.orm import Mapped, Session

from catalog import scopes
from catalog.matching import redirects
from catalog.matching.redirects import NOWHERE, Leads
from catalog.pricing import Buyer, Goods
from catalog.rule_changes import Reach
from catalog.scopes import Rule, Scope, Version, followed
from kit.errors import invalid


class Granting:
    """The columns that say whom a grant names, and how much they may order."""

    to_party: Mapped[int | None]
    to_level: Mapped[str | None]
    max_per_order: Mapped[int | None]
    """Units of one SKU, as the two below."""
    max_per_day: Mapped[int | None]
    """For one party within a day of China."""
    max_per_recipient: Mapped[int | None]
    """For one recipient within a day of China, whoever orders."""


class GrantVersion(Granting, Version):
    """A grant as it was."""

    __tablename__ = "grant_versions"
    __table_args__ = (
        Index("grant_versions_open", "id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("grant_versions_party", "to_party", "to_level"),
    )


class GrantRow(Granting, Rule):
    """Leave for a party (and all under it), a level, or everyone; for a source's own goods."""

    __tablename__ = "grants"
    told_as = "grant"
    excludes = True
    versions = GrantVersion

    @property
    def reach(self) -> Reach:
        """Which goods it opens, and to whom."""
        return replace(super().reach, group=self.to_party, level=self.to_level)


@dataclass(frozen=True)
class Grant:
    """Leave to see and order goods, and how many units of one SKU at most; None is no limit."""

    id: int
    scope: Scope
    party: int | None = None
    level: str | None = None
    max_per_order: int | None = None
    max_per_day: int | None = None
    max_per_recipient: int | None = None
    sku_id: int | None = None
    """The SKU as it was named; `scope` has the one that it leads on to."""


@dataclass(frozen=True)
class Grants:
    """What one reader was granted. The default is a reader to whom everything is open."""

    closed: frozenset[str] = frozenset()
    """Sources that use grants."""
    named: tuple[Grant, ...] = ()
    """Grants to this reader, in force or not."""
    party: int | None = None
    own: str | None = None
    """The source that the reader supplies itself."""

    def restricts(self, source: str) -> bool:
        """Whether goods of `source` need a grant."""
        return source in self.closed and source != self.own

    def shut(self) -> frozenset[str]:
        """Sources that let the reader have nothing at all, not even at another time."""
        return self.closed - {self.own} - {grant.scope.source for grant in self.named}

    def allows(self, sku_id: int, goods: Goods, region: str, now: datetime) -> bool:
        """Whether the reader may have these goods in `region`; "" is anywhere at all."""
        return not self.restricts(goods.source) or bool(self._for(sku_id, goods, region, now))

    def deciding(self, sku_id: int, goods: Goods, region: str, now: datetime) -> Grant | None:
        """The grant whose limits count: for fewer readers, then fewer goods, then the younger."""
        return max(self._for(sku_id, goods, region, now), key=self._rank, default=None)

    def opens(self, sku_id: int, goods: Goods, region: str, now: datetime) -> datetime | None:
        """When the first grant begins that is known today."""
        begins = [
            grant.scope.since
            for grant in self.named
            if grant.scope.covers(sku_id, goods) and (not region or grant.scope.reaches(region))
        ]
        return min((moment for moment in begins if moment and moment > now), default=None)

    def turns(self) -> Iterator[datetime | None]:
        """When a grant to the reader begins or ends."""
        for grant in self.named:
            yield from (grant.scope.since, grant.scope.until)

    def _for(self, sku_id: int, goods: Goods, region: str, now: datetime) -> list[Grant]:
        return [
            grant
            for grant in self.named
            if grant.scope.holds(now)
            and grant.scope.covers(sku_id, goods)
            and (not region or grant.scope.reaches(region))
        ]

    def _rank(self, grant: Grant) -> tuple[int, int, int]:
        reader = 0 if grant.level is None else 1
        if grant.party is not None:
            reader = 3 if grant.party == self.party else 2
        scope = grant.scope
        goods = 3 * (scope.sku_id is not None) + 2 * (scope.brand is not None)
        return reader, goods + (scope.category is not None), grant.id


OPEN = Grants()

CLOSED = "SELECT granting_sources() AS closed"
"""The sources that use grants; where there is none, everything is OPEN to everybody."""
USED = "EXISTS (SELECT FROM grants)"
"""In the system's scope: whether there is one."""

_COLUMNS = GrantRow.__table__.columns
_TO_READER = text(
    f"SELECT {', '.join(_COLUMNS.keys())} FROM grants_to(:party)"  # noqa: S608 - our own columns
).columns(*_COLUMNS)


def of(session: Session, party: int, *, own: str | None = None) -> Grants:
    """What `party` was granted, in its own scope or the system's; `own` is a source it supplies."""
    return given(session, session.scalar(text(CLOSED)), party, own=own)


def given(
    session: Session, closed: Collection[str] | None, party: int, *, own: str | None = None
) -> Grants:
    """As `of`, where `closed` are the sources that use grants."""
    if not closed:
        return OPEN
    rows = session.scalars(select(GrantRow).from_statement(_TO_READER), {"party": party}).all()
    named_now = tuple(_grant(row, scope) for row, scope in followed(session, rows))
    return Grants(frozenset(closed), named_now, party, own)


@dataclass(frozen=True)
class Given:
    """A grant as it was written at `began`, until `ended`; `grant` has the SKU that it names."""

    grant: Grant
    began: datetime
    ended: datetime | None

    def counts(self, moment: datetime, buyer: Buyer) -> bool:
        """Whether it was written so at `moment`, for a party that stood as `buyer` does."""
        to = self.grant.party
        return (
            _within(self.began, self.ended, moment)
            and (to is None or to == buyer.party or to in buyer.above)
            and self.grant.level in (None, buyer.level)
        )


@dataclass(frozen=True)
class PastGrants:
    """All that one reader was ever granted, also where it stood elsewhere. The default is a reader
    to whom everything was always open."""

    closed: tuple[tuple[str, datetime, datetime | None], ...] = ()
    """From when until when sources used grants."""
    given: tuple[Given, ...] = ()
    led: Leads = NOWHERE
    party: int | None = None
    own: str | None = None

    def at(self, moment: datetime, buyer: Buyer) -> Grants:
        """What it was granted at `moment`, where it stood as `buyer` does; a grant for a SKU is for
        the one that this led to then."""
        closed = frozenset(
            source for source, began, ended in self.closed if _within(began, ended, moment)
        )
        if not closed:
            return OPEN
        counting = (one.grant for one in self.given if one.counts(moment, buyer))
        return Grants(closed, tuple(self._led(x, moment) for x in counting), self.party, self.own)

    def turns(self) -> Iterator[datetime | None]:
        """When something was granted, changed or taken back, and when its time began or ended."""
        for _, began, ended in self.closed:
            yield from (began, ended)
        for one in self.given:
            yield from (one.began, one.ended, one.grant.scope.since, one.grant.scope.until)

    def _led(self, grant: Grant, moment: datetime) -> Grant:
        if grant.sku_id is None:
            return grant
        return replace(grant, scope=replace(grant.scope, sku_id=self.led.to(grant.sku_id, moment)))


ALWAYS_OPEN = PastGrants()


def _within(began: datetime, ended: datetime | None, moment: datetime) -> bool:
    return began <= moment and (ended is None or moment < ended)


_SPANS = text("SELECT source, began_at, ended_at FROM granting_spans()")
_VERSIONS = GrantVersion.__table__.columns
_EVER = text(
    f"SELECT {', '.join(_VERSIONS.keys())} FROM grants_ever_to(:party)"  # noqa: S608 - our own columns
).columns(*_VERSIONS)


def ever(session: Session, party: int, *, own: str | None = None) -> PastGrants:
    """As `of`, for all time."""
    closed = tuple(tuple(row) for row in session.execute(_SPANS))
    if not closed:
        return PastGrants()
    rows = session.scalars(select(GrantVersion).from_statement(_EVER), {"party": party}).all()
    led = redirects.ever(session, [row.sku_id for row in rows if row.sku_id is not None])
    given = tuple(Given(_grant(row, row.scope), row.began_at, row.ended_at) for row in rows)
    return PastGrants(closed, given, led, party, own)


def put(
    session: Session, scope: Scope, name: str, party_id: int, more: Mapping[str, Any]
) -> GrantRow:
    """Set a grant; `more` is whom it names and its limits. Raises Problem 422."""
    if more["to_party"] is not None and more["to_level"] is not None:
        raise invalid("who.level", "name a party or a level, not both", "one_of")
    return scopes.put(session, GrantRow, scope, name, party_id, more)


def _grant(row: GrantRow | GrantVersion, scope: Scope) -> Grant:
    return Grant(
        row.id,
        scope,
        row.to_party,
        row.to_level,
        row.max_per_order,
        row.max_per_day,
        row.max_per_recipient,
        row.sku_id,
    )
