"""What every TOP source may be told. What the documents contradict each other about is a key."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from connectors.settings import ADDRESS, SourceSettings
from kit.settings import Secret, SettingsError, secret

from .sign import SignMethod

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _resolved(text: str) -> str:
    """An app key is no secret: it may stand in the file itself."""
    try:
        return secret(text) if text.startswith(("env:", "file:")) else text
    except SettingsError as error:
        raise ValueError(str(error)) from error


def span(text: str) -> timedelta:
    """`30m` as a span of time."""
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


class TopSettings(SourceSettings):
    """An app at the Taobao Open Platform, and the seller who authorised it."""

    base_url: str = Field(
        "https://eco.taobao.com/router/rest",
        pattern=ADDRESS,
        description="the gateway; http://gw.api.taobao.com/router/rest is the one without TLS",
    )
    oauth_url: str = Field("https://oauth.taobao.com", pattern=ADDRESS)
    app_key: Annotated[str, AfterValidator(_resolved)] = Field(min_length=1)
    app_secret: Secret = Field(description='"env:NAME" or "file:PATH"')
    session: Secret | None = Field(None, description="the seller's session key (access token)")
    refresh_token: Secret | None = Field(
        None, description="of apps in the service market; others authorise again"
    )
    sign_method: SignMethod = "md5"
    simplify: bool = Field(default=False, description="ask for plain lists; both forms are read")
    system_params: Literal["query", "body"] = Field(
        "query", description="where app_key, sign and the like travel; the gateway merges both"
    )
    timestamp: Literal["text", "ms"] = Field("text", description="GMT+8 text or epoch milliseconds")
    partner_id: str = Field("", description="a tag of the caller, signed when sent")
    calls_per_second: float = Field(10.0, gt=0, description="of the app, by all workers together")
    calls_per_day: int | None = Field(
        None, gt=0, description="test apps have 5000, service-market apps 1000000"
    )

    @property
    def address(self) -> str:
        """Where the calls go."""
        return self.base_url
