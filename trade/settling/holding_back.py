"""Payouts of a party that owes earnings back: what has not left for the bank stays here.

Goods may come back after what was earned on them was paid out, or asked for. A payout that is in no
sheet of the bank's yet gives back what its party then owes: the newest first, its earnings before
the deposits of which the wallet must keep as much as is owed. With nothing left it is withdrawn;
else an operator agrees to the rest anew. What is in a sheet cannot be stopped: that debt stands,
is among the exceptions, and later earnings are set against it.

A clawback itself waits for no lock of payouts. The party is looked at, locked, before each step
that lets money out (approving, the sheet, a confirmation) and every minute: a clawback that
commits later comes after that step.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from trade import ledger
from trade.models import Payout
from trade.settling.earnings import earned, owed
from trade.settling.payout_moves import (
    IN_FLIGHT,
    give_back,
    leaving,
    lock,
    move,
    plans,
    retax,
    withhold_from,
)

WHY = "goods came back that this was earned on"
_STOPPABLE = Payout.state.in_(IN_FLIGHT), Payout.exported_at.is_(None)


def waiting(session: Session) -> list[int]:
    """Parties with payouts that could still be held back and with earnings that they owe."""
    found = in_order(session.scalars(select(Payout.party_id).where(*_STOPPABLE).distinct()))
    standing = ledger.standings(session, [earned(party) for party in found])
    return [party for party in found if standing[earned(party)] < 0]


def in_order(parties: Iterable[int]) -> list[int]:
    """Parties in the order in which the ledger locks their wallets."""
    return sorted(set(parties), key=lambda party: f"wallet:{party}")


def hold_back(session: Session, party_id: int, now: datetime) -> None:
    """Take out of the party's payouts what it owes; again changes nothing. System scope."""
    wallet = lock(session, party_id)
    debt = owed(session, party_id)
    if not debt:
        return
    rows = session.scalars(
        select(Payout)
        .where(Payout.party_id == party_id, *_STOPPABLE)
        .order_by(Payout.id.desc())
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    uncovered = debt - sum(row.earnings for row in rows) - max(wallet, 0)
    for row in rows:
        from_earnings = min(row.earnings, debt)
        debt -= from_earnings
        from_deposits = min(row.deposits, max(uncovered, 0))
        uncovered -= from_deposits
        _reduce(session, row, from_earnings, from_deposits, now)
    retax(session, party_id)


def _reduce(
    session: Session, row: Payout, from_earnings: int, from_deposits: int, now: datetime
) -> None:
    cut = from_earnings + from_deposits
    if not cut:
        return
    if cut == row.amount:
        give_back(session, row, WHY, now)
        return
    row.amount -= cut
    row.earnings -= from_earnings
    row.deposits -= from_deposits
    row.reduced += cut
    row.state, row.approved_at, row.updated_at = "requested", None, now
    row.plans = plans(session, row.party_id, row.earnings, row.id)
    withhold_from(session, row, row.rule, now)
    held, back = leaving(row.party_id), f"wallet:{row.party_id}"
    left = f"less-{row.amount}"
    move(session, row, "payout_back", f"{left}-earned", held, earned(row.party_id), from_earnings)
    move(session, row, "payout_back", f"{left}-wallet", held, back, from_deposits)
