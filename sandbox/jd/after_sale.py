"""JD's old after-sale calls, whose result codes count from 0."""

from dataclasses import replace
from typing import Any

from .gate import done, failed
from .shop import JdOrder, Shop, yuan

Asked = dict[str, Any]


def _taken(shop: Shop, order_id: int, sku: int) -> int:
    return sum(
        s["num"]
        for s in shop.services.values()
        if s["orderId"] == order_id and s["wareId"] == sku and s["afsServiceStep"] != 60
    )


def _left(shop: Shop, order_id: int, sku: int) -> int:
    order = shop.orders.get(order_id)
    if order is None or order_id in shop.children:
        return 0
    bought = sum(line.num for line in order.lines if line.sku == sku)
    return bought - _taken(shop, order_id, sku) if order.delivered == 1 else 0


def available(shop: Shop, asked: Asked) -> dict[str, Any]:
    """A number."""
    return done(_left(shop, int(asked["jdOrderId"]), int(asked["skuId"])), "1")


def expects(shop: Shop, asked: Asked) -> dict[str, Any]:
    """What may be asked for."""
    return done([{"code": "10", "name": "退货"}, {"code": "20", "name": "换货"}], "1")


def ways(shop: Shop, asked: Asked) -> dict[str, Any]:
    """How goods go back."""
    return done([{"code": "4", "name": "上门取件"}, {"code": "40", "name": "客户发货"}], "1")


def apply(shop: Shop, asked: Asked) -> dict[str, Any]:
    """A service begins; its number comes with the list only."""
    order_id, item = int(asked["jdOrderId"]), asked["asDetailDto"]
    sku, num = int(item["skuId"]), int(item["skuNum"])
    order = shop.orders.get(order_id)
    if order is None:
        return failed("6002", "订单不存在")
    if order_id in shop.children:
        return failed("6004", "请使用子单申请")
    if order.delivered != 1:
        return failed("6005", "订单未妥投")
    if not any(line.sku == sku for line in order.lines):
        return failed("6007", "商品不存在")
    if num > _left(shop, order_id, sku):
        return failed("6010", "申请数量过大")
    number = 500_000_000 + shop.clock.begun + len(shop.services)
    shop.services[number] = {
        "afsServiceId": number,
        "customerExpect": asked["customerExpect"],
        "customerExpectName": "退货",
        "afsApplyTime": shop.stamp(),
        "questionDesc": asked["questionDesc"],
        "orderId": order_id,
        "wareId": sku,
        "wareName": "",
        "afsServiceStep": 10,
        "afsServiceStepName": "申请阶段",
        "cancel": 1,
        "num": num,
    }
    return done(None, "0", "操作成功")


def services(shop: Shop, asked: Asked) -> dict[str, Any]:
    """Of one order."""
    found = [s for s in shop.services.values() if s["orderId"] == int(asked["jdOrderId"])]
    start, size = (asked["pageIndex"] - 1) * asked["pageSize"], asked["pageSize"]
    listed = [_without_words(service) for service in found[start : start + size]]
    page = {"totalNum": len(found), "pageSize": size, "pageNum": 1, "pageIndex": 1}
    return done(page | {"serviceInfoList": listed}, "1")


def _without_words(service: dict[str, Any]) -> dict[str, Any]:
    """The list has less of a service than its own page."""
    return {key: value for key, value in service.items() if key not in ("questionDesc", "money")}


def detail(shop: Shop, asked: Asked) -> dict[str, Any]:
    """Of one service."""
    found = shop.services.get(int(asked["afsServiceId"]))
    if found is None:
        return failed("6002", "服务单不存在")
    address = {"address": "北京市大兴区京东备件库", "linkMan": "备件库", "tel": "010-12345678"}
    money = {"refundPrice": yuan(found["money"])} if "money" in found else {}
    told = {"serviceAftersalesAddressInfoDTO": address, "serviceFinanceDetailInfoDTOs": money}
    return done(found | told, "1")


def sent(shop: Shop, asked: Asked) -> dict[str, Any]:
    """The customer's parcel."""
    found = shop.services.get(int(asked["afsServiceId"]))
    if found is None:
        return failed("6002", "服务单不存在")
    found["afsServiceStep"], found["express"] = 31, asked["expressCode"]
    return done(result=True, code="0")


def cancel(shop: Shop, asked: Asked) -> dict[str, Any]:
    """Withdrawn."""
    for number in asked["serviceIdList"]:
        shop.services[int(number)]["afsServiceStep"] = 60
    return done(result=True, code="0")


def renewed(shop: Shop) -> int:
    """A new order in the place of the newest service's goods, and the message that tells of it."""
    service = shop.services[max(shop.services)]
    former = shop.orders[service["orderId"]]
    line = next(one for one in former.lines if one.sku == service["wareId"])
    goods = [replace(line, num=service["num"])]
    new = JdOrder(
        shop.new_id(),
        "",
        goods,
        former.area,
        former.to,
        0,
        shop.clock.now(),
        confirmed=True,
        step=7,
    )
    shop.orders[new.id] = new
    shop.tell(13, {"orderId": new.id, "afsServiceId": service["afsServiceId"]})
    return new.id
