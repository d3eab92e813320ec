"""The alliance's order report, window after window, page after page. The plan is pure.

A window is at most three hours (20 minutes in promotions) within the last 90 days; inside it the
platform's own `position_index` leads on. A window that is too long for it is halved.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.model import Cursor

QUERY_TYPES = {"created": 1, "paid": 2, "settled": 3, "updated": 4}
NEXT = 1
LONGEST = timedelta(hours=3)
SHORTEST = timedelta(seconds=30)
KEPT = timedelta(days=90)


@dataclass(frozen=True)
class Place:
    """Where the report is read on. Moments are ISO text; `page` counts from 1 in its window."""

    start: str
    scene: int
    end: str | None = None
    position: str | None = None
    page: int = 1
    seconds: float | None = None

    @property
    def started(self) -> datetime:
        """The beginning of the window, aware."""
        return datetime.fromisoformat(self.start)


def first(now: datetime, scenes: list[int], days: int) -> Place:
    """Where a report that was never read begins."""
    return Place((now - min(timedelta(days=days), KEPT - LONGEST)).isoformat(), scenes[0])


def at(cursor: Cursor) -> Place:
    """The place that a cursor holds."""
    known: Mapping[str, Any] = cursor["place"]
    return Place(**known)


def cursor(place: Place) -> Cursor:
    """A place as JSON."""
    return {"place": asdict(place)}


def window(place: Place, longest: timedelta, now: datetime) -> tuple[datetime, datetime]:
    """The window to ask for; an end that was fixed on the first page stays."""
    if place.end is not None:
        return place.started, datetime.fromisoformat(place.end)
    span = min(longest, LONGEST, timedelta(seconds=place.seconds or LONGEST.total_seconds()))
    start = max(place.started, now - KEPT + LONGEST)
    return start, min(start + span, now)


def behind(place: Place, end: datetime, position: str, page: int) -> Place:
    """The next page of the same window."""
    return replace(place, end=end.isoformat(), position=position, page=page + 1)


def beyond(place: Place, start: datetime, end: datetime, scenes: list[int]) -> Place:
    """The next scene of the same window, else the next window."""
    rest = scenes[scenes.index(place.scene) + 1 :] if place.scene in scenes else []
    if rest:
        return Place(start.isoformat(), rest[0], end.isoformat())
    return Place(end.isoformat(), scenes[0])


def shorter(place: Place, start: datetime, end: datetime) -> Place | None:
    """The same window at half its length; None when it cannot be shortened any more."""
    half = (end - start) / 2
    if half < SHORTEST:
        return None
    return Place(start.isoformat(), place.scene, seconds=half.total_seconds())
