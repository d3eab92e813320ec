"""A SKU as it was at a moment: price, stock, and whether it was listed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import shelf
from catalog.changes import Event, Told, deals_of, told
from catalog.pricing import Goods
from catalog.reads.changes import KEPT
from catalog.shelf import Reader, Stock
from kit.ids import inside


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


Offers = list[tuple[Event, Told]]

_EVENTS = text("""
    SELECT * FROM (
        SELECT DISTINCT ON (c.offer_id, c.kind) coalesce(c.seq, 0) AS seq, c.kind, c.sku_id,
            c.offer_id, o.source, o.external_id, o.brand, o.category, c.was, c.now, c.at, c.version
        FROM changes c JOIN offers o ON o.id = c.offer_id
        WHERE c.sku_id = :sku AND c.at <= :moment
          AND c.kind IN ('listed', 'gone', 'price', 'stock')
        ORDER BY c.offer_id, c.kind, c.version DESC
    ) last ORDER BY offer_id, version, kind
""")
_TAKEN = text("""
    SELECT offer_id, sum(units) AS units FROM reservations
    WHERE offer_id = ANY(:offers) AND reserved_at <= :moment
      AND (released_at IS NULL OR released_at > :moment)
    GROUP BY offer_id
""")
_POINTS = text("""
    SELECT DISTINCT ON (p.offer_id, p.mode) p.offer_id, p.mode, p.price, p.at, o.source,
        o.external_id, o.brand, o.category
    FROM price_points p JOIN offers o ON o.id = p.offer_id
    WHERE o.sku_id = coalesce((SELECT to_sku FROM sku_redirects WHERE from_sku = :sku), :sku)
      AND p.at <= :moment
    ORDER BY p.offer_id, p.mode, p.version DESC
""")


def as_it_was(
    session: Session, sku_id: int, reader: Reader, moment: datetime, now: datetime
) -> Then:
    """The SKU at `moment` as `reader`, who pays by the rules of then, would have seen it.

    Stock is what was stated, less the units that we had reserved. From before the days for which
    events are kept only prices are known. A source's terms, brand and category are those of today.
    """
    if moment < now - KEPT:
        return _by_prices(_priced(session, sku_id, moment), reader, moment)
    offers = _told(session, sku_id, moment)
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
        if reader.grants.allows(said.sku_id, _goods(said), "", moment)
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


def _told(session: Session, sku_id: int, moment: datetime) -> Offers:
    """The offers of a SKU by what was told until then, or of the SKU that it had led on to."""
    passed = {sku_id}
    while True:
        rows = session.execute(_EVENTS, {"sku": sku_id, "moment": moment})
        offers = _replayed(Event(*row[:-1]) for row in rows)
        moved = _moved(offers)
        if moved is None or moved in passed:
            return offers
        passed.add(moved)
        sku_id = moved


def _replayed(events: Iterable[Event]) -> Offers:
    offers: dict[int, tuple[Event, Told]] = {}
    for event in events:
        before = offers.get(event.offer_id, (event, Told()))[1]
        offers[event.offer_id] = (event, told(before, event))
    return list(offers.values())


def _moved(offers: Offers) -> int | None:
    """Where the offers went when their SKU was merged into another."""
    if any(offer.listed for _, offer in offers):
        return None
    led = [(said.now or {}).get("moved_to") for said, _ in offers if said.kind == "gone"]
    return next((inside("sku", one) for one in led if one), None)


def _priced(session: Session, sku_id: int, moment: datetime) -> Offers:
    offers: dict[int, tuple[Event, Told]] = {}
    for row in session.execute(_POINTS, {"sku": sku_id, "moment": moment}):
        said = Event(
            0, "price", sku_id, row.offer_id, row.source, row.external_id, row.brand, row.category,
            None, None, row.at,
        )  # fmt: skip
        prices = dict(offers[row.offer_id][1].price) if row.offer_id in offers else {}
        offers[row.offer_id] = (said, Told(listed=True, price=prices | {row.mode: str(row.price)}))
    return list(offers.values())


def _by_prices(offers: Offers, reader: Reader, moment: datetime) -> Then:
    found = seen(offers, reader, moment)
    views = found.offers and [replace(one, listed=None, stock=None) for one in found.offers]
    return replace(found, listed=None, stock=None, offers=views)


def _goods(said: Event) -> Goods:
    return Goods(said.source, said.brand, said.category)


def _stock(stated: Mapping[str, Any] | None) -> Stock:
    return Stock(stated["state"], stated.get("quantity")) if stated else Stock("unknown", None)
