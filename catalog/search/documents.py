"""What the index holds of a product: what the readers of each price list see and pay. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from catalog import bundles, shelf
from catalog import deals as all_deals
from catalog.bundles import Part, Parts
from catalog.deals import Deal
from catalog.matching import tree
from catalog.search import opening, schema, words
from catalog.search.labels import Label
from catalog.search.suggest import keys
from catalog.search.words import asked, indexed, plain, sounds
from catalog.shelf import Reader

_PROVINCES = frozenset(f"{code:02}" for code in range(11, 83))
"""What goods are not delivered to is counted by whole provinces (GB/T 2260)."""


@dataclass(frozen=True)
class Goods:
    """A product as the index reads it: `skus` are (id, gtin, attributes, msrp)."""

    id: int
    title: str
    label: Label
    category: str | None
    skus: Sequence[tuple[int, str | None, Mapping[str, Any] | None, Decimal | None]]
    mpns: Sequence[str]
    deals: Mapping[int, list[Deal]]
    parts: Parts = field(default_factory=dict)
    sold: int = 0
    """Units in 30 days, under all its SKUs."""
    led: Sequence[tuple[int, str | None]] = ()
    """(id, gtin) of SKUs that were merged into its own."""

    @property
    def named(self) -> list[tuple[int, str | None]]:
        """(id, gtin) of every SKU by which it is looked up."""
        return [*((sku[0], sku[1]) for sku in self.skus), *self.led]

    def of(self, sku_id: int) -> tuple[Sequence[Deal], Sequence[Part]]:
        """What is offered for one of its SKUs, and the parts of that."""
        return self.deals.get(sku_id, ()), self.parts.get(sku_id, ())


@dataclass(frozen=True)
class _Seen:
    """What decides how readers of one price list find a product."""

    price: Decimal
    margin: Decimal | None
    on_hand: bool
    in_stock: bool
    modes: frozenset[str]
    refused: frozenset[str]


def document(goods: Goods, readers: Sequence[Reader], now: datetime) -> dict[str, Any] | None:
    """The fields of a product's document; None: it is for sale to nobody.

    Raises ValueError for an id beyond what sort numbers can carry.
    """
    if goods.id > schema.MOST_ID:
        raise ValueError(f"product {goods.id}: the search index holds ids up to {schema.MOST_ID}")
    label = goods.label
    named = f"{label.own or ''} {goods.title}"
    title, characters = indexed(named), words.characters(named, None)
    deals = [deal for of_sku in goods.deals.values() for deal in of_sku]
    deals += [deal for of_sku in goods.parts.values() for part in of_sku for deal in part.by_piece]
    sources = sorted({deal.source for deal in deals})
    fields: dict[str, Any] = {}
    flags: list[str] = []
    known: dict[tuple[Any, ...], _Seen | None] = {}
    for reader in readers:
        view = _view(reader, sources)
        if view not in known:
            known[view] = _seen(goods, deals, reader, now)
        if seen := known[view]:
            one = reader.prices.id
            flags += _flags(seen, one)
            fields |= _numbers(seen, one, goods, len(title))
            fields[f"mode_{one}"] = sorted(seen.modes)
            fields[f"refuses_{one}"] = sorted(seen.refused & _PROVINCES)
    if not flags:
        return None
    attributes = [f"{name} {value}" for sku in goods.skus for name, value in (sku[2] or {}).items()]
    place = all_deals.place(goods.category, deals)
    more = indexed(" ".join((label.shown or "", goods.category or "", *place.levels, *attributes)))
    findable = {*title, *more}
    heard = _sounds(title, named)
    return fields | {
        "id": goods.id,
        "by_sales": schema.by_sales(goods.sold, goods.id),
        "brand": [label.shown] if label.shown else [],
        "category": list(place.levels),
        "source": sources,
        "suggest": _typed(goods, place),
        "flag": [
            schema.GOODS,
            *flags,
            *_narrowing(goods, sources),
            *_shelves(goods.category, place, deals),
            *opening.flags(_visible(deals, readers, now)),
        ],
        "code": _codes(goods),
        "title": " ".join(title),
        "words": " ".join(findable),
        "title_sound": " ".join(heard),
        "sound": " ".join(heard | {sound for word in findable for sound in sounds(word)}),
        "characters": " ".join({*characters, *words.pairs(characters)}),
    }


def _view(reader: Reader, sources: Iterable[str]) -> tuple[Any, ...]:
    """What decides a reader's view of goods of these sources: lists that agree share one look."""
    policies = [reader.policy(source) for source in sources]
    return reader.prices.mark, *(
        (reader.prices.serves in policy.serves, policy.unknown_stock, policy.refusal_risk)
        for policy in policies
    )


def _seen(goods: Goods, deals: list[Deal], reader: Reader, now: datetime) -> _Seen | None:
    shown = [(sku[3], bundles.front(*goods.of(sku[0]), reader, now)) for sku in goods.skus]
    for_sale = [(msrp, one) for msrp, one in shown if one.price is not None]
    if not for_sale:
        return None
    on_hand = [pair for pair in for_sale if pair[1].stock.state != "out"]
    msrp, first = min(on_hand or for_sale, key=lambda pair: pair[1].price or 0)
    refused: set[str] = set()
    if any(deal.not_delivered_to for deal in deals):
        refused = _refused(goods, reader, now)
    return _Seen(
        price=first.price or Decimal(0),
        margin=first.margin(msrp),
        on_hand=bool(on_hand),
        in_stock=any(one.stock.state in ("in_stock", "low") for _, one in for_sale),
        modes=frozenset(mode for _, one in for_sale for mode in one.modes),
        refused=frozenset(refused),
    )


def _refused(goods: Goods, reader: Reader, now: datetime) -> set[str]:
    """Where nothing of it is delivered; a bundle is not where one of its parts is not."""
    refusals: list[Iterable[str]] = []
    for sku in goods.skus:
        deals, parts = goods.of(sku[0])
        refusals += [one.not_delivered_to or () for one in shelf.visible(deals, reader, now)]
        if sold_by := bundles.made_of(deals, parts):
            by_part = [shelf.visible(part.by_piece, reader, now) for part in sold_by]
            refusals.append(
                {
                    code
                    for seen in by_part
                    for code in refused_by_all(one.not_delivered_to or () for one in seen)
                }
            )
    return refused_by_all(refusals)


def _visible(deals: list[Deal], readers: Iterable[Reader], now: datetime) -> dict[str, list[Deal]]:
    """The deals that readers see, grants aside, by what they buy for."""
    by_purpose = {reader.prices.serves: reader for reader in readers}
    return {serves: shelf.visible(deals, one, now) for serves, one in by_purpose.items()}


def _numbers(seen: _Seen, one: str, goods: Goods, words: int) -> dict[str, int]:
    rank = schema.rank(
        on_hand=seen.on_hand,
        words_in_title=words,
        sold=goods.sold,
        margin=seen.margin,
        product_id=goods.id,
    )
    numbers = {
        f"price_{one}": schema.price_units(seen.price),
        f"by_price_{one}": schema.by_price(seen.price, goods.id),
        f"by_margin_{one}": schema.by_margin(seen.margin, goods.id),
        f"worth_{one}": schema.worth(
            on_hand=seen.on_hand, sold=goods.sold, margin=seen.margin, product_id=goods.id
        ),
        f"rank_{one}": rank,
        f"step_{one}": schema.step(rank),
    }
    if seen.margin is not None:
        numbers[f"margin_{one}"] = schema.margin_units(seen.margin)
    return numbers


def _flags(seen: _Seen, one: str) -> list[str]:
    """What is true for readers of one price list."""
    flags = [f"for:{one}", *(f"mode:{one}:{mode}" for mode in sorted(seen.modes))]
    if seen.in_stock:
        flags.append(f"in_stock:{one}")
    return flags + [f"refuses:{one}:{code}" for code in sorted(seen.refused)]


def _narrowing(goods: Goods, sources: Iterable[str]) -> list[str]:
    """What a product can be narrowed by, for everybody who may ask."""
    flags = [f"gtin:{gtin}" for gtin in sorted({gtin for _, gtin in goods.named if gtin})]
    flags += [f"source:{source}" for source in sources]
    return flags + goods.label.flags


def _shelves(own: str | None, place: tree.Place, deals: Iterable[Deal]) -> list[str]:
    """Its category of ours with that above, and the levels that its sources have for it."""
    called = {own, *(deal.category for deal in deals)} - {None}
    theirs = {level for category in called for level in tree.parts(str(category))}
    return [f"shelf:{code}" for code in place.codes] + [f"called:{one}" for one in sorted(theirs)]


def _typed(goods: Goods, place: tree.Place) -> list[str]:
    """By what it is suggested while somebody types."""
    last = (place.name or "").rpartition(tree.BETWEEN)[2]
    shown = {goods.title, goods.label.own or "", goods.label.shown or "", last}
    return sorted({key for text in shown for key in keys(text)})


def _codes(goods: Goods) -> list[str]:
    codes = {schema.sku_code(sku) for sku, _ in goods.named} | {plain(mpn) for mpn in goods.mpns}
    for _, gtin in goods.named:
        if gtin:
            codes |= {gtin, gtin.lstrip("0")}
    return sorted(codes)


def _sounds(title: Iterable[str], text: str) -> set[str]:
    """How its words are typed, and neighbouring ones together: 登机 箱 as dengjixiang."""
    together = ("".join(pair) for pair in pairwise(asked(text)))
    return {sound for word in (*title, *together) for sound in sounds(word)}


def refused_by_all(lists: Iterable[Iterable[str]]) -> set[str]:
    """The regions (GB/T 2260 prefixes) to which none of several offers is delivered."""
    each = [set(codes) for codes in lists]
    return {
        code
        for code in set().union(*each)
        if all(any(code.startswith(prefix) for prefix in codes) for codes in each)
    }
