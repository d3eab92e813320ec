"""Session keys: who gives them, when they end, and how a seller gives a new one.

A session's four levels (r1, r2: reading; w1, w2: writing) end on their own days, so a session may
still read when it can write no more. Only apps of the service market can renew a session; all
others send the seller to the authorisation page again.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlencode

from connectors.calls import Call
from connectors.errors import NotAuthorised, Unreadable
from connectors.tokens import Token

from . import values
from .envelope import Record
from .settings import TopSettings

REFRESH = Call("taobao.top.auth.token.refresh", bucket="app", writes=True, token=False)
EXCHANGE = Call("oauth.token", bucket="app", writes=True, token=False)
"""Not a call of the gateway: a form to the authorisation host, unsigned."""
LEVELS = ("r1", "r2", "w1", "w2")


class Sessions:
    """Where the tokens of one source come from."""

    def __init__(
        self,
        code: str,
        settings: TopSettings,
        ask: Callable[..., Record],
        now: Callable[[], datetime],
    ) -> None:
        self._code = code
        self._settings = settings
        self._ask = ask
        self._now = now

    @property
    def origin(self) -> str:
        """The settings' own credentials; sessions of other ones are forgotten."""
        given = self._settings
        secrets = (given.session, given.refresh_token)
        return "|".join(
            [given.app_key, *(one.get_secret_value() if one else "" for one in secrets)]
        )

    def obtain(self, former: Token | None) -> Token:
        """The settings' session at first; after that a renewed one. Raises NotAuthorised."""
        given = self._settings
        own = given.session.get_secret_value() if given.session else ""
        key = given.refresh_token.get_secret_value() if given.refresh_token else ""
        if former is None and own:
            return Token(own, refresh=key or None)
        renewable = (former.refresh if former else None) or key
        if not renewable:
            raise NotAuthorised(
                "session-over",
                f"{self._code}: the session is over or missing; the seller authorises the app again"
                f" (sources.{self._code}.session, or the source's authorisation page)",
            )
        return granted(self._ask(REFRESH, refresh_token=renewable), self._now())

    def exchanged(self, code: str, redirect_uri: str) -> Token:
        """The session that an authorisation code stands for; a code serves once."""
        given = self._settings
        reply = self._ask(
            EXCHANGE,
            grant_type="authorization_code",
            code=code,
            client_id=given.app_key,
            client_secret=given.app_secret.get_secret_value(),
            redirect_uri=redirect_uri,
            view="web",
        )
        return _token(reply, self._now())

    def page(self, redirect_uri: str, state: str) -> str:
        """The address where a seller authorises this app."""
        asked = {
            "response_type": "code",
            "client_id": self._settings.app_key,
            "redirect_uri": redirect_uri,
            "state": state,
            "view": "web",
        }
        return f"{self._settings.oauth_url.rstrip('/')}/authorize?{urlencode(asked)}"


def granted(reply: Mapping[str, Any], now: datetime) -> Token:
    """A token from `token_result`, JSON inside a string; its spans are seconds from `now` on."""
    told = reply.get("token_result")
    try:
        words = json.loads(told) if isinstance(told, str) else told
    except ValueError as error:
        raise Unreadable("token", "the token is no JSON") from error
    if not isinstance(words, dict):
        raise Unreadable("token", "the token is no JSON object")
    return _token(words, now)


def levels(token: Token) -> dict[str, datetime]:
    """When each level of a session ends, as far as the platform said."""
    return {
        level: datetime.fromisoformat(token.facts[level])
        for level in LEVELS
        if level in token.facts
    }


def writes_until(token: Token) -> datetime | None:
    """When the last writing level of a session ends; None where the platform did not say."""
    ends = levels(token)
    return max((ends[level] for level in ("w1", "w2") if level in ends), default=None)


def _token(words: Mapping[str, Any], now: datetime) -> Token:
    if not values.text(words, "access_token"):
        raise Unreadable("token", "the reply has no access_token")

    def end(key: str) -> datetime | None:
        seconds = values.whole(words, key)
        return now + timedelta(seconds=seconds) if seconds else None

    facts = {level: at.isoformat() for level in LEVELS if (at := end(f"{level}_expires_in"))}
    if nick := values.text(words, "taobao_user_nick"):
        facts["nick"] = unquote(nick)
    refresh = values.text(words, "refresh_token")
    ends = [
        at for key in ("", *(f"{level}_" for level in LEVELS)) if (at := end(f"{key}expires_in"))
    ]
    return Token(
        values.needed(words, "access_token"),
        refresh,
        # one that can be renewed is renewed before its shortest level ends; any other is used up
        min(ends, default=None) if refresh else end("expires_in"),
        end("re_expires_in"),
        now,
        facts,
    )
