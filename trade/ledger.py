"""Double entry: money moves from one account to another, once per reference; undone by reversal.

Only `wallet:` and `held:` accounts keep a balance row, which has a floor; every other account is
the sum of its postings.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from kit.errors import Problem
from kit.money import yuan
from kit.statements import Query, insert, send
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


def post(session: Session, entries: Sequence[Entry], along: Sequence[Query] = ()) -> int:
    """Write the entries that are not written yet; returns how many. Zero amounts are skipped.

    The statements `along` go first, in the same round trip. Raises Problem 409 `balance_short` when
    a balance would fall below its floor; then nothing may be committed.
    """
    entries = [entry for entry in entries if entry.amount]
    if not entries:
        send(session, *along)
        return 0
    owners = {
        account: int(account.partition(":")[2])
        for entry in entries
        for account in (entry.source, entry.destination)
        if account.startswith(("wallet:", "held:"))
    }
    query, values = insert(Posting, [vars(entry) for entry in entries])
    fresh = f"{query} ON CONFLICT (reference) DO NOTHING RETURNING reference"
    *_, locked, written = send(session, *along, _lock(owners), (fresh, values))
    balances = {row.account: _Left(row.amount, row.floor) for row in locked}
    if missing := sorted(owners.keys() - balances.keys()):
        made, values = insert(Balance, [{"account": a, "party_id": owners[a]} for a in missing])
        _, locked = send(session, (f"{made} ON CONFLICT DO NOTHING", values), _lock(owners))
        balances = {row.account: _Left(row.amount, row.floor) for row in locked}
    new = {row.reference for row in written}
    for entry in entries:
        if entry.reference in new:
            _change(balances.get(entry.source), -entry.amount)
            _change(balances.get(entry.destination), entry.amount)
    send(session, *(_set(account, left) for account, left in balances.items() if left.changed))
    return len(new)


def kept(session: Session, party_id: int) -> int:
    """Fen that a party's wallet can still give; its balances stay locked until the end."""
    wallet = f"wallet:{party_id}"
    [rows] = send(session, _lock([wallet, f"held:{party_id}"]))
    return next((row.amount - row.floor for row in rows if row.account == wallet), 0)


def short(left: int, needed: int) -> Problem:
    """What is answered where a balance would fall below its floor."""
    return Problem(
        409,
        "balance_short",
        f"{yuan(left)} is left and {yuan(needed)} is needed;"
        " deposit the rest, see /v1/deposit-requests",
    )


def standing(session: Session, account: str) -> int:
    """What an account without a balance row holds: the sum of its postings, in fen."""
    return standings(session, [account])[account]


def standings(session: Session, accounts: Collection[str]) -> dict[str, int]:
    """As `standing`, of each of these accounts."""
    [rows] = send(session, (_STANDINGS, [list(accounts)]))
    return {row.account: int(row.fen) for row in rows}


_STANDINGS = """
    SELECT account, (SELECT coalesce(sum(amount), 0) FROM postings WHERE destination = account)
        - (SELECT coalesce(sum(amount), 0) FROM postings WHERE source = account) AS fen
    FROM unnest(CAST(%s AS text[])) account
"""


@dataclass
class _Left:
    """A locked balance row."""

    amount: int
    floor: int
    changed: bool = False


def _lock(accounts: Iterable[str]) -> Query:
    """The balance rows that there are, locked in account order."""
    return (
        "SELECT account, amount, floor FROM balances WHERE account = ANY(%s)"
        " ORDER BY account FOR UPDATE",
        [sorted(accounts)],
    )


def _set(account: str, left: _Left) -> Query:
    return "UPDATE balances SET amount = %s WHERE account = %s", [str(left.amount), account]


def _change(balance: _Left | None, by: int) -> None:
    if balance is None:
        return
    if balance.amount + by < balance.floor:
        raise short(balance.amount - balance.floor, -by)
    balance.amount += by
    balance.changed = True
