"""JOS, JD's router: one address, a method's name, a signature, and a misspelt envelope."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors import jsontext
from connectors.calls import BROKEN, GARBLED, REFUSED, Call, Failure, Outgoing, Reply
from connectors.tokens import Token
from kit.clock import SHANGHAI

from . import sign
from .faults import GATEWAY


@dataclass(frozen=True)
class App:
    """An application's identity at the router."""

    url: str
    key: str
    secret: str
    version: str = "2.0"
    sign_method: str = ""


def outgoing(
    app: App, call: Call, args: Mapping[str, Any], token: Token | None, now: datetime
) -> Outgoing:
    """A signed call. Business parameters go as one JSON text: what is signed is what is sent."""
    system = {
        "method": call.name,
        "app_key": app.key,
        "access_token": token.access if token else "",
        "timestamp": now.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S"),
        "v": app.version,
        "sign_method": app.sign_method,
    }
    system = {name: value for name, value in system.items() if value}
    body = {"360buy_param_json": jsontext.dumps(dict(args))}
    system["sign"] = sign.router(system | body, app.secret, app.sign_method)
    return Outgoing(app.url, query=system, form=body)


def failure(reply: Reply) -> Failure | None:
    """What the router itself says went wrong; the payload inside is the caller's to judge."""
    data = reply.data
    if not isinstance(data, dict):
        return Failure(GARBLED, "shape", "the reply is no object")
    if isinstance(error := data.get("error_response"), dict):
        code = str(error.get("code", ""))
        told = error.get("zh_desc") or error.get("en_desc") or "the router refuses the call"
        return Failure(GATEWAY.get(code, REFUSED), code, f"{told} ({code})")
    found = envelope(reply)
    if found is None:
        return Failure(GARBLED, "envelope", "the reply has no …_responce")
    code = str(found.get("code", "0"))
    if code not in ("0", "200"):
        told = found.get("zh_desc") or found.get("msg") or found.get("message") or "refused"
        return Failure(GATEWAY.get(code, REFUSED), code, f"{told} ({code})")
    if not any(name != "code" for name in found):
        return Failure(BROKEN, "payload", "the reply is an envelope without content")
    return None


def envelope(reply: Reply) -> dict[str, Any] | None:
    """What stands under the method's own key, spelt `_responce` or as it should be."""
    name = reply.call.name.replace(".", "_")
    for ending in ("_responce", "_response"):
        found = reply.data.get(f"{name}{ending}")
        if isinstance(found, dict):
            return found
    return None


def payload(reply: Reply) -> Any:
    """The content of an answer, parsed a second time where it is JSON in a string."""
    found = envelope(reply) or {}
    for name, value in found.items():
        if name != "code":
            return jsontext.parse(value) if isinstance(value, str) and value else value
    return None
