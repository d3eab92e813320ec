"""What a share's public page says: goods, the leader's price, whether there is stock, its end."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog import bundles, deals, discretion, media, titles
from catalog.media import Album
from catalog.models import Product, Sku
from kit.ids import outside
from kit.money import price_text
from trade import pricing
from trade.desk import Desk
from trade.models import Party
from trade.sharing import shares


@dataclass(frozen=True)
class Good:
    """One SKU on the page; `stock` is in_stock, low, out or unknown, `picture` a road of ours."""

    sku: str
    title: str
    spec: str
    stock: str
    picture: str | None


@dataclass(frozen=True)
class PublicPage:
    """A page that anybody with its address may see; it names no source and no commission."""

    code: str
    leader: str
    price: str
    goods: tuple[Good, ...]
    since: datetime | None
    until: datetime | None
    status: str


def page(session: Session, desk: Desk, code: str, now: datetime) -> PublicPage:
    """The page of a share, of its sharer or of a helper. System scope. Raises Problem 404."""
    row, root = shares.lines_of(session, code)
    return PublicPage(
        row.code,
        session.get_one(Party, row.party_id).name,
        price_text(root.retail_price),
        tuple(goods(session, desk, row.party_id, shares.skus_of(session, root.id), now)),
        root.valid_from,
        root.valid_until,
        shares.status(row, root, now),
    )


def goods(
    session: Session, desk: Desk, party_id: int, skus: list[int], now: datetime
) -> list[Good]:
    """These SKUs as customers of the party see them. System scope."""
    named = session.execute(
        select(Sku.id, Sku.attributes, Sku.product_id, Product.title, Product.images)
        .join(Product, Product.id == Sku.product_id)
        .where(Sku.id.in_(skus))
        .order_by(Sku.id)
    ).all()
    reader = pricing.leader(session, desk, party_id, now)
    offered = [one for one in deals.of_skus(session, skus) if one.mode == "dropship"]
    parts = bundles.parts(session, skus)
    names = titles.rules(session)
    found = []
    album = Album(desk.keyring)
    for row in named:
        own = [one for one in offered if one.sku_id == row.id]
        seen = bundles.display(own, parts.get(row.id, ()), reader, now)
        told = discretion.of(names, own).attributes(row.attributes)
        spec = " ".join(str(value) for value in told.values())
        roads = album.roads(media.addresses(row.images)[:1], row.product_id)
        picture = roads[0] if roads else None
        found.append(Good(outside("sku", row.id), row.title, spec, seen.stock.state, picture))
    return found
