"""Items of a shop into our words. Pure.

A shop's price is what consumers pay there: it is our `msrp`, and what the brand is paid for a
purchase is the stated share of it. Stock that unpaid orders have taken is not sold twice: where an
item takes stock at payment (`sub_stock` 2), what is withheld is subtracted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from connectors.model import PriceFact, Reject, StockFact
from connectors.top import goods, values
from connectors.top.envelope import Record, records
from connectors.top.values import Bad
from kit.money import marked_up

from .settings import ShopSettings

State = Literal["in_stock", "out", "unknown"]

BRAND = "品牌"
AT_PAYMENT = 2
FREE = '{"kind":"free"}'
_HEAVIEST = Decimal(10_000_000)


def rows(item: Record, given: ShopSettings) -> list[dict[str, Any]]:
    """One row of LISTING for each SKU of an item. Raises Bad."""
    common = _common(item, given)
    skus = living_skus(item)
    if not skus:
        return [_row(item, {**item, "quantity": item.get("num")}, common, given)]
    return [_row(item, sku, common, given) for sku in skus]


def read(
    items: Sequence[Record], given: ShopSettings, where: str
) -> tuple[list[dict[str, Any]], list[Reject]]:
    """(rows, rejects) of a reply's items; `line` is an item's place in the reply, from 1."""
    good: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for line, item in enumerate(items, 1):
        try:
            good.extend({"file": where, "line": line, **row} for row in rows(item, given))
        except Bad as error:
            rejects.append(Reject(where, line, error.column, error.value, error.reason))
    return good, rejects


def living_skus(item: Record) -> list[Record]:
    """The SKUs of an item that are not deleted."""
    return [sku for sku in records(item, "skus") if values.text(sku, "status") != "delete"]


def priced(item: Record, given: ShopSettings) -> Iterator[PriceFact]:
    """The price of every SKU of an item. Raises Bad."""
    for external, sku in _each(item):
        price = _price(item, sku)
        yield PriceFact(external, dropship=_cost(price, given))


def stocked(item: Record, given: ShopSettings) -> Iterator[StockFact]:
    """The stock of every SKU of an item. Raises Bad."""
    for external, sku in _each(item):
        state, quantity = _stock(item, sku, given)
        yield StockFact(external, state, quantity)


def quantities(item: Record) -> dict[str, int]:
    """What the shop itself shows of each SKU, nothing subtracted: what a full update replaces."""
    shown = {external: values.quantity(sku, "quantity") for external, sku in _each(item)}
    return {external: quantity for external, quantity in shown.items() if quantity is not None}


def _each(item: Record) -> list[tuple[str, Record]]:
    listing = values.needed(item, "num_iid")
    skus = living_skus(item)
    if not skus:
        return [(listing, {**item, "quantity": item.get("num")})]
    return [(goods.external_id(listing, values.needed(sku, "sku_id")), sku) for sku in skus]


@dataclass(frozen=True)
class _Common:
    """What all SKUs of an item share."""

    words: dict[str, Any]
    shown: dict[str, str]
    images: list[str | None]
    by_property: list[tuple[str, str]]


def _common(item: Record, given: ShopSettings) -> _Common:
    shown = goods.named(values.text(item, "props_name"))
    pictures = [values.text(item, "pic_url")]
    pictures += [values.text(one, "url") for one in _placed(item, "item_imgs")]
    of_properties = [
        (properties, address)
        for one in _placed(item, "prop_imgs")
        if (properties := values.text(one, "properties")) and (address := values.text(one, "url"))
    ]
    words = {
        "listing": values.needed(item, "num_iid"),
        "title": " ".join(values.needed(item, "title").split()),
        "brand": shown.pop(BRAND, None) or given.brand,
        "seller": values.text(item, "nick"),
        "description": values.text(item, "sell_point"),
        "tax_rate": given.tax_rate,
        "invoice": _invoice(item, given),
        "freight": _freight(item),
        "weight_g": _grams(item, given),
        "state": _state(item),
    }
    return _Common(words, shown, pictures, of_properties)


def _row(item: Record, sku: Record, common: _Common, given: ShopSettings) -> dict[str, Any]:
    price = _price(item, sku)
    state, quantity = _stock(item, sku, given)
    alias = values.text(item, "property_alias")
    own = goods.named(values.text(sku, "properties_name"), alias)
    images = goods.matching(values.text(sku, "properties"), common.by_property)
    return {
        **common.words,
        "external_id": goods.external_id(common.words["listing"], values.text(sku, "sku_id")),
        "gtin": goods.gtin(values.text(sku, "barcode") or values.text(item, "barcode")),
        "mpn": values.text(sku, "outer_id") or values.text(item, "outer_id"),
        "pack": 1,
        "multiple": 1,
        "attributes": goods.attributes(own or common.shown),
        "images": goods.pictures([*images, *common.images]),
        "dropship_price": _cost(price, given),
        "msrp": price,
        "stock_state": None if state == "unknown" else state,
        "stock_quantity": quantity,
    }


def _price(item: Record, sku: Record) -> Decimal:
    price = values.yuan(sku, "price")
    if price is None:
        price = values.yuan(item, "price")
    if price is None:
        raise Bad("price", "", "the platform sent no price")
    return price


def _cost(price: Decimal, given: ShopSettings) -> Decimal:
    return marked_up(price, given.cost_percent - 100)


def _stock(item: Record, sku: Record, given: ShopSettings) -> tuple[State, int | None]:
    shown = values.quantity(sku, "quantity")
    if shown is None:
        return "unknown", None
    left = shown
    if given.withheld == "subtract" and values.whole(item, "sub_stock") == AT_PAYMENT:
        left = max(0, shown - (values.quantity(sku, "with_hold_quantity") or 0))
    return ("in_stock" if left else "out"), left


def _state(item: Record) -> str:
    """Auctions have no price to sell at; whatever is off the shelf or punished is off."""
    off = values.text(item, "approve_status") not in (None, "onsale")
    punished = values.flag(item, "violation") is True
    return "off" if off or punished or values.text(item, "type") == "auction" else "live"


def _invoice(item: Record, given: ShopSettings) -> str | None:
    comes_with_one = values.flag(item, "has_invoice")
    if comes_with_one is None:
        return None
    return given.invoice if comes_with_one else "none"


def _freight(item: Record) -> str | None:
    """Free where the seller pays; a fee where there is no template; a template says no figure."""
    if values.text(item, "freight_payer") == "seller":
        return FREE
    fee = values.yuan(item, "express_fee")
    if values.whole(item, "postage_id") or not fee:
        return None
    return f'{{"kind":"flat","fee":"{fee:.2f}","free_from":null}}'


def _grams(item: Record, given: ShopSettings) -> int | None:
    try:
        weight = values.number(item, "item_weight")
    except Bad:
        return None  # sellers write what they like; a weight is no reason to lose the goods
    if weight is None or weight <= 0:
        return None
    grams = weight * 1000 if given.weight_unit == "kg" else weight
    return round(grams) if grams < _HEAVIEST else None


def _placed(item: Record, key: str) -> list[Record]:
    return sorted(records(item, key), key=lambda one: values.whole(one, "position") or 0)
