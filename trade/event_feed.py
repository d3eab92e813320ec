"""What happened, as one party may know it: its own events and the catalogue's, from a cursor on.

A cursor is two numbers, of the events and of the catalogue's change feed; both feeds have no gaps.
Everything about one object is in one feed, so that reading on in either keeps its order.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import BIGINT
from sqlalchemy.orm import Session

from catalog import grants, reads
from catalog.changes import Item
from catalog.readers import Readership
from kit.errors import FieldError, Problem, invalid
from kit.ids import given, outside
from kit.money import price_text
from trade import pricing
from trade.models import Party, Selection

KEPT = timedelta(days=30)
LATEST = "latest"
CURSOR = r"^([0-9]{1,18}(\.[0-9]{1,18})?|latest)$"
TRADE = ("order", "purchase", "parcel", "claim", "statement")
CATALOGUE = ("product", "price", "stock")
_CHANGED = {"price": "price.changed", "stock": "stock.changed"}
RULES = "rules"
"""What an event is about that no single SKU is concerned by."""
_PRICED = frozenset(["pricing", "level"])
"""Rules that make other prices; others decide what may be seen and asked."""


@dataclass(frozen=True)
class Cursor:
    """How far a reader is in the events and in the change feed."""

    events: int
    changes: int

    def __str__(self) -> str:
        return f"{self.events}.{self.changes}"


@dataclass(frozen=True)
class Wanted:
    """Which of the two feeds a reader listens to; of the other one nothing is read."""

    trade: bool = True
    catalogue: bool = True


ALL = Wanted()


@dataclass(frozen=True)
class Told:
    """One event as its reader sees it; `place` is its number in its feed, `id` its own for ever."""

    id: str
    kind: str
    about: str
    place: int
    at: datetime
    data: dict[str, Any]


@dataclass(frozen=True)
class Page:
    """Events after a cursor, and the cursor to go on from. `more`: ask again at once."""

    items: list[Told]
    next: Cursor
    more: bool


_HEADS = text("""
    SELECT (SELECT seq FROM events_head) AS events, (SELECT seq FROM feed_head) AS changes
""")
_PAGE = text("""
    SELECT id, seq, kind, about, order_id, purchase_id, data, at FROM events
    WHERE seq > :after AND seq <= :head
      AND (:everything OR party_id = :party OR supplier_id = :party)
    ORDER BY seq LIMIT :limit
""").bindparams(bindparam("party", type_=BIGINT))
_PLACE = text("SELECT seq FROM events WHERE id = :id")
_FORGOTTEN = text("""
    SELECT coalesce((SELECT seq > :after + 1 OR at < :before FROM events
        WHERE seq > :after ORDER BY seq LIMIT 1), :after <> :head)
""")

_KEPT_FROM = text("""
    SELECT coalesce((SELECT min(seq) - 1 FROM events WHERE at >= :before), :events) AS events,
           greatest((SELECT forgotten FROM feed_head), coalesce(least(
               (SELECT min(seq) - 1 FROM changes WHERE at >= :before),
               (SELECT min(seq) - 1 FROM rule_changes WHERE at >= :before)), :changes)) AS changes
""").bindparams(bindparam("events", type_=BIGINT), bindparam("changes", type_=BIGINT))


def cursor(session: Session, given: str) -> Cursor:
    """What a reader gave: a cursor of ours, `0` for the beginning, or `latest`. Raises 422."""
    if given == LATEST:
        return heads(session)
    if re.fullmatch(CURSOR, given) is None:
        message = "this cursor is none that was given out here; start with 0 or latest"
        raise Problem(422, "invalid", message, errors=[FieldError("after", "invalid", message)])
    events, _, changes = given.partition(".")
    return Cursor(int(events), int(changes or events))


def heads(session: Session) -> Cursor:
    """The newest cursor there is."""
    row = session.execute(_HEADS).one()
    return Cursor(row.events, row.changes)


def oldest(session: Session, after: Cursor, now: datetime) -> Cursor:
    """The cursor before the oldest that is kept, where one behind `after` is not: what a reader
    goes on from. The newest for a cursor that a restored feed has not come to. System scope."""
    head = heads(session)
    asked = {"before": now - KEPT, "events": head.events, "changes": head.changes}
    row = session.execute(_KEPT_FROM, asked).one()
    return Cursor(
        min(max(after.events, row.events), head.events),
        min(max(after.changes, row.changes), head.changes),
    )


def one(session: Session, readership: Readership, party: Party, name: str, now: datetime) -> Told:
    """The event of that id, as the party may know it. System scope.

    Raises Problem 422 where there is none for it, 410 `cursor_expired` for one older than 30 days.
    """
    head = heads(session)
    if name.startswith("chg_"):
        place, wanted = given("chg", name, "event"), Wanted(trade=False)
        after = Cursor(head.events, place - 1)
        known = place <= head.changes
    else:
        asked = {"id": given("evt", name, "event")}
        place, wanted = (
            session.execute(_PLACE, asked).scalar_one_or_none() or 0,
            Wanted(catalogue=False),
        )
        after = Cursor(place - 1, head.changes)
        known = place > 0
    items = page(session, readership, party, after, 1, now, wanted=wanted).items if known else []
    if not items or items[0].id != name:
        raise invalid("event", f"there is no event {name!r}", "unknown")
    return items[0]


def page(
    session: Session,
    readership: Readership,
    party: Party,
    after: Cursor,
    limit: int,
    now: datetime,
    *,
    wanted: Wanted = ALL,
) -> Page:
    """What the party may know of what happened after `after`, at most `limit` of it.

    Runs in system scope: whether a cursor is too old is told by everybody's events. Raises
    Problem 410 `cursor_expired` when something after the cursor is older than 30 days.
    """
    head = heads(session)
    items: list[Told] = []
    upto, full = max(after.events, head.events), False
    if wanted.trade:
        items, upto, full = _trade(session, party, after.events, head.events, limit, now)
    seen, more = max(after.changes, head.changes), False
    if wanted.catalogue and not full:
        left = limit - len(items)
        found, seen, more = _catalogue(session, readership, party, after.changes, left, now)
        items = items + found
    elif full:
        seen = after.changes
    return Page(items, Cursor(upto, seen), full or more)


def _trade(
    session: Session, party: Party, after: int, head: int, limit: int, now: datetime
) -> tuple[list[Told], int, bool]:
    asked = {"after": after, "head": head, "before": now - KEPT}
    if session.execute(_FORGOTTEN, asked).scalar_one():
        raise Problem(
            410,
            "cursor_expired",
            f"events after {after} are older than {KEPT.days} days, or this feed was restored and"
            f" has not come to them: read what you need afresh and go on with after={LATEST}",
            more={"snapshot": reads.SNAPSHOT},
        )
    own = {"everything": party.role == "operator", "party": party.id, "limit": limit}
    rows = session.execute(_PAGE, asked | own).all()
    full = len(rows) == limit
    return [_event(row, party.role) for row in rows], rows[-1].seq if full else head, full


def _event(row: Any, role: str) -> Told:
    """Leaders are told of no purchase, suppliers of no order."""
    data = {"id": row.about, **row.data}
    if row.order_id is not None and role != "brand" and not row.kind.startswith("order."):
        data["order"] = outside("ord", row.order_id)
    if row.purchase_id is not None and role in ("brand", "operator"):
        data["purchase"] = outside("pur", row.purchase_id)
    return Told(outside("evt", row.id), row.kind, row.about, row.seq, row.at, data)


def _catalogue(
    session: Session,
    readership: Readership,
    party: Party,
    after: int,
    limit: int,
    now: datetime,
) -> tuple[list[Told], int, bool]:
    """Leaders and buyers: what they have picked; a brand: its own source; operators: all."""
    if party.role == "brand" and party.source is None:
        return [], after, False
    skus = None
    if party.role in ("leader", "buyer"):
        picked = select(Selection.sku_id).where(Selection.party_id == party.id)
        skus = list(session.scalars(picked))
    reader = readership.reader(party.role, pricing.buyer(session, party.id), now)
    if party.role != "operator":
        reader = replace(reader, grants=grants.of(session, party.id, own=party.source))
    source = party.source if party.role == "brand" else None
    found = reads.changes(session, after, limit, reader, now, sku_ids=skus, source=source)
    return [_change(item) for item in found.items], found.next, found.more


def _change(item: Item) -> Told:
    about = RULES if item.sku_id is None else outside("sku", item.sku_id)
    data: dict[str, Any] = {"id": about, "change": item.kind}
    data |= {"was": _plain(item.was), "now": _plain(item.now)}
    if item.source is not None:
        data |= {"source": item.source, "external_id": item.external_id}
    kind = _CHANGED.get(item.kind, "product.changed")
    if item.kind == "rule" and item.now is not None:
        data["affects"] = item.now["affects"]
        kind = "price.changed" if _PRICED & data["affects"].keys() else kind
    return Told(outside("chg", item.seq), kind, about, item.seq, item.at, data)


def _plain(values: dict[str, Any] | None) -> dict[str, Any] | None:
    """A leader's price is a number until here."""
    if values is None or "price" not in values or isinstance(values["price"], dict | None):
        return values
    return values | {"price": price_text(values["price"])}
