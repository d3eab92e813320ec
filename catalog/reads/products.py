"""Products: cards for lists, and one product with its SKUs."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from itertools import chain, groupby
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog import bundles, corridors, discretion, media, shelf, shop_names, titles
from catalog import deals as all_deals
from catalog.bundles import Part, Parts
from catalog.deals import Deal
from catalog.shelf import Display, Front, Reader, Stock
from catalog.shop_names import Rules
from kit.statements import Ask, send


class Card(NamedTuple):
    """A product in a list. `price_from` is its cheapest SKU's price in CNY, `category` is of our
    tree, or the last word of a source's where nothing places it.

    `images` are addresses of ours (`catalog.media`), `originals` the sources' own: None for
    whoever may not know the source.
    """

    id: int
    title: str
    brand: str | None
    category: str | None
    images: list[str]
    price_from: Decimal | None
    msrp: Decimal | None
    margin_percent: Decimal | None
    stock: Stock
    modes: tuple[str, ...]
    as_of: datetime | None
    originals: list[str] | None = None


@dataclass(frozen=True)
class TermsView:
    """On what terms an offer is sold in one mode; `cost` is what its source asks, CNY a unit."""

    mode: str
    cost: Decimal
    tiers: list[tuple[int, Decimal]] | None
    valid_until: datetime | None
    moq: int
    multiple: int
    freight: dict[str, Any] | None
    ships_within_hours: int | None
    cutoff: str | None
    presale_ship_by: date | None


@dataclass(frozen=True)
class OfferView:
    """One source's offer, for operators and buyers only."""

    source: str
    seller: str | None
    external_id: str
    state: str
    terms: list[TermsView]
    stock: Stock
    tax_rate: Decimal | None
    tax_code: str | None
    invoice: str | None
    as_of: datetime


@dataclass(frozen=True)
class SkuView:
    """A SKU as a reader sees it; `corridor` is (min, max) retail. `offers` is None for leaders."""

    id: int
    product_id: int
    attributes: dict[str, Any]
    gtin: str | None
    pack: int
    unit: str | None
    msrp: Decimal | None
    price: Decimal | None
    tiers: list[tuple[int, Decimal]] | None
    moq: int
    multiple: int
    stock: Stock
    freight: dict[str, Any] | None
    ships_within_hours: int | None
    corridor: tuple[Decimal | None, Decimal | None]
    modes: tuple[str, ...]
    as_of: datetime | None
    offers: list[OfferView] | None


@dataclass(frozen=True)
class ProductView:
    """A product with its SKUs."""

    card: Card
    description: str | None
    skus: list[SkuView]
    materials: list[str] = field(default_factory=list)
    """Further pictures for those who sell it, under addresses of ours."""


_ON_CARDS = (
    "s.msrp",
    f"{bundles.MADE_OF.format(sku='s.id')} AS made_of",
    *("g.id", "g.title", "g.brand AS own_brand", "g.category AS own_category", "g.images"),
)
_CARDS = all_deals.asking_with(*_ON_CARDS, terms=False)
_CARDS_OF_REGION = all_deals.asking_with(*_ON_CARDS)
"""Terms say where goods do not go; a card shows nothing else of them."""


class _Goods(NamedTuple):
    """The last columns of `_ON_CARDS`."""

    id: int
    title: str
    brand: str | None
    category: str | None
    images: list[str] | None


_PRODUCTS = text("""
    SELECT p.id, p.title, p.brand, p.category, p.images, p.materials, p.description
    FROM products p WHERE p.id = :id
""")
_STANDING = text("""
    SELECT s.id, s.product_id, s.attributes, s.gtin, s.pack, s.unit, s.msrp
    FROM skus s WHERE s.id IN (
      SELECT coalesce(r.to_sku, k.id) FROM skus k LEFT JOIN sku_redirects r ON r.from_sku = k.id
      WHERE k.product_id = :id)
    ORDER BY s.product_id, s.id
""")
_SKUS_BY_ID = text("""
    SELECT id, product_id, attributes, gtin, pack, unit, msrp FROM skus WHERE id = ANY(:ids)
""")


def product_cards(
    session: Session, ids: Sequence[int], reader: Reader, now: datetime, region: str = ""
) -> list[Card]:
    """Cards in the order of `ids`; what is not for sale to `reader` (any more) is left out."""
    return cards(partial(send, session), ids, reader, now, region)


def cards(
    ask: Ask, ids: Sequence[int], reader: Reader, now: datetime, region: str = ""
) -> list[Card]:
    """As `product_cards`, in one round trip; in two where bundles are among them."""
    asking = _CARDS_OF_REGION if region else _CARDS
    (rows,) = ask(all_deals.asked(asking, ids, region))
    by_sku = {sku: [*of] for sku, of in groupby(rows, attrgetter("sku_id"))}
    made_of = chain.from_iterable(of[0].made_of or () for of in by_sku.values())
    parts = bundles.with_deals(ask, bundles.answered(made_of), region)
    skus = [
        (of[0], own, bundles.front(own, parts.get(sku, ()), reader, now, region))
        for sku, of in by_sku.items()
        for own in [all_deals.answered(of, region)]
    ]
    found = {}
    for product_id, of_it in groupby(skus, lambda sku: sku[0].product_id):
        heads, deals, fronts = zip(*of_it, strict=True)
        shown = [(head.msrp, front) for head, front in zip(heads, fronts, strict=True)]
        goods = _Goods._make(heads[0][-len(_Goods._fields) :])
        found[product_id] = card(goods, shown, chain.from_iterable(deals), reader)
    known = [found[one] for one in ids if one in found]
    return [one for one in known if one.price_from is not None]


def product(
    session: Session, product_id: int, reader: Reader, now: datetime, region: str = ""
) -> ProductView | None:
    """One product with all its SKUs, also those not for sale (price None); None: no such one.

    A SKU that was merged shows as the one it leads to, and a product whose SKUs are all merged as
    the product they lead to. What its brands have not opened to the reader is not there.
    """
    rows = session.execute(_STANDING, {"id": product_id}).all()
    if rows and all(sku.product_id != product_id for sku in rows):
        product_id = rows[0].product_id
    row = session.execute(_PRODUCTS, {"id": product_id}).one_or_none()
    if row is None:
        return None
    by_sku = grouped(all_deals.of_skus(session, [sku.id for sku in rows], region))
    deals = [deal for of_sku in by_sku.values() for deal in of_sku]
    if shelf.hidden(deals, reader, now):
        return None
    policies = corridors.policies(session, by_sku, now)
    parts = bundles.parts(session, [sku.id for sku in rows], region)
    of = {sku.id: _of(sku.id, by_sku, parts) for sku in rows}
    skus = [sku for sku in rows if not bundles.hidden(*of[sku.id], reader, now)]
    if rows and not skus:
        return None
    shown = {sku.id: bundles.display(*of[sku.id], reader, now, region, policies) for sku in skus}
    names = _kept_back(session, reader)
    views = [sku_view(sku, by_sku.get(sku.id, ()), shown[sku.id], reader, names) for sku in skus]
    head = card(row, [(sku.msrp, shown[sku.id]) for sku in skus], deals, reader)
    told = row.description
    if told and names is not None:
        told = media.described(told, row.id, reader.album, discretion.of(names, deals).text)
    more = media.addresses(row.materials)
    roads = reader.album.roads(more, row.id) if reader.album else []
    return ProductView(head, told, views, roads)


def skus(
    session: Session, ids: Collection[int], reader: Reader, now: datetime, region: str = ""
) -> dict[int, SkuView]:
    """The SKUs with these ids as `reader` sees them; unknown ids are absent, and so
    are those that brands have not opened to the reader."""
    by_sku = grouped(all_deals.of_skus(session, ids, region))
    policies = corridors.policies(session, ids, now)
    parts = bundles.parts(session, ids, region)
    of = {sku: _of(sku, by_sku, parts) for sku in ids}
    names = _kept_back(session, reader)
    return {
        row.id: sku_view(
            row,
            by_sku.get(row.id, ()),
            bundles.display(*of[row.id], reader, now, region, policies),
            reader,
            names,
        )
        for row in session.execute(_SKUS_BY_ID, {"ids": list(ids)})
        if not bundles.hidden(*of[row.id], reader, now)
    }


def card(
    row: Any,
    shown: Iterable[tuple[Decimal | None, Front]],
    deals: Iterable[Deal],
    reader: Reader,
) -> Card:
    """The card of a product from (msrp, what is shown) of its SKUs, and all its deals."""
    for_sale = [(msrp, one) for msrp, one in shown if one.price is not None]
    on_hand = [pair for pair in for_sale if pair[1].stock.state != "out"] or for_sale
    originals = media.addresses(row.images)
    msrp, first = min(on_hand, key=lambda pair: pair[1].price or 0, default=(None, None))
    deals = list(deals)
    sellers = {deal.seller for deal in deals}
    category = shop_names.category_of_goods(row.category, sellers)
    return Card(
        id=row.id,
        title=row.title,
        brand=shop_names.of_goods(row.brand, sellers),
        category=all_deals.place(category, deals).name,
        images=reader.album.roads(originals, row.id) if reader.album else [],
        price_from=first.price if first else None,
        msrp=msrp,
        margin_percent=first.margin(msrp) if first else None,
        stock=shelf.total(one.stock for _, one in for_sale),
        modes=tuple(sorted({mode for _, one in for_sale for mode in one.modes})),
        as_of=min((one.as_of for _, one in for_sale if one.as_of), default=None),
        originals=originals if reader.sees_sources else None,
    )


def sku_view(
    row: Any, deals: Sequence[Deal], shown: Display, reader: Reader, names: Rules | None
) -> SkuView:
    """One SKU from its row, its deals and what the shelf shows of it; `names` are kept back."""
    told = row.attributes or {}
    return SkuView(
        id=row.id,
        product_id=row.product_id,
        attributes=told if names is None else discretion.of(names, deals).attributes(told),
        gtin=row.gtin,
        pack=row.pack,
        unit=row.unit,
        msrp=row.msrp,
        price=shown.price,
        tiers=shown.tiers,
        moq=shown.moq,
        multiple=shown.multiple,
        stock=shown.stock,
        freight=shown.freight,
        ships_within_hours=shown.ships_within_hours,
        corridor=shown.corridor,
        modes=shown.modes,
        as_of=shown.as_of,
        offers=_offers(deals) if reader.sees_sources else None,
    )


def _kept_back(session: Session, reader: Reader) -> Rules | None:
    """The names that `reader` may not read; None: it may read all."""
    return None if reader.sees_sources else titles.rules(session)


def grouped(deals: Iterable[Deal]) -> dict[int, list[Deal]]:
    """Deals by SKU."""
    by_sku: dict[int, list[Deal]] = defaultdict(list)
    for deal in deals:
        by_sku[deal.sku_id].append(deal)
    return by_sku


def _of(
    sku_id: int, by_sku: Mapping[int, list[Deal]], parts: Parts
) -> tuple[Sequence[Deal], Sequence[Part]]:
    """What is offered for a SKU, and its parts."""
    return by_sku.get(sku_id, ()), parts.get(sku_id, ())


def _offers(deals: Iterable[Deal]) -> list[OfferView]:
    by_offer: dict[int, list[Deal]] = defaultdict(list)
    for deal in deals:
        by_offer[deal.offer_id].append(deal)
    return [
        OfferView(
            source=one[0].source,
            seller=one[0].seller,
            external_id=one[0].external_id,
            state=one[0].state,
            terms=[_terms(deal) for deal in one],
            stock=shelf.stated(one[0].level),
            tax_rate=one[0].tax_rate,
            tax_code=one[0].tax_code,
            invoice=one[0].invoice,
            as_of=min(deal.as_of for deal in one),
        )
        for one in by_offer.values()
    ]


def _terms(deal: Deal) -> TermsView:
    return TermsView(
        mode=deal.mode,
        cost=deal.cost,
        tiers=[(int(units), Decimal(cost)) for units, cost in deal.tiers or ()] or None,
        valid_until=deal.valid_until,
        moq=deal.moq,
        multiple=deal.multiple,
        freight=_stated(deal),
        ships_within_hours=deal.ships_within_hours,
        cutoff=deal.cutoff,
        presale_ship_by=deal.presale_ship_by,
    )


def _stated(deal: Deal) -> dict[str, Any] | None:
    """Freight as its source states it: a template's name, and what that means here."""
    if deal.template is None:
        return deal.freight
    return {"kind": "template", "name": deal.template, "rule": deal.freight}
