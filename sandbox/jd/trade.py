"""Ordering at JD, whatever the protocol: the checks in JD's order, refusals in JD's prose."""

from typing import Any

from .gate import done, failed
from .shop import JdOrder, Line, Shop, real_area, yuan


def submit(shop: Shop, asked: dict[str, Any]) -> dict[str, Any]:
    """`asked`: third, lines [{sku, num, price?, gift}], area, to, snap {sku: fen}, hold."""
    third = asked["third"]
    if not third or not asked["lines"]:
        return failed("1001", "参数为空")
    former = shop.by_third.get(third)
    if former is not None and not shop.orders[former].cancelled:
        return failed("0008", "重复下单", view(shop, shop.orders[former]))
    if refusal := _refusal(shop, asked):
        return refusal
    lines = [Line(line["sku"], line["num"], shop.price(line["sku"])) for line in asked["lines"]]
    freight = shop.freight_of(sum(line.price * line.num for line in lines))
    order = JdOrder(
        shop.new_id(), third, lines, asked["area"], asked["to"], freight, shop.clock.now()
    )
    if not asked["hold"] and shop.balance < order.goods + freight:
        return failed("3017", "您的余额不足;")
    shop.place(order)
    if not asked["hold"]:
        shop.confirm(order)
    return done(view(shop, order), "0001", "下单成功！")


def _refusal(shop: Shop, asked: dict[str, Any]) -> dict[str, Any] | None:
    if not real_area(asked["area"]):
        return failed("3554", "地址非法-非京东地址!")
    for line in asked["lines"]:
        sku = line["sku"]
        if not shop.inside(sku) or sku in shop.delisted:
            return failed("3004", f"[{sku}]商品已下架，不能下单 ;")
        if sku in shop.restricted:
            return failed("3009", f"【{sku}】商品在该配送区域内受限;")
        if line.get("gift") and sku in shop.giftless:
            return failed("3008", f"编号为2586166的赠品无货，主商品为:{sku};")
        if shop.left(sku) < line["num"]:
            return failed("3008", f"编号为{sku}的商品无货;")
    for sku, price in asked["snap"].items():
        if price != _quoted(shop, sku):
            return failed("3019", f"[{sku}]商品价格发生变化，价格快照校验不通过;")
    return None


def _quoted(shop: Shop, sku: int) -> int:
    price = shop.price(sku)
    return shop.parts(sku, price)[0] if shop.naked else price


def confirm(shop: Shop, order: JdOrder | None) -> dict[str, Any]:
    """Pay for what is held."""
    if order is None:
        return failed("3401", "订单不存在")
    if order.cancelled:
        return failed("3203", "该订单已经被取消", result=False)
    if order.confirmed:
        return failed("3103", "该订单已经被确认过，不能重复确认", result=False)
    if shop.balance < order.goods + order.freight:
        return failed("3017", "您的余额不足;")
    shop.confirm(order)
    return done(result=True, code="0003", message="确认下单成功")


def cancel(shop: Shop, order: JdOrder | None) -> dict[str, Any]:
    """Only what is not confirmed."""
    if order is None:
        return failed("3401", "订单不存在")
    if order.cancelled:
        return failed("3203", "该订单已经被取消", result=False)
    if order.confirmed:
        return failed("3212", "已确认的订单不能取消", result=False)
    shop.cancel(order)
    return done(result=True, code="0002", message="取消订单成功")


def view(shop: Shop, order: JdOrder) -> dict[str, Any]:
    """An order as submitOrder and selectJdOrder show it; unit prices are net under naked terms."""
    lines, net = [], 0
    for line in order.lines:
        price = 0 if order.free_child else line.price
        bare, tax, percent = shop.parts(line.sku, price)
        net += bare * line.num
        found = shop.good(line.sku)
        lines.append(
            {
                "skuId": line.sku,
                "num": line.num,
                "category": 7371,
                "price": yuan(bare if shop.naked else price),
                "name": found[0].title if found else "",
                "tax": percent,
                "taxPrice": yuan(tax),
                "nakedPrice": yuan(bare),
                "type": line.type,
                "oid": line.oid,
            }
        )
    total = 0 if order.free_child else order.goods
    return {
        "jdOrderId": order.id,
        "freight": yuan(order.freight),
        "orderPrice": yuan(total),
        "orderNakedPrice": yuan(net),
        "orderTaxPrice": yuan(total - net),
        "sku": lines,
    }


def freight(lines: list[dict[str, Any]], shop: Shop) -> dict[str, Any]:
    """For goods together; `remoteSku` is a text."""
    whole = shop.freight_of(sum(shop.price(line["sku"]) * line["num"] for line in lines))
    return {
        "freight": yuan(whole),
        "baseFreight": yuan(whole),
        "remoteRegionFreight": 0,
        "remoteSku": "[]",
    }
