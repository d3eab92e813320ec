"""Between which retail prices a SKU may be sold: what its offers and the brands' policies allow."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, Session

from catalog import scopes
from catalog.matching import redirects
from catalog.pricing import Goods
from catalog.scopes import Rule, Scope, Version
from kit.clock import first
from kit.db import UnitPrice
from kit.errors import invalid
from kit.statements import Query, ids_text, send

Corridor = tuple[Decimal | None, Decimal | None]
"""The lowest and the highest retail price, CNY a unit; None is no limit."""


class Allowing:
    """The columns that say which prices are allowed."""

    min_retail: Mapped[UnitPrice | None]
    max_retail: Mapped[UnitPrice | None]


class PricePolicyVersion(Allowing, Version):
    """A policy as it was."""

    __tablename__ = "price_policy_versions"
    __table_args__ = (
        Index(
            "price_policy_versions_open",
            "id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("price_policy_versions_sku", "sku_id"),
    )


class PricePolicyRow(Allowing, Rule):
    """What a brand allows for its goods; a policy is changed, an order keeps its price."""

    __tablename__ = "price_policies"
    told_as = "corridor"
    versions = PricePolicyVersion


@dataclass(frozen=True)
class PricePolicy:
    """The retail prices that are allowed for some goods, somewhere, for some time."""

    scope: Scope
    min_retail: Decimal | None = None
    max_retail: Decimal | None = None


class Bounded(Protocol):
    """An offer with what its source itself says of retail prices."""

    @property
    def sku_id(self) -> int: ...
    @property
    def goods(self) -> Goods: ...
    @property
    def min_retail(self) -> Decimal | None: ...
    @property
    def max_retail(self) -> Decimal | None: ...


def corridor(
    offers: Iterable[Bounded], policies: Iterable[PricePolicy], region: str, now: datetime
) -> Corridor:
    """The prices that every one of these offers and every policy for them allows. Pure.

    A policy for some regions counts only where `region` lies in one of them: without a region
    ("") none does. The floor may end above the ceiling; then no price is allowed at all.
    """
    offers = list(offers)
    counting = in_force(offers, policies, region, now)
    bounds = [(offer.min_retail, offer.max_retail) for offer in offers]
    bounds += [(policy.min_retail, policy.max_retail) for policy in counting]
    floors = [floor for floor, _ in bounds if floor is not None]
    ceilings = [ceiling for _, ceiling in bounds if ceiling is not None]
    return max(floors, default=None), min(ceilings, default=None)


def in_force(
    offers: Iterable[Bounded], policies: Iterable[PricePolicy], region: str, now: datetime
) -> list[PricePolicy]:
    """The policies that count for any of these offers there and then."""
    goods = [(offer.sku_id, offer.goods) for offer in offers]
    return [
        policy
        for policy in policies
        if policy.scope.holds(now)
        and policy.scope.reaches(region)
        and any(policy.scope.covers(*one) for one in goods)
    ]


def allows_none(allowed: Corridor) -> bool:
    """Whether its floor lies above its ceiling."""
    floor, ceiling = allowed
    return floor is not None and ceiling is not None and floor > ceiling


def ends(
    offers: Iterable[Bounded],
    policies: Iterable[PricePolicy],
    region: str,
    now: datetime,
    refused: Callable[[Corridor], bool],
) -> datetime | None:
    """The first moment, known today, at which the corridor of these offers is not `refused` as it
    is `now`. Pure."""
    offers, policies = list(offers), list(policies)
    turns = (at for one in policies for at in (one.scope.since, one.scope.until))
    return first(turns, now, lambda at: not refused(corridor(offers, policies, region, at)))


_FOR_SKUS = f"""
    SELECT {", ".join(PricePolicyRow.__table__.columns.keys())} FROM price_policies
    WHERE (sku_id IS NULL OR sku_id = ANY(%(skus)s)
           OR sku_id IN (SELECT from_sku FROM sku_redirects WHERE to_sku = ANY(%(skus)s)))
      AND (valid_until IS NULL OR valid_until > %(now)s)
"""  # noqa: S608 - our own columns


def policies(session: Session, sku_ids: Collection[int], now: datetime) -> list[PricePolicy]:
    """The policies that may count for these SKUs at `now` or later, in any scope of parties."""
    return answered(session, send(session, question(sku_ids, now))[0])


def question(sku_ids: Collection[int], now: datetime) -> Query:
    """What `policies` asks; `answered` reads the rows."""
    return _FOR_SKUS, {"skus": ids_text(sorted(set(sku_ids))), "now": now}


def answered(session: Session, rows: Iterable[Any]) -> list[PricePolicy]:
    """The policies; `session` is asked where the SKUs that they name were merged into others."""
    found = [PricePolicyRow(**row._asdict()) for row in rows]
    return [
        PricePolicy(scope, row.min_retail, row.max_retail)
        for row, scope in scopes.followed(session, found)
    ]


_THEN = f"""
    WITH RECURSIVE led AS (
      SELECT CAST(%(sku)s AS bigint) AS sku
      UNION SELECT r.from_sku FROM led JOIN regroupings r
        ON r.to_sku = led.sku AND r.kind = 'merge')
    SELECT {", ".join(PricePolicyVersion.__table__.columns.keys())} FROM price_policy_versions
    WHERE began_at <= %(moment)s AND (ended_at IS NULL OR ended_at > %(moment)s)
      AND (sku_id IS NULL OR sku_id IN (SELECT sku FROM led))
"""  # noqa: S608 - our own columns


def question_then(sku_id: int, moment: datetime) -> Query:
    """What policies counted at `moment` for a SKU that led nowhere then, and those for SKUs that
    ever led to it; `answered_then` reads the rows."""
    return _THEN, {"sku": sku_id, "moment": moment}


def answered_then(
    session: Session, rows: Iterable[Any], sku_id: int, moment: datetime
) -> list[PricePolicy]:
    """The policies for the SKU, and for those that led to it at `moment`."""
    found = [PricePolicyVersion(**row._asdict()) for row in rows]
    others = {row.sku_id for row in found if row.sku_id not in (None, sku_id)}
    led = redirects.ever(session, others)
    counting = (x for x in found if x.sku_id is None or led.to(x.sku_id, moment) == sku_id)
    return [
        PricePolicy(replace(x.scope, sku_id=x.sku_id and sku_id), x.min_retail, x.max_retail)
        for x in counting
    ]


def put(
    session: Session, scope: Scope, name: str, party_id: int, policy: PricePolicy
) -> PricePolicyRow:
    """Set a policy. Raises Problem 422 for one that allows nothing, or limits nothing."""
    floor, ceiling = policy.min_retail, policy.max_retail
    if floor is None and ceiling is None:
        raise invalid("min_retail", "give min_retail, max_retail or both", "missing")
    if allows_none((floor, ceiling)):
        raise invalid("max_retail", "it is below min_retail", "below_floor")
    bounds = {"min_retail": floor, "max_retail": ceiling}
    return scopes.put(session, PricePolicyRow, scope, name, party_id, bounds)
