"""Where VOP's access tokens come from: a signed grant, classic or OAuth, and then refreshes."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr

from connectors import calls
from connectors.errors import NotAuthorised, Refused, Unreadable
from connectors.http import Road
from connectors.jd import sign
from connectors.jd.reading import moment, table, text, whole
from connectors.surroundings import Surroundings
from connectors.tokens import Token
from kit.clock import SHANGHAI

from . import classic, router
from .settings import VopSettings


class VopAuthority:
    """Asks JD for tokens in the protocol of the contract. JD blocks whoever asks too often."""

    def __init__(self, settings: VopSettings, road: Road, around: Surroundings) -> None:
        self._given = settings
        self._road = road
        self._now = around.now

    @property
    def origin(self) -> str:
        """Our credentials, as one word."""
        given = self._given
        secrets = (given.client_id, given.client_secret, given.username, given.password)
        return "\0".join(_word(each) for each in (*secrets, given.refresh_token))

    def obtain(self, former: Token | None) -> Token:
        """A refreshed token, or a new one where the former cannot be refreshed any more."""
        refresh = self._refreshable(former)
        if refresh:
            try:
                return self._refresh(refresh)
            except (NotAuthorised, Refused):
                if self._given.username is None:
                    raise
        return self._grant()

    def _refreshable(self, former: Token | None) -> str:
        if former is not None and former.refresh:
            ends = former.refresh_expires_at
            return former.refresh if ends is None or self._now() < ends else ""
        return _word(self._given.refresh_token)

    def _refresh(self, refresh: str) -> Token:
        if self._given.protocol == "classic":
            fields = {
                "refresh_token": refresh,
                "client_id": _word(self._given.client_id),
                "client_secret": _word(self._given.client_secret),
            }
            answer = self._road.call(classic.REFRESH_TOKEN, fields)
            return self._token(table(answer.data.get("result")))
        return self._oauth(
            router.REFRESH_TOKEN, {"grant_type": "refresh_token", "refresh_token": refresh}
        )

    def _grant(self) -> Token:
        if self._given.username is None or self._given.password is None:
            raise NotAuthorised("token", "the refresh token is used up and there is no password")
        if self._given.protocol == "classic":
            answer = self._road.call(classic.ACCESS_TOKEN, self._signed())
            return self._token(table(answer.data.get("result")))
        return self._oauth(
            router.ACCESS_TOKEN, {"grant_type": "authorization_code", "code": self._code()}
        )

    def _signed(self) -> dict[str, str]:
        secret = _word(self._given.client_secret)
        fields = {
            "grant_type": "access_token",
            "client_id": _word(self._given.client_id),
            "client_secret": secret,
            "timestamp": self._now().astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S"),
            "username": _word(self._given.username),
            "password": sign.md5(_word(self._given.password)),
            "scope": "",
        }
        return fields | {"sign": sign.vop_token(fields, secret)}

    def _code(self) -> str:
        """A code for our user, without a browser; it lives for five minutes."""
        password = sign.md5(_word(self._given.password))
        if self._given.private_key is not None:
            password = sign.rsa_password(
                _word(self._given.password), _word(self._given.private_key)
            )
        answer = self._road.call(
            router.AUTHORIZE,
            {
                "app_key": _word(self._given.client_id),
                "redirect_uri": self._given.redirect_uri,
                "username": _word(self._given.username),
                "password": password,
                "response_type": "code",
                "scope": "snsapi_base",
            },
        )
        found = parse_qs(urlsplit(str(answer.data.get("location", ""))).query).get("code")
        if not found:
            raise NotAuthorised("code", f"JD gives no code for our user: {_told(answer.data)}")
        return found[0]

    def _oauth(self, call: calls.Call, fields: dict[str, str]) -> Token:
        app = {
            "app_key": _word(self._given.client_id),
            "app_secret": _word(self._given.client_secret),
        }
        answer = self._road.call(call, app | fields)
        if not answer.data.get("access_token"):
            code = text(answer.data.get("code")) or "token"
            raise NotAuthorised(code, f"JD gives no token: {_told(answer.data)}")
        return self._token(answer.data)

    def _token(self, said: Mapping[str, Any]) -> Token:
        """The pair: `expires_in` counts seconds, `refresh_token_expires` is a moment in ms."""
        access, lasts = text(said.get("access_token")), whole(said.get("expires_in"))
        if not access:
            raise Unreadable("token", "JD's answer has no access_token")
        now = self._now()
        ends: datetime | None = now + timedelta(seconds=lasts) if lasts else None
        return Token(
            access,
            text(said.get("refresh_token")) or None,
            ends,
            moment(said.get("refresh_token_expires")),
            now,
        )


def _word(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def _told(data: Mapping[str, Any]) -> str:
    return text(data.get("msg") or data.get("message") or data.get("zh_desc") or "no reason given")
