"""JD's doors: signatures checked over what came, tokens that end, and refusals in JD's words."""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from kit.clock import SHANGHAI
from sandbox.frame import Answer, Clock, as_json

APPS = {"VOPCLIENT8": "VOPSECRET9", "TESTKEY001": "TESTSECRET002"}
USER, PASSWORD = "测试企业VOP", "Passw0rd!"
SKEW = timedelta(minutes=6)
VOP_SKEW = timedelta(minutes=30)
LIFE = timedelta(hours=24)


def md5(text: str) -> str:
    """Lower hex over UTF-8."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@dataclass
class Grants:
    """Tokens that were given; a refresh ends the old pair."""

    clock: Clock
    ends: dict[str, datetime] = field(default_factory=dict)
    refreshes: dict[str, str] = field(default_factory=dict)
    asked: int = 0

    def give(self, former: str | None = None) -> dict[str, Any]:
        """A new pair; `former` is the refresh token that it replaces."""
        if former is not None:
            self.ends.pop(self.refreshes.pop(former), None)
        self.asked += 1
        access, refresh = f"token-{self.asked}", f"refresh-{self.asked}"
        now = self.clock.now()
        self.ends[access], self.refreshes[refresh] = now + LIFE, access
        return {
            "uid": "1234567890",
            "access_token": access,
            "refresh_token": refresh,
            "time": millis(now),
            "expires_in": int(LIFE.total_seconds()),
            "refresh_token_expires": millis(now + timedelta(days=182)),
        }

    def good(self, access: str) -> bool:
        """Whether a token is alive."""
        return access in self.ends and self.clock.now() < self.ends[access]


def millis(moment: datetime) -> int:
    """Since 1970."""
    return int(moment.timestamp() * 1000)


def classic_token(fields: dict[str, str], grants: Grants) -> dict[str, Any]:
    """`/oauth2/accessToken`: signed, within half an hour."""
    secret = APPS.get(fields.get("client_id", ""), "")
    order = ("timestamp", "client_id", "username", "password", "grant_type", "scope")
    signed = md5(secret + "".join(fields.get(name, "") for name in order) + secret).upper()
    if not secret or signed != fields.get("sign"):
        return failed("1003", "签名错误")
    if not near(fields.get("timestamp", ""), grants.clock, VOP_SKEW):
        return failed("1005", "时间戳超出允许范围")
    if fields["username"] != USER or fields["password"] != md5(PASSWORD):
        return failed("1004", "用户名或密码错误")
    return done(grants.give())


def classic_refresh(fields: dict[str, str], grants: Grants) -> dict[str, Any]:
    """`/oauth2/refreshToken`: unsigned; a refresh token works once."""
    if APPS.get(fields.get("client_id", "")) != fields.get("client_secret"):
        return failed("1003", "client_id或client_secret错误")
    if fields.get("refresh_token") not in grants.refreshes:
        return failed("2005", "refresh_token不存在")
    return done(grants.give(fields["refresh_token"]))


def near(stamp: str, clock: Clock, skew: timedelta) -> bool:
    """Whether a timestamp in Beijing time is about now; both of JD's forms are read."""
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f%z"):
        try:
            told = datetime.strptime(stamp, form)  # noqa: DTZ007 - given its zone below
        except ValueError:
            continue
        aware = told if told.tzinfo else told.replace(tzinfo=SHANGHAI)
        return abs(aware - clock.now()) <= skew
    return False


def router_error(fields: dict[str, str], clock: Clock, version: str) -> dict[str, Any] | None:
    """The gateway's verdict on a call; None lets it in. Tokens are the service's to judge."""
    secret = APPS.get(fields.get("app_key", ""))
    if not fields.get("app_key"):
        return gateway("20", "缺少app_key参数")
    if secret is None:
        return gateway("21", "无效app_key")
    if not fields.get("timestamp"):
        return gateway("7", "缺少时间戳参数")
    if not near(fields["timestamp"], clock, SKEW):
        return gateway("8", "无效的时间戳参数")
    if fields.get("v") != version:
        return gateway("15" if version == "1.0" else "6", "方法不存在")
    if not fields.get("sign"):
        return gateway("11", "缺少签名参数")
    if fields["sign"] != router_sign(fields, secret):
        return gateway("12", "无效签名")
    return None


def router_sign(fields: dict[str, str], secret: str) -> str:
    """Over every parameter that came, sorted by its name's bytes."""
    names = sorted(n for n in fields if n not in ("sign", "other") and fields[n])
    joined = "".join(name + fields[name] for name in names)
    method = fields.get("sign_method", "md5")
    if method.startswith("hmac"):
        return hmac.new(secret.encode(), joined.encode(), method[4:]).hexdigest().upper()
    return md5(secret + joined + secret).upper()


def gateway(code: str, told: str) -> dict[str, Any]:
    """An error of the router itself; its code is a text."""
    return {"error_response": {"code": code, "zh_desc": told, "en_desc": f"error {code}"}}


def done(result: Any, code: str | None = "0000", message: str | None = "") -> dict[str, Any]:
    """VOP's envelope of a success."""
    return {"success": True, "resultMessage": message, "resultCode": code, "result": result}


def failed(code: str | None, message: str, result: Any = None) -> dict[str, Any]:
    """VOP's envelope of a refusal; HTTP says 200 all the same."""
    return {"success": False, "resultMessage": message, "resultCode": code, "result": result}


def text(said: Any) -> Answer:
    """JSON, called plain text as JD does."""
    return Answer(as_json(said).encode(), kind="text/plain;charset=UTF-8")
