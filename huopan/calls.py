"""What is left of a source's calls today."""

from collections.abc import Callable
from datetime import date, datetime

from connectors.budgets import Budgets
from connectors.registry import read_settings
from huopan.house import House
from kit.clock import SHANGHAI
from kit.redis import connect
from kit.settings import SettingsError


def calls_left(house: House, now: datetime) -> Callable[[str], int | None]:
    """A function of a source's code: calls left of its daily budget, None where none is set."""
    day = (now.astimezone(SHANGHAI).date() - date(1970, 1, 1)).days
    budgets = Budgets(connect(house.servers.redis_url))

    def left(code: str) -> int | None:
        limit = _per_day(house, code)
        spent = budgets.spent(code, day) if limit is not None else None
        return None if limit is None or spent is None else max(0, limit - spent)

    return left


def _per_day(house: House, code: str) -> int | None:
    try:
        given = read_settings(code, house.settings.sources[code])
    except (KeyError, SettingsError):  # its own row tells of these, `huopan doctor` says why
        return None
    limit: int | None = getattr(given, "calls_per_day", None)
    return limit
