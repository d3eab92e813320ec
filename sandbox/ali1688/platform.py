"""The gateway of the simulated 1688: signature, then token, then permission, then parameters.

Mounted at `/ali1688/openapi`. Faults of its own: `acl` (no permission), `create_lie` (an order with
`success: false`), `pay_lie` (paid, but said not to be), `pay_no` (not paid and said so), `split`
(several orders at once), `partial` (the first line is refused), `unfiltered` (a list of orders that
minds no reference), `no_goods` (parcels name their lines without pieces).
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sandbox.faults import Fault
from sandbox.frame import Answer, Asked, Clock, Push
from sandbox.world import World

from .checkout import Checkout
from .goods import Goods, Refusal
from .messages import Messages
from .orders import Book
from .refunds import Refunds
from .trade import Trade

APP_KEY, APP_SECRET = "1234567", "sandbox-1688"
TOKEN, REFRESH = "ali-token-0", "ali-refresh-0"
LIFE = timedelta(hours=10)
_NO_TOKEN = ("cn.alibaba.open/", "system.oauth2/")

Door = Callable[[Asked, dict[str, str]], dict[str, Any]]


class Ali1688:
    """One buyer's account at 1688."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._clock = clock
        self._tokens: dict[str, datetime] = {TOKEN: clock.now() + LIFE}
        self._refresh = REFRESH
        self.refreshed = 0
        self.messages = Messages(clock)
        self.goods = Goods(world, self.messages)
        self.book = Book(self.messages, clock)
        self.refunds = Refunds(self.book, self.messages)
        self._hook = ""
        self._unruly = False
        self._doors: dict[str, Door] = {
            **self.goods.doors(),
            **Checkout(self.goods, self.book, clock).doors(),
            **Trade(self.goods, self.book, clock).doors(),
            **self.refunds.doors(),
            **self.messages.doors(),
            "system.oauth2/getToken": self._get_token,
            "system.oauth2/postponeToken": self._get_token,
        }

    def call_of(self, asked: Asked) -> str:
        """`namespace/api`."""
        return "/".join(asked.path.split("/")[4:6])

    def answer(self, asked: Asked) -> Answer:
        """Do what is asked, once its signature and token hold."""
        fields = asked.fields
        call = self.call_of(asked)
        if asked.path.startswith("/openapi/http/1/system.oauth2/"):
            return _json(self._get_token(asked, fields))
        if not self._signed(asked, fields):
            return gateway_error("gw.SignatureInvalid", "Invalid signature")
        if not call.startswith(_NO_TOKEN) and not self._alive(fields.get("access_token", "")):
            return gateway_error("401", "Request need user authorized", 401)
        if asked.struck_by("acl"):
            return gateway_error("gw.APIACLDecline", "AppKey is not allowed(acl)")
        door = self._doors.get(call)
        if door is None:
            return gateway_error("gw.APIUnsupported", f"Unsupported API: {call}")
        try:
            return _json(door(asked, fields))
        except KeyError as missing:
            return gateway_error("gw.ParamMissing", f"{missing.args[0]} is required")
        except Refusal as refusal:
            return _json(refusal.envelope)

    def refuse(self, asked: Asked, fault: Fault) -> Answer:
        """QoS limits and expired tokens in 1688's words."""
        if fault.mode == "expired_token":
            self._tokens.clear()
            return gateway_error("401", "Request need user authorized", 401)
        return gateway_error("gw.QosAppFrequencyLimit", "App call exceeds limited frequency")

    def orders(self) -> list[dict[str, Any]]:
        """What this account ordered."""
        return self.book.truth()

    def act(self, deed: str, args: Mapping[str, Any]) -> Any:
        """`hook` {url, unruly?}, `tokens`, and what goods, orders and refunds know how to do."""
        if deed == "hook":
            self._hook, self._unruly = args["url"], args.get("unruly", False)
            return None
        if deed == "tokens":
            return {"refreshed": self.refreshed, "alive": sorted(self._tokens)}
        for room in (self.goods, self.book, self.refunds, self.messages):
            act = getattr(room, f"do_{deed}", None)
            if act is not None:
                return act(args)
        raise ValueError(f"there is no deed {deed}")

    def outgoing(self) -> list[Push]:
        """Messages to push; unruly ones come twice and in the wrong order."""
        fresh = self.messages.fresh()
        if not self._hook:
            return []
        if self._unruly:
            fresh = [one for one in reversed(fresh) for _ in range(2)]
        return [self._push(one) for one in fresh]

    def _push(self, message: dict[str, Any]) -> Push:
        text = json.dumps(message, ensure_ascii=False)
        signed = {"message": text, "_aop_signature": signature("", {"message": text})}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return Push(self._hook, urlencode(signed).encode(), headers)

    def _signed(self, asked: Asked, fields: dict[str, str]) -> bool:
        path = asked.path.removeprefix("/openapi/")
        if not path.startswith("param2/1/") or not path.endswith(f"/{APP_KEY}"):
            return False
        return fields.get("_aop_signature", "") == signature(path, fields)

    def _alive(self, token: str) -> bool:
        return token in self._tokens and self._clock.now() < self._tokens[token]

    def _get_token(self, asked: Asked, fields: dict[str, str]) -> dict[str, Any]:
        by_code = fields.get("grant_type") == "authorization_code"
        key = "code" if by_code else "refresh_token"
        wanted = "code-0" if by_code else self._refresh
        owner = (fields["client_id"], fields["client_secret"]) == (APP_KEY, APP_SECRET)
        if not owner or fields[key] != wanted:
            raise Refusal({"error_code": "401", "error_message": "Request need user authorized"})
        self.refreshed += 1
        token = f"ali-token-{self.refreshed}"
        self._tokens = {token: self._clock.now() + LIFE}
        ends = self._clock.beijing() + timedelta(days=180)
        return {
            "access_token": token,
            "expires_in": str(int(LIFE.total_seconds())),
            "refresh_token": self._refresh,
            "refresh_token_timeout": f"{ends:%Y%m%d%H%M%S}000+0800",
            "aliId": "10086",
            "memberId": "b2b-10086",
            "resource_owner": "sandbox",
            "uid": "10086",
        }


def signature(path: str, fields: Mapping[str, str]) -> str:
    """HMAC-SHA1 over the path and the sorted joined pairs, upper hex."""
    pairs = sorted(key + value for key, value in fields.items() if key != "_aop_signature")
    text = path + "".join(pairs)
    return hmac.new(APP_SECRET.encode(), text.encode(), hashlib.sha1).hexdigest().upper()


def gateway_error(code: str, message: str, status: int = 400) -> Answer:
    """What the gateway itself answers when it declines."""
    told = {"error_code": code, "error_message": message, "exception": message, "request_id": "r"}
    return Answer(json.dumps(told).encode(), status)


def _json(told: dict[str, Any]) -> Answer:
    return Answer(json.dumps(told, ensure_ascii=False).encode())
