"""What a sharer earns on a helper's order: frozen with the units that ship, back with refunds,
payable when the goods can no longer come back.

What was only advanced on a claim is no refund before somebody bears it.

What should stand is a pure function of the order's lines (`sharing.plans`); posting is bringing the
accounts up to it, so that doing it again posts nothing. Runs in system scope, under the order's
lock.
"""

from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from trade.after_sales.claim_states import OPEN
from trade.after_sales.eligibility import window
from trade.desk import Desk
from trade.ledger import Entry, post, standing
from trade.models import Earning, Order
from trade.sharing import plans

_LINES = text("""
    SELECT l.id, l.shipped, l.quantity, l.refunded - coalesce((
               SELECT sum(x.refunded) FROM claim_lines x JOIN claims c ON c.id = x.claim_id
               WHERE x.order_line_id = l.id AND c.advanced > 0), 0) AS refunded,
           coalesce(sum(p.captured), 0) AS captured
    FROM order_lines l LEFT JOIN purchase_lines p ON p.order_line_id = l.id
    WHERE l.order_id = :order GROUP BY l.id
""")
_DUE = text("""
    SELECT DISTINCT e.order_id FROM earnings e
    WHERE e.clawed + e.released < e.accrued AND e.order_id > :after AND EXISTS (
        SELECT FROM parcel_lines n JOIN parcels c ON c.id = n.parcel_id
        WHERE n.order_line_id = e.order_line_id AND c.shipped_at < :shipped_before)
    ORDER BY e.order_id LIMIT :limit
""")
_PARCELS = text("""
    SELECT n.order_line_id AS line, n.quantity, c.shipped_at, c.delivered_at, c.last_event_at
    FROM parcel_lines n JOIN parcels c ON c.id = n.parcel_id
    WHERE c.order_id = :order AND c.claim_id IS NULL
      AND (c.delivered_at IS NOT NULL OR c.state <> 'returned')
""")
_CLAIMED = text("""
    SELECT DISTINCT n.order_line_id FROM claim_lines n JOIN claims c ON c.id = n.claim_id
    WHERE c.order_id = :order AND c.state = ANY(:open)
""")


def frozen(party_id: int) -> str:
    """The account of what a party has earned on goods that may still come back."""
    return f"frozen:{party_id}"


def earned(party_id: int) -> str:
    """The account of what a party has earned and may have paid out; negative is its debt."""
    return f"earned:{party_id}"


def owed(session: Session, party_id: int) -> int:
    """Fen that a party owes back of its earnings."""
    return max(-standing(session, earned(party_id)), 0)


def settle(session: Session, order: Order) -> None:
    """Bring the earnings on a locked order up to what was shipped and refunded."""
    if order.share_id is None:
        return
    session.flush()
    lines = {row.id: row for row in session.execute(_LINES, {"order": order.id})}
    for row in _earnings(session, order.id):
        line = lines[row.order_line_id]
        entries = _accrue(row, plans.accrued(row.amount, line.shipped, line.quantity))
        due = plans.clawed(row.accrued, line.refunded, int(line.captured))
        entries += _claw(row, max(due - row.clawed, 0))
        post(session, entries)


def _earnings(session: Session, order_id: int) -> list[Earning]:
    found = select(Earning).where(Earning.order_id == order_id).order_by(Earning.id)
    return list(session.scalars(found.with_for_update().execution_options(populate_existing=True)))


def _accrue(row: Earning, upto: int) -> list[Entry]:
    more, row.accrued = max(upto - row.accrued, 0), max(upto, row.accrued)
    name = f"earning:{row.id}:{row.accrued}"
    return [_entry(row, name, "earning", "sales", frozen(row.party_id), more)]


def _claw(row: Earning, amount: int) -> list[Entry]:
    """Back to sales: what is frozen first, then what was payable, which may leave a debt."""
    if not amount:
        return []
    from_frozen = min(amount, row.accrued - row.clawed - row.released)
    row.clawed += amount
    row.released -= amount - from_frozen
    name, back = f"earning-back:{row.id}:{row.clawed}", "earning_back"
    return [
        _entry(row, f"{name}:frozen", back, frozen(row.party_id), "sales", from_frozen),
        _entry(row, f"{name}:earned", back, earned(row.party_id), "sales", amount - from_frozen),
    ]


def _entry(row: Earning, name: str, kind: str, source: str, destination: str, amount: int) -> Entry:
    return Entry(name, kind, source, destination, amount, row.party_id, row.order_id)


def due(session: Session, desk: Desk, now: datetime, *, after: int, limit: int) -> list[int]:
    """Orders beyond `after` with frozen earnings on goods that left long ago."""
    left = now - timedelta(days=desk.claims.return_days)
    found = session.scalars(_DUE, {"shipped_before": left, "after": after, "limit": limit})
    return list(found)


def release(session: Session, desk: Desk, order_id: int, now: datetime) -> None:
    """Make payable what was earned on units whose window for claims is over, where no claim on
    their line is open; again changes nothing."""
    session.get_one(Order, order_id, with_for_update=True, populate_existing=True)
    safe: Counter[int] = Counter()
    for parcel in session.execute(_PARCELS, {"order": order_id}):
        days = {"delivery_days": desk.claims.delivery_days, "return_days": desk.claims.return_days}
        if window(parcel.shipped_at, parcel.delivered_at, parcel.last_event_at, **days) < now:
            safe[parcel.line] += parcel.quantity
    claimed = set(session.scalars(_CLAIMED, {"order": order_id, "open": sorted(OPEN)}))
    lines = {row.id: row for row in session.execute(_LINES, {"order": order_id})}
    for row in _earnings(session, order_id):
        line = row.order_line_id
        part = plans.accrued(row.amount, safe[line], lines[line].quantity)
        more = min(part, row.accrued) - row.clawed - row.released
        if more > 0 and line not in claimed:
            row.released += more
            row.released_at = now
            name = f"earned:{row.id}:{row.released + row.clawed}"
            to = earned(row.party_id)
            post(session, [_entry(row, name, "earned", frozen(row.party_id), to, more)])
