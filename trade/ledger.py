"""Double entry: money moves from one account to another, once per reference; undone by reversal.

Only `wallet:` and `held:` accounts keep a balance row, which has a floor; every other account is
the sum of its postings.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kit.errors import Problem
from kit.money import yuan
from trade.models import Balance, Posting


@dataclass(frozen=True)
class Entry:
    """`amount` fen from `source` to `destination`; `reference` is used once for ever."""

    reference: str
    kind: str
    source: str
    destination: str
    amount: int
    party_id: int | None = None
    order_id: int | None = None


def post(session: Session, entries: Sequence[Entry]) -> int:
    """Write the entries that are not written yet; returns how many. Zero amounts are skipped.

    Raises Problem 409 `balance_short` when a balance would fall below its floor.
    """
    entries = [entry for entry in entries if entry.amount]
    if not entries:
        return 0
    balances = _locked(session, entries)
    fresh = set(
        session.scalars(
            insert(Posting)
            .values([vars(entry) for entry in entries])
            .on_conflict_do_nothing(index_elements=["reference"])
            .returning(Posting.reference)
        )
    )
    for entry in entries:
        if entry.reference in fresh:
            _change(balances.get(entry.source), -entry.amount)
            _change(balances.get(entry.destination), entry.amount)
    return len(fresh)


def _locked(session: Session, entries: Sequence[Entry]) -> dict[str, Balance]:
    """The balance rows of these entries, made where missing, locked in account order."""
    owners = {
        account: int(account.partition(":")[2])
        for entry in entries
        for account in (entry.source, entry.destination)
        if account.startswith(("wallet:", "held:"))
    }
    found = _lock(session, owners) if owners else {}
    if missing := sorted(owners.keys() - found.keys()):
        session.execute(
            insert(Balance)
            .values([{"account": account, "party_id": owners[account]} for account in missing])
            .on_conflict_do_nothing()
        )
        found = _lock(session, owners)
    return found


def _lock(session: Session, accounts: Iterable[str]) -> dict[str, Balance]:
    rows = session.scalars(
        select(Balance)
        .where(Balance.account.in_(sorted(accounts)))
        .order_by(Balance.account)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row.account: row for row in rows}


def _change(balance: Balance | None, by: int) -> None:
    if balance is None:
        return
    if balance.amount + by < balance.floor:
        raise Problem(
            409,
            "balance_short",
            f"{yuan(balance.amount - balance.floor)} is left and {yuan(-by)} is needed;"
            " deposit the rest, see /v1/deposit-requests",
        )
    balance.amount += by
