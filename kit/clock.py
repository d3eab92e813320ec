"""The one place that reads the clock; decisions take `now` as an argument."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
"""The zone that platforms, suppliers and screens speak; never stored."""


def now() -> datetime:
    """The current moment, aware, in UTC."""
    return datetime.now(UTC)


def first(
    moments: Iterable[datetime | None], now: datetime, changed: Callable[[datetime], bool]
) -> datetime | None:
    """The earliest of these moments after `now` at which something has `changed`; None: at none."""
    later = sorted({moment for moment in moments if moment is not None and moment > now})
    return next((moment for moment in later if changed(moment)), None)
