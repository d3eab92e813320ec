"""Purchases that their platforms took back: goods may leave all the same.

Each is asked about for a while, ever more seldom, and at once when a message speaks of it. Nothing
of it is bought any more; what left of it is among the strays. One that was shipped long ago is
watched for an hour whenever a message speaks of it: its money may come back.
"""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from connectors.trading import Progress
from trade.models import Purchase
from trade.parcels import platform_parcels
from trade.purchases import Locked
from trade.states import GONE

LONG = timedelta(days=15)
"""So long each is watched."""
HEARD = timedelta(hours=1)
"""So long one is asked about, whatever its age, of which its platform has just told something."""
FIRST = timedelta(minutes=30)
MOST = timedelta(hours=12)
"""The shortest and the longest time between two looks."""
DUE = "watched_until > :now AND due_at <= :now"
"""SQL: it is to be asked about; those that are not watched are not in the index."""


def begin(purchase: Purchase, now: datetime) -> None:
    """The platform of a locked purchase has just taken it back, where all of it is gone."""
    if purchase.state in GONE:
        purchase.watched_until, purchase.due_at = now + LONG, now + FIRST


def look(session: Session, found: Locked, progress: Progress | None, now: datetime) -> None:
    """What its platform tells of a locked purchase that is gone; None: it did not answer."""
    purchase = found.purchase
    if progress is not None:
        known_by(purchase, progress)
        parts = platform_parcels.told(session, found, progress.parts, now)
        platform_parcels.astray(session, found, parts, now)
    until = purchase.watched_until or now
    since = now - (until - LONG)
    purchase.due_at = now + min(max(since, FIRST), MOST)
    over(purchase)


def over(purchase: Purchase) -> None:
    """A locked purchase that is not asked about again for what was heard of it is not watched."""
    if purchase.watched_until is not None and purchase.due_at >= purchase.watched_until:
        purchase.watched_until = None


def known_by(purchase: Purchase, progress: Progress) -> None:
    """The platform's orders that a locked purchase is known by: the first, and those of now."""
    purchase.external_refs = list(dict.fromkeys([*purchase.external_refs[:1], *progress.refs]))
