"""What we owe suppliers, what of it is due by their terms, and our accounts at platforms.

Accounts of ours (bank, a platform's prepaid account) are on the other side: money that leaves one
of them goes to it as a destination. Runs in system scope.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from connectors.trading import Booking
from kit.db import take_turn
from kit.errors import FieldError, Problem, invalid
from kit.ids import outside
from kit.money import fen, yuan
from trade import ledger
from trade.ledger import Entry
from trade.models import Party, Posting
from trade.settling.statements import month_start

_OWED = text("""
    SELECT source, sum(owed) AS owed, sum(owed) FILTER (WHERE at < cutoff OR owed < 0) AS due FROM (
        SELECT substr(destination, 9) AS source, at, amount AS owed FROM postings
        WHERE destination LIKE 'payable:%'
        UNION ALL
        SELECT substr(source, 9), at, -amount FROM postings WHERE source LIKE 'payable:%') parts
    JOIN unnest(CAST(:codes AS text[]), CAST(:cutoffs AS timestamptz[])) AS t (code, cutoff)
      ON t.code = parts.source
    GROUP BY source ORDER BY source
""")
_SOURCES = text("""
    SELECT DISTINCT substr(account, 9) AS source FROM (
        SELECT destination AS account FROM postings WHERE destination LIKE 'payable:%'
        UNION ALL SELECT source FROM postings WHERE source LIKE 'payable:%') accounts
    ORDER BY 1
""")

_KNOWN = text("""
    SELECT EXISTS (SELECT FROM parties WHERE source = :source)
        OR EXISTS (SELECT FROM offers WHERE source = :source)
        OR EXISTS (SELECT FROM postings WHERE destination = :account)
""")


def cutoff(terms: str, now: datetime) -> datetime:
    """What was posted before this moment is due now under `terms`: prepaid, T+days, monthly+days.

    Monthly counts from the end of the month in Shanghai. Pure.
    """
    days = int(found[0]) if (found := re.findall(r"\d+", terms)) else 0
    if terms.startswith("monthly"):
        begin = month_start(now)
        while begin + timedelta(days=days) > now:
            begin = month_start(begin - timedelta(days=1))
        return begin
    return now - timedelta(days=days)


def listed(session: Session, now: datetime) -> list[dict[str, Any]]:
    """Every source that we owe something or have paid in advance, and what of it is due.

    What was paid or credited settles the oldest first, so no date of a payment matters.
    """
    codes = list(session.scalars(_SOURCES))
    found = select(Party).where(Party.source.in_(codes), Party.role == "brand").order_by(Party.id)
    suppliers = {party.source: party for party in session.scalars(found)}
    terms = {code: suppliers[code].terms if code in suppliers else "prepaid" for code in codes}
    asked = {"codes": codes, "cutoffs": [cutoff(terms[code], now) for code in codes]}
    views = []
    for row in session.execute(_OWED, asked):
        party = suppliers.get(row.source)
        owed = int(row.owed)
        views.append(
            {
                "source": row.source,
                "party": party and outside("pty", party.id),
                "name": party and party.name,
                "terms": terms[row.source],
                "owed": yuan(max(owed, 0)),
                "due": yuan(max(min(int(row.due or 0), owed), 0)),
                "prepaid": yuan(max(-owed, 0)),
                "at_platform": yuan(-ledger.standing(session, f"platform:{row.source}")),
            }
        )
    return views


def pay(
    session: Session, source: str, amount: int, bank_reference: str, *, prepay: bool = False
) -> bool:
    """The bank has paid a supplier: payable → bank, once by its reference; whether it is new.

    Raises Problem 404 for a source that there is not; 422; 409 `more_than_owed` for what is not
    owed and not meant as prepayment, or `reference_conflict` for a reference of another payment.
    """
    if amount <= 0:
        raise invalid("amount", "an amount is more than 0, for example 100.00")
    account = f"payable:{source}"
    if not session.execute(_KNOWN, {"source": source, "account": account}).scalar_one():
        raise Problem(404, "not_found", f"there is no source {source!r}")
    take_turn(session, account)
    name = f"supplier-payment:{bank_reference.strip()}"
    if _paid_before(session, name, account, amount, bank_reference):
        return False
    owed = ledger.standing(session, account)
    if amount > owed and not prepay:
        raise Problem(
            409,
            "more_than_owed",
            f"{yuan(max(owed, 0))} is owed to {source}; say prepay for a payment in advance",
        )
    if ledger.post(session, [Entry(name, "supplier_payment", account, "bank", amount)]):
        return True
    # another source was paid under this reference at the same moment
    return not _paid_before(session, name, account, amount, bank_reference)


def _paid_before(
    session: Session, name: str, account: str, amount: int, bank_reference: str
) -> bool:
    """Whether this very payment is posted. Raises Problem 409 `reference_conflict`."""
    before = session.scalars(select(Posting).where(Posting.reference == name)).one_or_none()
    if before is not None and (before.source, before.amount) != (account, amount):
        raise Problem(
            409,
            "reference_conflict",
            f"another payment has the bank reference {bank_reference!r}; check it",
            errors=[FieldError("bank_reference", "reference_conflict", "already used")],
        )
    return before is not None


def book(session: Session, source: str, bookings: Iterable[Booking]) -> int:
    """Post what a platform says it moved on our prepaid account there, each once; how many are new.

    What it took for orders settles what we owe it, what it gave back for orders is owed again, and
    the rest is money that we paid in or drew out. Sums that it only locks are left out.
    """
    entries = []
    for one in bookings:
        amount = fen(one.amount)
        name = f"booking:{source}:{one.id}"
        ours, other = f"platform:{source}", "bank"
        kind = "platform_deposit"
        if one.order_ref is not None or amount < 0:
            other, kind = f"payable:{source}", "platform_debit"
        if not one.locked and amount:
            ends = (other, ours) if amount < 0 else (ours, other)
            entries.append(Entry(name, kind, *ends, abs(amount)))
    return ledger.post(session, entries)
