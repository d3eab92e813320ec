"""VOP through JD's router: the same trade in the `jingdong.vop.*` words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.calls import GARBLED, Call, Failure, Outgoing, Reply
from connectors.errors import Refused
from connectors.http import Road
from connectors.jd import router
from connectors.jd.reading import numbered, pick, rows, table
from connectors.surroundings import Surroundings
from connectors.tokens import Token

from .classic import judged, limits, said
from .settings import VopSettings
from .wire import GRANTS, Area, Said, read, write

AUTHORIZE = Call(
    "/oauth2/authorizeForVOP", GRANTS, urgent=True, token=False, verb="GET", redirect=True
)
ACCESS_TOKEN = Call("/oauth2/access_token", GRANTS, urgent=True, token=False, verb="GET")
REFRESH_TOKEN = Call("/oauth2/refresh_token", GRANTS, urgent=True, token=False, verb="GET")

_GOODS = "jingdong.vop.goods."
_ORDER = "jingdong.vop.order."
POOLS = read(f"{_GOODS}getSkuPoolInfo")
POOL_CURSOR = read(f"{_GOODS}querySkuByPage")
DETAIL = read(f"{_GOODS}getSkuDetailInfo")
IMAGES = read(f"{_GOODS}getSkuImageList")
STATES = read(f"{_GOODS}getSkuStateList")
CHECK = read(f"{_GOODS}checkSkuSaleList")
CATEGORY = read(f"{_GOODS}getCategoryInfoList")
LIMITS = read(f"{_GOODS}checkAreaLimitList", urgent=True)
PRICES = read(f"{_GOODS}getSellPrice")
STOCK = read(f"{_GOODS}getNewStockById")
FREIGHT = read(f"{_ORDER}querySkuFreight", urgent=True)
PLACES = read("jingdong.vop.address.queryJdAreaIdList", urgent=True)
PARSE_ADDRESS = read("jingdong.vop.address.convertFourAreaByDetailStr", urgent=True)
CHECK_AREA = read("jingdong.vop.address.verifyAreaFourIdOpenReq", urgent=True)
SUBMIT = write(f"{_ORDER}submitOrder")
CONFIRM = write(f"{_ORDER}confirmOrder")
CANCEL = write(f"{_ORDER}cancelOrder")
ORDER = read(f"{_ORDER}queryOrderDetail", urgent=True)
TRACK = read(f"{_ORDER}queryDeliveryInfo", urgent=True)
CHECKLIST = read(f"{_ORDER}checkOrderPageByState")
BALANCE = read(f"{_ORDER}checkAccountBalance")
BOOKINGS = read(f"{_ORDER}checkBalanceChangeInfo")
MESSAGES = read("jingdong.vop.message.queryTransByVopNormal")
FORGET = read("jingdong.vop.message.deleteClientMsgByIdList")
AFTER_SALES = {
    "new.claim": write("jingdong.vop.afs.createAfsApply"),
    "new.options": read("jingdong.vop.afs.getGoodsAttributes"),
    "new.outline": read("jingdong.vop.afs.getAfsOutline"),
    "new.sent": write("jingdong.vop.afs.updateSendInfo"),
    "new.cancel": write("jingdong.vop.afs.cancelAfsApply"),
    "new.confirm": write("jingdong.vop.afs.confirmAfsOrder"),
    "new.refund": read("jingdong.vop.afs.findRefundInfo"),
}
INVOICES = {
    "submit": write("jingdong.vop.invoice.submitInvoiceApply"),
    "select": read("jingdong.vop.invoice.queryInvoiceOutline"),
    "items": read("jingdong.vop.invoice.queryInvoiceDetail"),
    "waybill": read("jingdong.vop.invoice.queryInvoiceWaybill"),
    "electronic": read("jingdong.vop.invoice.queryElectronicInvoiceDetail"),
    "cancel": write("jingdong.vop.invoice.cancelInvoiceApply"),
}
CHECK_TYPES = {"new": 1, "delivered": 2, "refused": 3, "completed": 4}

_EXPECTED = {
    SUBMIT.name: "0008",
    CONFIRM.name: "3103",
    CANCEL.name: "3203",
    ORDER.name: "3401",
    TRACK.name: "3401",
    PLACES.name: "3405",
}


class RouterDialect:
    """How a router call is sent, and what the two envelopes around its answer say."""

    def __init__(self, settings: VopSettings) -> None:
        self._app = router.App(
            settings.address,
            settings.client_id.get_secret_value(),
            settings.client_secret.get_secret_value(),
            sign_method=settings.sign_method,
        )
        self._oauth = settings.oauth_url.rstrip("/")
        self.limits = limits(settings)

    def outgoing(
        self, call: Call, args: Mapping[str, Any], token: Token | None, now: datetime
    ) -> Outgoing:
        """A signed router call; the OAuth doors take plain query fields."""
        if call.name.startswith("/oauth2/"):
            return Outgoing(f"{self._oauth}{call.name}", query={k: str(v) for k, v in args.items()})
        return router.outgoing(self._app, call, args, token, now)

    def failure(self, reply: Reply) -> Failure | None:
        """The router's own errors first, then VOP's."""
        if reply.call.name.startswith("/oauth2/"):
            return None  # read by the authority, which knows what it asked for
        if failed := router.failure(reply):
            return failed
        inner = router.payload(reply)
        if not isinstance(inner, dict):
            return Failure(GARBLED, "shape", "the reply holds no object")
        if str(inner.get("resultCode")) == _EXPECTED.get(reply.call.name):
            return None
        return judged(reply.call, inner)


class Router:
    """The router protocol, one method a call."""

    def __init__(self, code: str, settings: VopSettings, around: Surroundings) -> None:
        self._given = settings
        self.road = Road(code, RouterDialect(settings), around)

    def pools(self) -> Said:
        return _under(self._ask(POOLS), "skuPoolList")

    def pool_page(self, pool: str, page: int) -> Said:
        raise Refused("paging", "the router reads pools by cursor only")

    def pool_cursor(self, pool: str, offset: str, size: int) -> Said:
        return self._ask(POOL_CURSOR, bizPoolId=pool, offset=numbered(offset), pageSize=size)

    def detail(self, sku: str) -> Said:
        return self._ask(DETAIL, skuId=numbered(sku), queryExtSet="taxCode,LowestBuy,spuId")

    def images(self, skus: Sequence[str]) -> Said:
        return self._ask(IMAGES, skuId=",".join(skus))

    def states(self, skus: Sequence[str]) -> Said:
        return self._ask(STATES, skuId=",".join(skus))

    def check(self, skus: Sequence[str], *, urgent: bool = False) -> Said:
        return self._ask(CHECK, urgent=urgent, skuId=",".join(skus))

    def category(self, category: str) -> Said:
        return self._ask(CATEGORY, categoryId=category)

    def prices(self, skus: Sequence[str], *, urgent: bool = False) -> Said:
        return self._ask(PRICES, urgent=urgent, skuId=",".join(skus))

    def stock(self, lines: Sequence[tuple[str, int]], area: Area, *, urgent: bool) -> Said:
        wanted = [{"skuId": numbered(sku), "skuNumber": units} for sku, units in lines]
        asked = {"skuNumInfoList": wanted, "areaInfo": _area(area)}
        return self._ask(STOCK, urgent=urgent, getStockByIdGoodsReq=asked)

    def limits(self, skus: Sequence[str], area: Area) -> Said:
        given: dict[str, Any] = _area(area)
        return self._ask(LIMITS, skuId=",".join(skus), **given)

    def freight(self, lines: Sequence[tuple[str, int]], area: Area) -> Said:
        wanted = [{"skuId": numbered(sku), "skuNum": units} for sku, units in lines]
        asked = {
            "skuInfoList": wanted,
            "areaInfo": _area(area),
            "paymentType": self._given.payment_type,
        }
        return self._ask(FREIGHT, freightQueryOpenReq=asked)

    def places(self, level: int, parent: str) -> Said:
        return _under(self._ask(PLACES, areaLevel=level, jdAreaId=int(parent or 0)), "areaInfoList")

    def parse_address(self, address: str) -> Said:
        return self._ask(PARSE_ADDRESS, detailAddress=address)

    def check_area(self, area: Area) -> Said:
        return self._ask(CHECK_AREA, verifyAreaFourIdOpenReq=_area(area))

    def submit(self, order: Mapping[str, Any]) -> Said:
        return self._ask(SUBMIT, submitOrderOpenReq=order)

    def find(self, our_ref: str) -> Said:
        """The root order's id under our reference; the router has no call for just that."""
        answer = self._ask(ORDER, thirdOrderId=our_ref)
        roots = [row for row in rows(answer.result) if not _parent(row)]
        found = str(pick(roots[0], "jdOrderId")) if roots else None
        return Said(found, answer.code, answer.message, answer.raw)

    def confirm(self, order_id: str) -> Said:
        return self._ask(CONFIRM, jdOrderId=numbered(order_id))

    def cancel(self, order_id: str, reason: str) -> Said:
        return self._ask(CANCEL, jdOrderId=numbered(order_id), cancelReason=reason[:200])

    def order(self, order_id: str) -> Said:
        return self._ask(ORDER, jdOrderId=numbered(order_id))

    def track(self, order_id: str) -> Said:
        return self._ask(TRACK, jdOrderId=numbered(order_id))

    def messages(self, types: Sequence[int]) -> Said:
        asked = ",".join(map(str, types))
        return self._ask(MESSAGES, type=asked, readType=self._given.read_type)

    def forget(self, message_ids: Sequence[str]) -> Said:
        return self._ask(FORGET, id=",".join(message_ids))

    def checklist(self, what: str, day: str, page: int, cursor: str) -> Said:
        return self._ask(
            CHECKLIST,
            startDate=day,
            endDate=day,
            pageIndex=page,
            pageSize=100,
            jdOrderIdIndex=numbered(cursor) if cursor else None,
            checkOrderType=CHECK_TYPES[what],
        )

    def balance(self) -> Said:
        return self._ask(BALANCE, payType=self._given.payment_type)

    def bookings(self, first: str, last: str, page: int) -> Said:
        size = self._given.bookings_page
        return self._ask(BOOKINGS, startDate=first, endDate=last, pageIndex=page, pageSize=size)

    def after_sale(self, deed: str, given: Mapping[str, Any]) -> Said:
        return self._ask(AFTER_SALES[deed], **given)

    def invoice(self, deed: str, given: Mapping[str, Any]) -> Said:
        return self._ask(INVOICES[deed], **given)

    def _ask(self, call: Call, *, urgent: bool = False, **args: Any) -> Said:
        given = {name: value for name, value in args.items() if value is not None}
        reply = self.road.call(call, given, urgent=urgent or call.urgent)
        return said(router.payload(reply), reply.raw)


def _area(area: Area) -> dict[str, int]:
    names = ("provinceId", "cityId", "countyId", "townId")
    return {name: int(level) for name, level in zip(names, area, strict=True)}


def _parent(row: Mapping[str, Any]) -> bool:
    return pick(row, "parentJdOrderId", "pOrder") not in (None, 0, "0")


def _under(answer: Said, key: str) -> Said:
    """The list that the router wraps once more."""
    inner = table(answer.result) if not isinstance(answer.result, list) else {key: answer.result}
    return Said(inner.get(key), answer.code, answer.message, answer.raw)
