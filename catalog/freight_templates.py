"""Freight templates: what a source's parcels cost, by pieces, weight or amount, region by region.

An offer names its source's template (`freight` = its name) and nothing else, so that a changed
template counts for every such offer at once, and writes none. Where a template says nothing its
freight is unknown, never free.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import Index, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from catalog import marks, rule_changes
from catalog.rule_changes import Reach
from kit.db import NOW, Base, Id, OutsideId, Ref, Utc, end_version, read_clock, take_turn
from kit.errors import Problem, invalid
from kit.money import FEN

NAMED = """(SELECT freight ->> 'name' FROM terms WHERE offer_id = {offer}
    ORDER BY mode DESC LIMIT 1)"""
"""SQL: the template that an offer names, whatever its mode; NULL where it names none."""
THEN = """(SELECT v.content FROM freight_template_versions v
    WHERE v.source = {source} AND v.name = {name} AND v.began_at <= {moment}
      AND (v.ended_at IS NULL OR v.ended_at > {moment}))"""
"""SQL: what a template said at a moment; NULL where there was none."""

By = Literal["piece", "weight", "amount"]

LARGEST = Decimal(10_000)
"""The highest fee of a step, CNY."""
MOST_ZONES = 100
_NAMED = re.compile(r"(?!首)(?=.*[^\W\d_])[^\x00-\x1f]{1,60}")


class FreightTemplate(Base):
    """A template as its source last wrote it."""

    __tablename__ = "freight_templates"
    __table_args__ = (UniqueConstraint("source", "name"),)

    id: Mapped[Id]
    source: Mapped[OutsideId]
    name: Mapped[OutsideId]
    party_id: Mapped[Ref]
    """Who wrote it last."""
    content: Mapped[dict[str, Any]]
    """As `Template.content` gives it."""
    stated: Mapped[dict[str, Any]]
    """In its writer's words."""
    updated_at: Mapped[Utc] = mapped_column(server_default=NOW)


class FreightTemplateVersion(Base):
    """What a template said from `began_at` until `ended_at`; null: it says so still. Never
    deleted."""

    __tablename__ = "freight_template_versions"
    __table_args__ = (
        Index(
            "freight_template_versions_open",
            "id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("freight_template_versions_name", "source", "name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    began_at: Mapped[Utc] = mapped_column(primary_key=True)
    ended_at: Mapped[datetime | None]
    source: Mapped[OutsideId]
    name: Mapped[OutsideId]
    content: Mapped[dict[str, Any]]


@dataclass(frozen=True)
class Step:
    """A fee in CNY for so much: pieces, kilograms or CNY of goods. `size` None: whatever it is."""

    fee: Decimal
    size: Decimal | None = None


@dataclass(frozen=True)
class Rate:
    """What a parcel costs: `first`, and `next` for each further step begun; nothing from
    `free_from` CNY of goods on. Without `next` the first fee is all."""

    first: Step
    next: Step | None = None
    free_from: Decimal | None = None


@dataclass(frozen=True)
class Zone:
    """A rate for regions whose GB/T 2260 codes begin with one of these; none: everywhere else."""

    regions: tuple[str, ...]
    rate: Rate


@dataclass(frozen=True)
class Template:
    """Zones by the longest code that fits, and regions where nothing is delivered."""

    by: By
    zones: tuple[Zone, ...]
    not_delivered: tuple[str, ...] = ()

    @property
    def content(self) -> dict[str, Any]:
        """As JSON, with the rules that the connectors would write for a rate."""
        return {
            "by": self.by,
            "zones": [
                {"regions": list(zone.regions), "rule": _rule(self.by, zone.rate)}
                for zone in self.zones
            ],
            "not_delivered": list(self.not_delivered),
        }


def rule(content: Mapping[str, Any], region: str) -> dict[str, Any] | None:
    """What a template's parcel to `region` costs, as a rule of one offer; None is unknown. Pure.

    Without a region ("") it is the rule for everywhere else, and what differs stands beside it.
    """
    zones: Sequence[Mapping[str, Any]] = content["zones"]
    if not region:
        elsewhere = next((dict(zone["rule"]) for zone in zones if not zone["regions"]), None)
        own = [zone for zone in zones if zone["regions"]]
        if own:
            return (elsewhere or {"kind": "zones"}) | {"zones": own}
        return elsewhere
    fits = [
        (max(map(len, near)) if zone["regions"] else 0, zone["rule"])
        for zone in zones
        if (near := [code for code in zone["regions"] if region.startswith(code)])
        or not zone["regions"]
    ]
    best = max(fits, key=lambda fit: fit[0], default=None)
    return None if best is None else dict(best[1])


def resolved(
    stated: dict[str, Any] | None, content: Mapping[str, Any] | None, region: str
) -> dict[str, Any] | None:
    """What an offer's freight is in `region`: its own rule, or that of the template it names."""
    if stated is None or stated["kind"] != "template":
        return stated
    return None if content is None else rule(content, region)


def beyond(stated: Iterable[str] | None, content: Mapping[str, Any] | None) -> list[str] | None:
    """Where an offer is not delivered, with what its template says."""
    if content is None or not content["not_delivered"]:
        return None if stated is None else list(stated)
    return [*(stated or ()), *content["not_delivered"]]


def named(name: str) -> str:
    """A template's name as price lists are read. Raises Problem 422 for what could be none."""
    found = " ".join(unicodedata.normalize("NFKC", name).split())
    if _NAMED.fullmatch(found) is None:
        message = "a template's name has a letter and at most 60 characters"
        raise invalid("id", message)
    return found


def put(
    session: Session,
    source: str,
    name: str,
    party_id: int,
    template: Template,
    stated: Mapping[str, Any],
) -> FreightTemplate:
    """Write a template, or write it anew; the feed tells that freight of the source changed.

    Raises Problem 422 for one that cannot be meant. System scope.
    """
    check(template)
    take_turn(session, f"freight_templates:{source}:{name}")
    row = _found(session, source, name)
    if row is None:
        row = FreightTemplate(source=source, name=name)
        session.add(row)
    before, now, kept = row.content, template.content, FreightTemplateVersion
    row.party_id, row.content, row.stated = party_id, now, dict(stated)
    row.updated_at = read_clock(session)
    session.flush()
    if now != before:
        end_version(session, kept, row.updated_at, kept.id == row.id)
        began = {"began_at": row.updated_at, "content": now}
        session.add(kept(id=row.id, source=source, name=name, **began))
        _tell(session, row, before, now)
    return row


def get(session: Session, source: str, name: str) -> FreightTemplate:
    """One template of a source. Raises Problem 404."""
    row = _found(session, source, name)
    if row is None:
        raise Problem(404, "not_found", f"there is no freight template {name!r}")
    return row


def remove(session: Session, source: str, name: str) -> bool:
    """Forget a template; freight of offers that name it is unknown then. Whether there was one."""
    take_turn(session, f"freight_templates:{source}:{name}")
    row = _found(session, source, name)
    if row is None:
        return False
    _tell(session, row, row.content, None)
    kept = FreightTemplateVersion
    end_version(session, kept, read_clock(session), kept.id == row.id)
    session.delete(row)
    session.flush()
    return True


def page(
    session: Session, source: str | None, *, limit: int, after: int | None
) -> tuple[list[FreightTemplate], int | None]:
    """Templates of a source (None: of all), the oldest first, and where the next page starts."""
    wanted = select(FreightTemplate).where(FreightTemplate.id > (after or 0))
    if source is not None:
        wanted = wanted.where(FreightTemplate.source == source)
    rows = list(session.scalars(wanted.order_by(FreightTemplate.id).limit(limit + 1)))
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


_NAMING = """
    SELECT DISTINCT s.product_id FROM terms t
    JOIN offers o ON o.id = t.offer_id AND o.source = :source
    JOIN skus s ON s.id = o.sku_id WHERE t.freight ->> 'name' = :name
"""
_UNITS = {"piece": "n", "weight": "g", "amount": "fen"}
_WHOLES = {"piece": Decimal(1), "weight": Decimal(1000), "amount": Decimal(100)}
"""What one of the size counts: pieces, grams, fen."""


def _rule(by: By, rate: Rate) -> dict[str, Any]:
    free_from = None if rate.free_from is None else _money(rate.free_from)
    further = rate.next is not None and rate.next.fee > 0
    if not further:
        if rate.first.fee == 0:
            return {"kind": "free"}
        return {"kind": "flat", "fee": _money(rate.first.fee), "free_from": free_from}
    assert rate.next is not None  # noqa: S101 - it has a fee
    unit, whole = _UNITS[by], _WHOLES[by]
    return {
        "kind": by,
        f"first_{unit}": int((rate.first.size or 1) * whole),
        "first": _money(rate.first.fee),
        f"next_{unit}": int((rate.next.size or 1) * whole),
        "next": _money(rate.next.fee),
        "free_from": free_from,
    }


def _money(amount: Decimal) -> str:
    return str(amount.quantize(FEN))


def check(template: Template) -> None:
    """Raises Problem 422 for a template that cannot be meant."""
    if not 0 < len(template.zones) <= MOST_ZONES:
        message = f"give `first`, or up to {MOST_ZONES} regions with rates of their own"
        raise invalid("first", message, "missing")
    codes = [code for zone in template.zones for code in zone.regions]
    if len(codes) != len(set(codes)):
        raise invalid("regions", "two rates name the same region", "duplicate")
    for zone in template.zones:
        for name, step in (("first", zone.rate.first), ("next", zone.rate.next)):
            if step is None:
                continue
            _check_step(template.by, name, step)
            if template.by == "amount" and zone.rate.next is not None and step.size is None:
                raise invalid(name, "say for how much of goods it counts", "size_missing")


def _check_step(by: By, name: str, step: Step) -> None:
    if not 0 <= step.fee <= LARGEST or step.fee != step.fee.quantize(FEN):
        raise invalid(name, f"a fee is between 0 and {LARGEST} CNY, in whole fen")
    if step.size is None:
        return
    counted = step.size * _WHOLES[by]
    if counted != counted.to_integral_value() or not 1 <= counted <= 10**9:
        raise invalid(name, "its size is in pieces, kilograms or CNY, above 0")


def _tell(session: Session, row: FreightTemplate, *contents: Mapping[str, Any] | None) -> None:
    """Readers are told by one row; search by area reads the goods anew where that changed."""
    rule_changes.tell(session, "freight", [Reach(source=row.source)])
    before, now = (one["not_delivered"] if one else [] for one in contents)
    if before != now:
        marks.mark(session, _NAMING, {"source": row.source, "name": row.name})


def _found(session: Session, source: str, name: str) -> FreightTemplate | None:
    return session.scalar(
        select(FreightTemplate).where(
            FreightTemplate.source == source, FreightTemplate.name == name
        )
    )
