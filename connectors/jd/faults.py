"""JD's codes and what each means for the caller, one table per family."""

import re

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
    Fault,
    banned,
)

BAN_SECONDS = 60.0
"""After words about too many calls; JD states no number."""
QUOTA_SECONDS = 300.0
"""After the router's code 2, which may be a day's quota."""

GATEWAY: dict[str, Fault] = {
    "1": BROKEN,
    "2": banned(QUOTA_SECONDS),
    "3": DENIED,
    **dict.fromkeys(("4", "5", "6", "13", "14", "15", "16", "17"), REFUSED),
    **dict.fromkeys(("7", "9", "10", "11", "12"), DENIED),
    "8": CLOCK,
    **dict.fromkeys(("18", "19"), EXPIRED),
    **dict.fromkeys(("20", "21", "22", "23", "24", "25", "28"), DENIED),
    **dict.fromkeys(("33", "43"), BROKEN),
    **dict.fromkeys(("50", "60", "61", "62", "63"), REFUSED),
    "64": DENIED,
    **dict.fromkeys(("65", "66", "67", "69", "78"), BROKEN),
    **dict.fromkeys(("68", "70", "71", "72", "77"), REFUSED),
    **dict.fromkeys(("73", "74", "75", "79", "80"), DENIED),
    **dict.fromkeys(("83", "85", "86", "87"), REFUSED),
    **dict.fromkeys(("88", "89", "90", "91", "92"), DENIED),
    **dict.fromkeys(("10001", "10002", "11100006"), DENIED),
    "10100046": BROKEN,
}
"""The router's own errors (`error_response`)."""

VOP: dict[str, Fault] = {
    "0008": REFUSED,  # answered with the order that is there; only `submit` expects it
    "0010": NOT_THERE,  # ids outside the pool, or a page behind the last
    "1001": REFUSED,
    "2004": NOT_THERE,
    "2007": EXPIRED,
    "3004": NOT_THERE,  # delisted
    "3008": SOLD_OUT,  # a gift, named with its main SKU
    "3009": TOO_FAR,
    "3017": PENNILESS,
    "3103": REFUSED,  # confirmed already; only `confirm` expects it
    "3203": REFUSED,  # cancelled already; only `cancel` expects it
    "3401": NOT_THERE,
    "3405": NOT_THERE,  # a county without towns; only `areas` expects it
    "3420": REFUSED,
    "3421": NOT_THERE,
    "3422": REFUSED,
    "3554": TOO_FAR,
    "5001": BROKEN,
    "6000": BROKEN,
    **dict.fromkeys(("9001", "9003", "9004"), PENNILESS),
}
"""Result codes of VOP, classic and through the router."""

AFTER_SALE: dict[str, Fault] = {
    "2000": REFUSED,
    "6000": BROKEN,
    "6001": REFUSED,
    "6002": NOT_THERE,
    **dict.fromkeys(("6003", "6004", "6005", "6006"), REFUSED),
    "6007": NOT_THERE,
    **dict.fromkeys(("6008", "6009", "6010", "6011", "6012", "6013"), REFUSED),
}
"""Result codes of classic after-sale calls, which count from 0 and not from 0000."""

_WORDS: tuple[tuple[str, Fault], ...] = (
    (r"频繁|限流|超过.{0,12}(?:限制|上限)|[Ll]imit", banned(BAN_SECONDS)),
    (r"(?:token|令牌|授权).{0,12}(?:过期|失效|不存在|无效)", EXPIRED),
    (r"余额不足|额度不足", PENNILESS),
    (r"无货|库存不足|售罄", SOLD_OUT),
    (r"下架|不在.{0,8}商品池", NOT_THERE),
    (r"区域.{0,12}(?:受限|限制|不支持)|不支持配送|地址非法", TOO_FAR),
    (r"价格|orderPriceSnap", DEARER),
)


def by_words(message: str) -> Fault | None:
    """What a message means whose code no table knows: JD tells much in prose only."""
    for pattern, fault in _WORDS:
        if re.search(pattern, message):
            return fault
    return None
