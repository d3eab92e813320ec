"""Double entry: money moves from one account to another, once per reference; undone by reversal.

Only `wallet:` and `held:` accounts keep a balance row, which has a floor; every other account is
the sum of its postings.
"""

from collections.abc import Sequence
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
    _lock(session, entries)
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
            _change(session, entry.source, -entry.amount)
            _change(session, entry.destination, entry.amount)
    return len(fresh)


def _lock(session: Session, entries: Sequence[Entry]) -> None:
    owners = {
        account: int(account.partition(":")[2])
        for entry in entries
        for account in (entry.source, entry.destination)
        if account.startswith(("wallet:", "held:"))
    }
    if not owners:
        return
    found = set(session.scalars(_locking(sorted(owners))))
    if missing := sorted(owners.keys() - found):
        session.execute(
            insert(Balance)
            .values([{"account": account, "party_id": owners[account]} for account in missing])
            .on_conflict_do_nothing()
        )
        session.scalars(_locking(sorted(owners))).all()


def _locking(accounts: list[str]):  # type: ignore[no-untyped-def]
    return (
        select(Balance.account)
        .where(Balance.account.in_(accounts))
        .order_by(Balance.account)
        .with_for_update()
    )


def _change(session: Session, account: str, by: int) -> None:
    if not account.startswith(("wallet:", "held:")):
        return
    row = session.get_one(Balance, account, populate_existing=True)
    if row.amount + by < row.floor:
        raise Problem(
            409,
            "balance_short",
            f"the wallet holds {yuan(row.amount)} and {yuan(-by)} is needed; deposit the rest",
        )
    row.amount += by
    session.flush()
