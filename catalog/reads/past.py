"""A SKU as it was at a moment: price, stock, and whether it was listed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import shelf
from catalog.changes import Event, Told, deals_of
from catalog.matching.tree import OURS
from catalog.matching.wordings import BRAND_OF
from catalog.reads import memberships, told
from catalog.reads.changes import KEPT
from catalog.reads.told import Offers
from catalog.shelf import Reader, Stock


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
    """A SKU in a reader's eyes at a moment; None is not known. `offers` is None for leaders."""

    listed: bool | None
    price: Decimal | None
    stock: Stock | None
    modes: tuple[str, ...]
    offers: list[OfferThen] | None


_TAKEN = text("""
    SELECT offer_id, sum(units) AS units FROM reservations
    WHERE offer_id = ANY(:offers) AND reserved_at <= :moment
      AND (released_at IS NULL OR released_at > :moment)
    GROUP BY offer_id
""")
_POINTS = text(f"""
    SELECT DISTINCT ON (p.offer_id, p.mode) p.offer_id, p.mode, p.price, p.at, o.source,
        o.external_id, {BRAND_OF} AS brand, o.category, {OURS} AS ours
    FROM price_points p JOIN offers o ON o.id = p.offer_id
    WHERE o.id = ANY(:offers) AND p.at <= :moment
    ORDER BY p.offer_id, p.mode, p.version DESC
""")  # noqa: S608 - a query of ours


def as_it_was(
    session: Session, sku_id: int, reader: Reader, moment: datetime, now: datetime
) -> Then:
    """The SKU at `moment` as `reader`, who pays by the rules of then, would have seen it.

    Stock is what was stated, less the units that we had reserved. From before the days for which
    events are kept only prices are known. A source's terms, brand and category are those of today.
    """
    reader = memberships.reader_then(session, reader, moment)
    if moment < now - KEPT:
        return _by_prices(_priced(session, sku_id, moment), reader, moment)
    led = memberships.stood(session, [sku_id], moment)[sku_id]
    offers = told.at_moment(session, [led], moment)
    taken = session.execute(
        _TAKEN, {"offers": [said.offer_id for said, _ in offers], "moment": moment}
    )
    units = {row.offer_id: int(row.units) for row in taken}
    return seen(
        [(said, less(offer, units.get(said.offer_id, 0))) for said, offer in offers], reader, moment
    )


def seen(offers: Offers, reader: Reader, moment: datetime) -> Then:
    """What `reader` sees of these offers of one SKU at `moment`. Pure."""
    deals = [deal for said, offer in offers for deal in deals_of(said, offer)]
    shown = shelf.display(deals, reader, moment)
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
    return Then(
        listed=shown.price is not None,
        price=shown.price,
        stock=shown.stock,
        modes=shown.modes,
        offers=views if reader.sees_sources else None,
    )


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
        said = Event(
            0, "price", standing, row.offer_id, row.source, row.external_id, row.brand,
            row.category, None, None, row.at, row.ours,
        )  # fmt: skip
        prices = dict(offers[row.offer_id][1].price) if row.offer_id in offers else {}
        offers[row.offer_id] = (said, Told(listed=True, price=prices | {row.mode: str(row.price)}))
    return list(offers.values())


def _by_prices(offers: Offers, reader: Reader, moment: datetime) -> Then:
    found = seen(offers, reader, moment)
    views = found.offers and [replace(one, listed=None, stock=None) for one in found.offers]
    return replace(found, listed=None, stock=None, offers=views)


def _stock(stated: Mapping[str, Any] | None) -> Stock:
    return Stock(stated["state"], stated.get("quantity")) if stated else Stock("unknown", None)
