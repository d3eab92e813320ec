"""What a call to 1688 looks like on the wire, and its signature. Pure.

The signed text is the path from `param2` on, followed by every parameter as `key` + `value`,
the joined pairs sorted (not the keys: they differ where one key is a prefix of another). What is
signed is the very text that is sent: JSON is spelled once, before signing, in plain UTF-8.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import orjson

from kit.clock import SHANGHAI

SIGNATURE = "_aop_signature"


def path(namespace: str, api: str, app_key: str) -> str:
    """The path of a call behind `openapi/`, as it is signed."""
    return f"param2/1/{namespace}/{api}/{app_key}"


def signature(path: str, params: Mapping[str, str], secret: str) -> str:
    """HMAC-SHA1 of path and parameters in upper hex; a signature among `params` is left out."""
    pairs = sorted(key + value for key, value in params.items() if key != SIGNATURE)
    signed = path + "".join(pairs)
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha1).hexdigest().upper()


def verified(params: Mapping[str, str], secret: str) -> bool:
    """Whether a pushed form was signed by who knows the secret; its path is empty."""
    given = params.get(SIGNATURE, "")
    own = signature("", params, secret)
    return hmac.compare_digest(own.encode(), given.encode(errors="replace"))


def form(params: Mapping[str, Any]) -> dict[str, str]:
    """Parameters as the text that is sent and signed; None is dropped, never sent empty."""
    return {key: spelled(value) for key, value in params.items() if value is not None}


def spelled(value: Any) -> str:
    """One value as text: `true`, digits, `20180802211113000+0800`, or compact JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, int):
        return str(value)
    return orjson.dumps(value).decode()


def moment(at: datetime) -> str:
    """An instant as 1688 writes it, in Beijing time with milliseconds and offset."""
    local = at.astimezone(SHANGHAI)
    return f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03d}{local:%z}"


def instant(text: object) -> datetime | None:
    """`20170913231708000-0700` (any offset), or Beijing's `2018-07-24 21:55:33`, as aware time.

    None for what is neither.
    """
    written = str(text).strip()
    try:
        if len(written) == 22 and written[17] in "+-":
            offset = timedelta(hours=int(written[18:20]), minutes=int(written[20:22]))
            zone = timezone(offset if written[17] == "+" else -offset)
            milliseconds = int(written[14:17])
            stamp = datetime.strptime(written[:14], "%Y%m%d%H%M%S").replace(tzinfo=zone)
            return stamp + timedelta(milliseconds=milliseconds)
        return datetime.strptime(written, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)
    except ValueError:
        return None
