"""Tables in partitions of a month: made before they are needed, dropped when they are past.

The role that serves owns no table; it asks functions that its owner made (`migrations.partitions`).
"""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

TABLES = ("changes", "events", "price_points")
AHEAD = 2
"""So many months stand ready."""

_AHEAD = text("SELECT partition_ahead(:parent, :months)")
_PAST = text("SELECT max(ends) FROM partition_ends(:parent) WHERE ends <= :before")
_DROP = text("SELECT partition_drop(:parent, :before)")


def ahead(session: Session) -> int:
    """Make the partitions of the months to come; returns how many. 0 also where somebody reads
    just now what had to be locked: nobody waits for it, and it is tried again."""
    made = 0
    for parent in TABLES:
        made += session.execute(_AHEAD, {"parent": parent, "months": AHEAD}).scalar_one()
    return made


def past(session: Session, parent: str, before: datetime) -> datetime | None:
    """When the last partition ended that holds nothing but what is older than `before`."""
    found: datetime | None = session.execute(
        _PAST, {"parent": parent, "before": before}
    ).scalar_one()
    return found


def drop(session: Session, parent: str, before: datetime) -> int:
    """Drop the partitions that ended by `before`; returns how many. 0 as for `ahead`."""
    return int(session.execute(_DROP, {"parent": parent, "before": before}).scalar_one())
