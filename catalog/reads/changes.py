"""The change feed as a reader sees it: numbered rows only, so nobody skips a slower writer's."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.changes import Event, Item, Replay, in_full, of_own_ruling, of_ruling
from catalog.matching.redirects import with_led
from catalog.matching.tree import OURS
from catalog.matching.wordings import BRAND_OF
from catalog.pricing import Goods
from catalog.reads import told
from catalog.rule_changes import Ruling, ruling
from catalog.shelf import Reader
from kit.errors import Problem

KEPT = timedelta(days=30)
"""A cursor older than this is refused; its reader takes the catalogue afresh."""

SNAPSHOT = "/v1/changes/snapshot"

Row = Event | Ruling


@dataclass(frozen=True)
class Changes:
    """Items after a cursor, and the cursor to go on from. `more`: ask again at once."""

    items: list[Item]
    next: int
    more: bool


_ROW = f"""
    c.seq, c.kind, c.sku_id, c.offer_id, o.source, o.external_id, {BRAND_OF} AS brand,
    o.category, c.was, c.now, c.at, {OURS} AS ours
"""
_PAGE = text(f"""
    SELECT {_ROW} FROM changes c JOIN offers o ON o.id = c.offer_id
    WHERE c.seq > :after AND c.seq <= :head AND (:everything OR c.sku_id = ANY(:skus))
      AND (CAST(:source AS text) IS NULL OR o.source = :source)
    ORDER BY c.seq LIMIT :limit
""")  # noqa: S608 - columns of ours
_RULES = text("""
    SELECT seq, kind, reach, at FROM rule_changes
    WHERE seq > :after AND seq <= :head ORDER BY seq LIMIT :limit
""")
_HELD = text(f"""
    SELECT DISTINCT sku_id, source, {BRAND_OF} AS brand, category, {OURS} AS ours
    FROM offers o WHERE sku_id = ANY(:skus)
""")  # noqa: S608 - a query of ours
_HEAD = text("SELECT seq, forgotten FROM feed_head")
_OLDEST = text("""
    SELECT min(at) FROM (
        (SELECT at FROM changes WHERE seq > :after ORDER BY seq LIMIT 1) UNION ALL
        (SELECT at FROM rule_changes WHERE seq > :after ORDER BY seq LIMIT 1)) next
""")


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
    """What changed after `after`, reading at most `limit` rows; `sku_ids` narrows it to those and
    to rules that touch them or are for the reader itself.

    `source` narrows it to what one source said, in full: for whoever supplies it.

    Leaders get fewer items than rows: what changes nothing for them is passed over. Raises Problem
    410 `cursor_expired` when something after the cursor is older than 30 days, or when the cursor
    is ahead of the feed.
    """
    head = _head(session, after, now)
    skus = None if sku_ids is None else with_led(session, sku_ids)
    asked = {"after": after, "head": head, "limit": limit}
    narrowed = {"everything": skus is None, "skus": skus or [], "source": source}
    events = [Event(*row) for row in session.execute(_PAGE, asked | narrowed)]
    rules = [ruling(*row) for row in session.execute(_RULES, asked)]
    more = max(len(events), len(rules)) == limit or len(events) + len(rules) > limit
    both: list[Row] = [*events, *rules]
    rows = sorted(both, key=attrgetter("seq"))[:limit]
    if source is not None:
        items = [_own(row, source) for row in rows]
    else:
        items = _as_seen(session, rows, after, reader, skus, now)
    said = [item for item in items if item is not None]
    return Changes(said, rows[-1].seq if more else head, more)


def _head(session: Session, after: int, now: datetime) -> int:
    """The newest number; refuses a cursor that is too old, or from after a dump that was restored:
    behind it other changes will get the numbers that it has passed."""
    head = session.execute(_HEAD).one()
    oldest = session.execute(_OLDEST, {"after": after}).scalar_one()
    why = ""
    if after < head.forgotten or (oldest is not None and oldest < now - KEPT):
        why = f"changes after {after} are older than {KEPT.days} days"
    elif after > head.seq:
        why = f"this feed has not come to {after}: it was restored from a backup"
    if why:
        raise Problem(
            410,
            "cursor_expired",
            f"{why}; read GET {SNAPSHOT} and go on from the seq that it states",
            more={"snapshot": SNAPSHOT},
        )
    return int(head.seq)


def _own(row: Row, source: str) -> Item | None:
    return of_own_ruling(row, source) if isinstance(row, Ruling) else in_full(row)


def _as_seen(
    session: Session,
    rows: Sequence[Row],
    after: int,
    reader: Reader,
    skus: list[int] | None,
    now: datetime,
) -> list[Item | None]:
    held = None
    if skus is not None and any(isinstance(row, Ruling) for row in rows):
        found = session.execute(_HELD, {"skus": skus})
        held = [(one.sku_id, Goods(one.source, one.brand, one.category, one.ours)) for one in found]
    replay = _replay(session, rows, after, reader, now)
    return [
        of_ruling(row, reader, held) if isinstance(row, Ruling) else _seen(row, reader, replay)
        for row in rows
    ]


def _seen(event: Event, reader: Reader, replay: Replay) -> Item | None:
    if not reader.sees_sources:
        return replay.item(event)
    open_to = event.kind == "rule" or reader.grants.allows(event.sku_id, event.goods, "", event.at)
    return in_full(event) if open_to else None


def _replay(
    session: Session, rows: Iterable[Row], after: int, reader: Reader, now: datetime
) -> Replay:
    if reader.sees_sources:  # nothing is told against what was before
        return Replay(reader, ())
    skus = {row.sku_id for row in rows if isinstance(row, Event)}
    return Replay(reader, told.at_number(session, skus, after, now))
