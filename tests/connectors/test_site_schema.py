"""Goods in the markup of pages: every usual form, and nothing that a hostile page can break."""

import json
from typing import Any

import pytest

from connectors.site.schema import rows

URL = "https://shop.example.com/p/17?colour=red"


def ld(*things: Any) -> str:
    texts = (one if isinstance(one, str) else json.dumps(one) for one in things)
    scripts = "".join(f'<script type="application/ld+json">{text}</script>' for text in texts)
    return f"<html><head>{scripts}</head><body>x</body></html>"


OFFER = {
    "@type": "Offer",
    "price": 12.5,
    "priceCurrency": "CNY",
    "availability": "https://schema.org/InStock",
}
CUP = {
    "@context": "https://schema.org",
    "@type": "Product",
    "name": "保温杯 &amp; <b>盖</b>",
    "sku": "0007",
    "gtin13": "6901234567892",
    "brand": {"@type": "Brand", "name": "某牌"},
    "image": ["https://i.example.com/1.jpg", {"url": "https://i.example.com/2.jpg"}, "x"],
    "offers": OFFER,
}


def test_a_product_of_json_ld() -> None:
    assert rows(ld(CUP), URL) == [
        {
            "sku": "0007",
            "title": "保温杯 & 盖",
            "brand": "某牌",
            "gtin": "6901234567892",
            "listing": "p/17?colour=red",
            "price": "12.5",
            "stock": "有货",
            "images": '["https://i.example.com/1.jpg", "https://i.example.com/2.jpg"]',
        }
    ]


@pytest.mark.parametrize(
    "page",
    [
        ld({"@graph": [{"@type": "WebPage"}, CUP]}),
        ld([[CUP]]),
        ld({"@type": "WebPage", "mainEntity": CUP}),
        ld({"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "item": CUP}]}),
        ld({**CUP, "@type": ["Thing", "http://schema.org/Product"]}),
        ld("{broken", json.dumps(CUP)),
        ld(f"<!--\n{json.dumps(CUP)}\n-->".replace("\n", "")),
        ld(json.dumps(CUP).replace('"name"', '\n\t"name"')),
        f"\ufeff{ld(CUP)}",
        ld(CUP).replace("</head>", "").replace("<body>", "<p><table><b>"),
    ],
)
def test_wherever_it_stands(page: str) -> None:
    assert [row["sku"] for row in rows(page, URL)] == ["0007"]


def test_variants_and_offers_with_skus_of_their_own() -> None:
    variants = [{"sku": "a", "color": "红", "offers": OFFER}, {"sku": "b", "offers": OFFER}]
    group = {**CUP, "@type": "ProductGroup", "productGroupID": "G1", "hasVariant": variants}
    found = rows(ld(group), URL)
    assert [(row["sku"], row["listing"], row["brand"]) for row in found] == [
        ("a", "G1", "某牌"),
        ("b", "G1", "某牌"),
    ]
    assert json.loads(found[0]["attributes"]) == {"color": "红"}
    several = {**CUP, "offers": [{**OFFER, "sku": "x"}, {**OFFER, "sku": "y", "price": "3"}]}
    assert [(row["sku"], row["price"]) for row in rows(ld(several), URL)] == [
        ("x", "12.5"),
        ("y", "3"),
    ]
    aggregate = {"@type": "AggregateOffer", "lowPrice": "3", "highPrice": "5"}
    assert "price" not in rows(ld({**CUP, "offers": aggregate}), URL)[0]
    assert rows(ld({**CUP, "offers": {**aggregate, "highPrice": "3"}}), URL)[0]["price"] == "3"


@pytest.mark.parametrize(
    ("offer", "field", "text"),
    [
        ({"priceCurrency": "USD"}, "price", "12.5 USD"),
        ({"priceCurrency": "RMB"}, "price", "12.5"),
        ({"availability": "OutOfStock"}, "stock", "无货"),
        ({"availability": "http://schema.org/LimitedAvailability"}, "stock", "库存紧张"),
        ({"availability": "?"}, "stock", None),
        ({"inventoryLevel": {"@type": "QuantitativeValue", "value": 7}}, "stock", "7"),
        ({"seller": {"name": "某厂"}}, "seller", "某厂"),
        (
            {"price": None, "priceSpecification": {"price": 9, "valueAddedTaxIncluded": False}},
            "tax_included",
            "否",
        ),
        (
            {"shippingDetails": {"shippingRate": {"value": "8", "currency": "CNY"}}},
            "freight",
            "8",
        ),
    ],
)
def test_what_an_offer_says(offer: dict[str, Any], field: str, text: str | None) -> None:
    (row,) = rows(ld({**CUP, "offers": {**OFFER, **offer}}), URL)
    assert row.get(field) == text


def test_a_long_number_keeps_its_digits_and_a_missing_sku_is_the_pages_path() -> None:
    exact = '{"@type":"Product","name":"x","sku":12345678901234567890,"offers":{"price":10.10}}'
    (row,) = rows(ld(exact), URL)
    assert (row["sku"], row["price"]) == ("12345678901234567890", "10.10")
    (row,) = rows(ld({"@type": "Product", "name": "x", "offers": OFFER}), URL)
    assert row["sku"] == "p/17?colour=red"


MICRODATA = """
<div itemscope itemtype="http://schema.org/Product"><h1 itemprop="name"> 炒锅 <i>32cm</i></h1>
<span itemprop="sku">W-1</span><img itemprop="image" src="https://i.example.com/w.jpg">
<div itemprop="brand" itemscope itemtype="https://schema.org/Brand">
<b itemprop="name">某牌</b></div>
<div itemprop="offers" itemscope itemtype="https://schema.org/Offer">
<span itemprop="price" content="89.00">￥89</span><meta itemprop="priceCurrency" content="CNY">
<link itemprop="availability" href="https://schema.org/SoldOut"></div>
<div itemprop="review" itemscope itemtype="https://schema.org/Review">
<p itemprop="name">好</p></div>
</div><div itemscope itemtype="https://schema.org/Person"><p itemprop="name">王</p></div>
"""


def test_microdata() -> None:
    (row,) = rows(MICRODATA, URL)
    assert row["title"] == "炒锅 32cm"
    assert (row["sku"], row["brand"], row["price"]) == ("W-1", "某牌", "89.00")
    assert row["stock"] == "无货"
    assert json.loads(row["images"]) == ["https://i.example.com/w.jpg"]


@pytest.mark.parametrize(
    "page",
    [
        "",
        "\0\0\0",
        "<",
        "not a page",
        ld("null"),
        ld("[" * 100_000),
        ld('{"@type":"Product","offers":' * 2_000),
        "<div>" * 60_000,
        "<div itemscope itemtype='https://schema.org/Product'>" + "<p><b></b></p>" * 50_000,
        "<div itemscope itemtype='https://schema.org/Product'>" * 3_000,
        ld({"@type": "Product"}),
        ld({"@type": {"a": 1}, "name": 5}),
        ld({**CUP, "name": None, "offers": "12"}),
        ld({**CUP, "name": [[[]]], "offers": [[OFFER]]}),
        "<script type='application/ld+json'>" + "<!--" * 100_000,
        ld({**CUP, "name": "<" * 200_000, "offers": []}),
    ],
)
def test_a_hostile_page_breaks_nothing(page: str) -> None:
    for row in rows(page, URL):
        assert all(isinstance(value, str) for value in row.values())
