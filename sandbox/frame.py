"""What every simulated platform is, and what the frame around it sees of a request."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import parse_qsl

from kit import clock

from .faults import Fault


@dataclass
class Clock:
    """The platform's clock; `ahead` moves it, so that tokens and orders grow old at once.

    `begun` is what its numbers begin behind: those of orders and messages of an earlier start have
    been written down, and must not come again.
    """

    ahead: timedelta = timedelta(0)
    begun: int = 0

    def now(self) -> datetime:
        """Aware, in UTC."""
        return clock.now() + self.ahead

    def beijing(self) -> datetime:
        """Aware, in Asia/Shanghai: what platforms print."""
        return self.now().astimezone(clock.SHANGHAI)


@dataclass(frozen=True)
class Asked:
    """One request, with the exact bytes that came. `fault` is for the platform to play itself."""

    method: str
    path: str
    raw_query: str
    headers: Mapping[str, str]
    body: bytes
    fault: Fault | None = None

    @property
    def query(self) -> dict[str, str]:
        """The query's fields, decoded as UTF-8."""
        return dict(parse_qsl(self.raw_query, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        """The body's fields when it is a form."""
        if "form" not in self.headers.get("content-type", ""):
            return {}
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def fields(self) -> dict[str, str]:
        """Query and form together: platforms take either."""
        return self.query | self.form

    def struck_by(self, mode: str) -> bool:
        """Whether the platform shall play this fault."""
        return self.fault is not None and self.fault.mode == mode


@dataclass(frozen=True)
class Answer:
    """What goes back, to the byte."""

    body: bytes
    status: int = 200
    kind: str = "application/json;charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(value: Any) -> str:
    """JSON with exact Decimals as numbers and Chinese as it is."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{as_json(str(k))}:{as_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(as_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


class Platform(Protocol):
    """A simulated platform: made of (world, clock), mounted at `/{name}`, one request at a time.

    Nothing here waits or talks; the frame does. A platform that pushes messages out tells the
    frame by `outgoing`, which it empties after every request and posts.
    """

    def call_of(self, asked: Asked) -> str:
        """The platform's name of the call, which faults are matched against."""
        ...

    def answer(self, asked: Asked) -> Answer:
        """Do what is asked, strictly: signature first."""
        ...

    def refuse(self, asked: Asked, fault: Fault) -> Answer:
        """`throttle`, `ban` or `expired_token` in the platform's own words."""
        ...

    def orders(self) -> list[dict[str, Any]]:
        """Every order that the platform holds, in our words, for tests to compare with."""
        ...

    def act(self, deed: str, args: Mapping[str, Any]) -> Any:
        """Something that happens over there: a parcel leaves, an order splits, a message comes."""
        ...

    def outgoing(self) -> list["Push"]:
        """Messages to post, once."""
        ...


@dataclass(frozen=True)
class Push:
    """A message that a platform posts to somebody's hook."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
