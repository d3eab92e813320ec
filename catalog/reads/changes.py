"""The change feed as a reader sees it: numbered rows only, so nobody skips a slower writer's."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.changes import Event, Item, Replay, in_full
from catalog.matching.redirects import current
from catalog.pricing import Goods
from catalog.shelf import Reader
from kit.errors import Problem

KEPT = timedelta(days=30)
"""A cursor older than this is refused; its reader takes the catalogue afresh."""


@dataclass(frozen=True)
class Changes:
    """Items after a cursor, and the cursor to go on from. `more`: ask again at once."""

    items: list[Item]
    next: int
    more: bool


_ROW = """
    c.seq, c.kind, c.sku_id, c.offer_id, o.source, o.external_id, o.brand, o.category,
    c.was, c.now, c.at
"""
_PAGE = text(f"""
    SELECT {_ROW} FROM changes c JOIN offers o ON o.id = c.offer_id
    WHERE c.seq > :after AND c.seq <= :head AND (:everything OR c.sku_id = ANY(:skus))
      AND (CAST(:source AS text) IS NULL OR o.source = :source)
    ORDER BY c.seq LIMIT :limit
""")  # noqa: S608 - columns of ours
_EARLIER = text(f"""
    SELECT * FROM (
        SELECT DISTINCT ON (c.offer_id, c.kind) {_ROW}
        FROM changes c JOIN offers o ON o.id = c.offer_id
        WHERE c.sku_id = ANY(:skus) AND c.seq <= :after
        ORDER BY c.offer_id, c.kind, c.seq DESC
    ) latest ORDER BY seq
""")  # noqa: S608 - columns of ours


def changes(
    session: Session,
    after: int,
    limit: int,
    reader: Reader,
    now: datetime,
    *,
    sku_ids: Collection[int] | None = None,
    source: str | None = None,
) -> Changes:
    """What changed after `after`, reading at most `limit` events; `sku_ids` narrows it.

    `source` narrows it to what one source said, in full: for whoever supplies it.

    Leaders get fewer items than events: what changes nothing for them is passed over.
    Raises Problem 410 `cursor_expired` when events after the cursor are older than 30 days.
    """
    head = session.execute(text("SELECT seq FROM feed_head")).scalar_one()
    _refuse_expired(session, after, now)
    rows = session.execute(
        _PAGE,
        {
            "after": after,
            "head": head,
            "everything": sku_ids is None,
            "skus": _with_led(session, sku_ids or ()),
            "source": source,
            "limit": limit,
        },
    )
    events = [Event(*row) for row in rows]
    more = len(events) == limit
    items = (
        [in_full(event) for event in events]
        if source is not None
        else _as_seen(session, events, after, reader)
    )
    return Changes(items, events[-1].seq if more else max(after, head), more)


def _with_led(session: Session, sku_ids: Collection[int]) -> list[int]:
    """These SKUs, and those that they were merged into."""
    return sorted({sku for pair in current(session, sku_ids).items() for sku in pair})


def _refuse_expired(session: Session, after: int, now: datetime) -> None:
    oldest = session.execute(
        text("SELECT seq, at FROM changes WHERE seq > :after ORDER BY seq LIMIT 1"),
        {"after": after},
    ).one_or_none()
    # Numbers have no gaps but where old events were forgotten.
    if oldest is not None and (oldest.seq > after + 1 or oldest.at < now - KEPT):
        raise Problem(
            410,
            "cursor_expired",
            f"changes after {after} are older than {KEPT.days} days: read GET /v1/products afresh"
            " and go on with the newest cursor",
        )


def _as_seen(session: Session, events: Iterable[Event], after: int, reader: Reader) -> list[Item]:
    if reader.sees_sources:
        may = reader.grants.allows
        return [
            in_full(event)
            for event in events
            if event.kind == "rule"
            or may(event.sku_id, Goods(event.source, event.brand, event.category), "", event.at)
        ]
    events = list(events)
    asked: dict[str, Any] = {"skus": sorted({event.sku_id for event in events}), "after": after}
    replay = Replay(reader, (Event(*row) for row in session.execute(_EARLIER, asked)))
    return [item for event in events if (item := replay.item(event)) is not None]
