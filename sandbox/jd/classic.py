"""VOP's classic doors. Results are polymorphic as JD's are: texts, maps, JSON within strings."""

import json
import re
from collections.abc import Callable
from typing import Any

from sandbox.frame import as_json

from . import after_sale, books, trade
from .gate import done, failed
from .shop import PLACES, POOLS, JdOrder, Shop, real_area, towns_of, yuan

Fields = dict[str, str]
Door = Callable[[Shop, Fields], dict[str, Any]]
PAGE = 50
_PLAIN_KEY = re.compile(r"([{,]\s*)([A-Za-z]\w*)\s*:")


def _loose(text: str) -> Any:
    """JSON whose keys may stand without quotes, as JD's own sample has it."""
    return json.loads(_PLAIN_KEY.sub(r'\1"\2":', text))


def _skus(fields: Fields, name: str) -> list[int]:
    return [int(each) for each in fields.get(name, "").split(",") if each.strip()]


def _pools(shop: Shop, _: Fields) -> dict[str, Any]:
    return done([{"name": name, "page_num": pool} for pool, name in POOLS.items()])


def _page(shop: Shop, fields: Fields) -> dict[str, Any]:
    skus, number = shop.pool(fields["pageNum"]), int(fields["pageNo"])
    pages = -(-len(skus) // PAGE)
    if number > pages:
        return failed("0010", "pageNum不存在")
    return done({"pageCount": pages, "skuIds": skus[(number - 1) * PAGE : number * PAGE]})


def by_cursor(skus: list[int], offset: int, size: int) -> dict[str, Any]:
    """A page behind an offset, which is a position that only JD understands."""
    shown = skus[offset : offset + size]
    left = -(-max(0, len(skus) - offset - size) // size)
    return {"skus": shown, "offset": offset + len(shown), "remainPage": left, "pageSize": size}


def _cursor(shop: Shop, fields: Fields) -> dict[str, Any]:
    skus = shop.pool(fields["pageNum"])
    return done(by_cursor(skus, int(fields["offset"] or 0), int(fields["pageSize"])))


def detail(shop: Shop, sku: int) -> dict[str, Any] | None:
    """One SKU's page. Pool membership is not checked: JD does not either."""
    found = shop.good(sku)
    if found is None:
        return None
    listing, one = found
    return {
        "sku": sku,
        "name": f"{listing.title} {' '.join(one.spec.values())}",
        "state": 0 if sku in shop.delisted else 1,
        "imagePath": listing.images[0],
        "brandName": listing.brand,
        "category": "670;729;736",
        "saleUnit": listing.unit,
        "weight": f"{shop.weight(sku)}",
        "productArea": listing.origin,
        "wareQD": "主商品x1",
        "param": "<table></table>",
        "upc": f"{one.gtin};",
        "introduction": f"<p>{listing.title}</p>",
        "spuId": str(listing.index + 5000),
    }


def _detail(shop: Shop, fields: Fields) -> dict[str, Any]:
    found = detail(shop, int(fields["sku"]))
    return done(found) if found else failed("3401", "商品不存在")


def _state(shop: Shop, fields: Fields) -> dict[str, Any]:
    skus = _skus(fields, "sku")
    return done([{"state": int(sku not in shop.delisted), "sku": sku} for sku in skus])


def pictures(shop: Shop, sku: int) -> list[dict[str, Any]]:
    """Main one last, so that somebody has to sort."""
    found = shop.good(sku)
    return [
        {"id": place, "skuId": sku, "path": path, "yn": 1, "isPrimary": int(place == 0)}
        for place, path in enumerate(found[0].images if found else ())
    ][::-1]


def _images(shop: Shop, fields: Fields) -> dict[str, Any]:
    return done({str(sku): pictures(shop, sku) for sku in _skus(fields, "sku")})


def _check(shop: Shop, fields: Fields) -> dict[str, Any]:
    listed = []
    for sku in _skus(fields, "skuIds"):
        if found := shop.good(sku):
            sold = shop.inside(sku) and sku not in shop.delisted
            row = {"skuId": sku, "name": found[0].title, "saleState": int(sold)}
            listed.append(row | {"isCanVAT": 1, "is7ToReturn": 1})
    return done(listed)


def category(cid: str) -> dict[str, Any] | None:
    """Three of them."""
    names = {"670": "电脑、办公", "729": "办公设备", "736": "文具"}
    if cid not in names:
        return None
    return {"catClass": 0, "catId": int(cid), "name": names[cid], "parentId": 0, "state": 1}


def _category(shop: Shop, fields: Fields) -> dict[str, Any]:
    found = category(fields["cid"])
    return done(found) if found else failed("3421", "分类不存在")


def price(shop: Shop, sku: int) -> dict[str, Any]:
    """Under naked terms `price` is the net one, and the rest shows it."""
    gross = shop.price(sku)
    net, tax, percent = shop.parts(sku, gross)
    return {
        "skuId": sku,
        "price": yuan(net if shop.naked else gross),
        "jdPrice": yuan(gross * 105 // 100),
        "marketPrice": yuan(gross * 12 // 10),
        "tax": percent,
        "taxPrice": yuan(tax),
        "nakedPrice": yuan(net),
    }


def _prices(shop: Shop, fields: Fields) -> dict[str, Any]:
    skus = _skus(fields, "sku")
    if len(skus) > 100:
        return failed("1001", "sku数量超过100")
    lost = [sku for sku in skus if not shop.inside(sku)]
    told = ",".join(map(str, lost))
    message = f"{told}不在您的商品池中，价格为null或者小于0时，为暂无报价" if lost else ""
    return done([price(shop, sku) for sku in skus if sku not in lost], message=message)


def stock(shop: Shop, sku: int, num: int) -> dict[str, Any]:
    """Thresholds, not quantities: below 50 real, up to 99 −1, above always 有货."""
    left = shop.left(sku)
    known = left if left < 50 else -1
    buyable = left > 0 and (left > 99 or num <= left)
    return {
        "stockStateId": 33 if buyable else 34,
        "stockStateDesc": "有货" if buyable else "无货",
        "remainNum": known if buyable else 0 if left == 0 else known,
    }


def _stock(shop: Shop, fields: Fields) -> dict[str, Any]:
    asked = _loose(fields["skuNums"])
    lost = [row["skuId"] for row in asked if not shop.inside(int(row["skuId"]))]
    if lost:
        return failed("0010", f"{','.join(map(str, lost))}不在您的商品池中 ")
    rows = [
        {"skuId": row["skuId"], "areaId": fields["area"]}
        | stock(shop, int(row["skuId"]), int(row["num"]))
        for row in asked
    ]
    return done(as_json(rows))


def _limits(shop: Shop, fields: Fields) -> dict[str, Any]:
    skus = _skus(fields, "skuIds")
    lost = [sku for sku in skus if not shop.inside(sku)]
    if lost:
        return failed("0010", f"您不具有如下商品购买权限skuIds:{lost}")
    rows = [{"skuId": sku, "isAreaRestrict": sku in shop.restricted} for sku in skus]
    return done(as_json(rows), code=None)


def _places(level: int) -> Door:
    def door(_: Shop, fields: Fields) -> dict[str, Any]:
        parent = "" if level == 1 else fields["id"]
        found = towns_of(parent) if level == 4 else PLACES.get(parent, {})
        if not found:
            return failed("3405", "根据3级地址id列表。未能获取到4级地址id列表")
        return done(found)

    return door


def read_address(address: str) -> dict[str, Any] | None:
    """The first place of each level whose name the address has."""
    levels, parent = [], ""
    for _ in range(4):
        children = PLACES.get(parent, {})
        named = next((each for name, each in children.items() if name in address), 0)
        levels.append(named)
        parent = str(named) if named else "none"
    if not all(levels[:3]):
        return None
    names = ("provinceId", "cityId", "countyId", "townId")
    return dict(zip(names, levels, strict=True))


def _address(_: Shop, fields: Fields) -> dict[str, Any]:
    found = read_address(fields["address"])
    return done(found) if found else failed("3554", "地址解析失败")


def _check_area(_: Shop, fields: Fields) -> dict[str, Any]:
    names = ("provinceId", "cityId", "countyId", "townId")
    if not real_area(tuple(int(fields.get(name) or 0) for name in names)):
        return failed("3554", "地址非法-非京东地址!")
    return done('{"success":true,"resultCode":1,"addressId":0,"message":null}', code=None)


def _submit(shop: Shop, fields: Fields) -> dict[str, Any]:
    snap = json.loads(fields.get("orderPriceSnap", "[]"), parse_float=str)
    checked = fields.get("doOrderPriceMode") == "1"
    lines = [
        {"sku": int(row["skuId"]), "num": int(row["num"]), "gift": row.get("bNeedGift")}
        for row in json.loads(fields["sku"])
    ]
    names = ("province", "city", "county", "town")
    asked = {
        "third": fields.get("thirdOrder", ""),
        "lines": lines,
        "area": tuple(int(fields.get(name) or 0) for name in names),
        "to": {name: fields.get(name, "") for name in ("name", "mobile", "address", "remark")},
        "snap": {int(row["skuId"]): fen(row["price"]) for row in snap} if checked else {},
        "hold": fields.get("submitState") == "0",
    }
    return trade.submit(shop, asked)


def fen(price: Any) -> int:
    whole, _, part = str(price).partition(".")
    return int(whole) * 100 + int((part + "00")[:2])


def _find(shop: Shop, fields: Fields) -> dict[str, Any]:
    third = fields["thirdOrder"]
    if third not in shop.by_third:
        return failed("3401", f"{third}订单不存在")
    return done(str(shop.by_third[third]))


def _root(shop: Shop, fields: Fields) -> JdOrder | None:
    return shop.orders.get(int(fields["jdOrderId"]))


def _order(shop: Shop, fields: Fields) -> dict[str, Any]:
    order = _root(shop, fields)
    if order is None:
        return failed("3401", "订单不存在")
    children = shop.children.get(order.id)
    if not children:
        return done(_leaf(shop, order))
    parent = trade.view(shop, order)
    return done(
        {
            "type": 1,
            "orderState": int(not order.cancelled),
            "submitState": int(order.confirmed),
            "pOrder": parent,
            "cOrder": [_leaf(shop, shop.orders[child]) for child in children],
        }
    )


def _leaf(shop: Shop, order: JdOrder) -> dict[str, Any]:
    shown = trade.view(shop, order)
    for line in shown["sku"]:
        line["price"] = str(line["price"])  # a text here, a number in submitOrder
    return shown | {
        "pOrder": order.parent,
        "type": 2,
        "orderState": int(not order.cancelled),
        "state": order.delivered,
        "submitState": int(order.confirmed),
        "jdOrderState": order.step,
        "orderType": 1,
    }


def _track(shop: Shop, fields: Fields) -> dict[str, Any]:
    order = _root(shop, fields)
    if order is None or not order.track:
        return failed("3401", "该订单没有配送信息")
    steps = [
        {"content": told, "msgTime": shop.stamp(at), "operator": "客户"}
        for at, told in reversed(order.track)
    ]
    result: dict[str, Any] = {"jdOrderId": order.id, "orderTrack": steps}
    if fields.get("waybillCode") == "1":
        result["waybillCode"] = [
            {"orderId": order.id, "parentId": 0, "carrier": carrier, "deliveryOrderId": number}
            for carrier, number in order.waybills
        ]
    return done(result)


def _messages(shop: Shop, fields: Fields) -> dict[str, Any]:
    wanted = {int(each) for each in fields["type"].split(",")}
    shop.tell_drift()
    listed = [note for note in shop.messages.values() if note.type in wanted][:100]
    return done(
        [{"id": n.id, "result": n.result, "time": shop.stamp(n.at), "type": n.type} for n in listed]
    )


def _forget(shop: Shop, fields: Fields) -> dict[str, Any]:
    for each in fields["id"].split(","):
        shop.messages.pop(int(each), None)
    return done(result=True)


def _freight(shop: Shop, fields: Fields) -> dict[str, Any]:
    lines = [{"sku": int(r["skuId"]), "num": int(r["num"])} for r in json.loads(fields["sku"])]
    return done(trade.freight(lines, shop))


def _claims(deed: Callable[[Shop, dict[str, Any]], dict[str, Any]]) -> Door:
    return lambda shop, fields: deed(shop, json.loads(fields["param"]))


DOORS: dict[str, Door] = {
    "/api/product/getPageNum": _pools,
    "/api/product/getSkuByPage": _page,
    "/api/product/querySkuByPage": _cursor,
    "/api/product/getDetail": _detail,
    "/api/product/skuState": _state,
    "/api/product/skuImage": _images,
    "/api/product/check": _check,
    "/api/product/getCategory": _category,
    "/api/product/checkAreaLimit": _limits,
    "/api/price/getSellPrice": _prices,
    "/api/price/getBalance": books.balance,
    "/api/price/getBalanceDetail": books.bookings,
    "/api/stock/getNewStockById": _stock,
    "/api/area/getProvince": _places(1),
    "/api/area/getCity": _places(2),
    "/api/area/getCounty": _places(3),
    "/api/area/getTown": _places(4),
    "/api/area/getJDAddressFromAddress": _address,
    "/api/area/checkArea": _check_area,
    "/api/order/submitOrder": _submit,
    "/api/order/selectJdOrderIdByThirdOrder": _find,
    "/api/order/confirmOrder": lambda shop, f: trade.confirm(shop, _root(shop, f)),
    "/api/order/cancel": lambda shop, f: trade.cancel(shop, _root(shop, f)),
    "/api/order/selectJdOrder": _order,
    "/api/order/orderTrack": _track,
    "/api/order/getFreight": _freight,
    "/api/message/get": _messages,
    "/api/message/del": _forget,
    "/api/checkOrder/checkNewOrder": books.checklist("new"),
    "/api/checkOrder/checkDlokOrder": books.checklist("delivered"),
    "/api/checkOrder/checkRefuseOrder": books.checklist("refused"),
    "/api/checkOrder/checkCompleteOrder": books.checklist("completed"),
    "/api/afterSale/getAvailableNumberComp": _claims(after_sale.available),
    "/api/afterSale/getCustomerExpectComp": _claims(after_sale.expects),
    "/api/afterSale/getWareReturnJdComp": _claims(after_sale.ways),
    "/api/afterSale/createAfsApply": _claims(after_sale.apply),
    "/api/afterSale/getServiceListPage": _claims(after_sale.services),
    "/api/afterSale/getServiceDetailInfo": _claims(after_sale.detail),
    "/api/afterSale/updateSendSku": _claims(after_sale.sent),
    "/api/afterSale/auditCancel": _claims(after_sale.cancel),
}
