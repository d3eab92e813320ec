"""A party's money as it sees it: deposits, what its wallet holds, and how it came to that.

Huopan keeps books and moves no money: a deposit is what a bank's statement says has arrived.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from kit.db import take_turn
from kit.errors import FieldError, Problem
from kit.ids import inside, outside
from kit.money import yuan
from trade import ledger, parties
from trade.ledger import Entry
from trade.models import Balance, DepositRequest, Payout, Posting
from trade.paging import changed


def deposit(session: Session, party_id: int, amount: int, reference: str) -> bool:
    """Bank → wallet, `amount` fen, once per `reference`; returns whether it was new. A request that
    was confirmed by this reference as its proof is the same money.

    Runs in system scope. Raises Problem 404, 422, or 409 `reference_conflict` when the reference
    stands for another amount or another party.
    """
    parties.get(session, party_id)
    _positive(amount)
    if not 0 < len(reference.strip()) <= 100:
        raise _invalid("reference", "give the bank's reference, at most 100 characters")
    name = f"deposit:{reference.strip()}"
    _alone(session, party_id)
    if session.scalar(_confirmed(party_id, reference, amount).limit(1)) is not None:
        return False
    _check_no_return(session, reference)
    if ledger.post(session, [_deposit(name, party_id, amount)]):
        return True
    before = session.scalars(select(Posting).where(Posting.reference == name)).one()
    if (before.destination, before.amount) != (f"wallet:{party_id}", amount):
        raise Problem(
            409,
            "reference_conflict",
            f"another deposit has the reference {reference!r}; check it, or use a new one",
            errors=[FieldError("reference", "reference_conflict", "already used")],
        )
    return False


def received(session: Session, party_id: int, reference: str) -> bool:
    """Whether a receipt of the bank's was credited to the party already; until the end of the
    transaction none of its is."""
    _alone(session, party_id)
    either = _confirmed(party_id, reference).exists() | _posted(party_id, reference).exists()
    return bool(session.scalar(select(either)))


def wallet(session: Session, party_id: int) -> dict[str, Any]:
    """What the party can spend, what its orders and payouts hold, and how far below zero it may
    go."""
    accounts = [f"wallet:{party_id}", f"held:{party_id}"]
    rows = {
        row.account: row
        for row in session.scalars(
            select(Balance)
            .where(Balance.account.in_(accounts))
            .execution_options(populate_existing=True)
        )
    }
    leaving = ledger.standing(session, f"paying:{party_id}")
    own, held = rows.get(accounts[0]), rows.get(accounts[1])
    return {
        "balance": yuan(own.amount if own else 0),
        "held": yuan((held.amount if held else 0) + leaving),
        "credit_limit": yuan(-own.floor if own else 0),
    }


def earnings(session: Session, party_id: int) -> dict[str, Any]:
    """What the party earned: to be paid out, or on goods that may still come back."""
    return {
        "payable": yuan(ledger.standing(session, f"earned:{party_id}")),
        "frozen": yuan(ledger.standing(session, f"frozen:{party_id}")),
    }


def entries(
    session: Session,
    party_id: int,
    *,
    limit: int = 50,
    after: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> tuple[list[dict[str, Any]], int | None]:
    """What came into and left the wallet, the oldest first, and where the next page starts."""
    own = f"wallet:{party_id}"
    found = (
        select(Posting)
        .where(
            Posting.party_id == party_id,
            or_(Posting.source == own, Posting.destination == own),
        )
        .order_by(Posting.id)
        .limit(limit + 1)
    )
    if after is not None:
        found = found.where(Posting.id > after)
    if since is not None:
        found = found.where(Posting.at >= since)
    if until is not None:
        found = found.where(Posting.at < until)
    rows = session.scalars(found).all()
    views = [_entry(row, own) for row in rows[:limit]]
    return views, rows[limit - 1].id if len(rows) > limit else None


def ask_deposit(
    session: Session, party_id: int, amount: int, proof: str, now: datetime
) -> dict[str, Any]:
    """The party says that it has paid in; an operator looks at the bank. Raises Problem 422."""
    _positive(amount)
    if not 0 < len(proof.strip()) <= 500:
        raise _invalid("proof", "give the bank's receipt number, at most 500 characters")
    row = DepositRequest(
        party_id=party_id,
        amount=amount,
        proof=proof.strip(),
        state="open",
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    session.flush()
    return request_view(row)


def confirm(session: Session, request: str, now: datetime) -> dict[str, Any]:
    """The money has arrived: into the wallet, once. System scope.

    Raises Problem 404, 409 `wrong_state`, 409 `reference_conflict` where the same receipt was
    posted, or confirmed for the same amount, before.
    """
    row = _locked(session, request)
    if row.state != "confirmed":
        _check_open(row)
        _alone(session, row.party_id)
        _check_new(session, row)
        ledger.post(session, [_deposit(f"deposit-request:{row.id}", row.party_id, row.amount)])
        row.state, row.updated_at = "confirmed", now
    return request_view(row)


def refuse(session: Session, request: str, reason: str, now: datetime) -> dict[str, Any]:
    """The money has not arrived. System scope; again changes nothing. Raises Problem 404, 409."""
    row = _locked(session, request)
    if row.state != "refused":
        _check_open(row)
        row.state, row.answer, row.updated_at = "refused", reason, now
    return request_view(row)


def requests(
    session: Session,
    party_id: int | None,
    *,
    status: str | None = None,
    limit: int = 50,
    after: tuple[datetime, int] | None = None,
) -> tuple[list[dict[str, Any]], tuple[datetime, int] | None]:
    """Deposit requests of a party (None: of all, for operators), the oldest change first."""
    found = select(DepositRequest)
    if party_id is not None:
        found = found.where(DepositRequest.party_id == party_id)
    if status is not None:
        found = found.where(DepositRequest.state == status)
    key = (DepositRequest.updated_at, DepositRequest.id)
    rows, following = changed(session, found, *key, limit=limit, after=after)
    return [request_view(row) for row in rows], following


def request_view(row: DepositRequest) -> dict[str, Any]:
    """A deposit request as its party and operators see it."""
    return {
        "id": outside("dep", row.id),
        "party": outside("pty", row.party_id),
        "amount": yuan(row.amount),
        "proof": row.proof,
        "status": row.state,
        "answer": row.answer,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def _deposit(name: str, party_id: int, amount: int) -> Entry:
    return Entry(name, "deposit", "bank", f"wallet:{party_id}", amount, party_id)


def _entry(row: Posting, own: str) -> dict[str, Any]:
    amount = row.amount if row.destination == own else -row.amount
    return {
        "id": outside("ent", row.id),
        "kind": row.kind,
        "amount": yuan(amount),
        "order": row.order_id and outside("ord", row.order_id),
        "reference": row.reference.partition(":")[2] if row.kind == "deposit" else None,
        "at": row.at,
    }


def _alone(session: Session, party_id: int) -> None:
    """One deposit of a party after the other: two would not see each other."""
    take_turn(session, f"deposits {party_id}")


def _confirmed(party_id: int, proof: str, amount: int | None = None) -> Select[int]:
    """Requests of a party that were confirmed for this receipt, over any amount or this one."""
    own = DepositRequest.party_id == party_id, DepositRequest.state == "confirmed"
    found = select(DepositRequest.id).where(*own, DepositRequest.proof == proof.strip())
    return found if amount is None else found.where(DepositRequest.amount == amount)


def _posted(party_id: int, reference: str) -> Select[int]:
    """Deposits of a party under this receipt."""
    own = Posting.reference == f"deposit:{reference}", Posting.destination == f"wallet:{party_id}"
    return select(Posting.id).where(*own)


def _check_no_return(session: Session, reference: str) -> None:
    """What the bank returned of a payout is no new money. Raises Problem 409."""
    found = select(Payout.id).where(Payout.return_reference == reference.strip())
    payout = session.scalar(found)
    if payout is not None:
        raise Problem(
            409,
            "reference_conflict",
            f"under {reference.strip()!r} the bank returned {outside('pay', payout)}: that money is"
            " its party's again already",
            errors=[FieldError("reference", "reference_conflict", "already used")],
        )


def _check_new(session: Session, row: DepositRequest) -> None:
    _check_no_return(session, row.proof)
    before = session.scalar(_confirmed(row.party_id, row.proof, row.amount).limit(1))
    if before is None and session.scalar(_posted(row.party_id, row.proof)) is None:
        return
    what = f"confirmed with {outside('dep', before)}" if before else "posted as a deposit"
    raise Problem(
        409,
        "reference_conflict",
        f"{row.proof!r} was {what} before; refuse this one, and post another payment that came in"
        " under the bank's own reference",
    )


def _locked(session: Session, request: str) -> DepositRequest:
    row = session.get(
        DepositRequest, inside("dep", request), with_for_update=True, populate_existing=True
    )
    if row is None:
        raise Problem(404, "not_found", f"there is no deposit request {request!r}")
    return row


def _check_open(row: DepositRequest) -> None:
    if row.state != "open":
        raise Problem(409, "wrong_state", f"this request is {row.state} already")


def _positive(amount: int) -> None:
    if amount <= 0:
        raise _invalid("amount", "an amount is more than 0, for example 100.00")


def _invalid(field: str, message: str) -> Problem:
    return Problem(
        422, "invalid", f"{field}: {message}", errors=[FieldError(field, "invalid", message)]
    )
