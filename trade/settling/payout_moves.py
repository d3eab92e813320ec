"""What every step of a payout is made of: its party's lock, its postings, and the tax on it."""

from datetime import datetime

from sqlalchemy import ColumnElement, func, select, text, true, tuple_
from sqlalchemy.orm import Session

from kit.clock import SHANGHAI
from kit.db import take_turn
from kit.money import yuan
from trade import ledger
from trade.ledger import Entry
from trade.models import Balance, Payout
from trade.settling.earnings import earned
from trade.settling.withholding import Month, withhold

IN_FLIGHT = ("requested", "approved")


def leaving(party_id: int) -> str:
    """The account of what is held for payouts that are not confirmed."""
    return f"paying:{party_id}"


def lock(session: Session, party_id: int) -> int:
    """One step of a party's payouts after the other, until the end; returns what its wallet holds,
    in fen and below zero where credit is used.

    The wallet comes first, as in every posting; earnings have no balance row that could be locked.
    """
    own = session.get(Balance, f"wallet:{party_id}", with_for_update=True, populate_existing=True)
    take_turn(session, f"payouts {party_id}")
    return own.amount if own else 0


def move(
    session: Session,
    row: Payout,
    kind: str,
    part: str,
    source: str,
    destination: str,
    amount: int,
) -> None:
    """Post `amount` fen for a payout; its `part` once."""
    name = f"payout-{part}:{row.id}"
    ledger.post(session, [Entry(name, kind, source, destination, amount, row.party_id)])


def give_back(session: Session, row: Payout, reason: str, now: datetime) -> None:
    """A payout ends here: each part goes back where it came from."""
    row.state, row.failure, row.updated_at = "failed", reason, now
    held, back = leaving(row.party_id), f"wallet:{row.party_id}"
    move(session, row, "payout_back", "unearned", held, earned(row.party_id), row.earnings)
    move(session, row, "payout_back", "unwallet", held, back, row.deposits)


_PLANS = text("""
    WITH paid AS (SELECT coalesce(sum(earnings), 0) AS fen FROM payouts
                  WHERE party_id = :party AND state NOT IN ('failed', 'returned')
                    AND id < coalesce(:before, id + 1)),
    made AS (SELECT plan, released AS fen, released_at AS at, id FROM earnings
             WHERE party_id = :party AND released > 0
             UNION ALL SELECT plan, earned, settled_at, id FROM commissions
             WHERE party_id = :party AND earned > 0),
    each AS (SELECT plan, fen, sum(fen) OVER (ORDER BY at, plan, id) AS upto FROM made)
    SELECT DISTINCT plan FROM each, paid
    WHERE upto > paid.fen AND upto - each.fen < paid.fen + :amount ORDER BY plan
""")


def plans(session: Session, party_id: int, amount: int, before: int | None = None) -> list[str]:
    """Under which versions of the plan the next `amount` fen were earned: the oldest go first.

    `before`: next after the payouts that were asked for before this one.
    """
    asked = {"party": party_id, "amount": amount, "before": before}
    return list(session.scalars(_PLANS, asked))


def retax(session: Session, party_id: int) -> None:
    """Something that counted before them is not paid out: the tax on the party's approved payouts
    is set anew, as far as they stand in no sheet of the bank's."""
    session.flush()
    rows = session.scalars(
        select(Payout)
        .where(
            Payout.party_id == party_id,
            Payout.state == "approved",
            Payout.exported_at.is_(None),
        )
        .order_by(Payout.approved_at, Payout.id)
        .with_for_update()
    ).all()
    for row in rows:
        withhold_from(session, row, row.rule, row.approved_at or row.created_at)
        session.flush()


def withhold_from(session: Session, row: Payout, person_rule: str, now: datetime) -> None:
    """Set the tax on a payout that is approved `now`, in Shanghai's month and year.

    What was paid counts in the month of its payment, what was approved before in that of its
    approval.
    """
    local = now.astimezone(SHANGHAI)
    at = func.timezone("Asia/Shanghai", func.coalesce(Payout.paid_at, Payout.approved_at))
    month, year = func.extract("month", at), func.extract("year", at)
    before = session.execute(
        select(month, func.sum(Payout.earnings), func.sum(Payout.tax))
        .where(
            Payout.party_id == row.party_id,
            Payout.kind == row.kind,
            (Payout.state == "paid") | (Payout.state == "approved") & _earlier(row),
            Payout.earnings > 0,
            year == local.year,
        )
        .group_by(month)
        .order_by(month)
    )
    months = [Month(int(number), int(income), int(tax)) for number, income, tax in before]
    due = withhold(row.kind, person_rule, row.earnings, local.month, months)
    row.tax, row.rule = due.tax, due.rule
    row.basis = {
        "income": yuan(due.income),
        "taxed": yuan(due.taxed),
        "withheld_before": yuan(due.before),
    }


def _earlier(row: Payout) -> ColumnElement[bool]:
    """Approved before this one; all, where it is not approved yet."""
    if row.approved_at is None:
        return true()
    return tuple_(Payout.approved_at, Payout.id) < (row.approved_at, row.id)
