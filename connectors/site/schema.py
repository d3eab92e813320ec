"""Goods in the schema.org markup of a page, JSON-LD or microdata, as rows of a feed. Pure.

A row has the unified names of a feed with texts as they stand on the page; the feed's own
normalisation reads them, so that a price in another currency or a broken one becomes a reject.
"""

import html
import json
import re
from collections import deque
from collections.abc import Iterator
from typing import Any

from lxml import etree
from lxml import html as markup

Thing = dict[str, Any]

DEEPEST = 30
MOST_SCRIPTS = 200
MOST_THINGS = 20_000
_PRODUCT = frozenset({"product", "productgroup", "individualproduct", "productmodel", "vehicle"})
_STOCK = {
    "instock": "有货",
    "instoreonly": "有货",
    "onlineonly": "有货",
    "madetoorder": "有货",
    "preorder": "预售",
    "presale": "预售",
    "limitedavailability": "库存紧张",
    "outofstock": "无货",
    "soldout": "无货",
    "backorder": "无货",
    "discontinued": "无货",
}
_YUAN = frozenset({"", "CNY", "RMB", "¥", "￥", "元"})
_TAXED = {"true": "是", "false": "否"}
_TAG = re.compile(r"<[^<>]{0,500}>")
_WRAPPED = re.compile(r"^\s*(?:<!--|//\s*<!\[CDATA\[)|(?:-->|//\s*\]\]>)\s*$")
_GTINS = ("gtin", "gtin14", "gtin13", "gtin12", "gtin8", "ean")
_NAMES = ("name", "value", "@value", "productGroupID", "@id")


def rows(page: str, url: str) -> list[dict[str, str]]:
    """Every SKU that a page marks up; JSON-LD where there is any, else microdata."""
    document = parsed(page)
    if document is None:
        return []
    for reading in (json_ld, microdata):
        if found := [row for thing in reading(document) for row in goods(thing, url)]:
            return found
    return []


def parsed(page: str) -> Any:
    """The document, or None for what is none. Broken markup is read as browsers read it."""
    try:
        parser = markup.HTMLParser(recover=True, no_network=True, huge_tree=False, encoding="utf-8")
        return markup.document_fromstring(page.encode(errors="replace"), parser=parser)
    except (etree.LxmlError, ValueError):
        return None


def json_ld(document: Any) -> Iterator[Thing]:
    """The goods in the page's JSON-LD; scripts that are no JSON say nothing."""
    scripts = document.xpath('//script[contains(@type, "ld+json")]/text()')
    for text in scripts[:MOST_SCRIPTS]:
        try:
            told = json.loads(_WRAPPED.sub("", text), strict=False, parse_float=str, parse_int=str)
        except (ValueError, RecursionError):
            continue
        yield from _outermost(told)


def _outermost(told: Any) -> Iterator[Thing]:
    """The outermost goods in nested objects, with depth and number bounded."""
    waiting = deque([(told, 0)])
    seen = 0
    while waiting and seen < MOST_THINGS:
        one, depth = waiting.popleft()
        seen += 1
        if isinstance(one, list):
            waiting.extend((each, depth + 1) for each in one[:MOST_THINGS])
        elif isinstance(one, dict):
            if kinds(one) & _PRODUCT:
                yield one
            elif depth < DEEPEST:
                inner = [v for v in one.values() if isinstance(v, dict | list)]
                waiting.extend((v, depth + 1) for v in inner[:MOST_THINGS])


def kinds(thing: Thing) -> set[str]:
    """The types of a thing without their address, in lower case."""
    return {
        str(one).rstrip("/").rpartition("/")[2].rpartition("#")[2].lower()
        for one in _list(thing.get("@type"))
        if one
    }


def microdata(document: Any) -> Iterator[Thing]:
    """Every outermost item of goods in the page's microdata."""
    for element in document.xpath("//*[@itemscope]"):
        within = (one for one in element.iterancestors() if one.get("itemtype"))
        if _kinds_of(element) & _PRODUCT and not any(_kinds_of(one) & _PRODUCT for one in within):
            yield _item(element, 0)


def _kinds_of(element: Any) -> set[str]:
    return kinds({"@type": (element.get("itemtype") or "").split()})


def _item(element: Any, depth: int) -> Thing:
    found: Thing = {"@type": (element.get("itemtype") or "").split()}
    waiting = deque(element)
    while waiting:
        one = waiting.popleft()
        if not isinstance(one.tag, str):
            continue
        inner = one.get("itemscope") is not None
        for name in (one.get("itemprop") or "").split():
            value: Any = _value(one)
            if inner:
                value = _item(one, depth + 1) if depth < DEEPEST else None
            found.setdefault(name, []).append(value)
        if not inner:
            waiting.extendleft(reversed(one))
    return found


def _value(element: Any) -> str:
    for attribute in ("content", "href", "src", "data", "datetime"):
        if (told := element.get(attribute)) is not None:
            return str(told)
    if element.tag in ("data", "meter") and element.get("value") is not None:
        return str(element.get("value"))
    return str(element.xpath("string()"))


def goods(thing: Thing, url: str, depth: int = 0) -> Iterator[dict[str, str]]:
    """A row for each variant, and for each offer with a SKU of its own."""
    variants = [one for one in _list(thing.get("hasVariant")) if isinstance(one, dict)]
    if variants and depth < DEEPEST:
        shared = {k: v for k, v in thing.items() if k not in ("hasVariant", "offers", "sku")}
        listing = _text(thing.get("productGroupID")) or _text(thing.get("sku")) or _path(url)
        for one in variants[:MOST_THINGS]:
            for row in goods({**shared, **one}, url, depth + 1):
                yield {**row, "listing": listing}
        return
    offers = _offers(thing)
    own = [one for one in offers if _text(one.get("sku"))]
    for offer in own or offers[:1] or [{}]:
        row = _row(thing, offer, url)
        if row.get("title") or row.get("price"):
            yield row


def _offers(thing: Thing) -> list[Thing]:
    """Single offers; an aggregate stands for its own ones, or for the one price that it has."""
    found: list[Thing] = []
    for one in _list(thing.get("offers")):
        if not isinstance(one, dict):
            continue
        inner = [each for each in _list(one.get("offers")) if isinstance(each, dict)]
        if inner:
            found += inner
        elif "aggregateoffer" in kinds(one):
            low, high = _text(one.get("lowPrice")), _text(one.get("highPrice"))
            found.append({**one, "price": low if high in ("", low) else ""})
        else:
            found.append(one)
    return found


def _row(thing: Thing, offer: Thing, url: str) -> dict[str, str]:
    price, taxed = _price(offer)
    address = _text(offer.get("url")) or _text(thing.get("url")) or url
    gtin = next((found for key in _GTINS if (found := _text(thing.get(key) or offer.get(key)))), "")
    named = (offer.get("sku"), thing.get("sku"), thing.get("productID"), thing.get("mpn"))
    code = next((text for one in named if (text := _text(one))), "") or gtin or _path(address)
    group = thing.get("inProductGroupWithID") or thing.get("isVariantOf")
    told = {
        "sku": code,
        "title": _text(thing.get("name")),
        "brand": _text(thing.get("brand") or thing.get("manufacturer")),
        "category": _text(thing.get("category")),
        "gtin": gtin,
        "mpn": _text(thing.get("mpn")),
        "listing": _text(group) or _path(address),
        "price": price,
        "tax_included": taxed,
        "stock": _stock(offer),
        "seller": _text(offer.get("seller")),
        "freight": _freight(offer),
        "weight": _text(thing.get("weight")),
        "description": _text(thing.get("description")),
        "images": _images(thing.get("image")),
        "attributes": _attributes(thing),
    }
    return {key: value for key, value in told.items() if value}


def _price(offer: Thing) -> tuple[str, str]:
    """The price's text, with its currency where that is none of ours, and whether tax is in it."""
    told = offer
    stated = [one for one in _list(offer.get("priceSpecification")) if isinstance(one, dict)]
    if stated and not _text(offer.get("price")):
        told = {**offer, **stated[0]}
    price, currency = _text(told.get("price")), _text(told.get("priceCurrency"))
    if price and currency.upper() not in _YUAN:
        price = f"{price} {currency}"
    return price, _TAXED.get(_text(told.get("valueAddedTaxIncluded")).lower(), "")


def _stock(offer: Thing) -> str:
    for one in _list(offer.get("inventoryLevel")):
        told = _text(one.get("value")) if isinstance(one, dict) else _text(one)
        if told:
            return told
    word = _text(offer.get("availability")).rstrip("/").rpartition("/")[2].lower()
    return _STOCK.get(word, "")


def _freight(offer: Thing) -> str:
    for one in _list(offer.get("shippingDetails")):
        for rate in _list(one.get("shippingRate") if isinstance(one, dict) else None):
            if isinstance(rate, dict) and _text(rate.get("currency")).upper() in _YUAN:
                return _text(rate.get("value"))
    return ""


def _images(told: Any) -> str:
    found = []
    for one in _list(told):
        image = (one.get("url") or one.get("contentUrl")) if isinstance(one, dict) else one
        text = _text(image)
        if text.startswith(("http://", "https://", "//")):
            found.append(text)
    return json.dumps(list(dict.fromkeys(found))) if found else ""


def _attributes(thing: Thing) -> str:
    pairs = {key: _text(thing.get(key)) for key in ("color", "size", "material", "pattern")}
    for one in _list(thing.get("additionalProperty")):
        if isinstance(one, dict) and (name := _text(one.get("name"))):
            pairs[name] = _text(one.get("value"))
    said = {key: value for key, value in pairs.items() if value}
    return json.dumps(said, ensure_ascii=False) if said else ""


def _path(address: str) -> str:
    """What names a page within its site."""
    bare = re.sub(r"^[a-z]+://[^/]*", "", address.partition("#")[0])
    return bare.strip("/")[-200:] or "home"


def _list(told: Any) -> list[Any]:
    if told is None:
        return []
    return told if isinstance(told, list) else [told]


def _text(told: Any) -> str:
    """A value as plain text; of a list its first word, of a thing its name or value."""
    for _ in range(DEEPEST):
        if isinstance(told, list):
            told = next((one for one in told if one not in (None, "", [], {})), None)
        elif isinstance(told, dict):
            told = next((told[key] for key in _NAMES if told.get(key)), None)
        else:
            break
    if told is None or isinstance(told, list | dict):
        return ""
    if isinstance(told, bool):
        return "true" if told else "false"
    return " ".join(html.unescape(_TAG.sub(" ", str(told))).split())
