"""JD's goods in our words. Pure: what was answered goes in, rows and facts come out."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from stdnum import ean

from connectors import jsontext
from connectors.errors import Unreadable
from connectors.jd.reading import ids, moment, money, pick, rows, table, text, unpacked, whole, yes
from connectors.model import Message, PriceFact, StockFact
from kit.money import FEN

from .settings import VopSettings

IN_STOCK = "in_stock"
_OUTSIDE = re.compile(r"([\d,，、\s]*\d)\s*不在")
_NAMED = re.compile(r"[\[【](\d{5,})[\]】]|编号为(\d{5,})|主商品为[:：]\s*(\d{5,})")
_BLAMED_FOR_GIFT = re.compile(r"主商品为[:：]\s*(\d{5,})")
_RESTRICTED = re.compile(r"skuIds?[:：]\s*\[([\d,\s]+)\]")

_TOPICS: dict[int, str] = {
    **dict.fromkeys((2,), "price"),
    **dict.fromkeys((4, 6, 16, 17, 100, 126), "item"),
    **dict.fromkeys((1, 10, 14, 15, 25, 26, 31, 108), "order"),
    **dict.fromkeys((5, 12, 18, 23), "parcel"),
    **dict.fromkeys((13, 104, 105, 109, 110, 119), "claim"),
    **dict.fromkeys((11, 28, 48, 49, 50, 102), "other"),
}
MESSAGE_TYPES = sorted(_TOPICS)
AREA_CHANGED = 50
REPLACED = 13
"""An order was made in the place of goods under an after-sale service."""


@dataclass(frozen=True)
class Price:
    """What JD asks for a unit: `quoted` in its own field, `gross` with tax, as we store it."""

    sku: str
    quoted: Decimal
    gross: Decimal
    msrp: Decimal | None
    tax_rate: Decimal | None


@dataclass(frozen=True)
class Goods:
    """What several calls said about a batch of SKUs, each by SKU."""

    prices: Mapping[str, Price] = field(default_factory=dict)
    states: Mapping[str, bool] = field(default_factory=dict)
    checks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    images: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stock: Mapping[str, StockFact] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)


def outside_pool(message: str) -> frozenset[str]:
    """The ids that a message says are not in our pool; JD tells it in prose only."""
    found = _OUTSIDE.findall(message) + _RESTRICTED.findall(message)
    return frozenset(one for group in found for one in re.findall(r"\d+", group))


def blamed(message: str) -> frozenset[str]:
    """The ids that an order's refusal names, in any of its three bracket styles.

    A gift that is out is told with its main SKU: that one is to blame, not the gift.
    """
    if main := _BLAMED_FOR_GIFT.findall(message):
        return frozenset(main)
    named = {one for groups in _NAMED.findall(message) for one in groups if one}
    return frozenset(named) | outside_pool(message)


def prices(result: Any, given: VopSettings) -> dict[str, Price]:
    """Prices by SKU; null, empty and negative ones are no quote and left out.

    The naked-price trap: under some contracts `price` is the price without tax. It is then grossed
    up, whenever the parts of the reply show it or the settings say so.
    """
    found = {}
    for row in rows(result):
        sku, quoted = text(pick(row, "skuId", "sku")), money(pick(row, "price", "salePrice"))
        if sku and quoted is not None:
            rate = _rate(pick(row, "tax", "taxRatePercentage"))
            gross = _gross(row, quoted, rate, naked=given.price_is_naked)
            msrp = money(pick(row, "marketPrice")) or money(pick(row, "jdPrice"))
            found[sku] = Price(sku, quoted, gross, msrp, rate)
    return found


def _gross(
    row: Mapping[str, Any], quoted: Decimal, rate: Decimal | None, *, naked: bool
) -> Decimal:
    net, tax = money(row.get("nakedPrice")), money(row.get("taxPrice"))
    if net is not None and tax is not None and quoted == net:
        return net + tax
    if naked and tax is not None and net is None:
        return quoted + tax
    if naked and rate is not None and (net is None or quoted == net):
        return (quoted * (1 + rate)).quantize(FEN)
    return quoted


def _rate(percent: Any) -> Decimal | None:
    number = money(percent)
    return number / 100 if number is not None and number < 100 else None


def price_fact(sku: str, price: Price | None, given: VopSettings) -> PriceFact:
    """A price under every mode of the contract; None: not offered."""
    gross = price.gross if price else None
    dropship = gross if "dropship" in given.modes else None
    return PriceFact(sku, dropship, gross if "bulk" in given.modes else None)


def stock(result: Any, given: VopSettings) -> dict[str, StockFact]:
    """Stock by SKU. remainNum is a quantity only below the threshold; −1 is none."""
    found = {}
    for row in rows(result):
        sku = text(pick(row, "skuId", "sku"))
        state = whole(pick(row, "stockStateId", "stockStateType", "state"))
        if not sku or state is None:
            continue
        if state not in given.buyable:
            found[sku] = StockFact(sku, "out")
            continue
        left = whole(pick(row, "remainNum"))
        real = left if left is not None and 0 < left < given.stock_threshold else None
        found[sku] = StockFact(sku, "in_stock", real)
    return found


def states(result: Any) -> dict[str, bool]:
    """Whether each SKU is listed on JD's main site."""
    return {
        text(pick(row, "sku", "skuId")): yes(pick(row, "state", "skuState")) for row in rows(result)
    }


def checks(result: Any) -> dict[str, dict[str, Any]]:
    """What the sale check says, by SKU."""
    return {text(pick(row, "skuId", "sku")): row for row in rows(result)}


def saleable(row: Mapping[str, Any]) -> bool:
    """Whether a sale check allows selling; a field that is missing forbids nothing."""
    state = pick(row, "saleState", "canPurchase")
    return state is None or yes(state)


def images(result: Any, base: str) -> dict[str, tuple[str, ...]]:
    """Addresses of images by SKU, the main one first."""
    found = unpacked(result)
    if isinstance(found, list):
        found = {
            text(pick(row, "skuId", "sku")): pick(row, "imageList", "skuImageList", "images")
            or [row]
            for row in rows(found)
        }
    by_sku = {}
    for sku, listed in table(found).items():
        shown = [row for row in rows(listed) if row.get("path") and text(row.get("yn", 1)) != "0"]
        shown.sort(
            key=lambda row: (not yes(row.get("isPrimary")), whole(row.get("orderSort")) or 0)
        )
        by_sku[sku] = tuple(dict.fromkeys(image(base, text(row["path"])) for row in shown))
    return by_sku


def image(base: str, path: str) -> str:
    """The address of an image; some paths are whole addresses already."""
    return path if "://" in path else f"{base}{path.lstrip('/')}"


def restricted(result: Any) -> dict[str, bool]:
    """Whether each SKU may not be delivered to the area that was asked for."""
    return {
        text(pick(row, "skuId", "sku")): yes(pick(row, "isAreaRestrict", "areaRestrict"))
        for row in rows(result)
    }


def freight(result: Any) -> Decimal | None:
    """The whole freight of an order; None when the answer does not say."""
    return money(pick(table(result), "freight", "totalFreight"))


def row(sku: str, detail: Mapping[str, Any], goods: Goods, given: VopSettings) -> dict[str, Any]:
    """One row of a listing."""
    price, check = goods.prices.get(sku), goods.checks.get(sku, {})
    own = pick(detail, "state", "skuState")
    listed = goods.states.get(sku, own is None or yes(own))
    stocked = goods.stock.get(sku)
    fact = price_fact(sku, price, given)
    main = text(pick(detail, "imagePath", "mainImgPath"))
    shown = goods.images.get(sku) or ((image(given.image_base, main),) if main else ())
    return {
        "file": "getDetail",
        "external_id": sku,
        "listing": text(pick(detail, "spuId", "wareId")) or sku,
        "title": text(pick(detail, "name", "skuName", "wareName")) or text(check.get("name")),
        "brand": text(pick(detail, "brandName", "brand")) or None,
        "category": _category(detail, goods.categories),
        "gtin": gtin(pick(detail, "upc", "upcCode")),
        "mpn": text(pick(detail, "model", "wareModel")) or None,
        "unit": text(pick(detail, "saleUnit", "unit")) or None,
        "pack": 1,
        "attributes": _attributes(detail),
        "images": jsontext.dumps(list(shown)) if shown else None,
        "description": text(pick(detail, "introduction", "nintroduction")) or None,
        "dropship_price": fact.dropship,
        "bulk_price": fact.bulk,
        "moq": max(1, whole(pick(detail, "LowestBuy", "lowestBuy")) or 1),
        "multiple": 1,
        "msrp": price.msrp if price else None,
        "stock_state": stocked.state if stocked else None,
        "stock_quantity": stocked.quantity if stocked else None,
        "tax_rate": price.tax_rate if price else None,
        "tax_code": text(detail.get("taxCode")) or None,
        "invoice": "special" if yes(check.get("isCanVAT")) else "ordinary",
        "returnable": _returnable(check),
        "weight_g": _grams(detail.get("weight")),
        "state": "live" if listed and saleable(check) and price else "off",
    }


def gtin(value: Any) -> str | None:
    """The first valid article number of `"…;…"`, as GTIN-14."""
    for each in re.split(r"[;,\s]+", text(value)):
        if each.isdigit() and ean.is_valid(each):
            return each.zfill(14)
    return None


def _category(detail: Mapping[str, Any], names: Mapping[str, str]) -> str | None:
    wanted = [each for each in re.split(r"[;,]", text(detail.get("category"))) if each]
    return " > ".join(names.get(each, each) for each in wanted) or None


def _attributes(detail: Mapping[str, Any]) -> str | None:
    found = {"产地": text(detail.get("productArea")), "包装清单": text(detail.get("wareQD"))}
    kept = {name: value for name, value in sorted(found.items()) if value}
    return jsontext.dumps(kept) if kept else None


def _returnable(check: Mapping[str, Any]) -> bool | None:
    value = whole(pick(check, "is7ToReturn", "noReasonToReturn"))
    return None if value is None else value == 1


def _grams(kilograms: Any) -> int | None:
    number = money(kilograms)
    return round(number * 1000) if number else None


def message(row: Mapping[str, Any]) -> Message:
    """A message as a hint; the fact is read again. Unknown types mean nothing to us."""
    kind = whole(row.get("type")) or 0
    try:
        body = table(pick(row, "result", "content"))
    except Unreadable:  # one that cannot be read must not hold up the others
        body = {}
    topic: Any = _TOPICS.get(kind, "other")
    skus = tuple(ids(pick(body, "skuId", "sku"))) if topic in ("price", "item") else ()
    refs = [text(pick(body, *names)) for names in _REFS.get(topic, ())]
    told = moment(pick(row, "time", "created"))
    new = refs.pop(0) or None if kind == REPLACED else None
    return Message(text(row.get("id")), topic, skus, tuple(ref for ref in refs if ref), told, new)


_REFS: dict[str, tuple[tuple[str, ...], ...]] = {
    "order": (("pOrder", "orderId", "jdOrderId"),),
    "parcel": (("orderId", "jdOrderId"),),
    "claim": (("orderId", "jdOrderId"), ("afsServiceId", "serviceNumber")),
}


def area_changed(listed: Iterable[Mapping[str, Any]]) -> bool:
    """Whether JD moved a place since we last read its areas."""
    return any(whole(row.get("type")) == AREA_CHANGED for row in listed)
