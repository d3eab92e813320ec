"""What every kind of source may be told, whatever its platform."""

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from kit.faults import form

ADDRESS = form(r"^https?://\S+$", "give an address that begins with https:// or http://")
TIME_OF_DAY = form(r"^([01]\d|2[0-3]):[0-5]\d$", "give a time of day, such as 16:00")
SEND_TO = form(
    r"^(mailto:.+|sftp://.+)?$", "give mailto:ADDRESS or sftp://HOST/FOLDER/, or leave it out"
)
_REGION = form(r"^(\d{2}|\d{4}|\d{6}|)$", "give 2, 4 or 6 digits of GB/T 2260")

_SPAN = re.compile(r"[1-9]\d{0,4}[smhd]")


def _span(text: str) -> str:
    if not _SPAN.fullmatch(text):
        raise ValueError("write a span of time such as 30s, 5m, 1h or 1d")
    return text


Span = Annotated[str, AfterValidator(_span)]
"""A span of time: 30s, 5m, 1h, 1d."""


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def span(text: Span) -> timedelta:
    """The time that `text` stands for."""
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


class SourceSettings(BaseModel):
    """The keys that every kind has; unknown ones are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    every: Span = Field("1h", description="how often it is read")
    vanish_limit: float = Field(0.2, ge=0, le=1, description="hold the listing beyond this share")
    zero_limit: float = Field(
        0.5, ge=0, le=1, description="the same for goods fallen to no stock, or to none stated"
    )
    move_limit: float = Field(0.3, ge=0, le=1, description="the same for prices that moved far")
    move_band: float = Field(0.5, gt=0, description="a price that moves by more than this is far")
    rename_limit: float = Field(0.2, ge=0, le=1, description="the same for ids of other goods now")
    full_every: Span = Field("1d", description="in between, only what changed is listed")
    messages_every: Span = Field("30s", description="how often waiting messages are asked for")
    silence: Span = Field("6h", description="without any message so long, changes are listed")
    stock_regions: list[Annotated[str, Field(pattern=_REGION)]] = Field(
        [""], min_length=1, description='GB/T 2260 prefixes to read stock for; "" is everywhere'
    )
    unknown_stock: Literal["sell", "ask", "hide"] = "sell"
    refusal_risk: float | None = Field(
        None, ge=0, le=0.5, description="in place of `refusal_risk` of `[stock]`"
    )
    serves: list[Literal["resell", "procure"]] = ["resell", "procure"]
    calls_per_second: float = Field(1.0, gt=0, description="the platform's call budget")

    @property
    def address(self) -> str:
        """Where the platform's calls go; empty where there is no platform with a clock."""
        return ""
