"""Whether a SKU can be sold to a region by the piece, and why not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import bundles, corridors, deals, selling
from catalog.bundles import Part
from catalog.deals import Deal
from catalog.matching.redirects import current
from catalog.models import Sku
from catalog.selling import Facts, Reason
from catalog.shelf import Reader


@dataclass(frozen=True)
class Sellable:
    """Whether so many of a SKU can be sold to a region by the piece, and why not."""

    sellable: bool
    reasons: list[Reason]
    price: Decimal | None
    freight: dict[str, Any] | None
    as_of: datetime | None
    freight_amount: int | None = None
    """Fen that this many cost to send there, where that was asked."""

    def unless(self, reason: Reason | None) -> "Sellable":
        """The same with one more reason against it, if there is one."""
        if reason is None:
            return self
        return replace(self, sellable=False, reasons=[*self.reasons, reason])


_PAUSED = text("""
    SELECT source FROM source_states WHERE source = ANY(:sources) AND paused_at IS NOT NULL
""")
_LAPSED = text("""
    SELECT source FROM source_states
    WHERE source = ANY(:sources) AND qualified_until <= clock_timestamp()
""")
_PLANNED = text("""
    SELECT p.valid_from, o.source FROM planned_prices p JOIN offers o ON o.id = p.offer_id
    WHERE o.sku_id = coalesce((SELECT to_sku FROM sku_redirects WHERE from_sku = :sku), :sku)
      AND o.state = 'live' AND p.mode = 'dropship' AND p.valid_from > :now
    ORDER BY p.valid_from
""")


def sellable(
    session: Session,
    sku_id: int,
    region: str,
    quantity: int,
    reader: Reader,
    now: datetime,
    *,
    had: Mapping[str, int] | None = None,
    asks: frozenset[str] = frozenset(),
) -> Sellable | None:
    """Whether `quantity` of a SKU can be sold to `region`; None: there is no such SKU.

    `had` is how many of it the reader has ordered today, by source; `asks` are the sources that
    will be asked for what is not known of them.
    """
    if session.get(Sku, sku_id) is None:
        return None
    sku_id = current(session, [sku_id])[sku_id]
    found = deals.of_skus(session, [sku_id], region)
    parts = bundles.parts(session, [sku_id], region).get(sku_id, ())
    shown = bundles.display(found, parts, reader, now, region)
    if sold_by := bundles.made_of(found, parts):
        why = _of_parts(session, sold_by, region, quantity, reader, now, asks)
        return Sellable(not why, why, shown.price, shown.freight, shown.as_of)
    facts = Facts(
        paused=paused(session, found),
        lapsed=lapsed(session, found),
        asks=asks,
        planned=_planned(session, sku_id, reader, now),
        policies=tuple(corridors.policies(session, [sku_id], now)),
        had=had or {},
    )
    why = selling.reasons(found, reader, now, region, quantity, facts)
    return Sellable(not why, why, shown.price, shown.freight, shown.as_of)


def _of_parts(
    session: Session,
    parts: Sequence[Part],
    region: str,
    quantity: int,
    reader: Reader,
    now: datetime,
    asks: frozenset[str],
) -> list[Reason]:
    """Why so many of a bundle cannot be sold: what stands against the first part that is at fault,
    for the units that the bundle needs of it. Retail prices of parts are no matter of the bundle.
    """
    for part in parts:
        facts = Facts(
            paused=paused(session, part.by_piece),
            lapsed=lapsed(session, part.by_piece),
            asks=asks,
            planned=_planned(session, part.sku_id, reader, now),
        )
        units = part.units * quantity
        if why := selling.reasons(part.by_piece, reader, now, region, units, facts):
            return [replace(reason, message=f"a part of it: {reason.message}") for reason in why]
    return []


def paused(session: Session, found: list[Deal]) -> frozenset[str]:
    """Sources of these deals that a refusal or a person has paused."""
    sources = sorted({deal.source for deal in found})
    return frozenset(session.scalars(_PAUSED, {"sources": sources}))


def lapsed(session: Session, found: list[Deal]) -> frozenset[str]:
    """Sources of these deals whose suppliers' papers have expired."""
    sources = sorted({deal.source for deal in found})
    return frozenset(session.scalars(_LAPSED, {"sources": sources}))


def _planned(session: Session, sku_id: int, reader: Reader, now: datetime) -> datetime | None:
    """When the next price of a source that serves the reader becomes valid."""
    for moment, source in session.execute(_PLANNED, {"sku": sku_id, "now": now}):
        serves = reader.prices.serves in reader.policy(source).serves
        if serves and not reader.grants.restricts(source):
            return moment  # type: ignore[no-any-return]
    return None
