"""Invented goods, written as a loader writes them, for tests of reads and search."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from catalog.models import Change, Offer, Price, PricePoint, Product, Sku, Stock, Terms
from catalog.reads.hindsight import Hindsight
from catalog.shelf import Reader

NOW = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
EARLIER = datetime(2026, 10, 31, 8, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Supply:
    """One source's offer: `bulk` is its price in bulk; `state` None states nothing of stock."""

    source: str = "teahouse"
    price: str | None = "10"
    state: str | None = "in_stock"
    quantity: int | None = None
    bulk: str | None = None
    tiers: list[Any] | None = None
    seller: str | None = None
    freight: dict[str, Any] | None = None
    offer_state: str = "live"
    refuses: list[str] | None = None
    floor: str | None = None
    ceiling: str | None = None
    valid_until: datetime | None = None
    moq: int = 1
    multiple: int = 1


@dataclass(frozen=True)
class Made:
    """Ids of what was written."""

    product_id: int
    sku_id: int
    offer_ids: list[int] = field(default_factory=list)


def product(
    session: Session,
    title: str,
    *supplies: Supply,
    brand: str | None = None,
    category: str | None = None,
    gtin: str | None = None,
    msrp: str | None = None,
    attributes: dict[str, Any] | None = None,
    images: list[str] | None = None,
) -> Made:
    """A product of one SKU with these supplies (one at ¥10 in stock, when none is given)."""
    product_id = session.execute(
        insert(Product)
        .values(title=title, brand=brand, category=category, images=images)
        .returning(Product.id)
    ).scalar_one()
    made = sku(session, product_id, *supplies, gtin=gtin, msrp=msrp, attributes=attributes)
    return Made(product_id, made.sku_id, made.offer_ids)


def sku(
    session: Session,
    product_id: int,
    *supplies: Supply,
    gtin: str | None = None,
    msrp: str | None = None,
    attributes: dict[str, Any] | None = None,
) -> Made:
    """One more SKU of a product."""
    sku_id = session.execute(
        insert(Sku)
        .values(product_id=product_id, gtin=gtin, msrp=msrp, attributes=attributes)
        .returning(Sku.id)
    ).scalar_one()
    offers = [offer(session, sku_id, supply) for supply in supplies or (Supply(),)]
    return Made(product_id, sku_id, offers)


def offer(session: Session, sku_id: int, supply: Supply) -> int:
    """One more offer for a SKU, with the event that lists it."""
    offer_id = session.execute(
        insert(Offer)
        .values(
            source=supply.source,
            external_id=f"{supply.source}-{sku_id}",
            sku_id=sku_id,
            seller=supply.seller,
            title=f"{supply.source}的商品",
            min_retail=supply.floor,
            max_retail=supply.ceiling,
            not_delivered_to=supply.refuses,
            state=supply.offer_state,
            content_hash=b"-",
            seen_at=NOW,
        )
        .returning(Offer.id)
    ).scalar_one()
    modes = {"dropship": supply.price, "bulk": supply.bulk}
    for mode, cost in modes.items():
        if cost is None:
            continue
        tiers = supply.tiers if mode == "bulk" else None
        own = {"offer_id": offer_id, "mode": mode}
        session.execute(
            insert(Price).values(
                **own, price=cost, tiers=tiers, valid_until=supply.valid_until, as_of=NOW
            )
        )
        session.execute(
            insert(Terms).values(
                **own, moq=supply.moq, multiple=supply.multiple, freight=supply.freight
            )
        )
        session.execute(
            insert(PricePoint).values(**own, version=1, price=cost, tiers=tiers, at=EARLIER)
        )
    if supply.state is not None:
        session.execute(
            insert(Stock).values(
                offer_id=offer_id, state=supply.state, quantity=supply.quantity, as_of=EARLIER
            )
        )
    prices = {mode: cost for mode, cost in modes.items() if cost is not None}
    stock = supply.state and {"state": supply.state, "quantity": supply.quantity}
    event(session, offer_id, sku_id, 1, "listed", None, {"price": prices, "stock": stock})
    return offer_id


def event(
    session: Session,
    offer_id: int,
    sku_id: int,
    version: int,
    kind: str,
    was: dict[str, Any] | None,
    now: dict[str, Any] | None,
    *,
    at: datetime | None = None,
) -> None:
    """One row of the feed, not yet numbered."""
    session.execute(
        insert(Change).values(
            offer_id=offer_id,
            version=version,
            kind=kind,
            sku_id=sku_id,
            was=was,
            now=now,
            at=text("clock_timestamp()") if at is None else at,
        )
    )


def reprice(session: Session, made: Made, version: int, price: str, *, offer: int = 0) -> None:
    """An offer's source asks another one-piece price."""
    offer_id = made.offer_ids[offer]
    was = session.execute(
        text("SELECT price FROM prices WHERE offer_id = :id AND mode = 'dropship'"),
        {"id": offer_id},
    ).scalar_one()
    session.execute(
        text("UPDATE prices SET price = :price WHERE offer_id = :id AND mode = 'dropship'"),
        {"id": offer_id, "price": Decimal(price)},
    )
    event(
        session,
        offer_id,
        made.sku_id,
        version,
        "price",
        {"dropship": str(was)},
        {"dropship": price},
    )


def steady(reader: Reader) -> Hindsight:
    """Somebody who has always read so."""
    return Hindsight(lambda _: reader)
