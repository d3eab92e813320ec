"""Orders read again, paid, cancelled and followed at the simulated 1688."""

import json
from datetime import timedelta
from typing import Any

from sandbox.frame import Asked, Clock

from .goods import Goods
from .orders import Book, Line, Order, Parcel

TOO_FAST = timedelta(seconds=10)
_CREATED = ("waitbuyerpay", "waitsellersend")


class Trade:
    """What becomes of orders."""

    def __init__(self, goods: Goods, book: Book, clock: Clock) -> None:
        self._goods = goods
        self._book = book
        self._clock = clock

    def doors(self) -> dict[str, Any]:
        """The calls about orders that were made."""
        trade, logistics = "com.alibaba.trade/alibaba", "com.alibaba.logistics/alibaba"
        return {
            f"{trade}.trade.getBuyerOrderList": self._list,
            f"{trade}.trade.get.buyerView": self._view,
            f"{trade}.trade.pay.protocolPay": self._protocol_pay,
            f"{trade}.trade.pay.protocolPay.preparePay": self._prepare_pay,
            f"{trade}.alipay.url.get": self._cashier,
            f"{trade}.trade.cancel": self._cancel,
            f"{logistics}.trade.getLogisticsInfos.buyerView": self._parcels,
            f"{logistics}.trade.getLogisticsTraceInfo.buyerView": self._traces,
        }

    def _list(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        size, at = int(fields.get("pageSize", "20")), int(fields.get("page", "1"))
        wanted = None if asked.struck_by("unfiltered") else fields.get("outOrderId")
        found = [one for one in self._book.placed.values() if wanted in (None, one.out_ref)]
        here = found[(at - 1) * size : at * size]
        told: dict[str, Any] = {"totalRecord": len(found)}
        if here:
            told["result"] = [self._shown(one) for one in here]
        return told

    def _view(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        _ = fields["webSite"]
        order = self._book.find(fields["orderId"])
        if order is None:
            return {
                "errorCode": "ORDER_NOT_EXIST",
                "errorMessage": "订单不存在",
                "success": "false",
            }
        address = order.address
        people = {
            "contactPerson": address.get("fullName"),
            "mobile": address.get("mobile"),
            "address": address.get("address"),
        }
        return {"result": {**self._shown(order), "nativeLogistics": people}, "success": "true"}

    def _shown(self, order: Order) -> dict[str, Any]:
        receiver = {
            "toFullName": order.address.get("fullName"),
            "toMobile": order.address.get("mobile"),
            "toArea": order.address.get("address"),
        }
        base = {
            "id": int(float(order.ref)),
            "idOfStr": str(order.ref),
            "status": order.status,
            "totalAmount": order.total / 100,
            "sumProductPayment": order.goods / 100,
            "shippingFee": order.freight / 100,
            "discount": 0,
            "createTime": f"{order.at:%Y%m%d%H%M%S}000+0000",
            "sellerID": order.seller,
            "receiverInfo": receiver,
        }
        return {"baseInfo": base, "productItems": [self._item(order, one) for one in order.lines]}

    def _item(self, order: Order, line: Line) -> dict[str, Any]:
        moving = any(line.entry in parcel.pieces for parcel in order.parcels)
        told = {
            "itemAmount": line.price * line.pieces / 100,
            "name": line.offer.listing.title,
            "price": line.price / 100,
            "productID": line.offer.id,
            "skuID": self._goods.sku_id(line.sku),
            "specId": line.spec,
            "quantity": float(line.pieces),
            "status": order.status,
            "logisticsStatus": 2 if moving else 1,
            "subItemID": int(float(line.entry)),
            "subItemIDString": str(line.entry),
            "refundId": line.refund,
            "refundStatus": "WAIT_SELLER_AGREE"
            if line.refund
            else "REFUND_SUCCESS"
            if line.paid_back
            else None,
        }
        return {key: value for key, value in told.items() if value is not None}

    def _pay(self, order: Order) -> None:
        if order.status == _CREATED[0]:
            order.status = _CREATED[1]
            self._book.payments.append(order.ref)
            self._book.say(order, "ORDER_PAY")

    def _protocol_pay(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        order = self._book.find(fields["orderId"])
        if order is None:
            return {"success": False, "code": "500", "message": "不是自己的订单"}
        if asked.struck_by("pay_no"):
            return {"success": False, "code": "500", "message": "支付失败"}
        self._pay(order)
        if asked.struck_by("pay_lie"):
            return {"success": False, "code": "500", "message": "支付超时"}
        return {"success": True}

    def _prepare_pay(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        wanted = json.loads(fields["tradeWithholdPreparePayParam"])
        order = self._book.find(wanted["orderId"])
        if order is None:
            told = {"success": False, "code": "500", "message": "不是自己的订单"}
            return {"result": told}
        if wanted.get("payAmount", order.total) != order.total:
            return {"result": {"success": False, "code": "500", "message": "支付金额不一致"}}
        paid = not asked.struck_by("pay_no")
        if paid:
            self._pay(order)
        said = paid and not asked.struck_by("pay_lie")
        inner = {"payChannel": wanted.get("payChannel", "alipay"), "paySuccess": said}
        return {"result": {"success": True, "code": "200", "result": inner}}

    def _cashier(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        refs = json.loads(fields["orderIdList"])
        if not refs or any(self._book.find(one) is None for one in refs):
            return {"success": False, "errorCode": "500", "erroMsg": "订单不存在"}
        return {"success": True, "payUrl": f"https://trade.1688.com/pay?orders={refs[0]}"}

    def _cancel(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        _ = fields["webSite"]
        order, why = self._book.find(fields["tradeID"]), fields["cancelReason"]
        code = ""
        if order is None:
            code = "ORDER_NOT_EXIST"
        elif why not in ("buyerCancel", "sellerGoodsLack", "other"):
            code = "400_3"
        elif order.status != _CREATED[0]:
            code = "ORDER_STATUS_ERROR"
        elif self._clock.now() - order.at < TOO_FAST:
            code = "CLOSE_ORDER_TOO_FAST"
        if order is None or code:
            return {"success": False, "errorCode": code, "errorMessage": code}
        order.status = "cancel"
        self._book.say(order, "ORDER_BUYER_CLOSE")
        return {"success": True}

    def _parcels(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        _ = fields["webSite"]
        order = self._book.find(fields["orderId"])
        if order is None or not order.parcels:
            words = "该订单没有发货，暂时不能查看物流详情"
            return {"success": False, "errorCode": "500_2", "errorMessage": words}
        return {
            "result": [
                {
                    "logisticsId": one.logistics_id,
                    "logisticsBillNo": one.number,
                    "orderEntryIds": ",".join(str(entry) for entry in one.pieces),
                    "status": one.status,
                    "logisticsCompanyId": "3",
                    "logisticsCompanyName": "圆通速递" if one.number[0] == "Y" else "顺丰速运",
                    "logisticsCompanyNo": "YTO",
                    "sendGoods": [
                        {"goodName": "x", "quantity": pieces, "unit": "件"}
                        for pieces in one.pieces.values()
                    ],
                    **self._goods_of(asked, order, one),
                    "receiver": {"receiverName": order.address.get("fullName")},
                }
                for one in order.parcels
            ]
        }

    def _goods_of(self, asked: Asked, order: Order, parcel: Parcel) -> dict[str, Any]:
        """Which lines are in a parcel, with the pieces of each; not every answer has it."""
        if asked.struck_by("no_goods"):
            return {}
        goods = [
            {
                "logisticsId": parcel.logistics_id,
                "tradeOrderId": order.ref,
                "tradeOrderItemId": entry,
                "quantity": float(pieces),
                "unit": "件",
            }
            for entry, pieces in parcel.pieces.items()
        ]
        return {"logisticsOrderGoods": goods}

    def _traces(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        order = self._book.find(fields["orderId"])
        if order is None or not order.parcels:
            return {"errorMessage": "该订单没有物流跟踪信息。", "success": True}
        steps = [
            {"acceptTime": "2026-07-24 21:55:33", "remark": "已揽收"},
            {"acceptTime": "2026-07-24 08:10:00", "remark": "商家已发货"},
        ]
        return {
            "logisticsTrace": [
                {
                    "logisticsId": one.logistics_id,
                    "orderId": order.ref,
                    "logisticsBillNo": one.number,
                    "logisticsSteps": steps,
                }
                for one in order.parcels
            ],
            "success": True,
        }
