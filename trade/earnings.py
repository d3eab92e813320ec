"""What a sharer earns on a helper's order: frozen with the units that ship, back with refunds.

What was only advanced on a claim is no refund before somebody bears it.

What should stand is a pure function of the order's lines (`trade.plans`); posting is bringing the
accounts up to it, so that doing it again posts nothing. Runs in system scope, under the order's
lock.
"""

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from trade import plans
from trade.ledger import Entry, post
from trade.models import Earning, Order

_LINES = text("""
    SELECT l.id, l.shipped, l.quantity, l.refunded - coalesce((
               SELECT sum(x.refunded) FROM claim_lines x JOIN claims c ON c.id = x.claim_id
               WHERE x.order_line_id = l.id AND c.advanced > 0), 0) AS refunded,
           coalesce(sum(p.captured), 0) AS captured
    FROM order_lines l LEFT JOIN purchase_lines p ON p.order_line_id = l.id
    WHERE l.order_id = :order GROUP BY l.id
""")


def frozen(party_id: int) -> str:
    """The account of what a party has earned on goods that may still come back."""
    return f"frozen:{party_id}"


def earned(party_id: int) -> str:
    """The account of what a party has earned and may have paid out; negative is its debt."""
    return f"earned:{party_id}"


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
