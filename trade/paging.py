"""Pages of rows, by the oldest change or the newest first, and where the next one starts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

Cursor = tuple[datetime, int]
"""When the last row of a page changed, and its key: the next page begins behind both."""

Row = TypeVar("Row")


def changed(
    session: Session,
    found: Select[Row],
    changed_at: InstrumentedAttribute[datetime],
    key: InstrumentedAttribute[Any],
    *,
    limit: int,
    after: Cursor | None,
    updated_after: datetime | None = None,
) -> tuple[Sequence[Row], Cursor | None]:
    """At most `limit` rows of `found` behind `after`, and where the next page starts, or None at
    the end. `updated_after` leaves out what has not changed since."""
    if updated_after is not None:
        found = found.where(changed_at > updated_after)
    if after is not None:
        found = found.where(tuple_(changed_at, key) > tuple_(*after))
    rows = session.scalars(found.order_by(changed_at, key).limit(limit + 1)).all()
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], (getattr(last, changed_at.key), getattr(last, key.key))


def newest(
    session: Session,
    found: Select[Row],
    key: InstrumentedAttribute[int],
    *,
    limit: int,
    before: int | None,
) -> tuple[Sequence[Row], int | None]:
    """At most `limit` rows of `found` with keys below `before`, the highest first, and the key
    before which the next page starts, or None at the end."""
    if before is not None:
        found = found.where(key < before)
    rows = session.scalars(found.order_by(key.desc()).limit(limit + 1)).all()
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], getattr(rows[limit - 1], key.key)
