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

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from trade.after_sales import claim_answers, claim_cases, claims
from trade.after_sales.claim_cases import Case
from trade.after_sales.claim_states import move, waits_for_leader
from trade.after_sales.eligibility import PAID
from trade.desk import Desk

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
    row = case.claim
    consents = _consents(session, desk, case)
    platform = desk.terms(case.purchase.source).platform
    if row.state == "approved" and waits_for_leader(row) and not platform:
        claims.lapse(session, case, desk, now)
    elif row.state == "open" and consents:
        claim_answers.agree(session, desk, case, now, outcome="silent")
    elif row.state == "returning" and row.kind == "return" and consents:
        claim_answers.take_in(session, desk, case, now, outcome="silent")
    else:
        move(session, row, "escalate", now, desk.claims)


def _consents(session: Session, desk: Desk, case: Case) -> bool:
    """Whether silence agrees: by the setting, for so much money, and where goods can go back to."""
    row, source = case.claim, case.purchase.source
    if desk.claims.when_silent != "approve" or desk.terms(source).platform:
        return False
    if row.kind not in PAID or case.asked + row.postage > desk.claims.silent_most:
        return False
    if row.state != "open" or row.kind == "refund" or not waits_for_leader(row):
        return True
    return claim_answers.return_address(session, source) is not None
