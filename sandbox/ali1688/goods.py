"""Offers of the simulated 1688 in the shapes of its three product APIs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.frame import Asked
from sandbox.world import Listing, Sku, World, number

from .messages import Messages

FIRST_OFFER = 554456348334
STEP = 37
SELLERS = 7
FREIGHT = 800
"""Fen an order, where it is not free."""


class Refusal(Exception):
    """A reply that declines, in the envelope of the API that was called."""

    def __init__(self, envelope: dict[str, Any]) -> None:
        super().__init__(str(envelope))
        self.envelope = envelope


@dataclass(frozen=True)
class Offer:
    """An offer: its listing, its seller, how it quotes (quoteType) and from how many pieces."""

    id: int
    listing: Listing
    seller: str
    quote_type: int
    moq: int
    one_piece: bool
    free: bool

    @property
    def bare(self) -> bool:
        """Without SKUs."""
        return self.quote_type == 0


class Goods:
    """Every offer, which of them are related to the account, and which are off."""

    def __init__(self, world: World, messages: Messages) -> None:
        self.world = world
        self._messages = messages
        self.related: set[int] = set()
        self._status: dict[int, str] = {}
        self.fee = FREIGHT

    def doors(self) -> dict[str, Any]:
        """The calls about goods."""
        abroad = "com.alibaba.fenxiao.crossborder"
        return {
            "com.alibaba.fenxiao/alibaba.fenxiao.productInfo.get": self._fenxiao,
            "com.alibaba.product/alibaba.cross.productInfo": self._cross,
            f"{abroad}/product.search.queryProductDetail": self._detail,
            f"{abroad}/product.search.keywordQuery": self._search,
            "com.alibaba.product.push/alibaba.cross.syncProductListPushed": self._relate,
            "com.alibaba.product/alibaba.product.follow": self._follow,
        }

    def do_offers(self, args: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The truth about the first `limit` offers: ids, keys, prices in fen and stock."""
        return [self._truth(self.offer_at(at)) for at in range(args.get("limit", 10))]

    def do_offer(self, args: Mapping[str, Any]) -> None:
        """Set an offer's status: {offer, status}; `gone` is denied altogether."""
        offer = self.offer(int(args["offer"]))
        self._status[offer.id] = args["status"]
        kind = "DELETE" if args["status"] == "gone" else "EXPIRE"
        data = {"productIds": str(offer.id), "memberId": offer.seller, "status": args["status"]}
        self._messages.say(f"PRODUCT_RELATION_VIEW_PRODUCT_{kind}", data)

    def do_freight(self, args: Mapping[str, Any]) -> None:
        """What a parcel costs from now on that is not free: {fen}."""
        self.fee = args["fen"]

    def do_restock(self, args: Mapping[str, Any]) -> None:
        """Nail a SKU's stock and say so: {offer, key, stock}."""
        offer = self.offer(int(args["offer"]))
        self.world.fix(args["key"], stock=args["stock"])
        sku = next(one for one in offer.listing.skus if one.key == args["key"])
        change = {"offerId": offer.id, "skuId": self.sku_id(sku), "quantity": args["stock"]}
        data = {"OfferInventoryChangeList": [change]}
        self._messages.say("PRODUCT_PRODUCT_INVENTORY_CHANGE", data)

    def offer_at(self, index: int) -> Offer:
        """The offer with a number from 0 on."""
        listing = self.world.listing(index)
        kind = 0 if len(listing.skus) == 1 else 1 + index % 2
        one_piece = index % 3 != 0
        return Offer(
            FIRST_OFFER + index * STEP,
            listing,
            f"b2b-seller-{index % SELLERS}",
            kind,
            1 + 2 * (index % 2),
            one_piece,
            one_piece and index % 5 == 0,
        )

    def offer(self, offer_id: int) -> Offer:
        """An offer by its id. Raises Refusal."""
        index, rest = divmod(offer_id - FIRST_OFFER, STEP)
        if rest or not 0 <= index < self.world.size or self._status.get(offer_id) == "gone":
            raise Refusal({"success": False, "errorCode": "404", "errorMsg": "商品不存在"})
        return self.offer_at(index)

    def sku_id(self, sku: Sku) -> int:
        """The global id of a SKU."""
        return 3_000_000_000_000 + number(self.world.seed, "sku", sku.key) % 10**12

    def spec_id(self, sku: Sku) -> str:
        """The id of a SKU within its offer."""
        words = (number(self.world.seed, half, sku.key) for half in ("spec", "ceps"))
        return "".join(f"{word:016x}" for word in words)

    def piece_price(self, sku: Sku) -> int:
        """Fen of one piece sold by itself."""
        return self.world.price(sku) * 110 // 100

    def ranges(self, offer: Offer, sku: Sku) -> list[tuple[int, int]]:
        """(pieces, fen) of the offer's price ranges; those of its first SKU count for all."""
        base = self.world.price(sku)
        return [(offer.moq, base), (50, base * 95 // 100), (200, base * 90 // 100)]

    def lot_price(self, offer: Offer, sku: Sku, pieces: int) -> int:
        """Fen of a piece in a lot."""
        if offer.quote_type == 1:
            return self.world.price(sku)
        found = self.ranges(offer, offer.listing.skus[0])
        return [fen for start, fen in found if pieces >= start or start == offer.moq][-1]

    def _truth(self, offer: Offer) -> dict[str, Any]:
        skus = [
            {
                "key": sku.key,
                "external_id": str(offer.id) if offer.bare else f"{offer.id}:{self.spec_id(sku)}",
                "price": self.lot_price(offer, sku, offer.moq),
                "piece_price": self.piece_price(sku) if offer.one_piece else None,
                "stock": self.world.stock(sku),
            }
            for sku in offer.listing.skus
        ]
        return {
            "offer": offer.id,
            "seller": offer.seller,
            "moq": offer.moq,
            "free": offer.free,
            "title": offer.listing.title,
            "skus": skus,
        }

    def _relate(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        listed = json.loads(fields["productIdList"])
        if not listed or len(listed) > 20:
            told = {"success": False, "errorCode": "OFFERIDS_IS_NULL", "errorMsg": "商品列表为空"}
            return {"result": told}
        self.related |= {int(one) for one in listed}
        return {"result": {"success": True}}

    def _follow(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        self.related.add(int(fields["productId"]))
        return {"code": 0, "message": "success"}

    def _fenxiao(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        return {"productInfo": self._product(fields["offerId"], "product"), "success": True}

    def _cross(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        return {"productInfo": self._product(fields["productId"], ""), "success": "true"}

    def _product(self, offer_id: str, prefix: str) -> dict[str, Any]:
        """The common model; the distribution API says `product` before its keys."""

        def key(name: str) -> str:
            return f"product{name[0].upper()}{name[1:]}" if prefix else name

        offer = self.offer(int(offer_id))
        if offer.id not in self.related:
            raise Refusal({"success": False, "message": "没有该商品的查询权限"})
        listing, first = offer.listing, offer.listing.skus[0]
        sale: dict[str, Any] = {
            "supportOnlineTrade": True,
            "quoteType": offer.quote_type,
            "unit": listing.unit,
            "minOrderQuantity": offer.moq,
            "amountOnSale": float(sum(self.world.stock(sku) for sku in listing.skus)),
        }
        if offer.quote_type != 1:
            sale["priceRanges"] = [
                {"startQuantity": start, "price": fen / 100}
                for start, fen in self.ranges(offer, first)
            ]
        if offer.one_piece and offer.bare:
            sale["consignPrice"] = self.piece_price(first) / 100
        told = {
            "productID": offer.id,
            "categoryName": listing.category[2],
            "subject": listing.title,
            "description": f"<div><p>{listing.title}</p><img src='//x/1.jpg'></div>",
            "status": self._status.get(offer.id, "published"),
            "supplierLoginId": offer.seller,
            key("image"): {"images": [f"img/ibank/{one}" for one in listing.images]},
            "productAttribute" if prefix else "attributes": [
                {"attributeID": 2176, "attributeName": "品牌", "value": listing.brand}
            ],
            key("saleInfo"): sale,
            key("shippingInfo"): {
                "freightTemplateID": 1,
                "unitWeight": listing.weight_g / 1000,
                "sendGoodsAddressText": listing.origin,
            },
        }
        if not offer.bare:
            told[key("skuInfos")] = [self._sku(offer, sku) for sku in listing.skus]
        if offer.one_piece and not offer.bare:
            value = ";".join(
                f"{self.sku_id(sku)}:{self.piece_price(sku) / 100}" for sku in listing.skus
            )
            told[key("extendInfos")] = [{"key": "consignPrice", "value": value}]
        return told

    def _sku(self, offer: Offer, sku: Sku) -> dict[str, Any]:
        return {
            "skuId": self.sku_id(sku),
            "specId": self.spec_id(sku),
            "price": self.world.price(sku) / 100,
            "amountOnSale": self.world.stock(sku),
            "attributes": [
                {"attributeID": 1, "attributeName": name, "attributeValue": value}
                for name, value in sku.spec.items()
            ],
        }

    def _detail(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        wanted = json.loads(fields["offerDetailParam"])
        _ = wanted["country"]
        offer = self.offer(int(wanted["offerId"]))
        listing, first = offer.listing, offer.listing.skus[0]
        told: dict[str, Any] = {
            "offerId": offer.id,
            "subject": listing.title,
            "subjectTrans": f"Offer {offer.id}",
            "status": self._status.get(offer.id, "published"),
            "minOrderQuantity": offer.moq,
            "sellerOpenId": offer.seller,
            "productImage": {"images": [f"https://cbu01.alicdn.com/{i}" for i in listing.images]},
            "productAttribute": [{"attributeName": "品牌", "value": listing.brand}],
            "productSaleInfo": {
                "amountOnSale": sum(self.world.stock(sku) for sku in listing.skus),
                "quoteType": offer.quote_type,
                "priceRangeList": [
                    {"startQuantity": start, "price": f"{fen / 100:.2f}"}
                    for start, fen in self.ranges(offer, first)
                ],
                "unitInfo": {"unit": listing.unit},
            },
            "tagInfoList": [{"key": "isOnePsale", "value": offer.one_piece}],
            "productShippingInfo": {"weight": listing.weight_g / 1000},
        }
        if offer.one_piece:
            one: dict[str, Any] = {"onePieceFreePostage": offer.free, "startQuantity": 1}
            one |= {"onePiecePrice": f"{self.piece_price(first) / 100:.2f}"} if offer.bare else {}
            told["productSaleInfo"]["fenxiaoSaleInfo"] = one
        if not offer.bare:
            told["productSkuInfos"] = [self._sku_abroad(offer, sku) for sku in listing.skus]
        return {"result": {"success": True, "code": "200", "message": "操作成功", "result": told}}

    def _sku_abroad(self, offer: Offer, sku: Sku) -> dict[str, Any]:
        told: dict[str, Any] = {
            "skuId": self.sku_id(sku),
            "specId": self.spec_id(sku),
            "price": f"{self.world.price(sku) / 100:.2f}",
            "amountOnSale": self.world.stock(sku),
            "skuAttributes": [
                {"attributeName": name, "value": value} for name, value in sku.spec.items()
            ],
        }
        if offer.one_piece:
            price = f"{self.piece_price(sku) / 100:.2f}"
            told["fenxiaoPriceInfo"] = {"onePiecePrice": price, "offerPrice": told["price"]}
        return told

    def _search(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        wanted = json.loads(fields["offerQueryParam"])
        word, size, at = wanted["keyword"], int(wanted["pageSize"]), int(wanted["beginPage"])
        _ = wanted["country"]
        offers = [self.offer_at(index) for index in range(self.world.size)]
        found = [one for one in offers if word in one.listing.title]
        here = found[(at - 1) * size : at * size]
        page: dict[str, Any] = {
            "totalRecords": len(found),
            "totalPage": -(-len(found) // size),
            "pageSize": size,
            "currentPage": at,
        }
        if here:
            page["data"] = [{"offerId": one.id, "subject": one.listing.title} for one in here]
        return {"result": {"success": "true", "code": "200", "result": page}}
