"""The gateway: what TOP adds to the road, and one question and answer over it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from connectors.calls import DENIED, GARBLED, Call, Failure, Limit, Outgoing, Reply
from connectors.errors import NotAuthorised, Unreadable
from connectors.http import Road
from connectors.surroundings import Surroundings
from connectors.tokens import Token

from . import envelope, faults, values
from .envelope import Record
from .multipart import Upload, encoded
from .sessions import EXCHANGE, Sessions, writes_until
from .settings import TopSettings
from .sign import signature

APP = "app"
"""The budget of the app key, which all its calls share."""
REPORT = "report"
"""The budget of the alliance's order report, which may be closed for a day on its own."""

_FORM = "application/x-www-form-urlencoded;charset=UTF-8"


class Dialect:
    """How calls are spelled, signed and refused."""

    def __init__(self, settings: TopSettings) -> None:
        limit = Limit(settings.calls_per_second, settings.calls_per_day)
        self.limits: Mapping[str, Limit] = {APP: limit, REPORT: limit}
        self._settings = settings

    def outgoing(
        self, call: Call, args: Mapping[str, Any], token: Token | None, now: datetime
    ) -> Outgoing:
        """The signed request. System parameters go where the settings say, files in parts."""
        if call is EXCHANGE:
            address = f"{self._settings.oauth_url.rstrip('/')}/token"
            return Outgoing(address, {}, values.told(args), None, {"Content-Type": _FORM})
        files = {key: value for key, value in args.items() if isinstance(value, Upload)}
        texts = values.told({key: value for key, value in args.items() if key not in files})
        system = self._system(call, token, now)
        given = self._settings
        secret = given.app_secret.get_secret_value()
        system["sign"] = signature({**texts, **system}, secret, given.sign_method)
        if given.system_params == "body":
            texts, system = {**texts, **system}, {}
        if files:
            content, kind = encoded(texts, files)
            return Outgoing(given.base_url, system, None, content, {"Content-Type": kind})
        return Outgoing(given.base_url, system, texts, None, {"Content-Type": _FORM})

    def failure(self, reply: Reply) -> Failure | None:
        """What the reply says went wrong, a reply to another question included."""
        if not isinstance(reply.data, dict):
            return _garbled(Unreadable("envelope", f"{reply.call.name}: no JSON object"))
        if reply.call is EXCHANGE:
            return _not_granted(reply)
        told = envelope.refusal(reply.data)
        if told is not None:
            return faults.failure(told, reply.at)
        try:
            envelope.body(reply.data, reply.call.name)
        except Unreadable as error:
            return _garbled(error)
        return None

    def _system(self, call: Call, token: Token | None, now: datetime) -> dict[str, str]:
        given = self._settings
        system = {
            "method": call.name,
            "app_key": given.app_key,
            "timestamp": _milliseconds(now) if given.timestamp == "ms" else values.stamp(now),
            "v": "2.0",
            "format": "json",
            "sign_method": given.sign_method,
            "session": token.access if token else "",
            "simplify": "true" if given.simplify else "",
            "partner_id": given.partner_id,
        }
        return {key: value for key, value in system.items() if value}


class Gateway:
    """All calls of one source to TOP."""

    def __init__(self, code: str, settings: TopSettings, around: Surroundings) -> None:
        self._dialect = Dialect(settings)
        self._around = around
        self.road = Road(code, self._dialect, around)
        self.sessions = Sessions(code, settings, self.ask, around.now)
        self.road.authorised_by(self.sessions)

    def now(self) -> datetime:
        """This moment by the platform's clock, as far as it is known."""
        return self.road.now()

    def ask(self, call: Call, *, urgent: bool = False, **args: Any) -> Record:
        """The fields of the answer. Raises SupplierError."""
        if call.writes and call.token:
            self._require_writing()
        reply = self.road.call(call, args, urgent=urgent)
        return reply.data if call is EXCHANGE else envelope.body(reply.data, call.name)

    def authorise(self, code: str, redirect_uri: str) -> None:
        """Keep the session that an authorisation code stands for. Raises SupplierError."""
        session = self.sessions.exchanged(code, redirect_uri)
        self._around.tokens.put(self.road.account, self.sessions.origin, session)

    def has_session(self) -> bool:
        """Whether a seller has let us in, by the settings or on the platform's page."""
        try:
            self._session()
        except NotAuthorised:
            return False
        return True

    def _session(self) -> Token:
        sessions = self.sessions
        return self._around.tokens.get(self.road.account, sessions.origin, sessions.obtain)

    def _require_writing(self) -> None:
        """A session may still read when it can write no more. Raises NotAuthorised."""
        until = writes_until(self._session())
        if until is not None and until <= self._around.now():
            raise NotAuthorised(
                "session-reads-only",
                f"{self.road.account}: the session may read but write no more since {until}; "
                "the seller authorises the app again",
            )


def _not_granted(reply: Reply) -> Failure | None:
    """What the authorisation host says instead of a session."""
    told = reply.data
    if values.text(told, "access_token"):
        return None
    code = values.text(told, "error") or "token"
    said = values.text(told, "error_description") or "the authorisation host gives no session"
    return Failure(DENIED, code, said)


def _milliseconds(when: datetime) -> str:
    return str(int(when.timestamp() * 1000))


def _garbled(error: Unreadable) -> Failure:
    return Failure(replace(GARBLED, doubtful=True), error.code, error.message)
