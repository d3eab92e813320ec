"""Claims that nobody acted on in time: what silence means is a stated rule.

| waits for | past its time |
|---|---|
| an answer, to a refund or a return | silence is consent, up to `silent_most`; else an operator |
| an answer, to an exchange or reissue | an operator decides: only a supplier can send a parcel |
| the leader, to send goods back | the claim is over |
| the supplier, to say they came | they count as received, up to `silent_most`; else an operator |
| the supplier, to send a parcel | an operator decides |

A platform is never taken to have agreed, or to have let go: it is asked. Whatever an operator is
to decide stands among the exceptions.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from trade.after_sales import claim_answers, claim_cases, claims
from trade.after_sales.claim_cases import Case
from trade.after_sales.claim_states import OPEN, move, waits_for_leader
from trade.after_sales.eligibility import PAID
from trade.desk import Desk
from trade.models import Claim

Then = Literal["agreed", "received", "cancelled", "operator"]

_DUE = text("""
    SELECT c.id FROM claims c JOIN orders o ON o.id = c.order_id WHERE c.due_at <= :now
    ORDER BY c.due_at, c.id LIMIT 1 FOR UPDATE OF o SKIP LOCKED
""")


def work_one(session: Session, desk: Desk, now: datetime) -> bool:
    """Do what the rules say about the claim that is due longest; False when none is.

    One claim a transaction: whoever holds the locks of one order never waits for another's.
    """
    found = session.execute(_DUE, {"now": now}).scalar_one_or_none()
    if found is None:
        return False
    case = claim_cases.locked(session, found)
    if case.claim.due_at is None or case.claim.due_at > now:
        return True  # somebody acted meanwhile
    _decide(session, desk, case, now)
    return True


def _decide(session: Session, desk: Desk, case: Case, now: datetime) -> None:
    match upcoming(desk, case.claim, case.purchase.source, case.asked, returns_of(session)):
        case "cancelled":
            claims.lapse(session, case, desk, now)
        case "agreed":
            claim_answers.agree(session, desk, case, now, outcome="silent")
        case "received":
            claim_answers.take_in(session, desk, case, now, outcome="silent")
        case _:
            move(session, case.claim, "escalate", now, desk.claims)


def returns_of(session: Session) -> Callable[[str], bool]:
    """Whether it is known where a source's goods go back to; each source is looked up once."""
    return cache(lambda source: claim_answers.return_address(session, source) is not None)


def upcoming(
    desk: Desk, row: Claim, source: str, asked: int, returns: Callable[[str], bool]
) -> Then | None:
    """What happens to a claim at its deadline if nobody acts, or where an operator has to decide by
    now; None where nobody is waited for. `asked` is in fen, `returns` as `returns_of` says."""
    if row.state not in OPEN or (row.due_at is None and row.escalated_at is None):
        return None
    if row.due_at is None or desk.terms(source).platform:
        return "operator"
    if row.state == "approved" and waits_for_leader(row):
        return "cancelled"
    if not _consents(desk, row, asked) or (_goes_back(row) and not returns(source)):
        return "operator"
    if row.state == "open":
        return "agreed"
    return "received" if row.state == "returning" and row.kind == "return" else "operator"


def _consents(desk: Desk, row: Claim, asked: int) -> bool:
    """Whether silence agrees: by the setting, and for so much money."""
    agrees = desk.claims.when_silent == "approve" and row.kind in PAID
    return agrees and asked + row.postage <= desk.claims.silent_most


def _goes_back(row: Claim) -> bool:
    """Whether whoever agrees to it has to say where goods go back to."""
    return row.state == "open" and row.kind != "refund" and waits_for_leader(row)
