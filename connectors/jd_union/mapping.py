"""The Union's goods and order rows in our words. Pure."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors import jsontext
from connectors.calls import DENIED, LATER, REFUSED, Failure, Fault
from connectors.errors import Unreadable
from connectors.jd.faults import by_words
from connectors.jd.reading import moment, money, pick, rows, table, text, unpacked, whole
from connectors.model import PriceFact
from connectors.trading import Commission
from kit.clock import SHANGHAI

OK = ("200", "0")
FAULTS: dict[str, Fault] = {
    "403": DENIED,
    "411": REFUSED,  # a kind of id that this scene does not read
    "500": LATER,
    "1002024": DENIED,  # no siteId
    "2001701": DENIED,  # this siteId may not
}
"""Codes of the Union inside its payload; those of the router are in connectors.jd.faults."""

SPLIT = 2
ORDERED, PAID, FINISHED, SETTLED = frozenset([15, 24]), 16, 17, 18
REASONS: dict[int, str] = {
    -1: "未知",
    2: "无效-拆单",
    3: "无效-取消",
    4: "无效-京东帮帮主订单",
    5: "无效-账号异常",
    6: "无效-赠品类目不返佣",
    7: "无效-校园订单",
    8: "无效-企业订单",
    9: "无效-团购订单",
    11: "无效-乡村推广员下单",
    13: "无效-违规订单",
    14: "无效-来源与备案网址不符",
    19: "无效-佣金比例为0",
    20: "无效-首购订单无效",
    21: "无效-云店订单",
    22: "无效-PLUS会员佣金比例为0",
    23: "无效-支付有礼",
    30: "无效-超出上限",
    31: "无效-黑名单商品",
    33: "无效-超市卡充值订单",
    34: "无效-推卡订单",
}


def failure(payload: Any) -> Failure | None:
    """What the Union's own code says, inside the payload."""
    found = table(payload)
    code = text(found.get("code")) or "200"
    if code in OK:
        return None
    message = text(pick(found, "message", "msg")) or "the Union refuses"
    return Failure(FAULTS.get(code) or by_words(message) or REFUSED, code, f"{message} ({code})")


def external_id(good: Mapping[str, Any]) -> str:
    """A product's SKU id, or its Union id where this scene does not tell the SKU."""
    sku = text(pick(good, "skuId"))
    return sku if sku not in ("", "0", "-1") else text(pick(good, "itemId"))


def row(good: Mapping[str, Any], *, coupon_price: bool) -> dict[str, Any]:
    """One affiliate offer: never sold by us, only recommended."""
    shop, owner = table(good.get("shopInfo")), text(good.get("owner"))
    pictures = rows(table(good.get("imageInfo")).get("imageList"))
    price = _price(good, coupon_price=coupon_price)
    return {
        "file": "goods.query",
        "external_id": external_id(good),
        "listing": text(pick(good, "spuid", "itemId")) or external_id(good),
        "title": text(pick(good, "skuName", "goodsName")),
        "brand": text(good.get("brandName")) or None,
        "category": _category(good),
        "seller": text(shop.get("shopName")) or ("京东自营" if owner == "g" else None),
        "images": jsontext.dumps(
            [address for each in pictures if (address := text(each.get("url")))]
        ),
        "affiliate_price": price,
        "commission_rate": _rate(table(good.get("commissionInfo")).get("commissionShare")),
        "stock_state": "out" if text(good.get("stockState")) == "0" else None,
        "state": "live" if price is not None else "off",
    }


def price_fact(good: Mapping[str, Any], *, coupon_price: bool) -> PriceFact:
    """What consumers pay at JD now, and our share of it."""
    return PriceFact(
        external_id(good),
        affiliate=_price(good, coupon_price=coupon_price),
        commission_rate=_rate(table(good.get("commissionInfo")).get("commissionShare")),
    )


def promoted(good: Mapping[str, Any]) -> dict[str, Any] | None:
    """A row of promotiongoodsinfo in the shape of goods.query; JD spells it `commision` here."""
    price = money(pick(good, "wlUnitPrice", "unitPrice"))
    if price is None or price <= 0:
        return None
    names = [text(good.get(name)) for name in ("cidName", "cid2Name", "cid3Name")]
    return {
        "skuId": good.get("skuId"),
        "skuName": good.get("goodsName"),
        "priceInfo": {"price": price},
        "commissionInfo": {"commissionShare": pick(good, "commisionRatioWl", "commisionRatioPc")},
        "imageInfo": {"imageList": [{"url": good.get("imgUrl")}]},
        "categoryInfo": dict(zip(("cid1Name", "cid2Name", "cid3Name"), names, strict=True)),
        "owner": "g" if text(good.get("isJdSale")) == "1" else "p",
    }


def _price(good: Mapping[str, Any], *, coupon_price: bool) -> Decimal | None:
    found = table(good.get("priceInfo"))
    names = ("lowestPrice", "price")
    return money(pick(found, *(("lowestCouponPrice", *names) if coupon_price else names)))


def _rate(percent: Any) -> Decimal | None:
    number = money(percent)
    return number / 100 if number is not None and number <= 100 else None


def _category(good: Mapping[str, Any]) -> str | None:
    found = table(good.get("categoryInfo"))
    names = [text(found.get(name)) for name in ("cid1Name", "cid2Name", "cid3Name")]
    return " > ".join(name for name in names if name) or None


def material(item: str) -> str:
    """What a link is made from: an address as it is, a SKU's page, or a Union product's page."""
    if "/" in item:
        return item
    if item.isdigit():
        return f"https://item.jd.com/{item}.html"
    return f"https://jingfen.jd.com/detail/{item}.html"


def commission(raw: Mapping[str, Any], now: datetime) -> Commission:
    """One row of one SKU of one order. A split voids the parent's row; its children's follow."""
    code = whole(raw.get("validCode"))
    ordered = moment(raw.get("orderTime"))
    if code is None or ordered is None or not text(raw.get("id")):
        raise Unreadable("order-row", "an order row has no id, validCode or orderTime")
    parent = text(raw.get("parentId"))
    state = _state(code, raw, now)
    actual = money(raw.get("actualFee")) if state in ("finished", "settled") else None
    return Commission(
        id=text(raw.get("id")),
        order_ref=text(raw.get("orderId")),
        parent_ref=parent if parent not in ("", "0") else None,
        external_id=text(pick(raw, "skuId", "itemId")),
        title=text(raw.get("skuName")),
        quantity=whole(raw.get("skuNum")) or 0,
        returned=whole(raw.get("skuReturnNum")) or 0,
        state=state,
        leader=text(raw.get("subUnionId")),
        paid=money(raw.get("estimateCosPrice")) or Decimal(0),
        rate=_rate(raw.get("commissionRate")) or Decimal(0),
        expected=money(raw.get("estimateFee")) or Decimal(0),
        actual=actual,
        ordered_at=ordered,
        changed_at=moment(raw.get("modifyTime")) or ordered,
        reason=_reason(code) if state == "invalid" else "",
    )


def _state(code: int, raw: Mapping[str, Any], now: datetime) -> Any:
    if code in ORDERED:
        return "ordered"
    if code == PAID:
        return "paid"
    if code == SETTLED or (code == FINISHED and _settled(raw, now)):
        return "settled"
    return "finished" if code == FINISHED else "invalid"


def _settled(raw: Mapping[str, Any], now: datetime) -> bool:
    """`payMonth` is 0, or the day (yyyyMMdd) on which JD pays."""
    day = text(raw.get("payMonth"))
    return len(day) == 8 and day <= now.astimezone(SHANGHAI).strftime("%Y%m%d")


def _reason(code: int) -> str:
    return REASONS.get(code, f"无效 ({code})")


def payload_rows(payload: Any) -> list[dict[str, Any]]:
    """`data` holds the objects directly; the documents draw a level more that is not there."""
    found = unpacked(table(payload).get("data"))
    if isinstance(found, dict):
        found = next((each for each in found.values() if isinstance(each, list)), [found])
    return rows(found)
