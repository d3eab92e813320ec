"""What a platform declares about its calls, all of it data.

A platform is tables plus pure functions: `Call` constants, `Limit`s by bucket, and a table of
`Fault`s by its own codes. `connectors.http.Road` does the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .errors import (
    BalanceShort,
    NoSuchThing,
    NotAuthorised,
    NotDeliverable,
    OutcomeUnknown,
    OutOfStock,
    PriceChanged,
    Refused,
    SupplierError,
    TryLater,
    Unreadable,
)


@dataclass(frozen=True)
class Call:
    """One operation of a platform.

    `name` is its path or method name, `bucket` the budget it spends. `writes`: it may change
    something there, so it is never repeated while its outcome is unknown. `urgent`: it may use the
    share that is reserved for orders and live checks. `token`: it is sent with an access token.
    `redirect`: its answer is a redirect, read as `{"location": …}` and not followed.
    """

    name: str
    bucket: str = "read"
    writes: bool = False
    urgent: bool = False
    token: bool = True
    verb: str = "POST"
    redirect: bool = False


@dataclass(frozen=True)
class Limit:
    """A call budget of one account: `per_second` calls, and at most `per_day` where that is known.

    `reserve` is the share of a second's calls that orders and live checks may take at once, before
    any bulk call that waits.
    """

    per_second: float
    per_day: int | None = None
    reserve: float = 0.2


@dataclass(frozen=True)
class Fault:
    """What a platform's code means for the caller.

    `wait` are seconds to stay away; with `ban` no call at all leaves on that budget until then.
    `stale_token`: the access token is renewed once and the call repeated. `clock`: the platform's
    clock is another, ours is set by it and the call repeated once. `doubtful`: on a write the
    platform may have done it all the same, so it becomes OutcomeUnknown.
    """

    error: type[SupplierError]
    wait: float | None = None
    ban: bool = False
    stale_token: bool = False
    clock: bool = False
    doubtful: bool = False


LATER = Fault(TryLater)
"""Nothing happened; try again."""
BROKEN = Fault(TryLater, doubtful=True)
"""The platform failed somewhere behind its door."""
EXPIRED = Fault(NotAuthorised, stale_token=True)
"""The access token is no longer good."""
DENIED = Fault(NotAuthorised)
CLOCK = Fault(NotAuthorised, clock=True)
"""A timestamp outside the platform's tolerance, and nothing done. With the clock set it is the
account's fault or this machine's, and a person sees to it."""
REFUSED = Fault(Refused)
NOT_THERE = Fault(NoSuchThing)
SOLD_OUT = Fault(OutOfStock)
DEARER = Fault(PriceChanged)
TOO_FAR = Fault(NotDeliverable)
PENNILESS = Fault(BalanceShort)
GARBLED = Fault(Unreadable)
IN_DOUBT = Fault(OutcomeUnknown)


def banned(seconds: float) -> Fault:
    """The budget is spent: no call on it for `seconds`, unless the reply says how long."""
    return Fault(TryLater, wait=seconds, ban=True)


@dataclass(frozen=True)
class Failure:
    """What a reply says went wrong: the fault, the platform's own code and words.

    `wait` is how long the reply itself says to stay away, in seconds.
    """

    fault: Fault
    code: str
    message: str
    wait: float | None = None

    def error(self, call: Call) -> SupplierError:
        """The error to raise for it."""
        wait = self.fault.wait if self.wait is None else self.wait
        kind = self.fault.error
        if self.fault.doubtful and call.writes:
            kind = OutcomeUnknown
        return kind(self.code, self.message, wait=wait)


@dataclass(frozen=True)
class Outgoing:
    """A request ready to leave: signed, with exactly the bytes that were signed.

    Give `form` (sent as application/x-www-form-urlencoded, UTF-8) or `content`, not both.
    """

    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """A platform's answer: `data` is its JSON, read exactly; `raw` the bytes as they came.

    `at` is when it came by our clock, `dated` what the platform's own clock showed, if it says so.
    """

    call: Call
    status: int
    data: Any
    raw: bytes
    at: datetime
    dated: datetime | None = None
