"""What goes wrong on purpose: switched on over HTTP, for some calls, some number of times."""

from collections import deque
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

BEFORE = ("html", "empty", "status", "drop")
"""Modes in which the platform never sees the request: a page, nothing, HTTP `status`, a broken
connection."""
ENVELOPED = ("throttle", "ban", "expired_token")
"""Modes said in the platform's own words; a ban lasts `seconds`, for every call it matches."""
AFTER = ("lost", "stall", "html_after", "empty_after", "bom", "control")
"""Modes in which the platform has done what was asked: the connection breaks before the answer, it
comes after `seconds`, it is a page or nothing instead, or it has a BOM or control characters."""


@dataclass
class Fault:
    """One thing to go wrong.

    `call` is a pattern over the platform's names of calls; it strikes `times` times (0: always)
    after `skip` calls that it spares. Any other `mode` is the platform's own: see its docstring.
    """

    platform: str
    mode: str
    call: str = "*"
    times: int = 1
    skip: int = 0
    seconds: float = 5.0
    status: int = 503
    args: dict[str, Any] = field(default_factory=dict)
    struck: int = 0


@dataclass
class Faults:
    """The faults that are switched on, and the bans that they began. `at` is in seconds."""

    waiting: list[Fault] = field(default_factory=list)
    bans: list[tuple[str, str, float]] = field(default_factory=list)

    def take(self, platform: str, call: str, at: float) -> Fault | None:
        """The fault that strikes this call; a ban that still runs comes first."""
        for whose, pattern, until in self.bans:
            if whose == platform and fnmatchcase(call, pattern) and at < until:
                return Fault(platform, "ban", pattern, seconds=until - at)
        for fault in self.waiting:
            if fault.platform != platform or not fnmatchcase(call, fault.call):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.struck += 1
            if fault.mode == "ban":
                self.bans.append((platform, fault.call, at + fault.seconds))
            if fault.times and fault.struck >= fault.times:
                self.waiting.remove(fault)
            return fault
        return None


@dataclass
class Bucket:
    """How many calls a second one platform allows; 0 is no limit."""

    per_second: float = 0.0
    _seen: deque[float] = field(default_factory=deque)

    def allows(self, at: float) -> bool:
        """Count a call at `at`; False when it is one too many in the last second."""
        if self.per_second <= 0:
            return True
        while self._seen and self._seen[0] <= at - 1:
            self._seen.popleft()
        if len(self._seen) >= self.per_second:
            return False
        self._seen.append(at)
        return True
