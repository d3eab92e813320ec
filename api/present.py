"""Values of the catalogue as JSON has them: ids opaque, money as decimal text."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from catalog.changes import Item
from catalog.matching.gtin import as_printed
from catalog.reads import (
    Card,
    OfferThen,
    OfferView,
    Point,
    ProductView,
    Sellable,
    SkuView,
    TermsView,
    Then,
)
from catalog.shelf import Stock
from kit.ids import outside
from kit.money import price_text, yuan


def card(one: Card) -> dict[str, Any]:
    """A product in a list."""
    shown = {
        "id": outside("prd", one.id),
        "title": one.title,
        "brand": one.brand,
        "category": one.category,
        "images": one.images,
        "price_from": _price(one.price_from),
        "msrp": _price(one.msrp),
        "margin_percent": None if one.margin_percent is None else f"{one.margin_percent:f}",
        "stock": _stock(one.stock),
        "modes": one.modes,
        "as_of": one.as_of,
    }
    return shown if one.originals is None else shown | {"originals": one.originals}


def product(one: ProductView) -> dict[str, Any]:
    """A product with its SKUs."""
    return {
        **card(one.card),
        "description": one.description,
        "skus": [sku(each) for each in one.skus],
    }


def sku(one: SkuView) -> dict[str, Any]:
    """A SKU; offers only where the reader may know them."""
    shown = {
        "id": outside("sku", one.id),
        "product": outside("prd", one.product_id),
        "attributes": one.attributes,
        "gtin": as_printed(one.gtin),
        "pack": one.pack,
        "unit": one.unit,
        "msrp": _price(one.msrp),
        "price": _price(one.price),
        "tiers": _tiers(one.tiers),
        "moq": one.moq,
        "multiple": one.multiple,
        "stock": _stock(one.stock),
        "freight": one.freight,
        "ships_within": one.ships_within_hours,
        "corridor": {"min": _price(one.corridor[0]), "max": _price(one.corridor[1])},
        "modes": one.modes,
        "as_of": one.as_of,
    }
    if one.offers is not None:
        shown["offers"] = [_offer(each) for each in one.offers]
    return shown


def sellable(one: Sellable) -> dict[str, Any]:
    """Whether it can be sold, and why not."""
    return {
        "sellable": one.sellable,
        "reasons": [vars(reason) for reason in one.reasons],
        "price": _price(one.price),
        "freight": one.freight,
        "freight_amount": None if one.freight_amount is None else yuan(one.freight_amount),
        "as_of": one.as_of,
    }


def then(sku_id: str, moment: datetime, rules: int, one: Then) -> dict[str, Any]:
    """A SKU as it was; offers only where the reader may know them."""
    shown: dict[str, Any] = {
        "sku": sku_id,
        "moment": moment,
        "rules": rules,
        "listed": one.listed,
        "granted": one.granted,
        "delivered": one.delivered,
        "corridor": {"min": _price(one.corridor[0]), "max": _price(one.corridor[1])},
        "price": _price(one.price),
        "stock": None if one.stock is None else _stock(one.stock),
        "modes": one.modes,
        "of_today": one.of_today,
    }
    if one.offers is not None:
        shown["offers"] = [_offer_then(each) for each in one.offers]
    return shown


def _offer_then(one: OfferThen) -> dict[str, Any]:
    return {
        "source": one.source,
        "external_id": one.external_id,
        "listed": one.listed,
        "costs": {mode: price_text(cost) for mode, cost in sorted(one.costs.items())},
        "stock": None if one.stock is None else _stock(one.stock),
    }


def point(one: Point) -> dict[str, Any]:
    """A price that stood from a moment on."""
    shown = {"at": one.at, "mode": one.mode, "price": _price(one.price)}
    return shown | _whose(one.source, one.external_id)


def change(one: Item) -> dict[str, Any]:
    """One change as its reader sees it."""
    return {
        "seq": one.seq,
        "kind": one.kind,
        "sku": None if one.sku_id is None else outside("sku", one.sku_id),
        "was": one.was,
        "now": one.now,
        "at": one.at,
        **({"affects": (one.now or {}).get("affects")} if one.kind == "rule" else {}),
    } | _whose(one.source, one.external_id)


def _whose(source: str | None, external_id: str | None) -> dict[str, Any]:
    return {} if source is None else {"source": source, "external_id": external_id}


def _offer(one: OfferView) -> dict[str, Any]:
    return {
        "source": one.source,
        "seller": one.seller,
        "external_id": one.external_id,
        "state": one.state,
        "terms": [_terms(each) for each in one.terms],
        "stock": _stock(one.stock),
        "tax": {
            "rate": None if one.tax_rate is None else f"{one.tax_rate.normalize():f}",
            "code": one.tax_code,
        },
        "invoice": one.invoice,
        "as_of": one.as_of,
    }


def _terms(one: TermsView) -> dict[str, Any]:
    return {
        "mode": one.mode,
        "cost": price_text(one.cost),
        "tiers": _tiers(one.tiers),
        "valid_until": one.valid_until,
        "moq": one.moq,
        "multiple": one.multiple,
        "freight": one.freight,
        "ships_within": one.ships_within_hours,
        "cutoff": one.cutoff,
        "presale_ship_by": one.presale_ship_by,
    }


def _stock(one: Stock) -> dict[str, Any]:
    return {"state": one.state, "quantity": one.quantity}


def _tiers(tiers: Sequence[tuple[int, Decimal]] | None) -> list[dict[str, Any]] | None:
    if not tiers:
        return None
    return [{"quantity": units, "price": price_text(price)} for units, price in tiers]


def _price(price: Decimal | None) -> str | None:
    return None if price is None else price_text(price)
