"""JD Union: goods and order rows, each payload a JSON text within the JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.frame import as_json
from sandbox.world import number

from .shop import Shop, yuan

PAGE = 30
IMAGES = "https://img14.360buyimg.com/"


@dataclass
class Union:
    """The goods are the shop's; `rows` are orders made through links, by id."""

    shop: Shop
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    links: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, method: str, asked: Mapping[str, Any]) -> tuple[str, str]:
        """The payload's key and text; "" for a method that is not there."""
        match method.removeprefix("jd.union.open."):
            case "goods.query":
                return "queryResult", self._query(asked["goodsReqDTO"])
            case "goods.jingfen.query":
                return "queryResult", self._jingfen(asked["goodsReq"])
            case "goods.promotiongoodsinfo.query":
                return "queryResult", self._promotion(asked["skuIds"])
            case "promotion.common.get":
                return "getResult", self._link(asked["promotionCodeReq"])
            case "promotion.bysubunionid.get":
                return "getResult", self._link(asked["promotionCodeReq"])
            case "order.row.query":
                return "queryResult", self._orders(asked["orderReq"])
        return "", ""

    def act(self, deed: str, args: Mapping[str, Any]) -> Any:
        """union_order {id, sku, num, leader, validCode}, union_change {id, …}, union_split {id}."""
        match deed:
            case "union_order":
                row = self._row(args)
                self.rows[row["id"]] = row
            case "union_change":
                self.rows[args["id"]] |= {**args["fields"], "modifyTime": self.shop.stamp()}
            case "union_split":
                self._split(self.rows[args["id"]])
            case "union_links":
                return self.links
            case _:
                raise ValueError(deed)
        return None

    def _row(self, args: Mapping[str, Any]) -> dict[str, Any]:
        sku, num = int(args["sku"]), int(args.get("num", 1))
        price = self.shop.price(sku)
        rate = _rate(sku)
        return {
            "id": str(args["id"]),
            "orderId": 280_000_000_000 + len(self.rows),
            "parentId": 0,
            "orderTime": self.shop.stamp(),
            "finishTime": "",
            "modifyTime": self.shop.stamp(),
            "orderEmt": 2,
            "unionId": 1000,
            "skuId": sku,
            "skuName": self._good(sku)["skuName"],
            "skuNum": num,
            "skuReturnNum": 0,
            "skuFrozenNum": 0,
            "price": yuan(price),
            "commissionRate": rate,
            "estimateCosPrice": yuan(price * num),
            "estimateFee": yuan(price * num * rate // 100),
            "actualCosPrice": 0,
            "actualFee": 0,
            "validCode": args.get("validCode", 16),
            "subUnionId": args.get("leader", ""),
            "payMonth": 0,
        }

    def _split(self, row: dict[str, Any]) -> None:
        """The parent's row is void, and a child's row comes with the parent's number in it."""
        row |= {"validCode": 2, "modifyTime": self.shop.stamp()}
        child = row | {"id": f"{row['id']}c", "parentId": row["orderId"], "validCode": 16}
        self.rows[child["id"]] = child | {"orderId": row["orderId"] + 1_000_000}

    def _query(self, asked: Mapping[str, Any]) -> str:
        if asked.get("sceneId") not in (1, 2):
            return _said(None, code=400, message="sceneId不能为空")
        size = int(asked.get("pageSize", 20))
        if size > PAGE:
            return _said(None, code=400, message="pageSize超出限制")
        wanted = self.shop.skus()
        if asked.get("skuIds"):
            if asked["sceneId"] != 2:
                return _said(None, code=403, message="无权限按skuId查询")
            wanted = [int(sku) for sku in asked["skuIds"]]
        if asked.get("itemIds"):
            wanted = [sku for sku in wanted if _item(sku) in asked["itemIds"]]
        found = [self._good(sku) for sku in wanted if self.shop.good(sku)]
        found = [good for good in found if asked.get("keyword", "") in good["skuName"]]
        return _paged(found, int(asked.get("pageIndex", 1)), size)

    def _jingfen(self, asked: Mapping[str, Any]) -> str:
        size = int(asked.get("pageSize", 20))
        resource = {"eliteId": asked["eliteId"], "eliteName": "好券商品"}
        found = [self._good(sku) | {"resourceInfo": resource} for sku in self.shop.skus()[:120]]
        return _paged(found, int(asked.get("pageIndex", 1)), size)

    def _good(self, sku: int) -> dict[str, Any]:
        listing, one = self.shop.good(sku) or (self.shop.world.listing(0), None)
        price = yuan(self.shop.price(sku))
        share = _rate(sku)
        return {
            "skuId": sku,
            "itemId": _item(sku),
            "skuName": f"{listing.title} {' '.join(one.spec.values()) if one else ''}",
            "brandName": listing.brand,
            "owner": "g",
            "categoryInfo": {"cid1Name": "办公", "cid2Name": "文具", "cid3Name": "笔"},
            "priceInfo": {"price": price, "lowestPrice": price, "lowestPriceType": 1},
            "commissionInfo": {
                "commission": yuan(self.shop.price(sku) * share // 100),
                "commissionShare": share,
                "couponCommission": yuan(self.shop.price(sku) * share // 100),
                "isLock": 0,
            },
            "couponInfo": {"couponList": []},
            "imageInfo": {"imageList": [{"url": f"{IMAGES}{p}"} for p in listing.images]},
            "shopInfo": {"shopId": 1000004067, "shopName": "京东自营"},
            "materialUrl": f"jingfen.jd.com/detail/{_item(sku)}.html",
            "inOrderCount30Days": number(sku) % 5000,
        }

    def _promotion(self, sku_ids: str) -> str:
        rows = []
        for sku in map(int, sku_ids.split(",")):
            if self.shop.good(sku):
                good = self._good(sku)
                rows.append(
                    {
                        "skuId": sku,
                        "goodsName": good["skuName"],
                        "unitPrice": good["priceInfo"]["price"],
                        "wlUnitPrice": good["priceInfo"]["price"],
                        "commisionRatioWl": _rate(sku),
                        "commisionRatioPc": _rate(sku),
                        "materialUrl": f"http://item.jd.com/{sku}.html",
                        "imgUrl": good["imageInfo"]["imageList"][0]["url"],
                    }
                )
        return _said(rows)

    def _link(self, asked: Mapping[str, Any]) -> str:
        if not asked.get("materialId"):
            return _said(None, code=2001101, message="materialId不能为空")
        self.links.append(dict(asked))
        return _said({"clickURL": f"https://u.jd.com/{number(as_json(dict(asked))) % 10**8:x}"})

    def _orders(self, asked: Mapping[str, Any]) -> str:
        start, end = asked["startTime"], asked["endTime"]
        name = {1: "orderTime", 2: "finishTime", 3: "modifyTime"}[int(asked["type"])]
        found = [row for row in self.rows.values() if start <= row[name] <= end]
        page, size = int(asked["pageIndex"]), int(asked["pageSize"])
        shown = found[(page - 1) * size : page * size]
        return as_json(
            {"code": 200, "message": "success", "hasMore": page * size < len(found), "data": shown}
        )


def _rate(sku: int) -> int:
    return 3 + number(sku, "rate") % 18


def _item(sku: int) -> str:
    return f"item_{number(sku, 'item') % 10**12}"


def _said(data: Any, code: int = 200, message: str = "success") -> str:
    return as_json({"code": code, "message": message, "data": data, "requestId": "o_0b1"})


def _paged(found: list[dict[str, Any]], page: int, size: int) -> str:
    shown = found[(page - 1) * size : page * size]
    return as_json({"code": 200, "message": "success", "data": shown, "totalCount": len(found)})
