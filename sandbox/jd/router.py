"""VOP through the router: the same shop in the `jingdong.vop.*` words."""

import json
from collections.abc import Callable
from typing import Any

from . import classic, trade
from .gate import done, failed, millis
from .shop import PLACES, POOLS, JdOrder, Shop, real_area

Asked = dict[str, Any]
Door = Callable[[Shop, Asked], dict[str, Any]]


def _skus(asked: Asked) -> list[int]:
    return [int(each) for each in str(asked["skuId"]).split(",")]


def _strangers(shop: Shop, skus: list[int]) -> dict[str, Any] | None:
    lost = [sku for sku in skus if not shop.inside(sku)]
    if not lost:
        return None
    return failed("2004", f"{','.join(map(str, lost))}不在用户商品池，请联系商务经理")


def _pools(shop: Shop, _: Asked) -> dict[str, Any]:
    listed = [{"bizPoolId": pool, "name": name} for pool, name in POOLS.items()]
    return done({"skuPoolList": listed})


def _page(shop: Shop, asked: Asked) -> dict[str, Any]:
    skus = shop.pool(str(asked["bizPoolId"]))
    return done(classic.by_cursor(skus, int(asked["offset"]), int(asked["pageSize"])))


def _detail(shop: Shop, asked: Asked) -> dict[str, Any]:
    found = classic.detail(shop, int(asked["skuId"]))
    if found is None:
        return failed("3401", "商品不存在")
    shown = found | {"skuId": found["sku"], "skuName": found["name"]}
    del shown["sku"], shown["name"]
    return done(shown)


def _images(shop: Shop, asked: Asked) -> dict[str, Any]:
    listed = [{"skuId": s, "skuImageList": classic.pictures(shop, s)} for s in _skus(asked)]
    return done(listed)


def _states(shop: Shop, asked: Asked) -> dict[str, Any]:
    listed = [{"skuId": s, "skuState": int(s not in shop.delisted)} for s in _skus(asked)]
    return done(listed)


def _check(shop: Shop, asked: Asked) -> dict[str, Any]:
    if told := _strangers(shop, _skus(asked)):
        return told
    return done(
        [
            {"skuId": s, "saleState": int(s not in shop.delisted), "isCanVAT": 1}
            for s in _skus(asked)
        ]
    )


def _prices(shop: Shop, asked: Asked) -> dict[str, Any]:
    if told := _strangers(shop, _skus(asked)):
        return told
    listed = []
    for sku in _skus(asked):
        row = classic.price(shop, sku)
        row["salePrice"], row["taxRatePercentage"] = row.pop("price"), row.pop("tax")
        listed.append(row)
    return done(listed)


def _stock(shop: Shop, asked: Asked) -> dict[str, Any]:
    wanted = asked["getStockByIdGoodsReq"]["skuNumInfoList"]
    if told := _strangers(shop, [int(row["skuId"]) for row in wanted]):
        return told
    listed = []
    for row in wanted:
        shown = classic.stock(shop, int(row["skuId"]), int(row["skuNumber"]))
        shown["stockStateType"] = shown.pop("stockStateId")
        listed.append({"skuId": row["skuId"]} | shown)
    return done(listed)


def _limits(shop: Shop, asked: Asked) -> dict[str, Any]:
    return done([{"skuId": s, "isAreaRestrict": s in shop.restricted} for s in _skus(asked)])


def _freight(shop: Shop, asked: Asked) -> dict[str, Any]:
    listed = asked["freightQueryOpenReq"]["skuInfoList"]
    lines = [{"sku": int(row["skuId"]), "num": int(row["skuNum"])} for row in listed]
    found = trade.freight(lines, shop)
    found["totalFreight"] = found.pop("freight")
    found["remoteRegionSkuIdList"] = json.loads(found.pop("remoteSku"))
    return done(found)


def _places(_: Shop, asked: Asked) -> dict[str, Any]:
    parent = "" if int(asked["areaLevel"]) == 1 else str(asked["jdAreaId"])
    found = PLACES.get(parent, {})
    if not found:
        return failed("3405", "未能获取到地址列表")
    return done({"areaInfoList": [{"areaId": i, "areaName": n} for n, i in found.items()]})


def _address(_: Shop, asked: Asked) -> dict[str, Any]:
    found = classic.read_address(asked["detailAddress"])
    return done(found) if found else failed("3554", "地址解析失败")


def _check_area(_: Shop, asked: Asked) -> dict[str, Any]:
    given = asked["verifyAreaFourIdOpenReq"]
    names = ("provinceId", "cityId", "countyId", "townId")
    good = real_area(tuple(int(given[name]) for name in names))
    return done(result=True) if good else failed("3554", "地址非法-非京东地址!")


def _submit(shop: Shop, asked: Asked) -> dict[str, Any]:
    given = asked["submitOrderOpenReq"]
    to = given["consigneeInfo"]
    levels = ("Province", "City", "County", "Town")
    guarded = [row for row in given["skuInfoList"] if "skuUnitPrice" in row]
    said = trade.submit(
        shop,
        {
            "third": given["thirdOrderId"],
            "lines": [
                {"sku": int(r["skuId"]), "num": int(r["skuNum"]), "gift": r.get("skuNeedGift")}
                for r in given["skuInfoList"]
            ],
            "area": tuple(int(to[f"consignee{level}Id"]) for level in levels),
            "to": {
                "name": to["consigneeName"],
                "mobile": to.get("consigneeMobile", ""),
                "address": to["consigneeAddress"],
                "remark": given.get("remark", ""),
            },
            "snap": {int(r["skuId"]): classic.fen(r["skuUnitPrice"]) for r in guarded},
            "hold": given["submitStateType"] == 0,
        },
    )
    if said["result"]:
        order = shop.orders[said["result"]["jdOrderId"]]
        said["result"] = view(shop, order)
    return said


def view(shop: Shop, order: JdOrder) -> dict[str, Any]:
    """An order in the router's words."""
    old = trade.view(shop, order)
    return {
        "jdOrderId": order.id,
        "thirdOrderId": order.third,
        "parentJdOrderId": order.parent,
        "childJdOrderIdList": shop.children.get(order.id, []),
        "orderCreateTime": millis(order.made),
        "orderState": {
            "confirmState": int(order.confirmed),
            "cancelOrderState": int(not order.cancelled),
            "deliveryState": order.delivered,
            "jdOrderState": order.step,
        },
        "orderPrice": {
            "orderTotalPrice": old["orderPrice"],
            "orderTotalFreight": old["freight"],
            "orderNakedPrice": old["orderNakedPrice"],
            "orderTaxPrice": old["orderTaxPrice"],
        },
        "skuInfoList": [
            {
                "skuId": line["skuId"],
                "skuName": line["name"],
                "skuNum": line["num"],
                "skuPrice": line["price"],
                "skuNakedPrice": line["nakedPrice"],
                "skuTaxPrice": line["taxPrice"],
                "skuTaxRate": line["tax"],
                "type": line["type"],
            }
            for line in old["sku"]
        ],
    }


def _root(shop: Shop, asked: Asked) -> JdOrder | None:
    order_id = asked.get("jdOrderId") or shop.by_third.get(asked.get("thirdOrderId", ""))
    return shop.orders.get(int(order_id)) if order_id else None


def _order(shop: Shop, asked: Asked) -> dict[str, Any]:
    order = _root(shop, asked)
    if order is None:
        return failed("3401", "订单不存在")
    children = [shop.orders[child] for child in shop.children.get(order.id, [])]
    return done([view(shop, each) for each in (order, *children)])


def _track(shop: Shop, asked: Asked) -> dict[str, Any]:
    order = _root(shop, asked)
    if order is None or not order.track:
        return failed("3401", "该订单没有配送信息")
    listed = [
        {"deliveryCarrier": c, "deliveryOrderId": n, "jdOrderId": order.id, "parentJdOrderId": 0}
        for c, n in order.waybills
    ]
    steps = [
        {"trackMsgTime": shop.stamp(at), "trackContent": told, "trackOperator": "客户"}
        for at, told in order.track
    ]
    whole = {"jdOrderId": order.id, "thirdOrderId": order.third}
    return done(whole | {"logisticInfoList": listed, "trackInfoList": steps})


def _messages(shop: Shop, asked: Asked) -> dict[str, Any]:
    wanted = {int(each) for each in str(asked["type"]).split(",")}
    shop.tell_drift()
    listed = [note for note in shop.messages.values() if note.type in wanted][:100]
    return done(
        [
            {
                "id": n.id,
                "type": n.type,
                "content": json.dumps(n.result),
                "created": millis(n.at),
                "updated": millis(n.at),
                "yn": 1,
                "clientId": "VOPCLIENT8",
            }
            for n in listed
        ]
    )


def _forget(shop: Shop, asked: Asked) -> dict[str, Any]:
    for each in str(asked["id"]).split(","):
        shop.messages.pop(int(each), None)
    return done(result=True)


_GOODS, _ORDER = "jingdong.vop.goods.", "jingdong.vop.order."
DOORS: dict[str, Door] = {
    f"{_GOODS}getSkuPoolInfo": _pools,
    f"{_GOODS}querySkuByPage": _page,
    f"{_GOODS}getSkuDetailInfo": _detail,
    f"{_GOODS}getSkuImageList": _images,
    f"{_GOODS}getSkuStateList": _states,
    f"{_GOODS}checkSkuSaleList": _check,
    f"{_GOODS}getCategoryInfoList": lambda shop, a: done(
        [found] if (found := classic.category(str(a["categoryId"]))) else []
    ),
    f"{_GOODS}checkAreaLimitList": _limits,
    f"{_GOODS}getSellPrice": _prices,
    f"{_GOODS}getNewStockById": _stock,
    f"{_ORDER}querySkuFreight": _freight,
    "jingdong.vop.address.queryJdAreaIdList": _places,
    "jingdong.vop.address.convertFourAreaByDetailStr": _address,
    "jingdong.vop.address.verifyAreaFourIdOpenReq": _check_area,
    f"{_ORDER}submitOrder": _submit,
    f"{_ORDER}confirmOrder": lambda shop, a: trade.confirm(shop, _root(shop, a)),
    f"{_ORDER}cancelOrder": lambda shop, a: trade.cancel(shop, _root(shop, a)),
    f"{_ORDER}queryOrderDetail": _order,
    f"{_ORDER}queryDeliveryInfo": _track,
    f"{_ORDER}checkAccountBalance": lambda shop, a: classic.DOORS["/api/price/getBalance"](shop, a),
    "jingdong.vop.message.queryTransByVopNormal": _messages,
    "jingdong.vop.message.deleteClientMsgByIdList": _forget,
}
ODD = (f"{_ORDER}submitOrder", "jingdong.vop.message.deleteClientMsgByIdList")
"""Calls whose payload is called `vopOrderRpcResult`."""
