"""Offers of 1688 in our words: prices by piece and by lot, stock that is no number, pictures."""

import json
from decimal import Decimal
from typing import Any

import pytest

from connectors.ali1688 import products
from connectors.ali1688.settings import AliSettings
from connectors.ali1688.values import Bad
from connectors.model import PriceFact, StockFact, page


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> AliSettings:
    monkeypatch.setenv("ALI", "secret")
    return AliSettings.model_validate(
        {"kind": "ali1688", "app_key": "1", "app_secret": "env:ALI", "access_token": "env:ALI"}
    )


def fenxiao(**more: Any) -> dict[str, Any]:
    return {
        "productID": 554456348334,
        "subject": " 加厚  保温杯 ",
        "categoryName": "杯壶",
        "supplierLoginId": "义乌某厂",
        "productCargoNumber": "BW-01",
        "status": "published",
        "description": "<p>双层<b>真空</b></p><img src='x.jpg'>",
        "productImage": {"images": ["img/ibank/1.jpg", "//cbu01.alicdn.com/2.jpg"]},
        "productAttribute": [{"attributeName": "品牌", "value": "某牌"}],
        "productSkuInfos": [
            {
                "skuId": 3332085412530,
                "specId": "b266e0726506185beaf205cbae88530d",
                "price": Decimal("18.5"),
                "amountOnSale": 120,
                "retailPrice": 39,
                "attributes": [
                    {"attributeName": "颜色", "attributeValue": "红", "skuImageUrl": "img/red.jpg"}
                ],
            },
            {
                "skuId": 3332085412531,
                "specId": "2ba3d63866a71fbae83909d9b4814f01",
                "price": 19,
                "amountOnSale": -1,
                "attributes": [{"attributeName": "颜色", "attributeValue": "蓝"}],
            },
        ],
        "productSaleInfo": {
            "quoteType": 1,
            "unit": "个",
            "minOrderQuantity": 2,
            "supportOnlineTrade": True,
            "mixWholeSale": True,
            "amountOnSale": 120,
        },
        "productShippingInfo": {"unitWeight": Decimal("0.35"), "sendGoodsAddressText": "浙江金华"},
        "productExtendInfos": [{"key": "consignPrice", "value": "3332085412530:20.00;x"}],
        **more,
    }


def abroad(**sale: Any) -> dict[str, Any]:
    return {
        "offerId": 620201390233,
        "subject": "饼干",
        "subjectTrans": "Biscuits",
        "minOrderQuantity": 3,
        "batchNumber": 3,
        "status": "published",
        "productImage": {"images": ["https://cbu01.alicdn.com/b.jpg"]},
        "sellerMixSetting": {"generalHunpi": True, "mixAmount": 100, "mixNumber": 10},
        "productSkuInfos": [
            {
                "skuId": 1,
                "specId": "aa",
                "price": "9.90",
                "amountOnSale": 0,
                "skuAttributes": [{"attributeName": "口味", "value": "咸"}],
                "fenxiaoPriceInfo": {"onePiecePrice": "11.50", "offerPrice": "9.90"},
            }
        ],
        "productSaleInfo": {
            "quoteType": 2,
            "priceRangeList": [
                {"startQuantity": 100, "price": "8.80"},
                {"startQuantity": 3, "price": "9.90"},
            ],
            "unitInfo": {"unit": "盒"},
            "fenxiaoSaleInfo": {"onePieceFreePostage": True, "startQuantity": 1},
            **sale,
        },
        "productShippingInfo": {
            "weight": 1,
            "skuShippingInfoList": [{"specId": "aa", "skuId": 1, "weight": 250}],
        },
    }


def rows(product: dict[str, Any], given: AliSettings) -> list[dict[str, Any]]:
    found, rejects = products.read(product, given, "offer 1")
    assert rejects == []
    return page(found).rows.to_dicts()


def test_a_distribution_offer_by_sku(given: AliSettings) -> None:
    red, blue = rows(fenxiao(), given)
    assert red["external_id"] == "554456348334:b266e0726506185beaf205cbae88530d"
    assert red["listing"] == "554456348334"
    assert (red["title"], red["brand"], red["unit"]) == ("加厚 保温杯", "某牌", "个")
    assert red["dropship_price"] == Decimal("20.00")
    assert red["bulk_price"] == Decimal("18.5")
    assert red["tiers"] is None
    assert (red["moq"], red["multiple"]) == (2, 1)
    assert (red["stock_state"], red["stock_quantity"]) == ("in_stock", 120)
    assert red["weight_g"] == 350
    assert red["description"] == "双层真空"
    assert red["state"] == "live"
    assert red["freight"] is None
    assert json.loads(red["attributes"]) == {"颜色": "红"}
    assert json.loads(red["images"]) == [
        "https://cbu01.alicdn.com/img/red.jpg",
        "https://cbu01.alicdn.com/img/ibank/1.jpg",
        "https://cbu01.alicdn.com/2.jpg",
    ]
    assert blue["dropship_price"] is None
    assert (blue["stock_state"], blue["stock_quantity"]) == (None, None)


def test_a_cross_border_offer_by_pieces_of_all_skus(given: AliSettings) -> None:
    (one,) = rows(abroad(), given)
    assert one["dropship_price"] == Decimal("11.50")
    assert one["bulk_price"] == Decimal("9.90")
    assert json.loads(one["tiers"]) == [[3, "9.90"], [100, "8.80"]]
    assert (one["moq"], one["multiple"]) == (3, 3)
    assert json.loads(one["freight"]) == {"kind": "free"}
    assert json.loads(one["bulk_terms"]) == {
        "counts": "listing",
        "mixed_quantity": 10,
        "mixed_amount": "100.00",
    }
    assert (one["stock_state"], one["stock_quantity"]) == ("out", 0)
    assert one["weight_g"] == 250


def test_an_offer_without_skus_is_ordered_by_itself(given: AliSettings) -> None:
    sale = {
        "quoteType": 0,
        "priceRanges": [{"startQuantity": 1, "price": 12}, {"startQuantity": 50, "price": 10}],
        "amountOnSale": Decimal("99.0"),
    }
    bare = fenxiao(productSkuInfos=[], productSaleInfo=sale, productExtendInfos=[])
    (one,) = rows(bare, given)
    assert one["external_id"] == "554456348334"
    assert one["dropship_price"] == Decimal(12)
    assert json.loads(one["tiers"]) == [[1, "12.00"], [50, "10.00"]]
    assert one["stock_quantity"] == 99


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"status": "expired"}, "off"),
        ({"status": "member deleted"}, "off"),
        ({"status": None}, "live"),
        ({"productSaleInfo": {"quoteType": 1, "supportOnlineTrade": False}}, "off"),
    ],
)
def test_what_is_not_published_or_not_traded_online_is_off(
    given: AliSettings, change: dict[str, Any], state: str
) -> None:
    assert {row["state"] for row in rows(fenxiao(**change), given)} == {state}


def test_one_unreadable_sku_costs_no_other(given: AliSettings) -> None:
    product = fenxiao()
    del product["productSkuInfos"][0]["specId"]
    product["productSkuInfos"][1]["price"] = "面议"
    product["productSkuInfos"].append({"specId": "cc", "price": "3", "amountOnSale": 4})
    found, rejects = products.read(product, given, "offer 1")
    assert [row["external_id"] for row in found] == ["554456348334:cc"]
    assert [(one.line, one.column) for one in rejects] == [(1, "specId"), (2, "price")]


def test_an_offer_without_name_or_price_is_a_reject(given: AliSettings) -> None:
    assert products.read(fenxiao(subject=""), given, "x")[1][0].column == "subject"
    free = fenxiao(productExtendInfos=[])
    for sku in free["productSkuInfos"]:
        sku["price"] = 0
    assert [one.column for one in products.read(free, given, "x")[1]] == ["price", "price"]


def test_facts_of_prices_and_stock() -> None:
    assert list(products.priced(abroad())) == [
        PriceFact(
            "620201390233:aa",
            dropship=Decimal("11.50"),
            bulk=Decimal("9.90"),
            tiers=((3, Decimal("9.90")), (100, Decimal("8.80"))),
        )
    ]
    assert list(products.stocked(fenxiao())) == [
        StockFact("554456348334:b266e0726506185beaf205cbae88530d", "in_stock", 120),
        StockFact("554456348334:2ba3d63866a71fbae83909d9b4814f01", "unknown", None),
    ]


def test_the_product_is_found_in_any_envelope() -> None:
    assert products.product_of({"productInfo": {"productID": 1}, "success": True})
    assert products.product_of({"result": {"result": {"offerId": 1}, "success": True}})
    with pytest.raises(Bad):
        products.product_of({"result": {"success": True}})
