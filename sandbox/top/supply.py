"""Simulated supply and distribution: products, consumers' orders, dealer requisitions."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .shop import FORM, TRADE_ID, Shop, invalid, pages, within
from .wire import Many, Refusal

PID, SKU = 7_000_000, 88_000_000
REQUISITION = 33_000_000
OPEN = "WAIT_FOR_SUPPLIER_AUDIT1"


@dataclass
class Supply:
    """The supplier's side and the distributor's, of the same goods as the shop's."""

    shop: Shop
    requisitions: list[dict[str, Any]] = field(default_factory=list)

    def products(self, params: dict[str, str]) -> dict[str, Any]:
        """A supplier's products; SKUs only where they are asked for."""
        found = list(range(self.shop.world.size))
        if "pids" in params:
            wanted = params["pids"].split(",")
            if len(wanted) > 30:
                raise invalid("pids")
            found = [index for index in found if str(PID + index) in wanted]
        else:
            found = [one for one in found if within(params, self.shop.modified(one), "modified")]
        fields = params.get("fields", "").split(",")
        paged = {"page_size": "20", **params}
        shown = [self._product(index, fields) for index in pages(paged, found, 50)]
        return {"total_results": len(found), "products": Many("fenxiao_product", shown)}

    def distributed(self, params: dict[str, str]) -> dict[str, Any]:
        """The same as a distributor sees them: no total, only whether more comes."""
        if "pids" not in params and "supplier_nick" not in params:
            raise Refusal(40, "Missing Required Arguments", "isv.missing-parameter:supplier_nick")
        whole = self.products({**params, "page_size": params.get("page_size", "20")})
        done = int(params.get("page_no", "1")) * int(params.get("page_size", "20"))
        return {"has_next": done < whole["total_results"], "products": whole["products"]}

    def orders(self, params: dict[str, str]) -> dict[str, Any]:
        """Consumers' orders at distributors, in a window of at most seven days."""
        if "purchase_order_id" not in params:
            start, end = params.get("start_created"), params.get("end_created")
            if start is None or end is None:
                raise Refusal(
                    40, "Missing Required Arguments", "isv.missing-parameter:start_created"
                )
            if _moment(end) - _moment(start) > timedelta(days=7):
                raise invalid("end_created")
        found = [
            trade
            for trade in self.shop.trades
            if trade.kind == "fenxiao" and within(params, trade.modified, "created")
        ]
        shown = [self._order(trade) for trade in pages({"page_size": "20", **params}, found, 50)]
        return {"total_results": len(found), "purchase_orders": Many("top_dp_order_do", shown)}

    def create(self, params: dict[str, str]) -> dict[str, Any]:
        """A requisition: `pid:skuid:quantity:fen`, for the supplier to audit."""
        details = params["order_detail"].split(",")
        if len(details) > 50:
            raise invalid("order_detail")
        if "phone" not in params and "mobile" not in params:
            raise Refusal(40, "Missing Required Arguments", "isv.missing-parameter:mobile")
        lines = [self._line(detail, place) for place, detail in enumerate(details)]
        now = self.shop.clock.beijing().strftime(FORM)
        self.requisitions.append(
            {
                "dealer_order_id": REQUISITION + len(self.requisitions),
                "order_status": OPEN,
                "applied_time": now,
                "modified_time": now,
                "quantity_count": sum(line["quantity"] for line in lines),
                "total_price": _yuan(sum(_amount(detail) for detail in details)),
                "logistics_type": params.get("logistics_type", "LOGISTICS"),
                "supplier_nick": "沙盘供应商",
                "applier_nick": "沙盘分销商",
                "receiver": {
                    "name": params["buyer_name"],
                    "state": params["province"],
                    "city": params.get("city"),
                    "district": params.get("district"),
                    "address": params["address"],
                    "mobile_phone": params.get("mobile"),
                    "phone": params.get("phone"),
                },
                "dealer_order_details": Many("dealer_order_detail", lines),
            }
        )
        return {"dealer_order_id": self.requisitions[-1]["dealer_order_id"]}

    def listed(self, params: dict[str, str]) -> dict[str, Any]:
        """Requisitions applied for in a window of at most thirty days."""
        start, end = _moment(params["start_date"]), _moment(params["end_date"])
        if end - start > timedelta(days=30) or params["identity"] not in ("1", "2"):
            raise invalid("end_date")
        found = [
            one
            for one in self.requisitions
            if params["start_date"] <= one["applied_time"] <= params["end_date"]
        ]
        shown = list(pages({"page_size": "20", **params}, found, 50))
        return {"total_results": len(found), "dealer_orders": Many("dealer_order", shown)}

    def queried(self, params: dict[str, str]) -> dict[str, Any]:
        """Requisitions by id."""
        wanted = params["dealer_order_ids"].split(",")
        if len(wanted) > 50:
            raise invalid("dealer_order_ids")
        shown = [one for one in self.requisitions if str(one["dealer_order_id"]) in wanted]
        return {"dealer_orders": Many("dealer_order", shown)}

    def close(self, params: dict[str, str]) -> dict[str, Any]:
        """A requisition is withdrawn, while nothing has left."""
        one = self._requisition(params["dealer_order_id"])
        if one["order_status"] not in (OPEN, "WAIT_FOR_APPLIER_AUDIT", "BOTH_AGREE_WAIT_PAY"):
            raise Refusal(50, "Remote service error", "isv.dealer-order-status-error", "状态不允许")
        self.decide(one["dealer_order_id"], "TRADE_CLOSED")
        return {"is_success": True}

    def agree(self, params: dict[str, str]) -> dict[str, Any]:
        """The applier agrees to what the supplier changed."""
        one = self._requisition(params["dealer_order_id"])
        self.decide(one["dealer_order_id"], "BOTH_AGREE_WAIT_PAY")
        return {"is_success": True}

    def decide(self, requisition: int, status: str) -> None:
        """The other side moves a requisition on."""
        one = self._requisition(str(requisition))
        one["order_status"] = status
        one["modified_time"] = self.shop.clock.beijing().strftime(FORM)

    def _requisition(self, requisition: str) -> dict[str, Any]:
        for one in self.requisitions:
            if str(one["dealer_order_id"]) == requisition:
                return one
        raise Refusal(50, "Remote service error", "isv.dealer-order-not-exist", "申请单不存在")

    def _line(self, detail: str, place: int) -> dict[str, Any]:
        parts = detail.split(":")
        if len(parts) != 4 or not parts[2].isdigit() or int(parts[2]) < 1:
            raise invalid("order_detail")
        index = int(parts[0]) - PID
        if not 0 <= index < self.shop.world.size or self._trade_type(index) == "AGENT":
            raise Refusal(50, "Remote service error", "isv.product-not-exist", "产品不存在")
        price = int(parts[3])
        return {
            "dealer_detail_id": 44_000_000 + len(self.requisitions) * 50 + place,
            "product_id": int(parts[0]),
            "sku_id": int(parts[1]) if parts[1] else None,
            "quantity": int(parts[2]),
            "original_price": _yuan(price),
            "final_price": _yuan(price),
            "price_count": _yuan(price * int(parts[2])),
        }

    def _trade_type(self, index: int) -> str:
        return ("ALL", "DEALER", "AGENT", "ALL")[index % 4]

    def _product(self, index: int, fields: list[str]) -> dict[str, Any]:
        listing, world = self.shop.world.listing(index), self.shop.world
        skus = [] if self.shop.is_plain(index) else list(enumerate(listing.skus))
        price = world.price(listing.skus[0])
        shown = {
            "pid": PID + index,
            "name": listing.title,
            "standard_price": _yuan(price * 2),
            "cost_price": _yuan(price),
            "dealer_cost_price": _yuan(price * 9 // 10),
            "retail_price_low": str(price * 12 // 10),
            "retail_price_high": str(price * 3),
            "outer_id": f"FX-{index:04d}",
            "quantity": sum(world.stock(sku) for sku in listing.skus),
            "reserved_quantity": 1 if skus == [] and index % 2 else None,
            "pictures": f"http://img.example/{listing.images[0]}",
            "status": "up" if index % 19 else "down",
            "trade_type": self._trade_type(index),
            "postage_type": "seller" if index % 2 else "buyer",
            "have_invoice": index % 3 > 0,
            "modified": self.shop.modified(index).strftime(FORM),
        }
        if "skus" in fields:
            shown["skus"] = Many(
                "sku_list",
                [
                    {
                        "id": SKU + index * 10 + place,
                        "name": next(iter(sku.spec.values())),
                        "cost_price": _yuan(world.price(sku)),
                        "dealer_cost_price": _yuan(world.price(sku) * 9 // 10),
                        "quantity": world.stock(sku),
                        "reserved_quantity": 0,
                        "outer_id": f"FX-{index:04d}-{place}",
                        "properties": f"1627207:{place}",
                    }
                    for place, sku in skus
                ],
            )
        return shown

    def _order(self, trade: Any) -> dict[str, Any]:
        sub = {
            "id": trade.tid + 1,
            "fenxiao_id": trade.tid,
            "item_id": PID + trade.index,
            "sku_id": None
            if self.shop.is_plain(trade.index)
            else SKU + trade.index * 10 + trade.place,
            "num": trade.num,
            "price": "9.90",
            "status": trade.status,
            "tc_discount_fee": 100,
            "discount_fee": "100",
        }
        return {
            "id": trade.tid - TRADE_ID + 55_000_000,
            "fenxiao_id": trade.tid,
            "status": trade.status,
            "trade_type": "AGENT",
            "created": trade.modified.strftime(FORM),
            "modified": trade.modified.strftime(FORM),
            "total_fee": "9.90",
            "sub_purchase_orders": Many("sub_order_detail", [sub]),
            "receiver": {"name": "李*", "mobile_phone": "*******5678", "oaid": "oaid-2"},
        }


def _amount(detail: str) -> int:
    parts = detail.split(":")
    return int(parts[2]) * int(parts[3])


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, FORM)  # noqa: DTZ007 - both ends are Beijing's
    except ValueError as error:
        raise invalid("date") from error


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
