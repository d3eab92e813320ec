"""The one place that reads the clock; decisions take `now` as an argument."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
"""The zone that platforms, suppliers and screens speak; never stored."""


def now() -> datetime:
    """The current moment, aware, in UTC."""
    return datetime.now(UTC)
