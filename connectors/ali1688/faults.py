"""What 1688's many replies say went wrong, as our faults. Pure.

The gateway answers `error_code`; behind it every API has its own envelope, a success flag may be
the text "true", an error may come with `success: true` and an order id with `success: false`.
So: a fault is a failed flag, or words of an error where no result stands beside them; only an
order id outweighs a failed flag (see `orders.created`).
"""

import re
from collections.abc import Mapping
from typing import Any

from connectors.calls import (
    BROKEN,
    CLOCK,
    DEARER,
    DENIED,
    EXPIRED,
    NOT_THERE,
    PENNILESS,
    REFUSED,
    SOLD_OUT,
    TOO_FAR,
    Failure,
    Fault,
    banned,
)
from connectors.errors import TryLater

FIRST_PAUSE, LONGEST_PAUSE = 10.0, 120.0
"""Seconds without any call after a QoS limit: ten, doubled at every further one in a row."""

GATEWAY: dict[str, Fault] = {
    "401": EXPIRED,  # Request need user authorized: token missing or expired
    "gw.SignatureInvalid": DENIED,
    "gw.AppKeyNotFound": DENIED,
    "gw.TimestampInvalid": CLOCK,
    "gw.APIACLDecline": DENIED,  # no permission, or one that has lapsed
    "gw.APIUnsupported": DENIED,  # this app was never given that API
    "gw.ParamMissing": REFUSED,
    "gw.QosAppFrequencyLimit": banned(FIRST_PAUSE),
    "gw.QosAPIFrequencyLimit": banned(FIRST_PAUSE),
}
BUSINESS: dict[str, Fault] = {
    # preview
    "500_001": REFUSED,  # not tradable online
    "500_002": REFUSED,  # several sellers, or a specId is missing
    "500_003": NOT_THERE,  # the specId is none of this offer's
    "500_004": SOLD_OUT,
    "500_005": REFUSED,  # below the minimum order quantity
    "500_006": REFUSED,  # against the mixed-batch rule
    "500_007": REFUSED,  # saleproxy without a consignment relation
    "500_008": DEARER,  # a price of zero
    "500_009": REFUSED,  # no multiple of the batch
    # logistics
    "500_2": NOT_THERE,  # not shipped yet
    "404": NOT_THERE,
    "order.nopermission.buyer": NOT_THERE,  # somebody else's order
    "order.createtime.history": NOT_THERE,  # older than a year
    # cancelling
    "ORDER_STATUS_ERROR": REFUSED,
    "400_3": REFUSED,
    "ORDER_NOT_EXIST": NOT_THERE,
    "CLOSE_ORDER_TOO_FAST": Fault(TryLater, wait=10.0),  # within ten seconds after it was made
    # refunds
    "5001": NOT_THERE,
    "5002": NOT_THERE,  # the order is not this buyer's
    **{str(code): REFUSED for code in range(5003, 5014)},
    "5100": REFUSED,
    "APPLY_TIME_ERROR": REFUSED,  # refunds of the last 730 days only
    # distribution relations
    "OFFERIDS_IS_NULL": REFUSED,
    "APPKEY_ISV_CONFIG_IS_NOT_EXIST": DENIED,
    "ISVUSERS_IS_NULL": DENIED,
}
_WORDS: tuple[tuple[re.Pattern[str], Fault], ...] = tuple(
    (re.compile(words, re.IGNORECASE), fault)
    for words, fault in (
        (r"库存不足|无库存|缺货|售罄|out of stock", SOLD_OUT),
        (r"余额不足|额度不足", PENNILESS),
        (r"AddressId invalid|地址.*(无效|不存在|不支持)|不支持配送|无法送达", TOO_FAR),
        (r"价格.*(变动|变化|不一致)", DEARER),
        (r"(订单|商品).*(不存在|找不到)|已下架|不是自己的订单|not exist|没有物流", NOT_THERE),
        (r"交易权限|(权限|授权).*(过期|失效|到期)|need user authorized", DENIED),
        (r"频率|限流|frequency", banned(FIRST_PAUSE)),
        (r"^system|timeout|internal error|系统|超时|服务.*(异常|繁忙|不可用)", BROKEN),
    )
)
_INTERNAL = re.compile(r"4\d{3}|(?i:.*(system|timeout|internal).*)")
"""Codes of a platform that failed itself: a read may be repeated, what a write did is unknown."""

NO_ERROR = frozenset({"", "0", "200", "ok", "success", "none", "null"})
_ENVELOPE = frozenset(
    [
        *("success", "succes", "code", "message", "request_id", "error_code", "error_message"),
        *("errorCode", "errorMsg", "errorMessage", "erroMsg", "extErrorMessage"),
    ]
)


def truth(flag: object) -> bool | None:
    """A success flag that may be a text; None where there is none."""
    if isinstance(flag, str):
        return {"true": True, "false": False}.get(flag.strip().lower())
    return flag if isinstance(flag, bool) else None


def said(reply: Mapping[str, Any]) -> tuple[str, str] | None:
    """(code, message) of the fault that a reply speaks of, in whichever of its envelopes."""
    inner = reply.get("result")
    levels = [reply, inner] if isinstance(inner, Mapping) else [reply]
    for level in levels:
        flag = truth(level.get("success", level.get("succes")))
        code = _word(level, "errorCode", "code")
        message = _word(level, "errorMessage", "errorMsg", "erroMsg", "message", "extErrorMessage")
        stated = _word(level, "errorCode", "errorMessage", "errorMsg", "erroMsg")
        wrong = stated.lower() not in NO_ERROR or (flag is None and code.lower() not in NO_ERROR)
        if flag is False or (wrong and not _has_result(level)):
            return code or "unnamed", message or "1688 names no reason"
    return None


def failure(reply: Mapping[str, Any]) -> Failure | None:
    """What a reply says went wrong, None where it is an answer."""
    if code := _word(reply, "error_code"):
        message = _word(reply, "error_message", "exception") or "1688's gateway declines the call"
        return Failure(GATEWAY.get(code) or of(code, message), code, _told(code, message))
    if spoken := said(reply):
        code, message = spoken
        return Failure(of(code, message), code, _told(code, message))
    return None


def of(code: str, message: str) -> Fault:
    """What a code of any API means; what is not in the tables goes by its words."""
    if known := BUSINESS.get(code) or GATEWAY.get(code):
        return known
    by_words = next((fault for words, fault in _WORDS if words.search(message)), None)
    if by_words is None and _INTERNAL.fullmatch(code):
        return BROKEN
    return by_words or REFUSED


def _word(level: Mapping[str, Any], *keys: str) -> str:
    for key in keys:
        value = level.get(key)
        if value is not None and str(value).strip():
            return str(value).strip()
    return ""


def _has_result(level: Mapping[str, Any]) -> bool:
    return any(
        value not in (None, "", [], {}) for key, value in level.items() if key not in _ENVELOPE
    )


def _told(code: str, message: str) -> str:
    advice = {
        "401": "the authorisation is missing or has expired; authorise this account again",
        "gw.APIACLDecline": "the permission for this API is missing or has lapsed; renew it at "
        "open.1688.com, until then nothing is bought from this account",
        "gw.SignatureInvalid": "app_key and app_secret do not belong together",
        "gw.TimestampInvalid": "the clock of this machine is wrong",
    }.get(code)
    return f"{message} ({advice})" if advice else message
