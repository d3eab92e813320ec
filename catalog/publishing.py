"""How much of a stated stock is shown: less the older it is and the faster it sells. Pure.

A reader who orders as many as were shown is refused with a chance of at most `risk`. What can be
ordered is another matter: that is the stated number less our own reservations (`catalog.stock`).
"""

import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from catalog.stock import Level

LOW = 5
"""A reduced number up to this is shown as low."""
RISK = 0.02
"""The chance of a refusal that an installation takes where its settings name no other."""
TRIED = 100
SHORT = 0.5
"""What a source that nobody knows counts as: half a claim of a hundred was false."""


class Record(NamedTuple):
    """How an offer's stock moves and how true its source's word is.

    `velocity` is in units an hour. `tried` are purchases at the source, `short` those of them that
    it refused for want of goods.
    """

    velocity: float = 0.0
    tried: int = 0
    short: int = 0
    heard_at: datetime | None = None
    """When a listing last said the same again; that writes nothing to the offer."""

    @property
    def falsity(self) -> float:
        """The chance that a number this source states is not true; few purchases say little."""
        return (self.short + SHORT) / (max(self.tried, self.short) + TRIED)

    def age(self, level: Level, now: datetime) -> timedelta:
        """How long ago the level was last known to be so."""
        known_at = level.as_of if self.heard_at is None else max(level.as_of, self.heard_at)
        return max(now - known_at, timedelta(0))


HEARD = """CASE WHEN NOT EXISTS (SELECT FROM figures g
             WHERE g.offer_id = o.id AND g.kind = 'stock')
           THEN (SELECT h.full_at FROM source_states h WHERE h.source = o.source) END"""
"""`heard_at` in SQL, of offers `o`: stock that is asked for by calls of its own is not confirmed by
a listing."""


def published(level: Level, age: timedelta, record: Record, risk: float) -> Level:
    """The level to show of one that is `age` old; no number stays no number."""
    stated = level.quantity
    if stated is None or stated <= 0 or level.state == "out":
        return level
    mean = max(record.velocity, 0.0) * max(age.total_seconds(), 0) / 3600
    shown = quantity(stated, mean, record.falsity, risk)
    if shown == stated:
        return level
    if shown == 0:
        return replace(level, state="out", quantity=0)
    return replace(level, state="low" if shown <= LOW else level.state, quantity=shown)


def quantity(stated: int, mean: float, falsity: float, risk: float) -> int:
    """The most units, of so many stated, that can be shown at `risk`.

    Units sold since follow Poisson's law around `mean`. With the chance `falsity` the number is
    not true, and the true one is anything from 0 to it. Showing n is refused when fewer are left,
    for one reason or the other:

        falsity · n / (stated + 1) + P(sold > stated − n) ≤ risk
    """
    enough = 0
    """So many must be taken off for the falsity alone."""
    if falsity > risk:
        enough = math.ceil(stated - risk * (stated + 1) / falsity)
    if mean <= 0:
        return max(stated - enough, 0)
    spread = 8 * math.sqrt(mean) + 8  # beyond it, both tails together are below 1e-12
    at_most = 0.0
    for sold in range(max(0, int(mean - spread)), min(stated, int(mean + spread)) + 1):
        at_most += _exactly(sold, mean)
        chance = falsity * (stated - sold) / (stated + 1) + 1 - at_most
        if sold >= enough and chance <= risk:
            return stated - sold
    return max(stated - max(enough, int(mean + spread)), 0)


def _exactly(count: int, mean: float) -> float:
    return math.exp(count * math.log(mean) - mean - math.lgamma(count + 1))
