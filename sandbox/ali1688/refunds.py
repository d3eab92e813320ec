"""Refunds and returns of the simulated 1688; amounts in fen."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.frame import Asked

from .messages import Messages
from .orders import Book, Line, Order

REASONS = [
    {"id": 20006, "name": "质量问题", "needVoucher": True, "noRefundCarriage": False},
    {"id": 20028, "name": "不想买了", "needVoucher": False, "noRefundCarriage": False},
]
STATUSES = {
    "refundWaitSellerSend": ("waitsellersend",),
    "refundWaitBuyerReceive": ("waitbuyerreceive", "waitlogisticstakein", "waitbuyersign"),
    "refundBuyerReceived": ("waitbuyerreceive", "waitbuyersign", "signinsuccess"),
    "aftersaleBuyerNotReceived": ("confirm_goods", "success"),
    "aftersaleBuyerReceived": ("confirm_goods", "success"),
}
_OVER = ("confirm_goods", "success")


@dataclass
class Refund:
    """One refund, of one line unless a person asked for it."""

    id: str
    order: Order
    line: Line
    payment: int
    carriage: int
    returns: bool
    status: str = "waitselleragree"
    waybill: str = ""
    after: bool = False
    """Whether the sale was over when it was asked for."""
    also: tuple[Line, ...] = ()
    """Further lines that it is about, where a person asked for them together."""

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines that it is about."""
        return self.line, *self.also


class Refunds:
    """The refunds."""

    def __init__(self, book: Book, messages: Messages) -> None:
        self._book = book
        self._messages = messages
        self.asked_for: dict[str, Refund] = {}

    def doors(self) -> dict[str, Any]:
        """The calls about refunds."""
        trade = "com.alibaba.trade/alibaba.trade"
        return {
            f"{trade}.getRefundReasonList": self._reasons,
            f"{trade}.createRefund": self._create,
            f"{trade}.refund.OpQueryOrderRefund": self._query,
            f"{trade}.refund.buyer.queryOrderRefundList": self._list,
            f"{trade}.refund.returnGoods": self._return,
        }

    def do_refunds(self, args: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The truth about every refund."""
        return [
            {
                "id": one.id,
                "ref": str(one.order.ref),
                "payment": one.payment,
                "carriage": one.carriage,
                "status": one.status,
                "waybill": one.waybill,
            }
            for one in self.asked_for.values()
        ]

    def do_refund(self, args: Mapping[str, Any]) -> None:
        """A refund moves on: {refund, status}."""
        refund = self.asked_for[args["refund"]]
        refund.status = args["status"]
        for line in refund.lines if refund.status in ("refundsuccess", "refundclose") else ():
            line.refund = None
            line.paid_back = refund.status == "refundsuccess"
        over = [one for one in self.asked_for.values() if one.status == "refundsuccess"]
        paid = {line.entry for one in over for line in one.lines}
        unsent = refund.order.status == "waitsellersend"
        if unsent and paid.issuperset(line.entry for line in refund.order.lines):
            refund.order.status = "terminated"
        data = {"orderId": refund.order.ref, "currentStatus": refund.order.status}
        data["refundAction"] = refund.status
        self._messages.say("ORDER_BUYER_VIEW_ORDER_BUYER_REFUND_IN_SALES", data)

    def do_refund_by_hand(self, args: Mapping[str, Any]) -> str:
        """A person asks for money at 1688 itself, of all lines together, and its seller pays:
        {order, fen, carriage}; the refund's id."""
        order = self._book.find(args["order"])
        if order is None:
            raise ValueError(f"there is no order {args['order']}")
        name = f"TQ{34931008034741532 + len(self.asked_for)}"
        first, *others = order.lines
        refund = Refund(name, order, first, args["fen"], args.get("carriage", 0), returns=False)
        refund.also, refund.after = tuple(others), order.status in _OVER
        self.asked_for[name] = refund
        self.do_refund({"refund": name, "status": "refundsuccess"})
        return name

    def _reasons(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        order = self._book.find(fields["orderId"])
        _ = json.loads(fields["orderEntryIds"])
        if order is None:
            return _failed("5001", "订单不存在")
        if order.status not in STATUSES.get(fields["goodsStatus"], ()):
            return _failed("5003", "货物状态不正确")
        return {"result": {"success": True, "result": {"reasons": REASONS}}}

    def _create(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        order = self._book.find(fields["orderId"])
        if order is None:
            return _failed("5001", "订单不存在")
        if fault := self._fault(order, fields):
            return fault
        (entry,) = json.loads(fields["orderEntryIds"])
        line = next(one for one in order.lines if one.entry == entry)
        refund = Refund(
            f"TQ{34931008034741532 + len(self.asked_for)}",
            order,
            line,
            int(fields["applyPayment"]),
            int(fields["applyCarriage"]),
            fields["disputeRequest"] == "returnRefund",
            after=order.status in _OVER,
        )
        self.asked_for[refund.id] = refund
        line.refund = refund.id
        return {"result": {"result": {"refundId": refund.id}, "success": True}}

    def _fault(self, order: Order, fields: dict[str, str]) -> dict[str, Any] | None:
        """Why a refund is not taken, in the order of the page."""
        (entry,) = json.loads(fields["orderEntryIds"])
        line = next((one for one in order.lines if one.entry == entry), None)
        reasons = {str(one["id"]): one for one in REASONS}
        reason = reasons.get(fields["applyReasonId"])
        unshipped = fields["goodsStatus"] == "refundWaitSellerSend"
        amount = line.price * line.pieces if line else 0
        payment, returns = int(fields["applyPayment"]), fields["disputeRequest"] == "returnRefund"
        counts = json.loads(fields.get("orderEntryCountList", "[]"))
        checks = (
            (order.status in STATUSES.get(fields["goodsStatus"], ()), "5003"),
            (reason is not None, "5004"),
            (not (reason and reason["needVoucher"]) or "vouchers" in fields, "5005"),
            (line is not None and not (line and line.refund), "5010"),
            (not (returns and unshipped), "5010"),
            (payment == amount if unshipped else 0 < payment <= amount, "5011"),
            (int(fields["applyCarriage"]) <= order.freight - self._carried(order), "5011"),
            (2 <= len(fields["description"]) <= 150, "5012"),
            (not counts or fields["goodsStatus"] == "refundBuyerReceived", "5013"),
        )
        code = next((code for good, code in checks if not good), None)
        return _failed(code, "退款申请失败") if code else None

    def _carried(self, order: Order) -> int:
        """Freight that is asked back already."""
        own = [one for one in self.asked_for.values() if one.order is order]
        return sum(one.carriage for one in own if one.status != "refundclose")

    def _model(self, refund: Refund) -> dict[str, Any]:
        paid = refund.status == "refundsuccess"
        return {
            "refundId": refund.id,
            "orderId": int(float(refund.order.ref)),
            "orderEntryIdList": [line.entry for line in refund.lines],
            "status": refund.status,
            "applyPayment": refund.payment,
            "applyCarriage": refund.carriage,
            **(
                {"refundPayment": refund.payment, "refundCarriage": refund.carriage} if paid else {}
            ),
            "sellerReceiveAddress": "浙江省金华市某路 1 号",
            "sellerRealName": "退货组",
            "sellerMobile": "13800000000",
        }

    def _query(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        refund = self.asked_for.get(fields["refundId"])
        if refund is None:
            return {
                "result": {"success": False, "errorCode": "404", "errorMessage": "退款单不存在"}
            }
        return {"result": {"result": {"opOrderRefundModelDetail": self._model(refund)}}}

    def _list(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        size, at = int(fields.get("pageSize", "20")), int(fields.get("currentPageNum", "0"))
        own = [
            one for one in self.asked_for.values() if str(one.order.ref) == fields.get("orderId")
        ]
        when = {"0": (False, True), "2": (True,)}.get(fields.get("dipsuteType", "1"), (False,))
        found = [one for one in own if one.after in when]
        here = [self._model(one) for one in found[at * size : (at + 1) * size]]
        told: dict[str, Any] = {"totalCount": len(found), "currentPageNum": at}
        return {"result": {**told, "opOrderRefundModels": here} if here else told, "success": True}

    def _return(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        refund = self.asked_for.get(fields["refundId"])
        if refund is None or refund.status not in ("waitbuyersend", "waitsellerreceive"):
            return _failed("5010", "退款状态不正确")
        _ = fields["logisticsCompanyNo"]
        refund.waybill, refund.status = fields["freightBill"], "waitsellerreceive"
        return {"result": {"success": True, "result": True}}


def _failed(code: str, message: str) -> dict[str, Any]:
    return {"result": {"success": False, "code": code, "message": message}}
