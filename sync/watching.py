"""Watch lists: what a source that does not list completely is asked to follow."""

from collections.abc import Iterable

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from connectors.model import Watched
from sync.models import WatchedItem

MOST_AT_ONCE = 5_000


def watch(session: Session, source: str, items: Iterable[Watched]) -> int:
    """Follow these from now on; returns how many are new. One that is followed gets its pages."""
    wanted = {(item.kind, item.value.strip()): item.pages for item in items if item.value.strip()}
    if not wanted:
        return 0
    held = set(
        session.execute(
            select(WatchedItem.kind, WatchedItem.value).where(WatchedItem.source == source)
        ).all()
    )
    rows = [
        {"source": source, "kind": kind, "value": value, "pages": pages}
        for (kind, value), pages in wanted.items()
    ]
    for start in range(0, len(rows), MOST_AT_ONCE):
        found = insert(WatchedItem).values(rows[start : start + MOST_AT_ONCE])
        session.execute(
            found.on_conflict_do_update(
                index_elements=["source", "kind", "value"], set_={"pages": found.excluded.pages}
            )
        )
    return sum((kind, value) not in held for kind, value in wanted)


def unwatch(session: Session, source: str, items: Iterable[Watched]) -> None:
    """Follow these no longer; their offers stay as they are, for absence means nothing."""
    for item in items:
        session.execute(
            delete(WatchedItem).where(
                WatchedItem.source == source,
                WatchedItem.kind == item.kind,
                WatchedItem.value == item.value.strip(),
            )
        )


def watched(session: Session, source: str) -> list[Watched]:
    """What is followed, the oldest first."""
    rows = session.scalars(
        select(WatchedItem)
        .where(WatchedItem.source == source)
        .order_by(WatchedItem.added_at, WatchedItem.kind, WatchedItem.value)
    )
    return [Watched(row.kind, row.value, row.pages) for row in rows]  # type: ignore[arg-type]
