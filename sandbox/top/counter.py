"""What happens at a simulated shop's counter: trades, refunds, parcels."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .shop import FORM, ITEM_ID, PLAIN_TYPES, SKU_ID, TRADE_ID, Shop, Trade, invalid, only, pages
from .shop import within as _within
from .wire import Many, Refusal

RECEIVER = {
    "receiver_name": "张*",
    "receiver_mobile": "*******1234",
    "receiver_address": "文三路***",
    "receiver_state": "浙江省",
}
OAID_NEEDS = (
    *("receiver_name", "receiver_address", "created", "receiver_mobile", "receiver_phone"),
)


@dataclass
class Counter:
    """Trades of a shop as its seller's calls see them."""

    shop: Shop
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    waybills: set[str] = field(default_factory=set)

    def increment(self, params: dict[str, str]) -> dict[str, Any]:
        """Trades that changed in a window of at most a day, newest change first."""
        start, end = _moment(params, "start_modified"), _moment(params, "end_modified")
        if end - start > timedelta(days=1) or end < start:
            raise invalid("end_modified")
        kinds = params.get("type", ",".join(PLAIN_TYPES)).split(",")
        found = [
            trade
            for trade in self.shop.trades
            if trade.kind in kinds and _within(params, trade.modified, "modified")
        ]
        found.sort(key=lambda trade: (trade.modified, trade.tid), reverse=True)
        fields = params["fields"].split(",")
        shown = [only(self._trade(trade, fields), fields) for trade in pages(params, found, 100)]
        if params.get("use_has_next") == "true":
            done = int(params.get("page_no", "1")) * int(params.get("page_size", "40"))
            return {"has_next": done < len(found), "trades": Many("trade", shown)}
        return {"total_results": len(found), "trades": Many("trade", shown)}

    def send(self, params: dict[str, str]) -> dict[str, Any]:
        """A parcel leaves: once for each trade, with a waybill that nobody used."""
        trade = self._known(params["tid"])
        if trade.parcels or trade.status != "WAIT_SELLER_SEND_GOODS":
            raise _logistics("B04", "订单已发货或已关闭")
        if params["out_sid"] in self.waybills:
            raise _logistics("B60", "运单号无效或已被使用")
        return self._shipped(trade, params)

    def resend(self, params: dict[str, str]) -> dict[str, Any]:
        """Another waybill for what has left."""
        trade = self._known(params["tid"])
        if not trade.parcels:
            raise _logistics("B02", "订单未发货")
        trade.parcels.clear()
        return self._shipped(trade, params)

    def told(self, params: dict[str, str]) -> dict[str, Any]:
        """The parcels of a trade."""
        trade = self._known(params["tid"])
        shown = [
            {"tid": trade.tid, "out_sid": waybill, "company_name": company, "is_split": 0}
            for waybill, company in trade.parcels.items()
        ]
        return {"total_results": len(shown), "shippings": Many("shipping", shown)}

    def trace(self, params: dict[str, str]) -> dict[str, Any]:
        """Where a parcel was; its status says signed from the first moment on."""
        trade = self._known(params["tid"])
        if not trade.parcels:
            raise _logistics("B02", "订单未发货")
        waybill, company = next(iter(trade.parcels.items()))
        step = {"status_time": trade.modified.strftime(FORM), "status_desc": "已揽收"}
        return {
            "tid": trade.tid,
            "out_sid": waybill,
            "company_name": company,
            "status": "对方已签收",
            "trace_list": Many("transit_step_info", [{**step, "action": "ACCEPT"}]),
        }

    def companies(self, _: dict[str, str]) -> dict[str, Any]:
        """Carriers that the platform knows."""
        known = [("SF", "顺丰速运", 505), ("ZTO", "中通快递", 500), ("YTO", "圆通速递", 101)]
        shown = [{"code": code, "name": name, "id": of} for code, name, of in known]
        return {"logistics_companies": Many("logistics_company", shown)}

    def received(self, params: dict[str, str]) -> dict[str, Any]:
        """Refunds that changed in a window."""
        found = [
            refund
            for refund in self.refunds.values()
            if params.get("start_modified", "") <= refund["modified"]
            and refund["modified"] <= params.get("end_modified", "9999")
        ]
        fields = params["fields"].split(",")
        shown = [only(refund, fields) for refund in pages(params, found[::-1], 100)]
        return {"total_results": len(found), "refunds": Many("refund", shown)}

    def refund(self, params: dict[str, str]) -> dict[str, Any]:
        """One refund."""
        return {"refund": only(self._refund(params["refund_id"]), params["fields"].split(","))}

    def agree(self, params: dict[str, str]) -> dict[str, Any]:
        """Refunds are paid at the version that they were read at; large ones by a code sent."""
        refund_id, fen, version, _ = params["refund_infos"].split("|")
        refund = self._refund(refund_id)
        if int(version) != refund["refund_version"]:
            raise Refusal(50, "Remote service error", "isv.refund-version-error", "退款已被修改")
        if int(fen) > 100_000 and params.get("code") != "246810":
            return {"succ": False, "message": "请输入短信验证码", "msg_code": "40001"}
        self._decided(refund, "SUCCESS")
        result = {"refund_id": refund_id, "succ": True, "message": "ok"}
        return {"succ": True, "results": Many("refund_mapping_result", [result])}

    def refuse(self, params: dict[str, str]) -> dict[str, Any]:
        """A refund is declined."""
        refund = self._refund(params["refund_id"])
        self._decided(refund, "SELLER_REFUSE_BUYER")
        shown = only(refund, ["refund_id", "modified", "status"])
        return {"is_success": True, "refund": shown}

    def buy(self, index: int, *, num: int = 1, kind: str = "guarantee_trade") -> int:
        """A consumer buys: stock goes now, or is withheld until it is paid."""
        sku = self.shop.world.listing(index).skus[0]
        status = "WAIT_SELLER_SEND_GOODS"
        if self.shop.sub_stock(index) == 2:
            self.shop.withheld[sku.key] = self.shop.withheld.get(sku.key, 0) + num
            status = "WAIT_BUYER_PAY"
        else:
            self.shop.world.taken[sku.key] += num
        tid = TRADE_ID + 2 * len(self.shop.trades)
        self.shop.trades.append(Trade(tid, index, 0, num, status, kind, self._now()))
        return tid

    def ask_back(self, tid: int, fen: int) -> str:
        """A consumer asks for a refund."""
        trade, refund_id = self._known(str(tid)), str(4_000_000 + len(self.refunds))
        trade.refund, trade.modified = "WAIT_SELLER_AGREE", self._now()
        self.refunds[refund_id] = {
            "refund_id": refund_id,
            "tid": trade.tid,
            "oid": trade.tid + 1,
            "status": "WAIT_SELLER_AGREE",
            "refund_fee": f"{fen // 100}.{fen % 100:02d}",
            "reason": "不想要了",
            "refund_phase": "onsale",
            "refund_version": 1_700_000_000_000 + len(self.refunds),
            "modified": self._now().strftime(FORM),
        }
        return refund_id

    def _decided(self, refund: dict[str, Any], status: str) -> None:
        refund.update(status=status, modified=self._now().strftime(FORM))
        refund["refund_version"] += 1

    def _trade(self, trade: Trade, fields: list[str]) -> dict[str, Any]:
        listing = self.shop.world.listing(trade.index)
        sku_id = None
        if not self.shop.is_plain(trade.index):
            sku_id = str(SKU_ID + trade.index * 10 + trade.place)
        order = {
            "oid": trade.tid + 1,
            "num_iid": ITEM_ID + trade.index,
            "sku_id": sku_id,
            "num": trade.num,
            "title": listing.title,
            "status": trade.status,
            "refund_status": trade.refund,
        }
        oaid = "oaid-1" if all(name in fields for name in OAID_NEEDS) else None
        return {
            "tid": trade.tid,
            "type": trade.kind,
            "status": trade.status,
            "created": trade.modified.strftime(FORM),
            "modified": trade.modified.strftime(FORM),
            "orders": Many("order", [order]),
            "oaid": oaid,
            **RECEIVER,
        }

    def _shipped(self, trade: Trade, params: dict[str, str]) -> dict[str, Any]:
        trade.parcels[params["out_sid"]] = params["company_code"]
        self.waybills.add(params["out_sid"])
        trade.status, trade.modified = "WAIT_BUYER_CONFIRM_GOODS", self._now()
        return {"shipping": {"is_success": True}}

    def _known(self, tid: str) -> Trade:
        for trade in self.shop.trades:
            if str(trade.tid) == tid:
                return trade
        raise Refusal(50, "Remote service error", "isv.trade-not-exist", "交易不存在")

    def _refund(self, refund_id: str) -> dict[str, Any]:
        if refund_id not in self.refunds:
            raise Refusal(50, "Remote service error", "isv.refund-not-exist", "退款不存在")
        return self.refunds[refund_id]

    def _now(self) -> datetime:
        return self.shop.clock.beijing().replace(microsecond=0)


def _logistics(code: str, said: str) -> Refusal:
    sub_code = f"isv.logistics-offline-service-error:{code}"
    return Refusal(50, "Remote service error", sub_code, said)


def _moment(params: dict[str, str], name: str) -> datetime:
    try:
        return datetime.strptime(params[name], FORM)  # noqa: DTZ007 - both ends are Beijing's
    except ValueError as error:
        raise invalid(name) from error
