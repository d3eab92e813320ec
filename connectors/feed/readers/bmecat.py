"""BMEcat 1.2 and 2005: one ARTICLE or PRODUCT element as a flat record of our column names."""

from lxml import etree

_ARTICLES = ("ARTICLE", "PRODUCT")


def text(element: etree._Element) -> str:
    """All text within an element."""
    return "".join(str(part) for part in element.itertext()).strip()


def is_article(element: etree._Element) -> bool:
    """Whether the element is an article of a BMEcat document."""
    if not str(element.tag).endswith(_ARTICLES):
        return False
    return str(element.getroottree().getroot().tag).upper().endswith("BMECAT")


def article(element: etree._Element) -> dict[str, str]:
    """Its facts. Prices bear their currency, so that another than CNY is refused."""
    prices = _prices(element)
    return {
        "sku": _first(element, "SUPPLIER_AID", "SUPPLIER_PID"),
        "title": _first(element, "DESCRIPTION_SHORT"),
        "description": _first(element, "DESCRIPTION_LONG"),
        "gtin": _first(element, "EAN", "INTERNATIONAL_PID"),
        "mpn": _first(element, "MANUFACTURER_AID", "MANUFACTURER_PID"),
        "brand": _first(element, "MANUFACTURER_NAME"),
        "unit": _first(element, "ORDER_UNIT"),
        "moq": _first(element, "QUANTITY_MIN"),
        "multiple": _first(element, "QUANTITY_INTERVAL"),
        "price": prices[0][1] if prices else "",
        "tiers": ";".join(f"{bound}:{price}" for bound, price in prices) if len(prices) > 1 else "",
        "state": "下架" if element.get("mode") == "delete" else "",
    }


def _all(element: etree._Element, name: str) -> list[str]:
    return [text(found) for found in element.iter(f"{{*}}{name}")]


def _first(element: etree._Element, *names: str) -> str:
    return next((found for name in names for found in _all(element, name) if found), "")


def _prices(element: etree._Element) -> list[tuple[str, str]]:
    found = []
    for tag in ("ARTICLE_PRICE", "PRODUCT_PRICE"):
        for price in element.iter(f"{{*}}{tag}"):
            currency = _first(price, "PRICE_CURRENCY") or _default_currency(element)
            bound = _first(price, "LOWER_BOUND") or "1"
            found.append((bound, f"{_first(price, 'PRICE_AMOUNT')} {currency}".strip()))
    return found


def _default_currency(element: etree._Element) -> str:
    return next(iter(_all(element.getroottree().getroot(), "CURRENCY")), "")
