"""How the simulated gateway reads requests and writes replies: to the byte, and with no mercy."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any
from xml.sax.saxutils import escape

from sandbox.frame import Answer, Asked

SIZES = {"md5": 32, "hmac": 32, "hmac-sha256": 64}


class Refusal(Exception):
    """An error of the platform, said in its envelope."""

    def __init__(self, code: int, msg: str, sub_code: str = "", sub_msg: str = "") -> None:
        super().__init__(f"{code} {msg} {sub_code}")
        self.told = {"code": code, "msg": msg, "sub_code": sub_code, "sub_msg": sub_msg}


@dataclass(frozen=True)
class Many:
    """A list, with the inner key that its element type's name makes."""

    inner: str
    items: list[Any]


@dataclass
class Manners:
    """Quirks that can be switched: where the root goes, what lists are called, how one is told."""

    rootless: bool = True
    inner: str = ""
    lone: bool = False
    hollow: bool = False
    texts: bool = False
    known: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Params:
    """Text parameters as they came, query and body merged, and the names of file parts."""

    texts: Mapping[str, str]
    files: frozenset[str]


def received(asked: Asked) -> Params:
    """Every parameter of a request. Raises Refusal when one is no UTF-8 or comes twice."""
    kind = asked.headers.get("content-type", "")
    query, files = asked.query, frozenset[str]()
    if kind.startswith("multipart/"):
        body, files = _parts(kind, asked.body)
    else:
        body = asked.form
    if twice := query.keys() & body.keys():
        raise Refusal(41, "Invalid Arguments", "isv.invalid-parameter", f"{sorted(twice)} twice")
    return Params(query | body, files)


def _parts(kind: str, body: bytes) -> tuple[dict[str, str], frozenset[str]]:
    read = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    texts, files = {}, set()
    for part in read.walk():
        name = part.get_param("name", header="content-disposition")
        if part.is_multipart() or not isinstance(name, str):
            continue
        content = part.get_payload(decode=True)
        if part.get_filename():
            files.add(name)
        elif isinstance(content, bytes):
            texts[name] = content.decode()
    return texts, frozenset(files)


def signs(params: Mapping[str, str], secret: str, method: str) -> set[str]:
    """The signatures that are right for what was received: empty values count or not."""
    whole = {key: value for key, value in params.items() if key != "sign"}
    return {
        _sign(whole, secret, method),
        _sign({key: value for key, value in whole.items() if value}, secret, method),
    }


def _sign(params: Mapping[str, str], secret: str, method: str) -> str:
    text = "".join(f"{key}{params[key]}" for key in sorted(params, key=str.encode)).encode()
    key = secret.encode()
    if method == "md5":
        return hashlib.md5(key + text + key, usedforsecurity=False).hexdigest().upper()
    return hmac.new(key, text, "md5" if method == "hmac" else "sha256").hexdigest().upper()


def success(method: str, fields: Mapping[str, Any], params: Params, manners: Manners) -> Answer:
    """A reply under its root, or beside its request_id where it is simplified."""
    simple = params.texts.get("simplify") == "true"
    told = _shown(fields, manners, simple=simple)
    told["request_id"] = "15r2pasbyv6y6"
    root = f"{method.removeprefix('taobao.').replace('.', '_')}_response"
    if params.texts.get("format") != "json":
        return Answer(_xml(root, told).encode(), kind="text/xml;charset=UTF-8")
    return _json(told if simple and manners.rootless else {root: told})


def failure(refusal: Refusal, params: Params | None) -> Answer:
    """An error; what it has no word for is left out."""
    told = {key: value for key, value in refusal.told.items() if value}
    told["request_id"] = "z2tnv0xm4w1g"
    if params is not None and params.texts.get("format", "xml") == "xml":
        return Answer(_xml("error_response", told).encode(), kind="text/xml;charset=UTF-8")
    return _json({"error_response": told})


def _json(told: Mapping[str, Any]) -> Answer:
    return Answer(json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode())


def _shown(fields: Mapping[str, Any], manners: Manners, *, simple: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in fields.items():
        if isinstance(value, Many):
            items = [_one(each, manners, simple=simple) for each in value.items]
            if items and simple:
                found[key] = items
            elif items:
                wrapped = items[0] if manners.lone and len(items) == 1 else items
                found[key] = {manners.inner or value.inner: wrapped}
            elif manners.hollow:
                found[key] = {}
        elif value is not None:
            found[key] = _one(value, manners, simple=simple)
    return found


def _one(value: Any, manners: Manners, *, simple: bool) -> Any:
    if isinstance(value, Mapping):
        return _shown(value, manners, simple=simple)
    if manners.texts and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def _xml(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        inside = "".join(_xml(key, each) for key, each in value.items())
        return f"<{name}>{inside}</{name}>"
    if isinstance(value, list):
        return "".join(_xml(name, each) for each in value)
    said = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{name}>{escape(said)}</{name}>"
