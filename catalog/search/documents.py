"""What the index holds of a product: what the readers of each price list see and pay. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from catalog import shelf
from catalog.deals import Deal
from catalog.pricing import margin_percent
from catalog.search import schema
from catalog.search.words import indexed, plain
from catalog.shelf import Display, Reader
from kit.ids import outside


@dataclass(frozen=True)
class Goods:
    """A product as the index reads it: `skus` are (id, gtin, attributes, msrp)."""

    id: int
    title: str
    brand: str | None
    category: str | None
    skus: Sequence[tuple[int, str | None, Mapping[str, Any] | None, Decimal | None]]
    mpns: Sequence[str]
    deals: Mapping[int, list[Deal]]


def document(goods: Goods, readers: Iterable[Reader], now: datetime) -> dict[str, Any] | None:
    """The fields of a product's document; None: it is for sale to nobody.

    Raises ValueError for an id beyond what sort numbers can carry.
    """
    if goods.id > schema.MOST_ID:
        raise ValueError(f"product {goods.id}: the search index holds ids up to {schema.MOST_ID}")
    title = indexed(f"{goods.brand or ''} {goods.title}")
    fields: dict[str, Any] = {}
    flags: list[str] = []
    shown: dict[tuple[Any, ...], list[tuple[Decimal | None, Display]]] = {}
    for reader in readers:
        view = _view(goods, reader)
        if view not in shown:
            shown[view] = _displays(goods, reader, now)
        for_sale = [pair for pair in shown[view] if pair[1].price is not None]
        if for_sale:
            flags += _flags(goods, reader, for_sale, now)
            fields |= _numbers(goods, reader.prices.id, for_sale, len(title))
    if not flags:
        return None
    attributes = [f"{name} {value}" for sku in goods.skus for name, value in (sku[2] or {}).items()]
    more = indexed(f"{goods.category or ''} {' '.join(attributes)}")
    return fields | {
        "id": goods.id,
        "flag": flags + _narrowing(goods),
        "code": _codes(goods),
        "title": " ".join(title),
        "words": " ".join({*title, *more}),
        "characters": plain(f"{goods.brand or ''} {goods.title}"),
    }


def _view(goods: Goods, reader: Reader) -> tuple[Any, ...]:
    """What decides a reader's view of these goods: lists that agree in it are computed once."""
    sources = {deal.source for deals in goods.deals.values() for deal in deals}
    policies = [reader.policy(source) for source in sorted(sources)]
    return reader.prices.markup_percent, *(
        (reader.prices.serves in policy.serves, policy.unknown_stock) for policy in policies
    )


def _displays(goods: Goods, reader: Reader, now: datetime) -> list[tuple[Decimal | None, Display]]:
    return [(sku[3], shelf.display(goods.deals.get(sku[0], ()), reader, now)) for sku in goods.skus]


def _numbers(
    goods: Goods, one: str, for_sale: list[tuple[Decimal | None, Display]], words: int
) -> dict[str, int]:
    on_hand = [pair for pair in for_sale if pair[1].stock.state != "out"]
    msrp, first = min(on_hand or for_sale, key=lambda pair: pair[1].price or 0)
    price = first.price or Decimal(0)
    margin = margin_percent(price, msrp)
    numbers = {
        f"price_{one}": schema.price_units(price),
        f"by_price_{one}": schema.by_price(price, goods.id),
        f"by_margin_{one}": schema.by_margin(margin, goods.id),
        f"rank_{one}": schema.rank(
            on_hand=bool(on_hand), words_in_title=words, product_id=goods.id
        ),
    }
    if margin is not None:
        numbers[f"margin_{one}"] = schema.margin_units(margin)
    return numbers


def _flags(
    goods: Goods, reader: Reader, for_sale: list[tuple[Decimal | None, Display]], now: datetime
) -> list[str]:
    """What is true for readers of one price list."""
    one = reader.prices.id
    flags = [f"for:{one}"]
    flags += {f"mode:{one}:{mode}" for _, shown in for_sale for mode in shown.modes}
    if any(shown.stock.state in ("in_stock", "low") for _, shown in for_sale):
        flags.append(f"in_stock:{one}")
    everything = [deal for deals in goods.deals.values() for deal in deals]
    if any(deal.not_delivered_to for deal in everything):
        refused = refused_by_all(
            deal.not_delivered_to or () for deal in shelf.visible(everything, reader, now)
        )
        flags += [f"refuses:{one}:{code}" for code in sorted(refused)]
    return flags


def _narrowing(goods: Goods) -> list[str]:
    """What a product can be narrowed by, for everybody who may ask."""
    flags = [f"gtin:{sku[1]}" for sku in goods.skus if sku[1]]
    flags += {f"source:{deal.source}" for deals in goods.deals.values() for deal in deals}
    if goods.brand:
        flags.append(f"brand:{plain(goods.brand)}")
    levels = plain(goods.category).split(" > ") if goods.category else []
    flags += [f"category:{' > '.join(levels[: depth + 1])}" for depth in range(len(levels))]
    return flags


def _codes(goods: Goods) -> list[str]:
    codes = {outside("sku", sku[0]) for sku in goods.skus} | {plain(mpn) for mpn in goods.mpns}
    for _, gtin, _, _ in goods.skus:
        if gtin:
            codes |= {gtin, gtin.lstrip("0")}
    return sorted(codes)


def refused_by_all(lists: Iterable[Iterable[str]]) -> set[str]:
    """The regions (GB/T 2260 prefixes) to which none of several offers is delivered."""
    each = [set(codes) for codes in lists]
    return {
        code
        for code in set().union(*each)
        if all(any(code.startswith(prefix) for prefix in codes) for codes in each)
    }
