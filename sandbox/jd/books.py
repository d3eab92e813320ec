"""JD's books about the contract: check lists, balance, movements."""

from collections.abc import Callable
from typing import Any

from .gate import done, failed
from .shop import JdOrder, Shop, yuan

Fields = dict[str, str]


def checklist(what: str) -> Callable[[Shop, Fields], dict[str, Any]]:
    """A past day's orders of one kind."""

    def door(shop: Shop, fields: Fields) -> dict[str, Any]:
        if fields["date"] == shop.stamp()[:10]:
            return failed("1001", "日期不能为当天")
        found = [order for order in shop.orders.values() if _on_list(order, what, fields, shop)]
        page, size = int(fields["pageNo"]), int(fields["pageSize"])
        rows = [
            {"jdOrderId": o.id, "state": o.delivered, "orderPrice": yuan(o.goods),
             "time": shop.stamp(o.made)}
            for o in found[(page - 1) * size : page * size]
        ]  # fmt: skip
        pages = -(-len(found) // size)
        return done({"total": len(found), "totalPage": pages, "curPage": page, "orders": rows})

    return door


def _on_list(order: JdOrder, what: str, fields: Fields, shop: Shop) -> bool:
    fits = {
        "new": order.confirmed,
        "delivered": order.delivered == 1,
        "refused": order.delivered == 2,
        "completed": order.step == 19,
    }
    return fits[what] and shop.stamp(order.made)[:10] == fields["date"]


def balance(shop: Shop, _: Fields) -> dict[str, Any]:
    """As a text with four places."""

    return done(f"{yuan(shop.balance):.4f}")


def bookings(shop: Shop, fields: Fields) -> dict[str, Any]:
    """Every movement, page by page."""

    page, size = int(fields["pageNum"]), int(fields["pageSize"])
    pages = -(-len(shop.bookings) // size)
    data = shop.bookings[(page - 1) * size : page * size]
    whole = {"total": len(shop.bookings), "pageSize": size, "pageNo": page, "pageCount": pages}
    return done(whole | {"data": data})
