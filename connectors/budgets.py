"""Call budgets, one per account and bucket, shared by all workers through Redis.

A budget is a queue of slots, `1 / per_second` apart: whoever asks is given the next one, in order
of arrival, so no worker can starve another and no call is wasted. Orders and live checks need not
queue: they take up to the reserved share at once, and the queue behind them moves back by as many
slots. A ban is written to Redis and to memory; until it is over no call leaves, whoever asks.

Redis may be wiped or away: then each process keeps to a cautious share of its own.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from kit import log

from .calls import Limit

ALONE_SHARE = 0.25
"""The part of a budget that one process takes while it cannot ask the others."""
REDIS_PAUSE = 5.0
"""Seconds before Redis is asked again after it failed."""

logger = log.get(__name__)

# KEYS: bulk queue, urgent queue, ban, day count. Times are microseconds by Redis' own clock.
# ARGV: interval, slots that urgent calls may take at once (0: a bulk call), longest wait, calls a
# day (0: no limit). A day is one of Shanghai. Answer: {granted, microseconds to wait, ban}
_TAKE = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local ban = tonumber(redis.call('GET', KEYS[3]) or '0')
if ban > now then return {0, ban - now, 1} end
local every, burst, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local day_limit = tonumber(ARGV[4])
local local_day = (t[1] + 28800)
local day_key = KEYS[4] .. math.floor(local_day / 86400)
if day_limit > 0 and tonumber(redis.call('GET', day_key) or '0') >= day_limit then
  return {0, (86400 - local_day % 86400) * 1000000, 1}
end
local queue = tonumber(redis.call('GET', KEYS[1]) or '0')
local slot
if burst > 0 then
  local urgent = math.max(tonumber(redis.call('GET', KEYS[2]) or '0'), now)
  slot = math.max(urgent - (burst - 1) * every, now)
  if slot - now > most then return {0, slot - now, 0} end
  redis.call('SET', KEYS[2], string.format('%.0f', urgent + every), 'PX', 60000)
  queue = math.max(queue, now) + every
else
  slot = math.max(queue, now - every)
  if slot - now > most then return {0, slot - now, 0} end
  queue = slot + every
end
local keep = math.max(60000, math.ceil((queue - now) / 1000) + 1000)
redis.call('SET', KEYS[1], string.format('%.0f', queue), 'PX', keep)
redis.call('INCR', day_key)
redis.call('EXPIRE', day_key, 172800)
return {1, math.max(slot - now, 0), 0}
"""

# KEYS: ban. ARGV: microseconds. A shorter ban never replaces a longer one.
_BAN = """
local t = redis.call('TIME')
local until_ = t[1] * 1000000 + t[2] + tonumber(ARGV[1])
if until_ <= tonumber(redis.call('GET', KEYS[1]) or '0') then return 0 end
redis.call('SET', KEYS[1], string.format('%.0f', until_), 'PX', math.ceil(ARGV[1] / 1000))
return 1
"""


@dataclass(frozen=True)
class Slot:
    """`granted`: call after `wait` seconds. Otherwise no call may be made for `wait` seconds."""

    granted: bool
    wait: float
    ban: bool = False


@dataclass
class _Alone:
    """The queue of this process, kept while Redis cannot be asked. Seconds of `monotonic`."""

    queue: float = -math.inf
    urgent: float = -math.inf


@dataclass
class Budgets:
    """The budgets of every account, as this process knows them. Safe to share between threads.

    `redis` None: nobody else calls in our name. `monotonic` is the clock of bans and queues here.
    """

    redis: "Redis | None" = None
    prefix: str = "huopan:budget"
    monotonic: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _bans: dict[str, float] = field(default_factory=dict, repr=False)
    _alone: dict[str, _Alone] = field(default_factory=dict, repr=False)
    _asleep_until: float = field(default=-math.inf, repr=False)
    _script: Any = field(default=None, repr=False)
    """The script by its digest: Redis keeps the text, and is told it again after a restart."""

    def take(self, account: str, bucket: str, limit: Limit, *, urgent: bool, most: float) -> Slot:
        """The next call's slot on a budget, at most `most` seconds from now; it is then spent."""
        key = self._key(account, bucket)
        left = self._bans.get(key, -math.inf) - self.monotonic()
        if left > 0:
            return Slot(granted=False, wait=left, ban=True)
        burst = max(1, math.ceil(limit.per_second * limit.reserve)) if urgent else 0
        if self.redis is not None and self.monotonic() >= self._asleep_until:
            try:
                return self._shared(key, limit, burst, most)
            except RedisError as error:
                self._asleep_until = self.monotonic() + REDIS_PAUSE
                logger.warning("budgets_without_redis", account=account, why=type(error).__name__)
        share = 1.0 if self.redis is None else ALONE_SHARE
        return self._own(key, limit.per_second * share, burst, most)

    def ban(self, account: str, bucket: str, seconds: float) -> None:
        """Let no call leave on a budget for `seconds`, in any worker."""
        key = self._key(account, bucket)
        with self._lock:
            until = self.monotonic() + seconds
            self._bans[key] = max(until, self._bans.get(key, until))
        if self.redis is None:
            return
        try:
            self.redis.eval(_BAN, 1, f"{key}:ban", str(math.ceil(seconds * 1e6)))
        except RedisError as error:
            logger.warning("ban_not_shared", account=account, why=type(error).__name__)

    def banned_for(self, account: str, bucket: str) -> float:
        """How many seconds no call may leave on a budget; 0 when it is free."""
        key = self._key(account, bucket)
        known = max(0.0, self._bans.get(key, -math.inf) - self.monotonic())
        if self.redis is None:
            return known
        try:
            left = self.redis.pttl(f"{key}:ban")
        except RedisError:
            return known
        return max(known, int(str(left)) / 1000, 0.0)

    def used_today(self, account: str, bucket: str, day: int) -> int | None:
        """Calls made on a budget on `day` (days since 1970 in Shanghai); None when not known."""
        if self.redis is None:
            return None
        try:
            count = self.redis.get(f"{self._key(account, bucket)}:day:{day}")
        except RedisError:
            return None
        return int(count) if isinstance(count, bytes | str) else 0

    def spent(self, account: str, day: int) -> int | None:
        """Calls made on all budgets of an account on `day`, counted as `used_today`; else None."""
        if self.redis is None:
            return None
        try:
            keys = list(self.redis.scan_iter(f"{self._key(account, '*')}:day:{day}", count=1000))
            counts = self.redis.mget(keys) if keys else []
        except RedisError:
            return None
        return sum(int(count) for count in counts if isinstance(count, bytes | str))

    def _shared(self, key: str, limit: Limit, burst: int, most: float) -> Slot:
        assert self.redis is not None  # noqa: S101 - asked only where there is one
        keys = [f"{key}:queue", f"{key}:urgent", f"{key}:ban", f"{key}:day:"]
        every = 1e6 / limit.per_second
        given = [f"{every:.3f}", str(burst), str(math.ceil(most * 1e6)), str(limit.per_day or 0)]
        granted, wait, ban = self._evaluated(keys, given)
        if not granted and ban:
            with self._lock:
                self._bans[key] = self.monotonic() + wait / 1e6
        return Slot(bool(granted), wait / 1e6, bool(ban))

    def _evaluated(self, keys: list[str], given: list[str]) -> tuple[int, int, int]:
        assert self.redis is not None  # noqa: S101 - asked only where there is one
        if self._script is None:
            self._script = self.redis.register_script(_TAKE)
        granted, wait, ban = (int(str(each)) for each in self._script(keys=keys, args=given))
        return granted, wait, ban

    def _own(self, key: str, per_second: float, burst: int, most: float) -> Slot:
        every, now = 1 / per_second, self.monotonic()
        with self._lock:
            kept = self._alone.setdefault(key, _Alone())
            if burst:
                urgent = max(kept.urgent, now)
                slot = max(urgent - (burst - 1) * every, now)
            else:
                slot = max(kept.queue, now - every)
            if slot - now > most:
                return Slot(granted=False, wait=slot - now)
            if burst:
                kept.urgent = urgent + every
                kept.queue = max(kept.queue, now) + every
            else:
                kept.queue = slot + every
        return Slot(granted=True, wait=max(slot - now, 0.0))

    def _key(self, account: str, bucket: str) -> str:
        return f"{self.prefix}:{account}:{bucket}"
