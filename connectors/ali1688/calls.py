"""The calls of a buyer at 1688: namespace and API. The app has one budget for all of them."""

from connectors.calls import Call

APP = "app"

_TRADE, _LOGISTICS = "com.alibaba.trade", "com.alibaba.logistics"
_ABROAD, _PUSH = "com.alibaba.fenxiao.crossborder", "cn.alibaba.open"


def _read(namespace: str, api: str, *, urgent: bool = False) -> Call:
    return Call(f"{namespace}/{api}", APP, urgent=urgent)


def _write(namespace: str, api: str, *, token: bool = True) -> Call:
    return Call(f"{namespace}/{api}", APP, writes=True, urgent=True, token=token)


PRODUCT = {
    "fenxiao": _read("com.alibaba.fenxiao", "alibaba.fenxiao.productInfo.get"),
    "cross": _read("com.alibaba.product", "alibaba.cross.productInfo"),
    "crossborder": _read(_ABROAD, "product.search.queryProductDetail"),
}
SEARCH = _read(_ABROAD, "product.search.keywordQuery")
PUSH_RELATION = Call("com.alibaba.product.push/alibaba.cross.syncProductListPushed", APP)
FOLLOW = Call("com.alibaba.product/alibaba.product.follow", APP)
"""Making a relation twice is making it once: these two may be repeated."""

PREVIEW = _read(_TRADE, "alibaba.createOrder.preview", urgent=True)
CREATE = {
    "fast": _write(_TRADE, "alibaba.trade.fastCreateOrder"),
    "cross": _write(_TRADE, "alibaba.trade.createCrossOrder"),
}
ORDERS = _read(_TRADE, "alibaba.trade.getBuyerOrderList", urgent=True)
ORDER = _read(_TRADE, "alibaba.trade.get.buyerView", urgent=True)
PREPARE_PAY = _write(_TRADE, "alibaba.trade.pay.protocolPay.preparePay")
PROTOCOL_PAY = _write(_TRADE, "alibaba.trade.pay.protocolPay")
CASHIER = _read(_TRADE, "alibaba.alipay.url.get", urgent=True)
CANCEL = _write(_TRADE, "alibaba.trade.cancel")
PARSE_ADDRESS = _read(_TRADE, "alibaba.trade.addresscode.parse", urgent=True)
ADDRESSES = _read(_TRADE, "alibaba.trade.receiveAddress.get")

PARCELS = _read(_LOGISTICS, "alibaba.trade.getLogisticsInfos.buyerView")
TRACES = _read(_LOGISTICS, "alibaba.trade.getLogisticsTraceInfo.buyerView")

REFUND_REASONS = _read(_TRADE, "alibaba.trade.getRefundReasonList", urgent=True)
CREATE_REFUND = _write(_TRADE, "alibaba.trade.createRefund")
REFUND = _read(_TRADE, "alibaba.trade.refund.OpQueryOrderRefund")
REFUNDS = _read(_TRADE, "alibaba.trade.refund.buyer.queryOrderRefundList", urgent=True)
RETURN_GOODS = _write(_TRADE, "alibaba.trade.refund.returnGoods")

MESSAGES = {
    "query": Call(f"{_PUSH}/push.query.messageList", APP, token=False),
    "cursor": Call(f"{_PUSH}/push.cursor.messageList", APP, token=False),
}
CONFIRM_MESSAGES = Call(f"{_PUSH}/push.message.confirm", APP, token=False)
"""Confirming twice is confirming once."""

GET_TOKEN = Call("system.oauth2/getToken", APP, writes=True, token=False)
POSTPONE_TOKEN = Call("system.oauth2/postponeToken", APP, writes=True, token=False)
EXCHANGE_CODE = Call("http/system.oauth2/getToken", APP, writes=True, token=False)
"""The one call that is not signed, and whose path says so."""

SITE = "1688"
RELATE = 20
"""Offers that one call relates."""
