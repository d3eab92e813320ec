"""Goods that a platform sells and ships itself: a leader's link, and the commission for it.

Nothing is posted while a platform only expects to pay. What it has settled is the house's income,
and the leader's part of it is payable at once; what it takes back later (a split, a cancellation,
a refund) goes back the same way. A row is posted as a function of what it says now, so that
reading it again posts nothing.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from connectors.errors import SupplierError
from connectors.model import Source
from connectors.trading import Commission, Link, Promotes
from kit import clock, log
from kit.db import Database
from kit.errors import Problem
from kit.ids import inside, outside
from kit.money import line_amount, yuan
from trade import ledger
from trade.desk import Desk
from trade.ledger import Entry
from trade.models import CommissionRow, CommissionsRead, Party
from trade.paging import newest
from trade.settling.earnings import earned

COMMISSIONS = "trade.commissions"
"""The topic that wakes the reading of a platform's list; its key is the source."""

PLAN = "affiliate-2026-1"
"""The leader has so many percent of what the platform has settled, whole fen, rounded down."""

_log = log.get(__name__)

EVERY = timedelta(minutes=10)

_OFFER = text("""
    SELECT o.source, o.external_id FROM offers o
    JOIN terms t ON t.offer_id = o.id AND t.mode = 'affiliate'
    WHERE o.sku_id = :sku AND o.state = 'live' ORDER BY o.id
""")


def offers(session: Session, sku: str) -> list[tuple[str, str]]:
    """The (source, item) that links to a SKU can be made of. Raises Problem 409 `not_affiliate`."""
    found = session.execute(_OFFER, {"sku": inside("sku", sku)}).all()
    if not found:
        raise Problem(
            409, "not_affiliate", "links are made for goods that a platform sells by itself"
        )
    return [(row.source, row.external_id) for row in found]


def link(source: Source, item: str, party_id: int) -> Link:
    """The party's own link to an item; no transaction may be open. Raises SupplierError, or
    Problem 409 where the source makes none."""
    if not isinstance(source, Promotes):
        raise Problem(409, "not_affiliate", "no links are made for these goods at the moment")
    return source.link(item, outside("pty", party_id))


def promotes(source: Source) -> bool:
    """Whether a source pays for links."""
    return isinstance(source, Promotes)


def drain(
    db: Database,
    desk: Desk,
    source: str,
    open_source: Callable[[str], Source],
    until: datetime,
) -> None:
    """Read what changed in a platform's list, page by page, until nothing waits or it is `until`.

    May run any number of times at once, and be killed at any moment.
    """
    platform = open_source(source)
    if not isinstance(platform, Promotes):
        return
    while clock.now() < until:
        with db.as_system() as session:
            place = session.get(CommissionsRead, source)
            since, turn = (place.cursor, place.turn) if place else (None, 0)
        try:
            page = platform.commissions(since)
        except SupplierError as error:
            _log.warning("Commissions cannot be read now", source=source, why=str(error))
            with db.as_system() as session:
                _advance(session, source, since, turn, clock.now())
            return
        with db.as_system() as session:
            take(session, desk, source, page.rows, clock.now())
            _advance(session, source, page.cursor, turn, clock.now())
        if not page.more:
            return


def take(
    session: Session, desk: Desk, source: str, rows: Sequence[Commission], now: datetime
) -> None:
    """Write rows down, a later one in the place of a former, and post what they settle."""
    for one in sorted(rows, key=lambda row: (row.id, row.changed_at)):
        if (row := _written(session, desk, source, one)) is not None:
            _settle(session, row, one, now)
    session.flush()


def due(session: Session, sources: Sequence[str], now: datetime) -> list[str]:
    """Of these sources, those whose list was not read for a while."""
    fresh = select(CommissionsRead.source).where(CommissionsRead.read_at > now - EVERY)
    read = set(session.scalars(fresh))
    return [source for source in sources if source not in read]


def page(
    session: Session,
    party_id: int | None,
    *,
    limit: int = 50,
    before: int | None = None,
) -> tuple[list[dict[str, Any]], int | None]:
    """Commissions of a party (None: of all, for operators), the newest first."""
    found = select(CommissionRow)
    if party_id is not None:
        found = found.where(CommissionRow.party_id == party_id)
    rows, following = newest(session, found, CommissionRow.id, limit=limit, before=before)
    return [view(row, operates=party_id is None) for row in rows], following


def view(row: CommissionRow, *, operates: bool) -> dict[str, Any]:
    """A commission as its leader sees it; operators see the platform's own words too."""
    told = {
        "id": outside("com", row.id),
        "title": row.title,
        "quantity": row.quantity,
        "returned": row.returned,
        "status": {"settled": "payable", "invalid": "reversed"}.get(row.state, "expected"),
        "paid": yuan(row.paid),
        "expected": yuan(_part(row.expected, row.share_percent)),
        "earned": yuan(row.earned),
        "plan": row.plan,
        "ordered_at": row.ordered_at,
        "changed_at": row.changed_at,
    }
    if operates:
        told |= {
            "party": row.party_id and outside("pty", row.party_id),
            "source": row.source,
            "order_ref": row.order_ref,
            "state": row.state,
            "reason": row.reason,
            "booked": yuan(row.booked),
        }
    return told


def _written(session: Session, desk: Desk, source: str, one: Commission) -> CommissionRow | None:
    """The row, locked, as `one` tells it; None where a later word is there already."""
    facts = {
        "order_ref": one.order_ref,
        "title": one.title,
        "quantity": one.quantity,
        "returned": one.returned,
        "state": one.state,
        "reason": one.reason,
        "paid": line_amount(one.paid, 1),
        "expected": line_amount(one.expected, 1),
        "changed_at": one.changed_at,
    }
    first = {
        "source": source,
        "external_id": one.id,
        "item": one.external_id,
        "party_id": _party(session, one.leader),
        "plan": PLAN,
        "share_percent": desk.affiliate_percent,
        "ordered_at": one.ordered_at,
    }
    write = insert(CommissionRow).values(**first, **facts)
    write = write.on_conflict_do_update(
        index_elements=["source", "external_id"],
        set_=facts,
        where=CommissionRow.changed_at <= one.changed_at,
    )
    row_id = session.execute(write.returning(CommissionRow.id)).scalar_one_or_none()
    return (
        None if row_id is None else session.get_one(CommissionRow, row_id, populate_existing=True)
    )


def _settle(session: Session, row: CommissionRow, one: Commission, now: datetime) -> None:
    """Post what the platform's word now makes of it."""
    if row.state == "settled" and one.actual is not None:
        whole = max(line_amount(one.actual, 1), 0)
    elif row.state == "invalid":
        whole = 0
    else:
        return
    part = _part(whole, row.share_percent) if row.party_id is not None else 0
    more, mine = whole - row.booked, part - row.earned
    if not more and not mine:
        return
    row.postings += 1
    row.settled_at = now
    row.booked, row.earned = whole, part
    platform, name = f"affiliate:{row.source}", f"{row.id}:{row.postings}"
    ends = (platform, "sales") if more > 0 else ("sales", platform)
    kind = "platform_commission" if more > 0 else "platform_commission_back"
    entries = [Entry(f"platform-commission:{name}", kind, *ends, abs(more))]
    if row.party_id is not None:
        own = earned(row.party_id)
        ends = ("sales", own) if mine > 0 else (own, "sales")
        kind = "commission" if mine > 0 else "commission_back"
        entries.append(Entry(f"commission:{name}", kind, *ends, abs(mine), row.party_id))
    ledger.post(session, entries)


def _advance(
    session: Session, source: str, cursor: dict[str, Any] | None, turn: int, now: datetime
) -> None:
    facts = {"cursor": cursor, "turn": turn + 1, "read_at": now}
    write = insert(CommissionsRead).values(source=source, **facts)
    session.execute(
        write.on_conflict_do_update(
            index_elements=["source"], set_=facts, where=CommissionsRead.turn == turn
        )
    )


def _party(session: Session, leader: str) -> int | None:
    """The party whose link it was."""
    try:
        number = inside("pty", leader)
    except Problem:
        return None
    return session.scalar(select(Party.id).where(Party.id == number))


def _part(amount: int, percent: int) -> int:
    return int(Decimal(amount) * percent // 100)
