"""VOP by classic REST: form fields, JSON arguments as strings, and an envelope of four keys."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors import jsontext
from connectors.calls import GARBLED, REFUSED, Call, Failure, Limit, Outgoing, Reply
from connectors.http import Road
from connectors.jd import reading
from connectors.jd.faults import AFTER_SALE, VOP, by_words
from connectors.jd.reading import numbered, text
from connectors.surroundings import Surroundings
from connectors.tokens import Token

from .settings import VopSettings
from .wire import BUCKET, GRANTS, Area, Said, read, write

ACCESS_TOKEN = Call("/oauth2/accessToken", bucket=GRANTS, urgent=True, token=False)
REFRESH_TOKEN = Call("/oauth2/refreshToken", bucket=GRANTS, urgent=True, token=False)
POOLS = read("/api/product/getPageNum")
POOL_PAGE = read("/api/product/getSkuByPage")
POOL_CURSOR = read("/api/product/querySkuByPage")
DETAIL = read("/api/product/getDetail")
IMAGES = read("/api/product/skuImage")
STATES = read("/api/product/skuState")
CHECK = read("/api/product/check")
CATEGORY = read("/api/product/getCategory")
LIMITS = read("/api/product/checkAreaLimit", urgent=True)
PRICES = read("/api/price/getSellPrice")
STOCK = read("/api/stock/getNewStockById")
FREIGHT = read("/api/order/getFreight", urgent=True)
PLACES = (
    read("/api/area/getProvince", urgent=True),
    read("/api/area/getCity", urgent=True),
    read("/api/area/getCounty", urgent=True),
    read("/api/area/getTown", urgent=True),
)
PARSE_ADDRESS = read("/api/area/getJDAddressFromAddress", urgent=True)
CHECK_AREA = read("/api/area/checkArea", urgent=True)
SUBMIT = write("/api/order/submitOrder")
FIND = read("/api/order/selectJdOrderIdByThirdOrder", urgent=True)
CONFIRM = write("/api/order/confirmOrder")
CANCEL = write("/api/order/cancel")
ORDER = read("/api/order/selectJdOrder", urgent=True)
TRACK = read("/api/order/orderTrack", urgent=True)
MESSAGES = read("/api/message/get")
FORGET = read("/api/message/del")  # safe to repeat: an id that is gone is gone
CHECKLISTS = {
    "new": read("/api/checkOrder/checkNewOrder"),
    "delivered": read("/api/checkOrder/checkDlokOrder"),
    "refused": read("/api/checkOrder/checkRefuseOrder"),
    "completed": read("/api/checkOrder/checkCompleteOrder"),
}
BALANCE = read("/api/price/getBalance")
BOOKINGS = read("/api/price/getBalanceDetail")
AFTER_SALES = {
    "claim": write("/api/afterSale/createAfsApply"),
    "available": read("/api/afterSale/getAvailableNumberComp"),
    "expects": read("/api/afterSale/getCustomerExpectComp"),
    "ways": read("/api/afterSale/getWareReturnJdComp"),
    "list": read("/api/afterSale/getServiceListPage"),
    "detail": read("/api/afterSale/getServiceDetailInfo"),
    "sent": write("/api/afterSale/updateSendSku"),
    "cancel": write("/api/afterSale/auditCancel"),
    "new.claim": write("/api/afterSaleNew/createAfsApply"),
    "new.options": read("/api/afterSaleNew/getGoodsAttributes"),
    "new.outline": read("/api/afterSaleNew/getAfsOutline"),
    "new.detail": read("/api/afterSaleNew/getApplyDetailInfo"),
    "new.sent": write("/api/afterSaleNew/updateSendInfo"),
    "new.cancel": write("/api/afterSaleNew/cancelAfsApply"),
    "new.confirm": write("/api/afterSaleNew/confirmAfsOrder"),
}
INVOICES = {
    "submit": write("/api/invoice/submit"),
    "select": read("/api/invoice/select"),
    "items": read("/api/invoice/queryInvoiceItem"),
    "waybill": read("/api/invoice/waybill"),
    "list": read("/api/invoice/getInvoiceList"),
    "cancel": write("/api/invoice/cancel"),
}

EXPECTED: dict[str, frozenset[str]] = {
    SUBMIT.name: frozenset(["0008"]),
    CONFIRM.name: frozenset(["3103"]),
    CANCEL.name: frozenset(["3203"]),
    FIND.name: frozenset(["3401"]),
    TRACK.name: frozenset(["3401"]),
    PLACES[3].name: frozenset(["3405"]),
    POOL_PAGE.name: frozenset(["0010"]),
}
"""Codes that a call is asked for: they are answers, though `success` is false."""

DONE = frozenset(["0000", "0001", "0002", "0003", "0004", "0005"])
ORDER_EXTS = "orderType,jdOrderState,finishTime,createOrderTime,paymentType,outTime"


class ClassicDialect:
    """How a classic call is sent, and what its envelope says."""

    def __init__(self, settings: VopSettings) -> None:
        self._url = settings.address
        self.limits = limits(settings)

    def outgoing(
        self, call: Call, args: Mapping[str, Any], token: Token | None, now: datetime
    ) -> Outgoing:
        """A form; the token is one of its fields."""
        fields = {"token": token.access} if token else {}
        fields |= {name: _field(value) for name, value in args.items() if value is not None}
        return Outgoing(f"{self._url}{call.name}", form=fields)

    def failure(self, reply: Reply) -> Failure | None:
        """What `success` and `resultCode` say; the words count where the code says nothing."""
        if not isinstance(reply.data, dict):
            return Failure(GARBLED, "shape", "the reply is no object")
        return judged(reply.call, reply.data)


def limits(settings: VopSettings) -> dict[str, Limit]:
    """One budget for the account; tokens are asked for apart, and slowly."""
    return {
        BUCKET: Limit(settings.calls_per_second, settings.calls_per_day, settings.order_share),
        GRANTS: Limit(2.0, reserve=1.0),
    }


def judged(call: Call, said: Mapping[str, Any]) -> Failure | None:
    """What an envelope of VOP means, whichever protocol it came by."""
    code, message = text(said.get("resultCode")), text(said.get("resultMessage"))
    if reading.yes(said.get("success")) or code in EXPECTED.get(call.name, ()) or code in DONE:
        return None
    after_sale = "afterSale" in call.name or ".afs." in call.name
    known = (AFTER_SALE if after_sale else VOP).get(code) or VOP.get(code)
    fault = known or by_words(message) or REFUSED
    return Failure(fault, code or "refused", message or f"{call.name} was refused ({code})")


class Classic:
    """The classic protocol, one method a call."""

    def __init__(self, code: str, settings: VopSettings, around: Surroundings) -> None:
        self._given = settings
        self.road = Road(code, ClassicDialect(settings), around)

    def pools(self) -> Said:
        return self._ask(POOLS)

    def pool_page(self, pool: str, page: int) -> Said:
        return self._ask(POOL_PAGE, pageNum=pool, pageNo=page)

    def pool_cursor(self, pool: str, offset: str, size: int) -> Said:
        return self._ask(POOL_CURSOR, pageNum=pool, pageSize=size, offset=offset)

    def detail(self, sku: str) -> Said:
        return self._ask(DETAIL, sku=sku, isShow="false", queryExts="taxCode,LowestBuy,spuId")

    def images(self, skus: Sequence[str]) -> Said:
        return self._ask(IMAGES, sku=",".join(skus))

    def states(self, skus: Sequence[str]) -> Said:
        return self._ask(STATES, sku=",".join(skus))

    def check(self, skus: Sequence[str], *, urgent: bool = False) -> Said:
        return self._ask(CHECK, urgent=urgent, skuIds=",".join(skus))

    def category(self, category: str) -> Said:
        return self._ask(CATEGORY, cid=category)

    def prices(self, skus: Sequence[str], *, urgent: bool = False) -> Said:
        exts = self._given.price_exts
        return self._ask(PRICES, urgent=urgent, sku=",".join(skus), queryExts=exts)

    def stock(self, lines: Sequence[tuple[str, int]], area: Area, *, urgent: bool) -> Said:
        wanted = [{"skuId": numbered(sku), "num": units} for sku, units in lines]
        return self._ask(STOCK, urgent=urgent, skuNums=wanted, area=area.joined)

    def limits(self, skus: Sequence[str], area: Area) -> Said:
        return self._ask(LIMITS, skuIds=",".join(skus), **area._asdict())

    def freight(self, lines: Sequence[tuple[str, int]], area: Area) -> Said:
        wanted = [{"skuId": numbered(sku), "num": units} for sku, units in lines]
        return self._ask(
            FREIGHT,
            sku=wanted,
            **area._asdict(),
            paymentType=self._given.payment_type,
            queryExts="conFreight",
        )

    def places(self, level: int, parent: str) -> Said:
        return self._ask(PLACES[level - 1], id=parent or None)

    def parse_address(self, address: str) -> Said:
        return self._ask(PARSE_ADDRESS, address=address)

    def check_area(self, area: Area) -> Said:
        return self._ask(
            CHECK_AREA,
            provinceId=area.province,
            cityId=area.city,
            countyId=area.county,
            townId=area.town,
        )

    def submit(self, order: Mapping[str, Any]) -> Said:
        return self._ask(SUBMIT, **order)

    def find(self, our_ref: str) -> Said:
        return self._ask(FIND, thirdOrder=our_ref)

    def confirm(self, order_id: str) -> Said:
        return self._ask(CONFIRM, jdOrderId=order_id)

    def cancel(self, order_id: str, reason: str) -> Said:
        return self._ask(CANCEL, jdOrderId=order_id, cancelReason=reason[:200])

    def order(self, order_id: str) -> Said:
        return self._ask(ORDER, jdOrderId=order_id, queryExts=ORDER_EXTS)

    def track(self, order_id: str) -> Said:
        return self._ask(TRACK, jdOrderId=order_id, waybillCode=1)

    def messages(self, types: Sequence[int]) -> Said:
        return self._ask(MESSAGES, type=",".join(map(str, types)))

    def forget(self, message_ids: Sequence[str]) -> Said:
        return self._ask(FORGET, id=",".join(message_ids))

    def checklist(self, what: str, day: str, page: int, cursor: str) -> Said:
        return self._ask(
            CHECKLISTS[what],
            date=day,
            pageNo=page,
            pageSize=100,
            jdOrderIdIndex=cursor or None,
        )

    def balance(self) -> Said:
        return self._ask(BALANCE, payType=self._given.payment_type)

    def bookings(self, first: str, last: str, page: int) -> Said:
        return self._ask(
            BOOKINGS,
            pageNum=page,
            pageSize=self._given.bookings_page,
            startDate=first,
            endDate=last,
        )

    def after_sale(self, deed: str, given: Mapping[str, Any]) -> Said:
        return self._ask(AFTER_SALES[deed], param=given)

    def invoice(self, deed: str, given: Mapping[str, Any]) -> Said:
        return self._ask(INVOICES[deed], **given)

    def _ask(self, call: Call, *, urgent: bool = False, **args: Any) -> Said:
        reply = self.road.call(call, args, urgent=urgent or call.urgent)
        return said(reply.data, reply.raw)


def said(envelope: Mapping[str, Any], raw: bytes) -> Said:
    """The four keys of an envelope."""
    return Said(
        envelope.get("result"),
        text(envelope.get("resultCode")),
        text(envelope.get("resultMessage")),
        raw,
    )


def _field(value: Any) -> str:
    """A form field: texts as they are, everything else as JSON text."""
    return value if isinstance(value, str) else jsontext.dumps(value)
