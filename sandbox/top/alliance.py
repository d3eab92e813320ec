"""A simulated alliance: goods to recommend, and the report of what was bought through links."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .shop import FORM, ITEM_ID, Shop, invalid, pages
from .wire import Many, Refusal

ADZONE = "110000000001"
ROW_ID = 2_900_000_000_000_000_001


@dataclass
class Alliance:
    """The same goods as the shop's, with commissions in basis points."""

    shop: Shop
    rows: list[dict[str, Any]] = field(default_factory=list)

    def search(self, params: dict[str, str]) -> dict[str, Any]:
        """Goods for words, in the old form."""
        found = self._found(params)
        shown = [self.old(index) for index in pages({"page_size": "20", **params}, found, 100)]
        return {"total_results": len(found), "result_list": Many("map_data", shown)}

    def search_upgraded(self, params: dict[str, str]) -> dict[str, Any]:
        """The same in the new form, with opaque ids."""
        found = self._found(params)
        shown = [self.new(index) for index in pages({"page_size": "20", **params}, found, 100)]
        return {"total_results": len(found), "result_list": Many("map_data", shown)}

    def info(self, params: dict[str, str]) -> dict[str, Any]:
        """Goods by number; unknown ones are left out."""
        ids = params["num_iids"].split(",")
        if len(ids) > 40:
            raise invalid("num_iids")
        found = [index for one in ids if (index := self.shop.index_of(one)) is not None]
        return {"results": Many("n_tbk_item", [self.old(index) for index in found])}

    def info_upgraded(self, params: dict[str, str]) -> dict[str, Any]:
        """Goods by opaque id; unknown ones are left out."""
        ids = params["item_id"].split(",")
        if len(ids) > 20:
            raise invalid("item_id")
        found = [index for one in ids if (index := self._index(one)) is not None]
        return {"results": Many("tbk_item_detail", [self.new(index) for index in found])}

    def link(self, params: dict[str, str]) -> dict[str, Any]:
        """A link of one adzone to one item."""
        if params["adzone_id"] != ADZONE:
            raise invalid("adzone_id")
        index = self._index(params["item_id"])
        if index is None:
            raise Refusal(50, "Remote service error", "isv.item-not-exist", "商品不存在")
        mark = f"{params['item_id']}-{params['adzone_id']}-{params.get('external_id', '')}"
        data = {
            "item_id": params["item_id"],
            "item_url": f"//s.click.example/{mark}",
            "coupon_click_url": f"//uland.example/coupon/{mark}" if index % 2 else None,
            "max_commission_rate": f"{self._points(index) / 100:.2f}",
        }
        return {"result": {"data": data}}

    def report(self, params: dict[str, str]) -> dict[str, Any]:
        """Rows of a window of at most three hours, page after page by a cursor."""
        start, end = _moment(params["start_time"]), _moment(params["end_time"])
        size, kind = int(params.get("page_size", "20")), params.get("query_type", "1")
        if end <= start:
            raise Refusal(50, "Remote service error", "2001", "开始时间须早于结束时间")
        if end - start > timedelta(hours=3):
            raise Refusal(50, "Remote service error", "2007", "查询时间间隔过长")
        if self.shop.clock.beijing().replace(tzinfo=None) - start > timedelta(days=90):
            raise Refusal(50, "Remote service error", "2004", "只能查询最近 90 天")
        key = {"1": "tk_create_time", "2": "tk_paid_time", "3": "tk_earning_time"}.get(
            kind, "modified_time"
        )
        found = [
            row
            for row in self.rows
            if params["start_time"] <= row.get(key, "") <= params["end_time"]
            and row["_scene"] == params.get("order_scene", "1")
        ]
        at = int(params["position_index"].partition("_")[0]) if "position_index" in params else 0
        if at and params.get("jump_type") not in ("1", "-1"):
            raise Refusal(50, "Remote service error", "1005", "jumpType 参数错误")
        shown = [
            {name: value for name, value in row.items() if not name.startswith("_")}
            for row in found[at : at + size]
        ]
        data = {
            "results": Many("publisher_order_dto", shown),
            "has_next": at + size < len(found),
            "has_pre": at > 0,
            "position_index": f"{at + size}_{len(found)}" if shown else None,
            "page_no": at // size + 1,
            "page_size": size,
        }
        return {"data": data}

    def bought(self, index: int, leader: str, status: int, *, adzone: str = ADZONE) -> str:
        """Somebody buys through a link; `leader` is what the link was made with."""
        now = self.shop.clock.beijing().strftime(FORM)
        price = self.shop.world.price(self.shop.world.listing(index).skus[0])
        fee = price * self._points(index) // 10_000
        row_id = str(ROW_ID + 2 * len(self.rows))
        row = {
            "trade_id": row_id,
            "trade_parent_id": str(int(row_id) + 1),
            "item_id": str(ITEM_ID + index),
            "item_title": self.shop.world.listing(index).title,
            "item_num": 1,
            "item_price": _yuan(price),
            "item_img": "//img.example/a.jpg",
            "alipay_total_price": _yuan(price),
            "pay_price": "--",
            "pub_share_pre_fee": _yuan(fee),
            "pub_share_fee": "0.00",
            "pub_share_rate": "100.00",
            "tk_total_rate": f"{self._points(index) / 100:.2f}",
            "tk_status": status,
            "refund_tag": 0,
            "adzone_id": int(adzone),
            "site_id": 1,
            "unid": leader,
            "tk_create_time": now,
            "tk_paid_time": now,
            "modified_time": now,
            "tk_earning_time": None,
            "seller_shop_title": "沙盘旗舰店",
            "service_fee_dto_list": Many(
                "service_fee_d_t_o", [{"share_fee": "0.00", "tk_share_role_type": 0}]
            ),
            "_scene": "1",
            "_fee": fee,
        }
        self.rows.append({name: value for name, value in row.items() if value is not None})
        return row_id

    def moved(self, row_id: str, status: int, *, refund_tag: int = 0) -> None:
        """A row changes."""
        row = next(row for row in self.rows if row["trade_id"] == row_id)
        now = self.shop.clock.beijing().strftime(FORM)
        row.update(tk_status=status, refund_tag=refund_tag, modified_time=now)
        if status == 3:
            row.update(
                pub_share_fee=_yuan(row["_fee"]), tk_earning_time=now, pay_price=row["item_price"]
            )

    def old(self, index: int) -> dict[str, Any]:
        """An item in the old form."""
        listing = self.shop.world.listing(index)
        price = self.shop.world.price(listing.skus[0])
        return {
            "num_iid": str(ITEM_ID + index),
            "item_id": str(ITEM_ID + index),
            "title": listing.title,
            "pict_url": f"//img.example/{listing.images[0]}",
            "small_images": Many("string", [f"//img.example/{name}" for name in listing.images]),
            "reserve_price": _yuan(price * 2),
            "zk_final_price": _yuan(price),
            "commission_rate": str(self._points(index)),
            "volume": index * 3,
            "user_type": index % 2,
            "seller_id": 1000 + index % 7,
            "nick": f"沙盘店{index % 7}",
            "category_name": listing.category[1],
            "url": f"//s.click.example/{ITEM_ID + index}",
        }

    def new(self, index: int) -> dict[str, Any]:
        """An item in the new form."""
        old = self.old(index)
        return {
            "item_id": f"hp{index}-uwqenqe",
            "item_basic_info": {
                "title": old["title"],
                "pict_url": old["pict_url"],
                "small_images": old["small_images"],
                "category_name": old["category_name"],
                "volume": old["volume"],
                "user_type": old["user_type"],
                "seller_id": old["seller_id"],
                "shop_title": old["nick"],
            },
            "price_promotion_info": {
                "reserve_price": old["reserve_price"],
                "zk_final_price": old["zk_final_price"],
                "final_promotion_price": old["zk_final_price"],
            },
            "publish_info": {
                "click_url": f"//s.click.example/new/{index}",
                "income_rate": old["commission_rate"],
                "income_info": {"commission_rate": old["commission_rate"]},
            },
        }

    def _found(self, params: dict[str, str]) -> list[int]:
        if params["adzone_id"] != ADZONE:
            raise invalid("adzone_id")
        if "q" not in params and "cat" not in params and "material_id" not in params:
            raise Refusal(40, "Missing Required Arguments", "isv.missing-parameter:q")
        words = params.get("q", "")
        world = self.shop.world
        return [index for index in range(world.size) if words in world.listing(index).title]

    def _index(self, item_id: str) -> int | None:
        if item_id.isdigit():
            return self.shop.index_of(item_id)
        number = item_id.partition("-")[0].removeprefix("hp")
        return int(number) if number.isdigit() and int(number) < self.shop.world.size else None

    def _points(self, index: int) -> int:
        return 150 + index * 37 % 1900


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, FORM)  # noqa: DTZ007 - both ends are Beijing's
    except ValueError as error:
        raise invalid("start_time") from error


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
