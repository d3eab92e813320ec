"""JD as one platform: `/jd/api/…` and `/jd/oauth2/…` are VOP, `/jd/routerjson` is JOS.

Deeds: split {order, zero?}, ship {order, carrier, number}, renumber {order, number},
deliver {order, state?}, cancel {order}, expire {order}, complete {order}, pool {sku, inside},
list {sku, listed}, restrict {sku}, giftless {sku}, naked {on}, purse {fen}, freight {fen},
expire_tokens {}, tell {type, result, copies?}, service {step}, renew {}, grants {}, skus {}.
`order` is our reference or a number of JD. Own fault modes: `reordered` shuffles the next messages,
`flip` turns numbers of the next answer into texts.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.faults import Fault
from sandbox.frame import Answer, Asked, Clock, Push
from sandbox.world import World, number

from . import after_sale, classic, router, union
from .gate import (
    Grants,
    classic_refresh,
    classic_token,
    failed,
    gateway,
    router_error,
    text,
)
from .shop import JdOrder, Shop, yuan

VOP = "jingdong.vop."
UNION = "jd.union."


class Jd:
    """One contract and one Union application."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._clock = clock
        self.shop = Shop(world, clock)
        self.grants = Grants(clock)
        self.union = union.Union(self.shop)
        self.shop.remember_prices() if world.size <= 5000 else None

    def call_of(self, asked: Asked) -> str:
        """A path, or the router's method."""
        return asked.fields.get("method", "") if asked.path == "/routerjson" else asked.path

    def answer(self, asked: Asked) -> Answer:
        """In JD's words, HTTP 200 whatever happened."""
        if asked.path.startswith("/oauth2/"):
            return self._oauth(asked)
        said = self._router(asked) if asked.path == "/routerjson" else self._classic(asked)
        if asked.struck_by("flip"):
            said = _flipped(said)
        if asked.struck_by("reordered") and isinstance(said.get("result"), list):
            said["result"].sort(key=lambda row: number(row.get("id")))
        return text(said)

    def refuse(self, asked: Asked, fault: Fault) -> Answer:
        """Too many calls, or a token that ended, in the words of the door that was used."""
        at_router = asked.path == "/routerjson"
        if fault.mode == "expired_token":
            if at_router:
                return text(gateway("19", "无效access_token"))
            return text(failed("2007", "token已过期"))
        if at_router:
            return text(gateway("2", "限制时间内调用失败次数"))
        return text(failed("9999", "请求过于频繁，请稍后再试"))

    def orders(self) -> list[dict[str, Any]]:
        """Every root order with the leaves below it."""
        roots = [order for order in self.shop.orders.values() if not order.parent]
        return [_shown(self.shop, order) for order in roots]

    def act(self, deed: str, args: Mapping[str, Any]) -> Any:
        """Something happens at JD."""
        shop = self.shop
        if "order" in args:
            return self._with_order(deed, args)
        match deed:
            case "pool":
                (shop.outside.discard if args["inside"] else shop.outside.add)(args["sku"])
                state = 1 if args["inside"] else 2
                shop.tell(6, {"skuId": args["sku"], "page_num": 333333, "state": state})
            case "list":
                (shop.delisted.discard if args["listed"] else shop.delisted.add)(args["sku"])
                shop.tell(4, {"skuId": args["sku"], "state": int(args["listed"])})
            case "restrict":
                shop.restricted.add(args["sku"])
            case "giftless":
                shop.giftless.add(args["sku"])
            case "naked":
                shop.naked = args["on"]
            case "purse":
                shop.balance = args["fen"]
            case "freight":
                shop.fee = args["fen"]
            case "expire_tokens":
                self.grants.ends.clear()
            case "tell":
                shop.tell(args["type"], args["result"], args.get("copies", 1))
            case "service":
                for service in shop.services.values():
                    service["afsServiceStep"] = args["step"]
                    service["afsServiceStepName"] = args.get("name", "申请阶段")
                    if "money" in args:
                        service["money"] = args["money"]
            case "renew":
                return after_sale.renewed(shop)
            case "services":
                return [
                    {"order": str(one["orderId"]), "sku": one["wareId"], "num": one["num"]}
                    for one in shop.services.values()
                ]
            case "grants":
                return self.grants.asked
            case "skus":
                return shop.skus()
            case "good":
                return self._good(args["sku"])
            case _:
                return self.union.act(deed, args)
        return None

    def outgoing(self) -> list[Push]:
        """JD posts nothing; its messages are fetched."""
        return []

    def _good(self, sku: int) -> dict[str, Any]:
        found = self.shop.good(sku)
        if found is None:
            raise KeyError(sku)
        return {
            "key": found[1].key,
            "price": self.shop.price(sku),
            "stock": self.shop.left(sku),
            "gtin": found[1].gtin,
            "title": found[0].title,
        }

    def _with_order(self, deed: str, args: Mapping[str, Any]) -> Any:
        shop, order = self.shop, self._order(args["order"])
        match deed:
            case "split":
                shop.split(order.id, zero=args.get("zero", False))
            case "ship":
                shop.ship(order, args["carrier"], args["number"])
            case "renumber":
                carrier, _ = order.waybills.pop()
                order.waybills.append((carrier, args["number"]))
            case "deliver":
                order.delivered = args.get("state", 1)
                shop.tell(5, {"orderId": order.id, "state": order.delivered})
            case "complete":
                order.step = 19
                shop.tell(31, {"orderId": order.id, "jdOrderState": 19, "pin": "testpin"})
            case "cancel":
                shop.cancel(order)
                shop.tell(10, {"orderId": order.id})
            case "expire":
                shop.cancel(order)
                shop.tell(15, {"orderId": order.id, "cancelType": 2})
            case _:
                raise ValueError(deed)
        return [each.id for each in shop.leaves(order.id)] if order.id in shop.orders else []

    def _order(self, named: Any) -> JdOrder:
        return self.shop.orders[int(self.shop.by_third.get(str(named), 0) or named)]

    def _oauth(self, asked: Asked) -> Answer:
        fields = asked.fields
        match asked.path:
            case "/oauth2/accessToken" | "/oauth2/access_token" if "sign" in fields:
                return text(classic_token(fields, self.grants))
            case "/oauth2/refreshToken":
                return text(classic_refresh(fields, self.grants))
            case "/oauth2/authorizeForVOP":
                where = f"{fields['redirect_uri']}?code=code-1&state="
                return Answer(b"", 302, headers={"location": where})
            case "/oauth2/access_token" if fields.get("code") == "code-1":
                return text({"code": 0} | self.grants.give())
            case "/oauth2/refresh_token" if fields.get("refresh_token") in self.grants.refreshes:
                return text({"code": 0} | self.grants.give(fields["refresh_token"]))
        return text({"code": 406, "msg": "无效的授权"})

    def _classic(self, asked: Asked) -> dict[str, Any]:
        fields = asked.form
        if not self.grants.good(fields.get("token", "")):
            return failed("2007", "token已过期")
        door = classic.DOORS.get(asked.path)
        if door is None:
            return failed("1001", f"no such path {asked.path}")
        try:
            return door(self.shop, fields)
        except (KeyError, ValueError) as error:
            return failed("1001", f"参数为空或错误: {error}")

    def _router(self, asked: Asked) -> dict[str, Any]:
        fields = asked.fields
        method = fields.get("method", "")
        error = router_error(fields, self._clock, "1.0" if method.startswith(UNION) else "2.0")
        if error:
            return error
        given = json.loads(fields.get("360buy_param_json") or "{}", parse_float=str)
        name = f"{method.replace('.', '_')}_responce"
        if method.startswith(UNION):
            key, payload = self.union.answer(method, given)
            if not key:
                return gateway("15", "不存在的方法名")
            return {name: {"code": "0", key: payload}}
        if not self.grants.good(fields.get("access_token", "")):
            return gateway("19", "无效access_token")
        door = router.DOORS.get(method)
        if door is None:
            return gateway("15", "不存在的方法名")
        key = "vopOrderRpcResult" if method in router.ODD else "openRpcResult"
        return {name: {"code": "0", key: door(self.shop, given)}}


def _shown(shop: Shop, order: JdOrder) -> dict[str, Any]:
    leaves = shop.leaves(order.id)
    return {
        "id": str(order.id),
        "our_ref": order.third,
        "state": "cancelled" if order.cancelled else "confirmed" if order.confirmed else "held",
        "lines": {str(line.sku): line.num for line in order.lines},
        "amount": str(yuan(order.goods + order.freight)),
        "to": order.to,
        "area": list(order.area),
        "leaves": [
            {"id": str(leaf.id), "lines": {str(x.sku): x.num for x in leaf.lines}}
            for leaf in leaves
        ],
    }


def _flipped(said: Any) -> Any:
    """Numbers as texts, as JD sends them on other days."""
    if isinstance(said, dict):
        return {key: _flipped(value) for key, value in said.items()}
    if isinstance(said, list):
        return [_flipped(value) for value in said]
    if isinstance(said, int | Decimal) and not isinstance(said, bool):
        return str(said)
    return said
