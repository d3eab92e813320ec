"""Offers of 1688 into our words, whichever of the three APIs told of them. Pure.

What is one piece's price, and what is a lot's:

* `dropship_price` is the one-piece price where the offer states one (onePiecePrice, consignPrice),
  else the price of one where one is enough.
* `bulk_price` and `tiers` are price ranges by pieces where the offer quotes so (quoteType 0 and
  2; in 2 all SKUs of the offer count together), else the SKU's own price (quoteType 1).
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from lxml import html
from lxml.etree import LxmlError

from connectors.model import PriceFact, Reject, StockFact
from kit.money import price_text

from . import values
from .settings import AliSettings
from .values import Bad, Record

LIVE = "published"
BY_SKU = 1
SKUS_TOGETHER = 2
FREE = '{"kind":"free"}'
_LONGEST = 20_000
_HEAVIEST_KG = Decimal(1_000_000)
_HOURS = {"shipin24hours": 24, "shipin48hours": 48, "shipin72hours": 72}


def external_id(offer: str, spec: str | None) -> str:
    """Our key of a SKU: `offerId:specId`, which is what ordering needs; else the offer's id."""
    return f"{offer}:{spec}" if spec else offer


def offer_of(external: str) -> str:
    """The offer of a SKU's external id."""
    return external.partition(":")[0]


def spec_of(external: str) -> str | None:
    """The specId in a SKU's external id; None for an offer without SKUs."""
    return external.partition(":")[2] or None


def product_of(reply: Record) -> Record:
    """The product in the reply of any of the APIs. Raises Bad."""
    for found in (reply.get("productInfo"), values.part(reply, "result").get("result")):
        if isinstance(found, dict) and found:
            return found
    inner = values.part(reply, "result")
    if isinstance(inner.get("productInfo"), dict):
        return values.part(inner, "productInfo")
    raise Bad("productInfo", "", "the reply has no product in it")


def read(
    product: Record, given: AliSettings, where: str
) -> tuple[list[dict[str, Any]], list[Reject]]:
    """(rows of LISTING, rejects) of one product; `line` is a SKU's place in it, from 1."""
    rows: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    try:
        offer = _Offer.of(product)
        common = _common(offer, given)
    except Bad as bad:
        return [], [Reject(where, 1, bad.column, bad.value, bad.reason)]
    for line, sku in enumerate(offer.skus, 1):
        try:
            rows.append({"file": where, "line": line, **common, **_row(offer, sku, given)})
        except Bad as bad:
            rejects.append(Reject(where, line, bad.column, bad.value, bad.reason))
    return rows, rejects


def priced(product: Record) -> Iterator[PriceFact]:
    """The price of every SKU. Raises Bad."""
    offer = _Offer.of(product)
    for sku in offer.skus:
        name = external_id(offer.id, values.text(sku, "specId"))
        tiers = tuple(offer.tiers(sku))
        bulk = offer.bulk(sku)
        yield PriceFact(name, dropship=offer.one_piece(sku), bulk=bulk, tiers=tiers)


def stocked(product: Record) -> Iterator[StockFact]:
    """The stock of every SKU. Raises Bad."""
    offer = _Offer.of(product)
    for sku in offer.skus:
        state, quantity = offer.stock(sku)
        yield StockFact(external_id(offer.id, values.text(sku, "specId")), state, quantity)


@dataclass(frozen=True)
class _Offer:
    """One product as it was told; `skus` has the product itself where it has none."""

    id: str
    raw: Record
    sale: Record
    skus: list[Record]
    bare: bool
    consign: dict[str, str]

    @classmethod
    def of(cls, product: Record) -> "_Offer":
        offer = values.needed(product, "productID", "offerId", "productId")
        sale = values.part(product, "productSaleInfo", "saleInfo")
        skus = values.parts(product, "productSkuInfos", "skuInfos")
        extended = values.parts(product, "productExtendInfos", "extendInfos")
        return cls(offer, product, sale, skus or [{}], not skus, _consign_prices(extended))

    @property
    def quote_type(self) -> int | None:
        """0 by pieces without SKUs, 1 by SKU, 2 by pieces of all SKUs."""
        return values.whole(self.sale, "quoteType")

    @property
    def moq(self) -> int:
        """Pieces of the smallest wholesale order."""
        stated = values.whole(self.sale, "minOrderQuantity")
        stated = stated or values.whole(self.raw, "minOrderQuantity")
        ranges = self.ranges()
        return max(1, stated or (ranges[0][0] if ranges else 1))

    def ranges(self) -> list[tuple[int, Decimal]]:
        """(pieces, price) of the offer's price ranges, rising."""
        found = []
        for one in values.parts(self.sale, "priceRanges", "priceRangeList"):
            start, price = values.whole(one, "startQuantity"), values.price(one, "price")
            if start is not None and price is not None:
                found.append((max(1, start), price))
        return sorted(found)

    def tiers(self, sku: Record) -> list[tuple[int, Decimal]]:
        """Quantity breaks of this SKU; none where it is priced by itself."""
        own = values.price(sku, "price")
        if self.quote_type == BY_SKU or (self.quote_type is None and own is not None):
            return []
        found = self.ranges()
        return found if len(found) > 1 else []

    def bulk(self, sku: Record) -> Decimal | None:
        """What a piece costs in the smallest wholesale order."""
        own, found = values.price(sku, "price"), self.ranges()
        by_range = found[0][1] if found else None
        if self.quote_type == BY_SKU or (self.quote_type is None and own is not None):
            return own or by_range
        return by_range or own

    def one_piece(self, sku: Record) -> Decimal | None:
        """What one piece costs; None where it is not sold so."""
        stated = values.price(values.part(sku, "fenxiaoPriceInfo"), "onePiecePrice")
        stated = stated or values.price(values.part(self.sale, "fenxiaoSaleInfo"), "onePiecePrice")
        stated = stated or values.price(sku, "consignPrice")
        if stated is None and (listed := self.consign.get(values.text(sku, "skuId") or "")):
            stated = values.price({"consignPrice": listed}, "consignPrice")
        stated = stated or values.price(self.sale, "consignPrice")
        if stated is not None:
            return stated
        return self.bulk(sku) if self.moq == 1 else None

    def stock(self, sku: Record) -> tuple[Literal["in_stock", "out", "unknown"], int | None]:
        """State and quantity; −1 and silence are no quantities."""
        quantity = values.number(self.sale if self.bare else sku, "amountOnSale")
        if quantity is None or quantity < 0:
            return "unknown", None
        return ("in_stock" if quantity >= 1 else "out"), int(quantity)


def _common(offer: _Offer, given: AliSettings) -> dict[str, Any]:
    raw, shipping = offer.raw, values.part(offer.raw, "productShippingInfo", "shippingInfo")
    named = _named(values.parts(raw, "productAttribute", "productAttributes", "attributes"))
    promise = (values.text(shipping, "shippingTimeGuarantee") or "").lower()
    return {
        "listing": offer.id,
        "title": " ".join(values.needed(raw, "subject").split()),
        "brand": named.get("品牌"),
        "category": values.text(raw, "categoryName"),
        "seller": values.text(
            raw, "supplierLoginId", "sellerLoginId", "sellerOpenId", "supplierUserId"
        ),
        "unit": values.text(offer.sale, "unit")
        or values.text(values.part(offer.sale, "unitInfo"), "unit"),
        "pack": 1,
        "description": _plain(values.text(raw, "description")),
        "moq": offer.moq,
        "multiple": max(
            1, values.whole(offer.sale, "batchNumber") or values.whole(raw, "batchNumber") or 1
        ),
        "bulk_terms": _bulk_terms(offer),
        "tax_rate": given.tax_rate,
        "invoice": given.invoice,
        "freight": _freight(offer),
        "ships_within_hours": _HOURS.get(promise),
        "ships_from": values.text(shipping, "sendGoodsAddressText"),
        "state": _state(offer),
    }


def _row(offer: _Offer, sku: Record, given: AliSettings) -> dict[str, Any]:
    bulk, tiers, one_piece = offer.bulk(sku), offer.tiers(sku), offer.one_piece(sku)
    if bulk is None and one_piece is None:
        raise Bad("price", "", "the offer states no price")
    state, quantity = offer.stock(sku)
    attributes = _named(values.parts(sku, "attributes", "skuAttributes"))
    return {
        "external_id": external_id(offer.id, None if offer.bare else _spec(sku)),
        "mpn": values.text(sku, "cargoNumber") or values.text(offer.raw, "productCargoNumber"),
        "attributes": json.dumps(attributes, ensure_ascii=False, sort_keys=True)
        if attributes
        else None,
        "images": _images(offer.raw, sku, given.image_url),
        "dropship_price": one_piece,
        "bulk_price": bulk,
        "tiers": json.dumps([[n, price_text(p)] for n, p in tiers]) if tiers else None,
        "msrp": values.price(sku, "retailPrice") or values.price(offer.sale, "retailprice"),
        "stock_state": None if state == "unknown" else state,
        "stock_quantity": quantity,
        "weight_g": _grams(offer.raw, sku),
    }


def _spec(sku: Record) -> str:
    return values.needed(sku, "specId")


def _consign_prices(extended: Iterable[Record]) -> dict[str, str]:
    """`skuId:price;…` by skuId."""
    listed = next(
        (values.text(one, "value") for one in extended if one.get("key") == "consignPrice"), None
    )
    pairs = (piece.partition(":") for piece in (listed or "").split(";"))
    return {sku.strip(): price.strip() for sku, colon, price in pairs if colon and price.strip()}


def _named(attributes: Iterable[Record]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in attributes:
        name = values.text(one, "attributeName", "attributeDisplayName", "name")
        value = values.text(one, "attributeValue", "value")
        if name and value:
            found[name] = f"{found[name]} {value}" if name in found else value
    return found


def _images(product: Record, sku: Record, prefix: str) -> str | None:
    own = [
        values.text(one, "skuImageUrl") for one in values.parts(sku, "attributes", "skuAttributes")
    ]
    shown = values.part(product, "productImage", "image").get("images")
    listed = shown if isinstance(shown, list) else str(shown or "").split(";")
    found: list[str] = []
    for address in (*own, *listed):
        if isinstance(address, str) and address.strip():
            found.append(_absolute(address.strip(), prefix))
    return json.dumps(list(dict.fromkeys(found))) if found else None


def _absolute(address: str, prefix: str) -> str:
    if address.startswith("//"):
        return f"https:{address}"
    if address.startswith(("http://", "https://")):
        return address
    return f"{prefix.rstrip('/')}/{address.lstrip('/')}"


def _plain(markup: str | None) -> str | None:
    """A description without its markup."""
    if not markup:
        return None
    try:
        words = str(html.fromstring(markup[: 10 * _LONGEST]).xpath("string()"))
    except (LxmlError, ValueError):
        return None  # a broken description is no reason to lose the goods
    return " ".join(words.split())[:_LONGEST] or None


def _state(offer: _Offer) -> str:
    online = values.text(offer.raw, "status") in (None, LIVE)
    return "live" if online and offer.sale.get("supportOnlineTrade") is not False else "off"


def _freight(offer: _Offer) -> str | None:
    """Free where one piece ships free; a template says no figure, and the preview is asked."""
    free = values.part(offer.sale, "fenxiaoSaleInfo").get("onePieceFreePostage")
    return FREE if str(free).lower() == "true" else None


def _bulk_terms(offer: _Offer) -> str | None:
    """Whose pieces count together, and the mixed batch's minimum."""
    terms: dict[str, Any] = {}
    if offer.quote_type == SKUS_TOGETHER:
        terms["counts"] = "listing"
    mixing = values.part(offer.raw, "sellerMixSetting")
    if str(mixing.get("generalHunpi", offer.sale.get("mixWholeSale"))).lower() == "true":
        if pieces := values.whole(mixing, "mixNumber"):
            terms["mixed_quantity"] = pieces
        if money := values.price(mixing, "mixAmount"):
            terms["mixed_amount"] = price_text(money)
    return json.dumps(terms) if terms else None


def _grams(product: Record, sku: Record) -> int | None:
    """The SKU's own weight is in grams, the product's in kilograms."""
    shipping = values.part(product, "productShippingInfo", "shippingInfo")
    own = values.text(sku, "skuId")
    try:
        for one in values.parts(shipping, "skuShippingInfoList"):
            if own is not None and values.text(one, "skuId") == own:
                grams = values.number(one, "weight")
                if grams and 0 < grams < _HEAVIEST_KG * 1000:
                    return int(grams.to_integral_value())
        weight = values.number(shipping, "unitWeight", "weight")
    except Bad:
        return None  # sellers write what they like; a weight is no reason to lose the goods
    if not weight or not 0 < weight < _HEAVIEST_KG:
        return None
    return max(1, int((weight * 1000).to_integral_value()))
