"""The simulated gateway: checks in the platform's order, then the call, then the envelope.

Deeds (`act`): buy, pay, ship, ask_back, shelve, delete, touch, message, decide, bought, moved,
manners, secret, session. Modes of its own: `isp` (fails behind the door), `isp_after` (does it and
fails), `refuse` (args: code, msg, sub_code, sub_msg).
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from kit.clock import SHANGHAI
from sandbox.faults import Fault
from sandbox.frame import Answer, Asked, Clock, Push
from sandbox.world import World

from .alliance import Alliance
from .counter import Counter
from .news import News
from .shop import FORM, Shop
from .supply import Supply
from .wire import SIZES, Manners, Params, Refusal, failure, received, signs, success

APP_KEY, SECRET, SESSION, REFRESH = "12345678", "top-secret", "session-1", "refresh-1"
WINDOW = timedelta(minutes=10)
Handler = Callable[[dict[str, str]], dict[str, Any]]


class Top:
    """One gateway with one app and one seller."""

    def __init__(self, world: World, clock: Clock) -> None:
        self.clock = clock
        self.manners = Manners()
        self.sessions = {SESSION}
        self.refreshes = 0
        self.granted = False
        self.shop = Shop(world, clock)
        self.counter = Counter(self.shop)
        self.supply = Supply(self.shop)
        self.alliance = Alliance(self.shop)
        self.news = News(clock)
        self._open = self._unauthorised()
        self._sellers = self._authorised()

    def call_of(self, asked: Asked) -> str:
        """The method, wherever it came."""
        if asked.path == "/token":
            return "oauth.token"
        try:
            return received(asked).texts.get("method", "")
        except (Refusal, UnicodeDecodeError):
            return ""

    def answer(self, asked: Asked) -> Answer:
        """Do what is asked, strictly: signature first."""
        if asked.path == "/token":
            return self._authorised_by(asked.form)
        params: Params | None = None
        try:
            params = received(asked)
            handler = self._checked(params)
            if asked.struck_by("isp"):
                raise _away()
            if asked.fault is not None and asked.struck_by("refuse"):
                raise Refusal(**asked.fault.args)
            self._look()
            fields = self._done(handler, params)
            if asked.struck_by("isp_after"):
                raise _away()
            return success(params.texts["method"], fields, params, self.manners)
        except Refusal as refusal:
            return failure(refusal, params)
        except UnicodeDecodeError:
            return failure(Refusal(25, "Invalid signature", "isv.invalid-signature"), params)

    def refuse(self, asked: Asked, fault: Fault) -> Answer:
        """A throttle of one API, a ban of the app in seconds, a session that is over."""
        params = received(asked)
        if fault.mode == "expired_token":
            return failure(
                Refusal(27, "Invalid session", "session-expired", "session 已过期"), params
            )
        kind = "app" if fault.mode == "ban" else "api"
        seconds = ceil(fault.seconds) if fault.mode == "ban" else 1
        said = f"This ban will last for {seconds} more seconds"
        sub_code = f"accesscontrol.limited-by-{kind}-access-count"
        return failure(Refusal(7, "App Call Limited", sub_code, said), params)

    def orders(self) -> list[dict[str, Any]]:
        """Requisitions with their lines."""
        return [
            {
                "ref": str(one["dealer_order_id"]),
                "state": one["order_status"],
                "lines": [
                    {
                        "item": line["product_id"],
                        "sku": line["sku_id"],
                        "quantity": line["quantity"],
                    }
                    for line in one["dealer_order_details"].items
                ],
                "receiver": one["receiver"],
            }
            for one in self.supply.requisitions
        ]

    def act(self, deed: str, args: Mapping[str, Any]) -> Any:
        """What happens over there; see the module's docstring."""
        deeds: dict[str, Callable[[], Any]] = {
            "buy": lambda: self.counter.buy(
                args["index"], num=args.get("num", 1), kind=args.get("kind", "guarantee_trade")
            ),
            "ask_back": lambda: self.counter.ask_back(args["tid"], args["fen"]),
            "shelve": lambda: self._shelve(args["index"], args["shelf"]),
            "delete": lambda: self.shop.deleted.add(args["index"]),
            "touch": lambda: self.shop.touch(args["index"]),
            "message": lambda: self.news.tell(
                args["topic"], args["content"], copies=args.get("copies", 1)
            ),
            "shuffle": lambda: setattr(self.news, "shuffled", True),
            "decide": lambda: self.supply.decide(args["requisition"], args["status"]),
            "bought": lambda: self.alliance.bought(args["index"], args["leader"], args["status"]),
            "moved": lambda: self.alliance.moved(
                args["row"], args["status"], refund_tag=args.get("refund_tag", 0)
            ),
            "manners": lambda: self._behave(args),
            "expire": lambda: self.sessions.clear(),
            "state": lambda: {"writes": self.shop.writes, "refreshes": self.refreshes},
        }
        return deeds[deed]()

    def outgoing(self) -> list[Push]:
        """Nothing: messages are fetched here."""
        return []

    def _checked(self, params: Params) -> Handler:
        """The handler of a request that passes every check."""
        given = params.texts
        method = given.get("method")
        if not method:
            raise Refusal(21, "Missing Method")
        handler = self._open.get(method) or self._sellers.get(method)
        if handler is None:
            raise Refusal(22, "Invalid Method")
        if given.get("format", "xml") not in ("xml", "json"):
            raise Refusal(23, "Invalid Format")
        if given.get("app_key") != APP_KEY:
            raise Refusal(29 if given.get("app_key") else 28, "Invalid App Key")
        if method in self._sellers and given.get("session") not in self.sessions:
            raise Refusal(
                27 if given.get("session") else 26, "Invalid Session", "invalid-sessionkey"
            )
        if given.get("v") != "2.0":
            raise Refusal(33 if given.get("v") else 32, "Invalid Version")
        self._timely(given.get("timestamp", ""))
        kind = given.get("sign_method", "")
        if not given.get("sign"):
            raise Refusal(24, "Missing Signature")
        if kind not in SIZES or given["sign"] not in signs(given, SECRET, kind):
            raise Refusal(25, "Invalid signature", "isv.invalid-signature")
        return handler

    def _timely(self, told: str) -> None:
        if not told:
            raise Refusal(30, "Missing Timestamp")
        try:
            if told.isdigit():
                at = datetime.fromtimestamp(int(told) / 1000, UTC)
            else:
                at = datetime.strptime(told, FORM).replace(tzinfo=SHANGHAI)
        except ValueError as error:
            raise Refusal(31, "Invalid Timestamp", "isv.timestamp-limit-error") from error
        if abs(at - self.clock.now()) > WINDOW:
            raise Refusal(31, "Invalid Timestamp", "isv.timestamp-limit-error")

    def _done(self, handler: Handler, params: Params) -> dict[str, Any]:
        try:
            return handler(dict(params.texts))
        except KeyError as error:
            missing = f"isv.missing-parameter:{error.args[0]}"
            raise Refusal(40, "Missing Required Arguments", missing) from error
        except ValueError as error:
            raise Refusal(41, "Invalid Arguments", "isv.invalid-parameter", str(error)) from error

    def _look(self) -> None:
        for topic, content in self.shop.look():
            self.news.tell(topic, content)

    def _shelve(self, index: int, shelf: str) -> None:
        self.shop.shelved[index] = shelf
        self.shop.touch(index)

    def _behave(self, args: Mapping[str, Any]) -> None:
        for name, value in args.items():
            if name not in ("platform", "deed"):
                setattr(self.manners, name, value)

    def _authorised_by(self, form: dict[str, str]) -> Answer:
        """A session for a code, once; the authorisation host is not the gateway."""
        wanted = {
            "grant_type": "authorization_code",
            "client_id": APP_KEY,
            "client_secret": SECRET,
            "code": "code-1",
        }
        if self.granted or not wanted.items() <= form.items() or "redirect_uri" not in form:
            told: dict[str, Any] = {
                "error": "invalid_grant",
                "error_description": "code 无效或已使用",
            }
        else:
            self.granted = True
            self.sessions = {"session-of-code"}
            told = {"access_token": "session-of-code", "expires_in": 86400, "w2_expires_in": 1800}
        return Answer(json.dumps(told, ensure_ascii=False).encode())

    def _refreshed(self, params: dict[str, str]) -> dict[str, Any]:
        if params["refresh_token"] != f"refresh-{self.refreshes + 1}":
            raise Refusal(50, "Remote service error", "isv.refresh-token-invalid", "无效")
        self.refreshes += 1
        session = f"session-{self.refreshes + 1}"
        self.sessions = {session}
        told = (
            f'{{"access_token":"{session}","refresh_token":"refresh-{self.refreshes + 1}",'
            '"token_type":"Bearer","expires_in":86400,"re_expires_in":2592000,"r1_expires_in":86400,'
            '"r2_expires_in":86400,"w1_expires_in":86400,"w2_expires_in":1800,'
            '"taobao_user_nick":"%E6%B2%99%E7%9B%98","taobao_user_id":"1"}'
        )
        return {"token_result": told}

    def _unauthorised(self) -> dict[str, Handler]:
        return {
            "taobao.top.auth.token.refresh": self._refreshed,
            "taobao.tbk.dg.material.optional": self.alliance.search,
            "taobao.tbk.dg.material.optional.upgrade": self.alliance.search_upgraded,
            "taobao.tbk.item.info.get": self.alliance.info,
            "taobao.tbk.item.info.upgrade.get": self.alliance.info_upgraded,
            "taobao.tbk.order.details.get": self.alliance.report,
            "taobao.tmc.messages.consume": self.news.consume,
            "taobao.tmc.messages.confirm": self.news.confirm,
            "taobao.logistics.companies.get": self.counter.companies,
        }

    def _authorised(self) -> dict[str, Handler]:
        return {
            "taobao.items.onsale.get": lambda given: self.shop.page(given, "onsale"),
            "taobao.items.inventory.get": lambda given: self.shop.page(
                given, given.get("banner", "for_shelved")
            ),
            "taobao.items.seller.list.get": self.shop.details,
            "taobao.item.seller.get": self.shop.one,
            "taobao.skus.quantity.update": self.shop.set_skus,
            "taobao.item.quantity.update": self.shop.set_item,
            "taobao.trades.sold.increment.get": self.counter.increment,
            "taobao.logistics.offline.send": self.counter.send,
            "taobao.logistics.consign.resend": self.counter.resend,
            "taobao.logistics.orders.get": self.counter.told,
            "taobao.logistics.trace.search": self.counter.trace,
            "taobao.refunds.receive.get": self.counter.received,
            "taobao.refund.get": self.counter.refund,
            "taobao.rp.refunds.agree": self.counter.agree,
            "taobao.refund.refuse": self.counter.refuse,
            "taobao.tbk.privilege.get": self.alliance.link,
            "taobao.fenxiao.products.get": self.supply.products,
            "taobao.fenxiao.distributor.products.get": self.supply.distributed,
            "taobao.fenxiao.orders.get": self.supply.orders,
            "taobao.fenxiao.dealer.requisitionorder.create": self.supply.create,
            "taobao.fenxiao.dealer.requisitionorder.get": self.supply.listed,
            "taobao.fenxiao.dealer.requisitionorder.query": self.supply.queried,
            "taobao.fenxiao.dealer.requisitionorder.close": self.supply.close,
            "taobao.fenxiao.dealer.requisitionorder.agree": self.supply.agree,
        }


def _away() -> Refusal:
    return Refusal(15, "Remote service error", "isp.remote-service-error", "远程服务调用失败")
