"""The calls of a shop. All of them need the seller's session."""

from connectors.calls import Call
from connectors.top.gateway import APP

ONSALE = Call("taobao.items.onsale.get", bucket=APP)
INVENTORY = Call("taobao.items.inventory.get", bucket=APP)
DETAILS = Call("taobao.items.seller.list.get", bucket=APP)
ITEM = Call("taobao.item.seller.get", bucket=APP)
SET_ITEM_STOCK = Call("taobao.item.quantity.update", bucket=APP, writes=True, urgent=True)
SET_SKU_STOCK = Call("taobao.skus.quantity.update", bucket=APP, writes=True, urgent=True)
TRADES = Call("taobao.trades.sold.increment.get", bucket=APP)
REFUNDS = Call("taobao.refunds.receive.get", bucket=APP)
REFUND = Call("taobao.refund.get", bucket=APP)
AGREE = Call("taobao.rp.refunds.agree", bucket=APP, writes=True, urgent=True)
REFUSE = Call("taobao.refund.refuse", bucket=APP, writes=True, urgent=True)

PAGE = 200
"""Items on one page of a shop's shelves, at most."""
ITEMS = 20
"""Items that one call for details takes."""
SKUS = 20
"""SKUs whose stock one call sets."""
TRADE_PAGE = 100
REFUND_PAGE = 100
"""Trades or refunds on one page, at most."""
