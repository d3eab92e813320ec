"""Which pages of a shop have still to be read, as a list that a cursor can hold. Pure.

Pages are asked for from the last to the first, newest change first within a window that ends
before the reading began: what changes meanwhile leaves the window, the rest moves towards pages
still to come, and nothing is skipped. What left is caught up with afterwards, until a round over
all shelves shows nothing new: goods move between shelves too.

A window with more goods than the platform pages through is halved by time.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.errors import Unreadable

OPENED = datetime.fromisoformat("2003-05-10T00:00:00+08:00")
"""When the platform opened: no goods are older."""
ONSALE, TRADES, AGAIN = "onsale", "trades", "again"
ROUNDS = 6
"""How often all shelves are looked through for changes before a restless shop is taken as read."""
SETTLED = timedelta(minutes=1)
"""A window that is paged ends this long before now: nothing may come into it while it is read,
though the platform's clock be a little behind ours."""
_SHORTEST = timedelta(seconds=2)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Leg:
    """One window of one shelf. `shelf` is onsale, trades, or a banner of goods not on sale.

    The shelf `again` stands for a round over all shelves from `since` on; its `page` counts down
    the rounds that may follow. Else `page` is the next page to read, counting down; None: the
    window has not been looked into. `until` None: the window is open, whatever changes is in it.
    """

    shelf: str
    since: str | None
    until: str | None
    page: int | None = None

    @property
    def window(self) -> tuple[datetime | None, datetime | None]:
        """Its ends, aware."""
        return _read(self.since), _read(self.until)


def full(banners: Iterable[str], now: datetime, overlap: timedelta) -> list[Leg]:
    """All shelves as they were before `now`, then whatever changed from a little before `now` on.

    A list is worked from its end: the last leg is read first.
    """
    settled = now - SETTLED
    again = Leg(AGAIN, _write(settled - overlap), None, ROUNDS)
    return [again, *(Leg(shelf, None, _write(settled)) for shelf in (ONSALE, *banners))]


def changed(since: datetime, *, trades: timedelta | None, now: datetime) -> list[Leg]:
    """What changed since a moment; `trades` is how long one question for changed trades reaches."""
    again = Leg(AGAIN, _write(since), None, ROUNDS)
    return [again, *(windows(TRADES, since, now, trades) if trades is not None else ())]


def again(leg: Leg, banners: Iterable[str]) -> list[Leg]:
    """One round over all shelves, and the one that may follow."""
    left = (leg.page or 0) - 1
    rest = [replace(leg, page=left)] if left > 0 else []
    return [*rest, *(Leg(shelf, leg.since, None) for shelf in (ONSALE, *banners))]


def windows(shelf: str, since: datetime, until: datetime, step: timedelta) -> list[Leg]:
    """Windows of at most `step` and a day that cover a span, the oldest last."""
    step = min(step, DAY)
    legs = []
    while since < until:
        end = min(since + step, until)
        legs.append(Leg(shelf, _write(since), _write(end)))
        since = end
    return legs[::-1]


def paged(leg: Leg, pages: int, deepest: int, now: datetime) -> list[Leg]:
    """A window that is more than one page: its pages, or its two halves.

    An open one is read up to a settled moment first; what changes after that is the next open one.
    A shop that changes faster than that is paged through as it is.
    """
    if leg.until is None:
        since = leg.window[0] or OPENED
        settled = now - SETTLED
        if settled - since < SETTLED:  # read lately: come as near to now as seconds allow
            settled = now - timedelta(seconds=1)
        if since < settled:
            until = _write(settled)
            return [Leg(leg.shelf, until, None), replace(leg, until=until)]
    return [replace(leg, page=pages)] if pages <= deepest else halves(leg)


def halves(leg: Leg) -> list[Leg]:
    """A window as two, the older one last. Raises Unreadable when it is too short for that."""
    since, until = leg.window
    if until is None:
        raise Unreadable("too-deep", f"{leg.shelf}: an open window has no middle")
    since = since or OPENED
    if until - since < _SHORTEST:
        raise Unreadable("too-deep", f"{leg.shelf}: more goods in one second than can be paged")
    middle = since + (until - since) / 2
    middle = middle.replace(microsecond=0)
    return [
        Leg(leg.shelf, _write(middle), _write(until)),
        Leg(leg.shelf, leg.since, _write(middle)),
    ]


def legs_of(told: Iterable[dict[str, Any]]) -> list[Leg]:
    """Legs from a cursor."""
    return [Leg(**leg) for leg in told]


def written(legs: Iterable[Leg]) -> list[dict[str, Any]]:
    """Legs as JSON."""
    return [asdict(leg) for leg in legs]


def _read(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _write(moment: datetime) -> str:
    return moment.replace(microsecond=0).isoformat()
