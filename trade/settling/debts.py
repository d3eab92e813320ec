"""Earnings that a party owes back: goods came back after the money had left.

Later earnings are set against the debt by themselves. Where none may come, an operator takes it
from the party's wallet, or lets it go. Runs in system scope, under the party's lock.
"""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trade import ledger
from trade.books import LOSS
from trade.ledger import Entry
from trade.models import Posting
from trade.settling.earnings import earned, owed
from trade.settling.payout_moves import lock

SET_OFF, WRITTEN_OFF = "set_off", "debt_written_off"


def set_off(session: Session, party_id: int) -> None:
    """Take what the party owes out of its wallet, or as much as is in it: credit pays no debt.

    Raises Problem 409 `balance_short` where nothing is.
    """
    wallet, debt = lock(session, party_id), owed(session, party_id)
    if debt and wallet < 1:
        raise ledger.short(max(wallet, 0), debt)
    _post(session, party_id, SET_OFF, f"wallet:{party_id}", min(debt, max(wallet, 0)))


def paid_back(session: Session, since: datetime, until: datetime) -> dict[int, int]:
    """Fen that parties paid back in a span, by party."""
    rows = session.execute(
        select(Posting.party_id, func.sum(Posting.amount))
        .where(Posting.kind == SET_OFF, Posting.at >= since, Posting.at < until)
        .group_by(Posting.party_id)
    )
    return {party: int(amount) for party, amount in rows if party is not None}


def write_off(session: Session, party_id: int) -> None:
    """The house bears what the party still owes."""
    lock(session, party_id)
    _post(session, party_id, WRITTEN_OFF, LOSS, owed(session, party_id))


def _post(session: Session, party_id: int, kind: str, source: str, amount: int) -> None:
    before = select(func.count()).where(Posting.destination == earned(party_id))
    number = session.scalar(before.where(Posting.kind.in_((SET_OFF, WRITTEN_OFF))))
    name = f"{kind}:{party_id}:{number}"
    ledger.post(session, [Entry(name, kind, source, earned(party_id), amount, party_id)])
