"""Previews and new orders of the simulated 1688."""

import json
from typing import Any

from sandbox.frame import Asked, Clock

from .goods import Goods, Refusal
from .orders import Book, Line, Order

TRADE_TYPES = ("assureTrade", "alipay")
_BY_PIECE = ("fenxiao", "saleproxy", "boutiquefenxiao")


class Checkout:
    """What is bought, at which price, and where it goes."""

    def __init__(self, goods: Goods, book: Book, clock: Clock) -> None:
        self._goods = goods
        self._book = book
        self._clock = clock

    def doors(self) -> dict[str, Any]:
        """The calls before and at the making of an order."""
        trade = "com.alibaba.trade/alibaba"
        return {
            f"{trade}.createOrder.preview": self._preview,
            f"{trade}.trade.fastCreateOrder": self._fast,
            f"{trade}.trade.createCrossOrder": self._cross,
            f"{trade}.trade.addresscode.parse": self._parse,
        }

    def _cargo(self, fields: dict[str, str], flow: str) -> list[Line]:
        """The lines that are asked for, priced. Raises Refusal as a preview does."""
        lines: list[Line] = []
        for number, one in enumerate(json.loads(fields["cargoParamList"])):
            offer = self._goods.offer(int(one["offerId"]))
            spec, pieces = one.get("specId"), int(one["quantity"])
            if not offer.bare and spec is None:
                raise _declined("500_002", "specId 缺失")
            skus = {self._goods.spec_id(sku): sku for sku in offer.listing.skus}
            sku = offer.listing.skus[0] if offer.bare else skus.get(spec or "")
            if sku is None:
                raise _declined("500_003", "specId 不属于该商品")
            if self._goods.world.stock(sku) < pieces:
                raise _declined("500_004", "库存不足")
            lines.append(Line(number, offer, sku, None if offer.bare else spec, pieces, 0))
        if len({line.offer.seller for line in lines}) > 1:
            raise _declined("500_002", "一次只能下单一个供应商的商品")
        for line in lines:
            line.price = self._price(line, lines, flow)
        return lines

    def _compared(self, fields: dict[str, str]) -> tuple[str, list[Line]]:
        """The flow that is asked for, else the cheaper one that is allowed."""
        if flow := fields.get("flow", ""):
            return flow, self._cargo(fields, flow)
        found: list[tuple[int, str, list[Line]]] = []
        declined: Refusal | None = None
        for one in ("general", "fenxiao"):
            try:
                lines = self._cargo(fields, one)
            except Refusal as refusal:
                declined = declined or refusal
            else:
                found.append((sum(line.price * line.pieces for line in lines), one, lines))
        if not found and declined is not None:
            raise declined
        _, flow, lines = min(found, key=lambda one: one[0])
        return flow, lines

    def _price(self, line: Line, lines: list[Line], flow: str) -> int:
        offer = line.offer
        together = [one for one in lines if one.offer.id == offer.id and offer.quote_type != 1]
        pieces = sum(one.pieces for one in together) or line.pieces
        asked = []
        if offer.one_piece and flow in _BY_PIECE:
            if flow == "saleproxy" and offer.id not in self._goods.related:
                raise _declined("500_007", "没有代销关系")
            asked.append(self._goods.piece_price(line.sku))
        if flow not in _BY_PIECE and pieces >= offer.moq:
            asked.append(self._goods.lot_price(offer, line.sku, pieces))
        if not asked:
            raise _declined("500_005", "低于起批量")
        return min(asked)

    def _address(self, fields: dict[str, str], *, fast: bool) -> dict[str, Any]:
        """A recipient that 1688 can use. Raises Refusal."""
        told: dict[str, Any] = json.loads(fields["addressParam"])
        numbers = [told.get("mobile", ""), told.get("phone", "")]
        placed = told.get("addressId") or told.get("districtCode") or told.get("provinceText")
        good = placed and any(numbers) and all(not one or one.isdigit() for one in numbers)
        if good and told.get("fullName") and not str(told.get("districtCode", "")).startswith("71"):
            return told
        words = "AddressId invalid:AddressId invalid"
        if fast:
            raise Refusal({"success": False, "code": "400", "message": words})
        raise Refusal({"success": False, "errorCode": "400", "errorMsg": words})

    def _preview(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        self._address(fields, fast=False)
        flow, lines = self._compared(fields)
        groups = [lines]
        if asked.struck_by("split") and len(lines) > 1:
            groups = [lines[:1], lines[1:]]
        return {"orderPreviewResuslt": [self._previewed(g, flow) for g in groups], "success": True}

    def _previewed(self, lines: list[Line], flow: str) -> dict[str, Any]:
        goods = sum(line.price * line.pieces for line in lines)
        freight = self._freight(lines)
        cargo = [
            {
                "amount": line.price * line.pieces / 100,
                "finalUnitPrice": line.price / 100,
                "specId": line.spec,
                "skuId": self._goods.sku_id(line.sku),
                "offerId": line.offer.id,
            }
            for line in lines
        ]
        return {
            "tradeModeNameList": list(TRADE_TYPES),
            "status": True,
            "sumPayment": goods + freight,
            "sumCarriage": freight,
            "sumPaymentNoCarriage": goods,
            "discountFee": 0,
            "flowFlag": flow,
            "cargoList": [{k: v for k, v in one.items() if v is not None} for one in cargo],
            "tradeModelList": [{"tradeType": t, "name": t, "opSupport": True} for t in TRADE_TYPES],
        }

    def _fast(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        orders, failed = self._create(asked, fields)
        order = orders[0]
        result: dict[str, Any] = {
            "totalSuccessAmount": order.total,
            "orderId": str(order.ref),
            "postFee": order.freight,
        }
        if failed:
            result["failedOfferList"] = failed
        if asked.struck_by("create_lie"):
            return {"result": result, "success": False, "code": "500", "message": "系统异常"}
        return {"result": result, "success": True}

    def _cross(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        orders, failed = self._create(asked, fields)
        if len(orders) > 1:
            listed = [
                {
                    "orderId": str(one.ref),
                    "orderAmmount": one.total,
                    "postFee": one.freight,
                    "success": True,
                }
                for one in orders
            ]
            return {"result": {"orderList": listed, "success": True}, "success": True}
        order = orders[0]
        flat = {"totalSuccessAmount": order.total, "orderId": str(order.ref), "success": False}
        if asked.struck_by("create_lie"):
            return flat
        told = {**flat, "postFee": order.freight, "success": True, "failedOfferList": failed}
        return {"result": told, "success": "true"}

    def _create(
        self, asked: Asked, fields: dict[str, str]
    ) -> tuple[list[Order], list[dict[str, Any]]]:
        flow = fields["flow"]
        address = self._address(fields, fast=True)
        trade_type = fields.get("tradeType", TRADE_TYPES[0])
        if trade_type not in TRADE_TYPES:
            words = f"not support tradeType:【{trade_type}】"
            raise Refusal({"success": False, "code": "400", "message": words})
        try:
            lines = self._cargo(fields, flow)
        except Refusal as refusal:
            told = refusal.envelope
            code, message = told.get("errorCode"), told.get("errorMsg")
            raise Refusal({"success": False, "code": code, "message": message}) from refusal
        failed = []
        if asked.struck_by("partial") and len(lines) > 1:
            first, lines = lines[0], lines[1:]
            failed = [
                {
                    "offerId": str(first.offer.id),
                    "specId": first.spec,
                    "errorCode": "500_004",
                    "errorMessage": "库存不足",
                }
            ]
        groups = [lines]
        if asked.struck_by("split") and len(lines) > 1:
            groups = [lines[:1], lines[1:]]
        out_ref = fields.get("outOrderId", "")
        return [self._made(group, address, out_ref) for group in groups], failed

    def _made(self, lines: list[Line], address: dict[str, Any], out_ref: str) -> Order:
        ref = 2958424554509660000 + 1001 * (self._clock.begun + len(self._book.placed) + 1)
        for number, line in enumerate(lines, 1):
            line.entry = ref + number
            self._goods.world.taken[line.sku.key] += line.pieces
        now, seller = self._clock.now(), lines[0].offer.seller
        order = Order(ref, out_ref, seller, lines, self._freight(lines), address, now)
        self._book.placed[ref] = order
        self._book.say(order, "BUYER_MAKE")
        return order

    def _freight(self, lines: list[Line]) -> int:
        return 0 if all(line.offer.free for line in lines) else self._goods.fee

    def _parse(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        told = fields["addressInfo"]
        code = "440305" if "南山" in told else "310107"
        return {"result": {"address": told, "addressCode": code, "isDefault": False}}


def _declined(code: str, message: str) -> Refusal:
    return Refusal({"success": False, "errorCode": code, "errorMsg": message})
