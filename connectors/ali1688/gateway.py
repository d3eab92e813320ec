"""The gateway: what 1688 adds to the road, its tokens, and one question and answer over it."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from connectors.calls import GARBLED, Call, Failure, Limit, Outgoing, Reply
from connectors.errors import NotAuthorised, Unreadable
from connectors.http import Road
from connectors.surroundings import Surroundings
from connectors.tokens import Token

from . import faults, orders, sign
from .calls import APP, CREATE, EXCHANGE_CODE, GET_TOKEN, POSTPONE_TOKEN
from .settings import AliSettings

NEAR_END = timedelta(days=30)
"""A refresh token that ends sooner is exchanged for a new one."""
_FORM = "application/x-www-form-urlencoded;charset=UTF-8"
_CREATES = frozenset(call.name for call in CREATE.values())

Record = dict[str, Any]


class Dialect:
    """How calls are spelled, signed and refused. It counts QoS limits that come in a row."""

    def __init__(self, settings: AliSettings) -> None:
        limit = Limit(settings.calls_per_second, settings.calls_per_day)
        self.limits: Mapping[str, Limit] = {APP: limit}
        self._settings = settings
        self._throttled = 0
        self._lock = threading.Lock()

    def outgoing(
        self, call: Call, args: Mapping[str, Any], token: Token | None, now: datetime
    ) -> Outgoing:
        """The signed request; what is signed is what is sent."""
        given = self._settings
        base = given.base_url.rstrip("/")
        if call.name == EXCHANGE_CODE.name:
            path = f"http/1/system.oauth2/getToken/{given.app_key}"
            return Outgoing(f"{base}/{path}", form=sign.form(args), headers={"Content-Type": _FORM})
        system = {
            "access_token": token.access if token else None,
            "_aop_timestamp": int(now.timestamp() * 1000),
        }
        form = sign.form({**args, **system})
        namespace, _, api = call.name.partition("/")
        path = sign.path(namespace, api, given.app_key)
        form[sign.SIGNATURE] = sign.signature(path, form, given.app_secret.get_secret_value())
        return Outgoing(f"{base}/{path}", form=form, headers={"Content-Type": _FORM})

    def failure(self, reply: Reply) -> Failure | None:
        """What the reply says went wrong. An order that was made is one, whatever the flag says."""
        if not isinstance(reply.data, dict):
            told = f"{reply.call.name}: the reply is no JSON object"
            return Failure(replace(GARBLED, doubtful=True), "envelope", told)
        found = faults.failure(reply.data)
        if found is not None and reply.call.name in _CREATES and orders.refs_of(reply.data):
            found = None
        return self._paced(found)

    def _paced(self, found: Failure | None) -> Failure | None:
        """Ten seconds without calls after a QoS limit, doubled while limits follow each other."""
        with self._lock:
            if found is None or not found.fault.ban:
                self._throttled = 0
                return found
            pause = min(faults.FIRST_PAUSE * 2**self._throttled, faults.LONGEST_PAUSE)
            self._throttled = min(self._throttled + 1, 8)
        return replace(found, wait=max(pause, found.wait or 0.0))


class Gateway:
    """All calls of one source to 1688; it is its own authority."""

    def __init__(self, code: str, settings: AliSettings, around: Surroundings) -> None:
        self._code = code
        self._settings = settings
        self._around = around
        self.road = Road(code, Dialect(settings), around)
        self.road.authorised_by(self)

    def now(self) -> datetime:
        """This moment, aware UTC."""
        return self._around.now()

    def ask(self, call: Call, **args: Any) -> Record:
        """The answer's fields. Raises SupplierError."""
        return self.reply(call, **args).data  # type: ignore[no-any-return]

    def reply(self, call: Call, **args: Any) -> Reply:
        """The answer with its bytes; its data is an object. Raises SupplierError."""
        return self.road.call(call, args)

    @property
    def origin(self) -> str:
        """The settings' own credentials; tokens of other ones are forgotten."""
        given = self._settings
        secrets = (given.access_token, given.refresh_token)
        words = [given.app_key, *(one.get_secret_value() if one else "" for one in secrets)]
        return "|".join(words)

    def obtain(self, former: Token | None) -> Token:
        """The settings' own token at first, then renewed ones. Raises NotAuthorised."""
        given = self._settings
        own = given.access_token.get_secret_value() if given.access_token else ""
        key = given.refresh_token.get_secret_value() if given.refresh_token else ""
        if former is None and own:
            return Token(own, refresh=key or None)
        renewable = (former.refresh if former else None) or key
        if not renewable:
            raise NotAuthorised(
                "401",
                f"{self._code}: the token is over or missing and there is no refresh token; "
                f"authorise this app again (sources.{self._code}.access_token or refresh_token)",
            )
        asked = {**self._client(), "refresh_token": renewable}
        ends = former.refresh_expires_at if former else None
        if former and ends is not None and ends - self.now() < NEAR_END:
            reply = self.ask(POSTPONE_TOKEN, access_token=former.access, **asked)
        else:
            reply = self.ask(GET_TOKEN, grant_type="refresh_token", **asked)
        return granted(reply, self.now(), renewable)

    def exchanged(self, code: str, redirect_uri: str) -> Token:
        """The token that an authorisation code stands for; a code serves once, for two minutes."""
        asked = {"grant_type": "authorization_code", "need_refresh_token": "true", "code": code}
        reply = self.ask(EXCHANGE_CODE, **asked, redirect_uri=redirect_uri, **self._client())
        return granted(reply, self.now(), None)

    def authorise(self, code: str, redirect_uri: str) -> None:
        """Keep the token that an authorisation code stands for. Raises SupplierError."""
        token = self.exchanged(code, redirect_uri)
        self._around.tokens.put(self._code, self.origin, token)

    def page(self, redirect_uri: str, state: str) -> str:
        """The address where a buyer authorises this app."""
        asked = {"client_id": self._settings.app_key, "site": "1688"}
        words = urlencode({**asked, "redirect_uri": redirect_uri, "state": state})
        return f"{self._settings.auth_url.rstrip('/')}/oauth/authorize?{words}"

    def _client(self) -> dict[str, str]:
        given = self._settings
        return {
            "client_id": given.app_key,
            "client_secret": given.app_secret.get_secret_value(),
        }


def granted(reply: Mapping[str, Any], now: datetime, former: str | None) -> Token:
    """A token from the reply; `expires_in` is a text of seconds. Pure. Raises Unreadable."""
    access = str(reply.get("access_token") or "")
    if not access:
        raise Unreadable("token", "the reply has no access_token")
    lasts = str(reply.get("expires_in") or "")
    ends = now + timedelta(seconds=int(lasts)) if lasts.isdigit() else None
    known = ("memberId", "aliId", "resource_owner")
    facts = {key: str(reply[key]) for key in known if reply.get(key)}
    refresh = str(reply.get("refresh_token") or "") or former
    ends_for_good = sign.instant(reply.get("refresh_token_timeout"))
    return Token(access, refresh, ends, ends_for_good, now, facts)
