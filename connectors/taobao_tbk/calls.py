"""The calls of the alliance. Only links need a session."""

from connectors.calls import Call
from connectors.top.gateway import APP, REPORT

SEARCH = Call("taobao.tbk.dg.material.optional", bucket=APP, token=False)
SEARCH_NEW = Call("taobao.tbk.dg.material.optional.upgrade", bucket=APP, token=False)
INFO = Call("taobao.tbk.item.info.get", bucket=APP, token=False)
INFO_NEW = Call("taobao.tbk.item.info.upgrade.get", bucket=APP, token=False)
LINK = Call("taobao.tbk.privilege.get", bucket=APP, urgent=True)
ORDERS = Call("taobao.tbk.order.details.get", bucket=REPORT, token=False)

PAGE = 100
"""Rows on one page of goods or orders, at most."""
NUMBERS, OPAQUE = 40, 20
"""Items that one call for details takes, by number and by opaque id."""
