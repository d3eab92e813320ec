"""A leader's sharing kit: title, selling points, a text for a chat, pictures, and her page.

It says what the product's page says to her, at her own price, and nothing of where goods come from.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import reads, wording
from catalog.matching.redirects import current
from catalog.media import Album
from catalog.models import Sku
from catalog.reads import ProductView, SkuView
from kit.errors import Problem
from kit.ids import outside
from kit.money import line_amount, yuan
from trade import pricing, selections
from trade.desk import Desk
from trade.models import Party
from trade.sharing.posters import Poster

POINTS = 8
_LONGEST = 60
"""Characters of a point: what is longer is no point."""

_PAGE = text("""
    SELECT s.code, r.retail_price FROM shares s
    JOIN shares r ON r.id = coalesce(s.parent_id, s.id)
    JOIN share_skus k ON k.share_id = r.id
    WHERE s.party_id = :party AND s.closed_at IS NULL AND r.closed_at IS NULL
      AND (r.valid_from IS NULL OR r.valid_from <= :now)
      AND (r.valid_until IS NULL OR r.valid_until > :now)
      AND (k.sku_id = ANY(:skus)
           OR k.sku_id IN (SELECT from_sku FROM sku_redirects WHERE to_sku = ANY(:skus)))
    ORDER BY (r.retail_price = :retail) IS TRUE DESC, s.id DESC LIMIT 1
""")


@dataclass(frozen=True)
class Kit:
    """What a leader shares of one SKU; `withheld` says why no price is named."""

    sku: str
    leader: str
    title: str
    points: tuple[str, ...]
    images: tuple[str, ...]
    materials: tuple[str, ...]
    price: str | None
    withheld: str | None
    page: str | None
    """The path of her page."""

    def link(self, home: str) -> str | None:
        """Where her page is, on an installation that customers see at `home`."""
        return None if self.page is None else f"{home.rstrip('/')}{self.page}"

    def text(self, home: str) -> str:
        """For a chat, ready to be sent."""
        lines = [f"【{self.title}】", *(f"✅ {point}" for point in self.points)]
        if self.price is not None:
            lines.append(f"💰 团购价 ¥{self.price}")
        link = self.link(home)
        lines.append(f"👉 下单请点：{link}" if link else "👉 想要的请联系我下单")
        return "\n".join(lines)

    def view(self, home: str) -> dict[str, Any]:
        """The kit in JSON."""
        return {
            "sku": self.sku,
            "title": self.title,
            "points": self.points,
            "text": self.text(home),
            "images": self.images,
            "materials": self.materials,
            "link": self.link(home),
            "price": self.price,
            "withheld": self.withheld,
        }

    def poster(self, home: str) -> Poster:
        """The same as it stands on a poster."""
        return Poster(self.leader, self.title, self.points, self.price, self.link(home))


def kit(session: Session, desk: Desk, party_id: int, sku: str, now: datetime) -> Kit:
    """The kit of a SKU that the party has picked. Her page is an open share of it, one at her own
    price before others; the price named is the page's, so that both say the same.

    System scope. Raises Problem 404, 409 `not_granted` for goods that are not open to her.
    """
    row = selections.picked(session, party_id, sku)
    standing = current(session, [row.sku_id])[row.sku_id]
    product, one = _seen(session, desk, party_id, standing, now)
    offered = selections.terms(session, desk, party_id, [standing], now)[standing]
    retail = selections.rule_of(row).retail(offered.price)
    asked = {"party": party_id, "skus": [standing, row.sku_id], "now": now, "retail": retail}
    page = session.execute(_PAGE, asked).one_or_none()
    price, withheld = _printed(page.retail_price if page else retail, offered)
    if one.modes == ("affiliate",):
        withheld = f"a platform sells it: share your own link, POST /v1/selections/{sku}/link"
    album = product.card.images
    return Kit(
        sku=outside("sku", row.sku_id),
        leader=session.get_one(Party, party_id).name,
        title=product.card.title,
        points=tuple(_points(product, one))[:POINTS],
        images=tuple(album),
        materials=tuple(_materials(product, album)),
        price=price,
        withheld=withheld,
        page=f"/s/{page.code}" if page else None,
    )


def _seen(
    session: Session, desk: Desk, party_id: int, sku_id: int, now: datetime
) -> tuple[ProductView, SkuView]:
    """The product's page as the leader sees it, and the SKU on it."""
    reader = replace(pricing.leader(session, desk, party_id, now), album=Album(desk.keyring))
    product = reads.product(session, session.get_one(Sku, sku_id).product_id, reader, now)
    one = next((one for one in product.skus if one.id == sku_id), None) if product else None
    if product is None or one is None:
        raise Problem(
            409, "not_granted", "the brand has not opened this SKU to you; ask your operator"
        )
    return product, one


def _printed(retail: Decimal | None, offered: selections.Offered) -> tuple[str | None, str | None]:
    """The price in whole fen that may be named, or why none may be."""
    if retail is None or offered.price is None:
        return None, "it is not sold to you at the moment"
    amount = line_amount(retail, 1)
    for price in (retail, Decimal(amount) / 100):
        if fault := selections.corridor_fault(price, offered.floor, offered.ceiling):
            return None, fault
    return yuan(amount), None


def _points(product: ProductView, one: SkuView) -> Iterator[str]:
    """What speaks for it, as short as it is stated; no address among it."""
    brand = product.card.brand
    if brand and brand not in product.card.title:
        yield f"品牌：{brand}"
    for name, value in one.attributes.items():
        point = " ".join(f"{name}：{value}".split())
        if value not in (None, "") and len(point) <= _LONGEST and point == _said(point):
            yield point
    if one.pack > 1:
        yield f"每{one.unit or '份'} {one.pack} 件"
    if one.ships_within_hours:
        yield f"{one.ships_within_hours} 小时内发货"


def _said(point: str) -> str:
    return wording.without_addresses(point)


def _materials(product: ProductView, images: list[str]) -> Iterator[str]:
    """Its source's pictures for sellers, and those of its description, under names of ours."""
    told = wording.pictures(product.description or "")
    for road in dict.fromkeys([*product.materials, *told]):
        if road not in images:
            yield road
