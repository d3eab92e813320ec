"""How far a platform's clock is from ours, by the date that every HTTP answer carries."""

import time
from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpx

from kit import clock

from .errors import TryLater

_SECONDS = 3.0
"""For one question in all."""
GRAIN = timedelta(seconds=1)
"""An HTTP date has whole seconds."""


def skew(address: str) -> timedelta:
    """At least so far is the clock behind `address` from ours, either way: its answer's travel
    time and grain are left out. Asks for the headers of `address` once, without credentials.

    Raises TryLater when nobody answers, or without a date.
    """
    before, began = clock.now(), time.monotonic()
    try:
        answer = httpx.head(address, timeout=_SECONDS, follow_redirects=False, trust_env=False)
        told = parsedate_to_datetime(answer.headers["date"])
    except httpx.HTTPError as error:
        raise TryLater("network", f"{type(error).__name__}: {error}") from error
    except (KeyError, ValueError) as error:
        raise TryLater("no-date", "its answer has no date") from error
    after = before + timedelta(seconds=time.monotonic() - began)
    return max(before - told - GRAIN, told - after, timedelta(0))
