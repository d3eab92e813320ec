"""TOP signatures. Pure: what is given is exactly what must be sent.

A signature covers every text parameter, system and business, but `sign` itself and files. Pairs
are sorted by the bytes of their key and joined without separators, values as they are, in UTF-8.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Literal

SignMethod = Literal["md5", "hmac", "hmac-sha256"]


def joined(params: Mapping[str, str]) -> str:
    """The text that is signed: sorted key and value pairs, `sign` left out."""
    pairs = sorted((pair for pair in params.items() if pair[0] != "sign"), key=_bytes_of_key)
    return "".join(key + value for key, value in pairs)


def signature(params: Mapping[str, str], secret: str, method: SignMethod = "md5") -> str:
    """The value of `sign` for a call: 32 upper-case hex digits, 64 for hmac-sha256."""
    text, key = joined(params).encode(), secret.encode()
    if method == "md5":
        return _md5(key + text + key)
    digest = "md5" if method == "hmac" else "sha256"
    return hmac.new(key, text, digest).hexdigest().upper()


def push_signature(params: Mapping[str, str], body: str, secret: str) -> str:
    """The `sign` of a call that TOP makes to us: its query and signed headers, then its raw body.

    A form's fields belong to `params`, and its `body` is then empty.
    """
    key = secret.encode()
    return _md5(key + (joined(params) + body).encode() + key)


def connect_signature(app_key: str, group: str, timestamp: str, secret: str) -> str:
    """The `sign` of a TMC connection; `timestamp` is in milliseconds."""
    told = {"app_key": app_key, "group_name": group, "timestamp": timestamp}
    return signature(told, secret)


def _bytes_of_key(pair: tuple[str, str]) -> bytes:
    return pair[0].encode()


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest().upper()
