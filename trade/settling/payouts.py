"""Payouts: asked for and held, approved with the tax fixed, then paid and posted, or given back.

What was paid may come back from the bank: then it is its party's again, with the tax on it.

Huopan moves no money: a payout is a line of the sheet that the operator gives to the bank, and is
posted when the bank confirms it. Earnings go first, less tax; then what the party had paid in. What
a party comes to owe before that sheet is made is held back (`holding_back`).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kit.errors import FieldError, Problem, invalid
from kit.ids import inside, outside
from kit.money import yuan
from trade import ledger, wallets
from trade.models import Party, Payee, Payout
from trade.paging import changed
from trade.settling import holding_back
from trade.settling.earnings import earned
from trade.settling.payees import NOT_STATED
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

Page = tuple[list[dict[str, Any]], tuple[datetime, int] | None]


def ask(
    session: Session, person_rule: str, party_id: int, amount: int, now: datetime
) -> dict[str, Any]:
    """Hold `amount` fen for a payout. System scope.

    Raises Problem 422, or 409 `balance_short`: credit is never paid out.
    """
    if amount <= 0:
        raise invalid("amount", "an amount is more than 0, for example 100.00")
    from_earnings, from_deposits = _parts(session, party_id, lock(session, party_id), amount)
    stated = session.get(Payee, party_id, populate_existing=True)
    row = Payout(
        party_id=party_id,
        amount=amount,
        earnings=from_earnings,
        deposits=from_deposits,
        plans=plans(session, party_id, from_earnings),
        kind=stated.kind if stated else "person",
        payee=stated.name if stated else session.get_one(Party, party_id).name,
        envelope=stated.envelope if stated else None,
        mask=stated.mask if stated else NOT_STATED,
        state="requested",
        created_at=now,
        updated_at=now,
    )
    withhold_from(session, row, person_rule, now)
    session.add(row)
    session.flush()
    move(session, row, "payout", "earned", earned(party_id), leaving(party_id), from_earnings)
    move(session, row, "payout", "wallet", f"wallet:{party_id}", leaving(party_id), from_deposits)
    return view(row)


def approve(
    session: Session, person_rule: str, payout: str, by_party: int, now: datetime
) -> dict[str, Any]:
    """An operator agrees, and the tax is fixed by what was paid out before. Again changes nothing.

    What its party owes meanwhile is taken out first. System scope. Raises Problem 404, 409
    `wrong_state`, 403 `own_payout`: nobody approves his own.
    """
    row = _locked(session, payout)
    if row.party_id == by_party:
        raise Problem(403, "own_payout", "nobody approves his own payout; ask another operator")
    holding_back.hold_back(session, row.party_id, now)
    if row.state != "approved":
        _check(row, ("requested",))
        withhold_from(session, row, person_rule, now)
        row.state, row.approved_at, row.updated_at = "approved", now, now
    return view(row)


def paid(
    session: Session, payout: str, bank_reference: str, by_party: int, now: datetime
) -> dict[str, Any]:
    """The bank has paid the net amount: posted, once. System scope.

    What stands in no sheet of the bank's is held back first, where its party owes earnings.

    Raises Problem 404, 409 `wrong_state`, 409 `reference_conflict` for a bank reference that stands
    for another payout, 403 `own_payout`.
    """
    row = _locked(session, payout)
    if row.party_id == by_party:
        raise Problem(403, "own_payout", "nobody confirms his own payout; ask another operator")
    if row.state == "paid" and row.bank_reference == bank_reference.strip():
        return view(row)
    if row.exported_at is None:
        holding_back.hold_back(session, row.party_id, now)
    _check(row, ("approved",))
    row.bank_reference = bank_reference.strip()
    row.state, row.paid_at, row.updated_at = "paid", now, now
    _flush(session, bank_reference.strip())
    move(session, row, "payout", "net", leaving(row.party_id), "bank", row.amount - row.tax)
    move(session, row, "payout_tax", "tax", leaving(row.party_id), "tax", row.tax)
    return view(row)


def failed(session: Session, payout: str, reason: str, now: datetime) -> dict[str, Any]:
    """It is refused, or the bank could not pay: all goes back where it came from. System scope.

    Again changes nothing. Raises Problem 404, 409 `wrong_state`.
    """
    row = _locked(session, payout)
    if row.state != "failed":
        _check(row, IN_FLIGHT)
        give_back(session, row, reason, now)
        retax(session, row.party_id)
    return view(row)


def returned(
    session: Session,
    payout: str,
    bank_reference: str,
    reason: str,
    by_party: int,
    now: datetime,
) -> dict[str, Any]:
    """The net amount came back: each part goes where it came from, and no tax is owed on it.

    Again with the same reference changes nothing. System scope. Raises Problem 404, 409
    `wrong_state`, 409 `reference_conflict` where the receipt stands for other money, 403
    `own_payout`.
    """
    row = _locked(session, payout)
    reference = bank_reference.strip()
    if row.party_id == by_party:
        raise Problem(403, "own_payout", "nobody returns his own payout; ask another operator")
    if row.state == "returned" and row.return_reference == reference:
        return view(row)
    _check(row, ("paid",))
    if wallets.received(session, row.party_id, reference):
        raise _used(reference, "a deposit of this party")
    row.state, row.failure, row.return_reference = "returned", reason, reference
    row.returned_at = row.updated_at = now
    _flush(session, reference)
    party, kept = row.party_id, row.earnings - row.tax
    move(session, row, "payout_returned", "returned-earned", "bank", earned(party), kept)
    move(
        session, row, "payout_returned", "returned-wallet", "bank", f"wallet:{party}", row.deposits
    )
    move(session, row, "payout_tax_returned", "returned-tax", "tax", earned(party), row.tax)
    retax(session, party)
    return view(row)


def page(
    session: Session,
    party_id: int | None,
    *,
    status: str | None = None,
    limit: int = 50,
    after: tuple[datetime, int] | None = None,
) -> Page:
    """Payouts of a party (None: of all, for operators), the oldest change first."""
    found = select(Payout)
    if party_id is not None:
        found = found.where(Payout.party_id == party_id)
    if status is not None:
        found = found.where(Payout.state == status)
    key = (Payout.updated_at, Payout.id)
    rows, following = changed(session, found, *key, limit=limit, after=after)
    return [view(row) for row in rows], following


def view(row: Payout) -> dict[str, Any]:
    """A payout as its party and operators see it."""
    return {
        "id": outside("pay", row.id),
        "party": outside("pty", row.party_id),
        "status": row.state,
        "amount": yuan(row.amount),
        "gross": yuan(row.amount),
        "earnings": yuan(row.earnings),
        "deposits": yuan(row.deposits),
        "tax": yuan(row.tax),
        "net": yuan(row.amount - row.tax),
        "reduced": yuan(row.reduced),
        "rule": row.rule,
        "basis": row.basis,
        "plans": row.plans,
        "payee": {"kind": row.kind, "name": row.payee, **row.mask},
        "bank_reference": row.bank_reference,
        "return_reference": row.return_reference,
        "failure": row.failure,
        "created_at": row.created_at,
        "approved_at": row.approved_at,
        "exported_at": row.exported_at,
        "paid_at": row.paid_at,
        "returned_at": row.returned_at,
        "updated_at": row.updated_at,
    }


def _flush(session: Session, reference: str) -> None:
    try:
        with session.begin_nested():
            session.flush()
    except IntegrityError as error:
        raise _used(reference, "another payout") from error


def _used(reference: str, what: str) -> Problem:
    wrong = FieldError("bank_reference", "reference_conflict", "already used")
    message = f"{what} has the bank reference {reference!r}; check it"
    return Problem(409, "reference_conflict", message, errors=[wrong])


def _parts(session: Session, party_id: int, wallet: int, amount: int) -> tuple[int, int]:
    """What of `amount` comes from earnings, what from the `wallet`, of which a party that owes
    earnings back keeps as much in. Raises Problem 409."""
    standing = ledger.standing(session, earned(party_id))
    made, owed = max(standing, 0), max(-standing, 0)
    there = max(wallet - owed, 0)
    from_earnings = min(amount, made)
    if amount - from_earnings > there:
        less = f", less {yuan(owed)} of earnings that goods came back for" if owed else ""
        raise Problem(
            409,
            "balance_short",
            f"{yuan(made + there)} can be paid out: {yuan(made)} earned and {yuan(there)} in the"
            f" wallet{less}; credit and earnings still frozen cannot",
        )
    return from_earnings, amount - from_earnings


def _locked(session: Session, payout: str) -> Payout:
    number = inside("pay", payout)
    owner = session.scalar(select(Payout.party_id).where(Payout.id == number))
    if owner is None:
        raise Problem(404, "not_found", f"there is no payout {payout!r}")
    lock(session, owner)
    return session.get_one(Payout, number, with_for_update=True, populate_existing=True)


def _check(row: Payout, states: tuple[str, ...]) -> None:
    if row.state not in states:
        why = f": {row.failure}" if row.failure else ""
        raise Problem(409, "wrong_state", f"this payout is {row.state}{why}")
