"""The calls of supply and distribution. All of them need a session."""

from connectors.calls import Call
from connectors.top.gateway import APP

PRODUCTS = Call("taobao.fenxiao.products.get", bucket=APP)
DISTRIBUTED = Call("taobao.fenxiao.distributor.products.get", bucket=APP)
ORDERS = Call("taobao.fenxiao.orders.get", bucket=APP)
CREATE = Call("taobao.fenxiao.dealer.requisitionorder.create", bucket=APP, writes=True, urgent=True)
LISTED = Call("taobao.fenxiao.dealer.requisitionorder.get", bucket=APP, urgent=True)
QUERIED = Call("taobao.fenxiao.dealer.requisitionorder.query", bucket=APP)
CLOSE = Call("taobao.fenxiao.dealer.requisitionorder.close", bucket=APP, writes=True, urgent=True)
AGREE = Call("taobao.fenxiao.dealer.requisitionorder.agree", bucket=APP, writes=True, urgent=True)

PAGE = 50
"""Products, orders or requisitions on one page, at most."""
PIDS = 30
"""Products that one call reads by id."""
LINES = 50
"""Lines of one requisition."""
ORDER_DAYS = 7
"""Days that one question for orders spans, at most."""
