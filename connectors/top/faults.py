"""What TOP's codes mean for a caller: one table for main codes, one for sub_codes. Pure.

Sub_codes speak first where they are known: they are closer to the cause.
"""

import re
from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase

from connectors.calls import (
    BROKEN,
    CLOCK,
    DENIED,
    EXPIRED,
    NOT_THERE,
    REFUSED,
    Failure,
    Fault,
    banned,
)
from connectors.errors import Refused, SupplierError, TryLater
from kit.clock import SHANGHAI

from .envelope import Told

SHORT_BAN = 2.0
"""Seconds for a ban on one API that does not say how long it lasts."""
LONG_BAN = 60.0
"""Seconds for a ban on the whole app that does not say how long it lasts."""
NARROW_WAIT = 180.0
"""Seconds to wait after `isv.trade-service-rejection`, then with a shorter window."""

FIRST_DONE = Fault(Refused)
"""It was done before: the caller reads again what it is now."""
CRASHED = Fault(Refused, doubtful=True)
"""The platform failed for good: a read is never repeated, a write may have happened."""
UNKEPT = Fault(TryLater, wait=NARROW_WAIT)

MAIN: dict[str, Fault] = {
    "3": BROKEN,  # upload failed
    "4": banned(LONG_BAN),  # user's calls
    "5": banned(LONG_BAN),  # session's calls
    "6": banned(LONG_BAN),  # partner's calls
    "7": banned(LONG_BAN),  # app's calls
    "8": banned(SHORT_BAN),  # app's frequency
    "9": REFUSED,  # use POST
    "10": BROKEN,  # service unavailable
    "11": DENIED,  # permissions of the app, of the user, of the partner
    "12": DENIED,
    "13": DENIED,
    "21": REFUSED,  # method missing, unknown; unknown format; signature missing
    "22": REFUSED,
    "23": REFUSED,
    "24": REFUSED,
    "25": DENIED,  # invalid signature: the secret is not this app's
    "26": EXPIRED,  # session missing, invalid: renew it, else the seller authorises again
    "27": EXPIRED,
    "28": DENIED,  # app key missing, invalid
    "29": DENIED,
    "30": REFUSED,  # timestamp missing
    "31": CLOCK,
    "32": REFUSED,  # version missing, invalid, unsupported
    "33": REFUSED,
    "34": REFUSED,
    "40": REFUSED,  # arguments missing, invalid
    "41": REFUSED,
    "42": DENIED,  # forbidden
    "43": REFUSED,  # parameter error
}
"""Main codes that say it all. Others (15, 50, 520, 530, 670, …) go by their sub_code."""

SUB: dict[str, Fault] = {
    "accesscontrol.limited-by-app-access-count": banned(LONG_BAN),
    "accesscontrol.limited-by-*": banned(SHORT_BAN),
    "isv.access-limited-by-app-access-count": banned(LONG_BAN),
    "isv.access-limited-by-*": banned(SHORT_BAN),
    "isv.trade-service-rejection": UNKEPT,
    "isv.timestamp-limit-error": CLOCK,
    "isv.request-replay-error": BROKEN,
    "isv.replayattack-timestamp-invalid-error": BROKEN,
    "isp.null-pointer-exception": CRASHED,
    "isp.top-parse-error": CRASHED,
    "isp.top-mapping-parse-error": CRASHED,
    "isp.*": BROKEN,
    "invalid-sessionkey": EXPIRED,
    "sessionkey-not-generated-by-server*": EXPIRED,
    "session-expired": EXPIRED,
    "isv.invalid-persistent-session-pattern": EXPIRED,
    "isv.invalid-signature": DENIED,
    "isv.permission-*": DENIED,
    "isv.invalid-permission": DENIED,
    "isv.invalid-parameter:user_id_num": DENIED,
    "isv.logistics-offline-service-error:b04": FIRST_DONE,
    "isv.*-not-exist*": NOT_THERE,
    "isv.*": REFUSED,
}
"""Sub_codes as patterns, compared in lower case; the first that fits counts."""

ALLIANCE: dict[str, Fault] = {
    **dict.fromkeys(
        ["1001", "1005", "1006", "1008", "2000", "2001", "2002", "2004", "2007"], REFUSED
    ),
    "3000": banned(LONG_BAN),  # the account, until tomorrow
    "3001": BROKEN,
    "9100": banned(SHORT_BAN),
}
"""Codes of the alliance's order report, which come as code or as sub_code."""

_BAN = re.compile(r"last for (\d+) more second", re.IGNORECASE)


def fault(told: Told) -> Fault:
    """What an error means: its sub_code if that is known, else its main code, else refused."""
    for code in (told.sub_code, told.code):
        if code in ALLIANCE:
            return ALLIANCE[code]
    if told.code == "43" and "access_token" in f"{told.message} {told.sub_message}":
        return DENIED
    sub_code = told.sub_code.lower()
    for pattern, found in SUB.items():
        if fnmatchcase(sub_code, pattern):
            return found
    return MAIN.get(told.code, REFUSED)


def failure(told: Told, now: datetime) -> Failure:
    """An error as the road understands it; `now` tells how far tomorrow is."""
    found = fault(told)
    wait = _ban_seconds(told, now) if found.ban else None
    return Failure(found, told.sub_code or told.code or "error", told.line, wait)


def done_before(error: SupplierError) -> bool:
    """Whether a shipment was refused because the trade is shipped or closed already (B04)."""
    return error.code.lower().endswith(":b04")


def narrower(error: SupplierError) -> bool:
    """Whether the platform asks for a shorter window of trades."""
    return error.code.lower() == "isv.trade-service-rejection" or error.code == "2007"


def _ban_seconds(told: Told, now: datetime) -> float | None:
    stated = _BAN.search(f"{told.sub_message} {told.message}")
    if stated:
        return float(stated[1])
    if "3000" in (told.code, told.sub_code):
        tomorrow = now.astimezone(SHANGHAI).date() + timedelta(days=1)
        return (datetime.combine(tomorrow, time(), SHANGHAI) - now).total_seconds()
    return None
