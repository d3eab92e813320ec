"""A SKU as it was at a moment: price, stock, and whether it was listed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import bundle_versions, bundles, corridors, shelf
from catalog.bundles import Part
from catalog.changes import Event, Told, deals_of
from catalog.corridors import Corridor, PricePolicy
from catalog.deals import Deal
from catalog.freight_templates import NAMED, THEN
from catalog.matching import redirects
from catalog.matching.tree import OURS
from catalog.matching.wordings import BRAND_OF
from catalog.reads import memberships, told
from catalog.reads.changes import KEPT
from catalog.reads.hindsight import KEPT_SINCE, taken
from catalog.reads.told import Offers
from catalog.shelf import Reader, Stock
from kit.statements import send


@dataclass(frozen=True)
class OfferThen:
    """What one source offered, at which costs by mode; `listed` and `stock` None are not known."""

    source: str
    external_id: str
    listed: bool | None
    costs: Mapping[str, Decimal]
    stock: Stock | None


@dataclass(frozen=True)
class Then:
    """A SKU in a reader's eyes at a moment; None is not known. `offers` is None for leaders.

    `granted` is whether brands had opened it, None where nothing was offered; `delivered` whether
    something of that is sent to the region that was asked for."""

    listed: bool | None
    granted: bool | None
    delivered: bool | None
    corridor: Corridor
    price: Decimal | None
    stock: Stock | None
    modes: tuple[str, ...]
    offers: list[OfferThen] | None
    of_today: Sequence[str] = ()
    """What is not known of then, and is that of now."""


_TAKEN = text("""
    SELECT offer_id, sum(units) AS units FROM reservations
    WHERE offer_id = ANY(:offers) AND reserved_at <= :moment
      AND (released_at IS NULL OR released_at > :moment)
    GROUP BY offer_id
""")
_BY_REGION = text("""
    SELECT EXISTS (SELECT FROM stocks s JOIN offers o ON o.id = s.offer_id
        WHERE o.sku_id = ANY(:skus) AND s.region <> '')
""")
_TEMPLATE = THEN.format(source="o.source", name=NAMED.format(offer="o.id"), moment=":moment")
_POINTS = text(f"""
    SELECT DISTINCT ON (p.offer_id, p.mode) p.offer_id, p.mode, p.price, p.at, o.source,
        o.external_id, {BRAND_OF} AS brand, o.category, {OURS} AS ours,
        o.min_retail, o.max_retail, o.not_delivered_to,
        {_TEMPLATE} AS template
    FROM price_points p JOIN offers o ON o.id = p.offer_id
    WHERE o.id = ANY(:offers) AND p.at <= :moment
    ORDER BY p.offer_id, p.mode, p.version DESC
""")  # noqa: S608 - a query of ours


def as_it_was(
    session: Session,
    sku_id: int,
    reader: Reader,
    moment: datetime,
    now: datetime,
    region: str = "",
) -> Then:
    """The SKU at `moment` in the eyes of `reader`, who is as it was then.

    Stock is what was stated, less the units that we had reserved. From before the days for which
    events are kept only prices are known, and what else is told of offers is that of today. What
    was in stock in a region is not known where sources state that by regions: events tell of the
    whole.
    """
    kept = moment >= now - KEPT
    led = redirects.ever(session, [sku_id]).to(sku_id, moment)
    policies, since = send(session, corridors.question_then(led, moment), KEPT_SINCE)
    offers_then = _told if kept else _priced
    offers = offers_then(session, led, moment)
    made = bundle_versions.ever(session, [led]).units(led, moment)
    parts = [
        Part(part, units, _deals(offers_then(session, part, moment)))
        for part, units in sorted(made.items())
    ]
    allowed = corridors.answered_then(session, policies, led, moment)
    found = seen(offers, reader, moment, region, allowed, parts)
    more = ["sources"] if kept else ["sources", "offers"]
    terms = ["parts", "freight"] if region else ["parts"]
    found = replace(found, of_today=taken(since, moment, *more, terms=terms))
    if (
        region
        and session.execute(_BY_REGION, {"skus": [led, *(part.sku_id for part in parts)]}).scalar()
    ):
        found = replace(found, stock=None)
    return found if kept else _by_prices(found)


def seen(
    offers: Offers,
    reader: Reader,
    moment: datetime,
    region: str = "",
    policies: Collection[PricePolicy] = (),
    parts: Sequence[Part] = (),
) -> Then:
    """What `reader` sees of these offers of one SKU, or of a bundle's parts, at `moment`. Pure."""
    deals = _deals(offers)
    shown = bundles.display(deals, parts, reader, moment, region, policies)
    sold_by = bundles.made_of(deals, parts)
    offered = [part.deals for part in sold_by] or [deals]
    opened = [
        [deal for deal in some if shelf.granted(deal, reader, moment, region)] for some in offered
    ]
    views = [
        OfferThen(
            said.source,
            said.external_id,
            offer.listed,
            {mode: Decimal(cost) for mode, cost in offer.price.items()} if offer.listed else {},
            _stock(offer.stock),
        )
        for said, offer in offers
        if reader.grants.allows(said.sku_id, said.goods, "", moment)
    ]
    there = all(
        any(deal.reaches(region) for deal in shelf.visible(granted, reader, moment))
        for granted in opened
    )
    granted = all(opened)
    return Then(
        listed=shown.price is not None,
        granted=granted if all(offered) else None,
        delivered=there if granted and region else None,
        corridor=shown.corridor,
        price=shown.price,
        stock=shown.stock,
        modes=shown.modes,
        offers=views if reader.sees_sources else None,
    )


def _deals(offers: Offers) -> list[Deal]:
    return [deal for said, offer in offers for deal in deals_of(said, offer)]


def _told(session: Session, sku_id: int, moment: datetime) -> Offers:
    """The offers as the feed tells of them, less the units that were reserved; of a SKU that led
    nowhere then."""
    found = told.at_moment(session, [sku_id], moment)
    held = session.execute(
        _TAKEN, {"offers": [said.offer_id for said, _ in found], "moment": moment}
    )
    units = {row.offer_id: int(row.units) for row in held}
    return [(said, less(offer, units.get(said.offer_id, 0))) for said, offer in found]


def less(offer: Told, units: int) -> Told:
    """The offer with so many of its stated units taken. Pure."""
    stated = offer.stock
    if not units or not stated or stated.get("quantity") is None:
        return offer
    left = max(stated["quantity"] - units, 0)
    state = "out" if left == 0 and stated["state"] in ("in_stock", "low") else stated["state"]
    return replace(offer, stock={"state": state, "quantity": left})


def _priced(session: Session, sku_id: int, moment: datetime) -> Offers:
    known = memberships.of(session, sku_id)
    standing = known.standing(moment)
    offers: dict[int, tuple[Event, Told]] = {}
    asked = {"offers": sorted(known.offers(moment)), "moment": moment}
    for row in session.execute(_POINTS, asked):
        if row.price is None:  # it was over
            continue
        said = Event(
            0, "price", standing, row.offer_id, row.source, row.external_id, row.brand,
            row.category, None, None, row.at, row.ours,
        )  # fmt: skip
        prices = dict(offers[row.offer_id][1].price) if row.offer_id in offers else {}
        offers[row.offer_id] = (
            said,
            Told(
                listed=True,
                price=prices | {row.mode: str(row.price)},
                retail=(row.min_retail, row.max_retail),
                beyond=told.beyond(row),
            ),
        )
    return list(offers.values())


def _by_prices(found: Then) -> Then:
    views = found.offers and [replace(one, listed=None, stock=None) for one in found.offers]
    return replace(found, listed=None, stock=None, offers=views)


def _stock(stated: Mapping[str, Any] | None) -> Stock:
    return Stock(stated["state"], stated.get("quantity")) if stated else Stock("unknown", None)
