"""A platform's answers written down: on the part of the claim that was asked, then on our claim.

What a platform gave back is booked when it says so, part by part; the leader is paid once every
part has ended, in the proportion in which the platform gave back.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from connectors.errors import NoSuchThing, NotAuthorised, Refused
from connectors.trading import ClaimState, Part
from kit.errors import Problem
from kit.money import fen
from trade.after_sales import (
    claim_answers,
    claim_cases,
    claim_money,
    claims,
    freight_returns,
    replacements,
)
from trade.after_sales.claim_cases import Case
from trade.after_sales.claim_states import OPEN, move
from trade.after_sales.eligibility import PAID
from trade.after_sales.platform_claims import Heard, Job, parts_of, shares
from trade.after_sales.platform_leaves import allocate
from trade.after_sales.platform_verdicts import Answered, Word, paid, verdict
from trade.desk import Desk
from trade.models import PlatformClaim

EVERY = timedelta(minutes=30)
SOON = timedelta(minutes=2)
PAUSE = timedelta(minutes=15)
LONGEST_WAIT = timedelta(hours=6)
ONE_AT_A_TIME = timedelta(hours=1)
MOST_ATTEMPTS = 8
"""A part that could not be claimed in so many tries waits for a person."""


def write_down(session: Session, desk: Desk, job: Job, heard: Heard, now: datetime) -> bool:
    """What came of a step, under the order's lock; False when the lease was lost meanwhile."""
    about = session.get_one(PlatformClaim, job.id)
    case = claim_cases.locked(session, about.claim_id)
    row = session.get_one(PlatformClaim, job.id, with_for_update=True, populate_existing=True)
    if row.lease != job.lease:
        return False
    row.lease, row.updated_at = None, now
    if heard.error is not None:
        _not_done(row, job, heard, now)
    elif heard.parts is not None:
        _found(session, case, row, heard.parts, now)
    elif heard.claim_ref is not None:
        _begun(session, row, heard.claim_ref, now)
    elif heard.replaced is not None:
        _new_order(session, desk, case, row, heard.replaced, now)
    elif heard.state is not None:
        row.told_number = heard.told or row.told_number
        _stands(session, case, row, heard.state, now)
    session.flush()
    _apply(session, desk, case, heard.state, now)
    return True


def _not_done(row: PlatformClaim, job: Job, heard: Heard, now: datetime) -> None:
    """Nothing new is known: tried again later, looked for first where it may be claimed."""
    error = heard.error
    assert error is not None  # noqa: S101 - only failures come here
    row.message = error.message
    wait = timedelta(seconds=error.wait) if error.wait is not None else _backoff(job.attempts)
    row.due_at = now + (PAUSE if isinstance(error, NotAuthorised) else wait)
    if row.claim_ref is not None or heard.unknown:
        pass
    elif isinstance(error, NoSuchThing) and job.asked is not None:
        row.ref, row.state = None, "new"  # the order was split again: its leaves are looked up anew
    elif isinstance(error, Refused):
        row.state = "failed"
    elif row.state == "asking":
        row.state = "new"  # nothing happened
    if job.attempts >= MOST_ATTEMPTS and row.state in ("new", "asking"):
        row.state = "failed"


def _backoff(attempts: int) -> timedelta:
    """10 s, 20 s, 40 s … up to six hours."""
    return min(timedelta(seconds=10 * 2 ** min(attempts - 1, 12)), LONGEST_WAIT)


def _found(
    session: Session, case: Case, row: PlatformClaim, parts: Sequence[Part], now: datetime
) -> None:
    """The leaves that hold the units; a row for each."""
    held = session.scalars(
        select(PlatformClaim).where(
            PlatformClaim.purchase_id == row.purchase_id,
            PlatformClaim.external_id == row.external_id,
            PlatformClaim.ref.is_not(None),
            PlatformClaim.state.not_in(("refused", "cancelled", "failed")),
        )
    )
    taken: dict[str, int] = {}
    for other in held:
        taken[other.ref or ""] = taken.get(other.ref or "", 0) + other.quantity
    alone: dict[str, int] = {}
    for line in case.bought.values():
        alone[line.external_id] = alone.get(line.external_id, 0) + line.quantity
    takes = allocate(row.external_id, row.quantity, parts, taken, alone)
    if sum(one.quantity for one in takes) < row.quantity:
        row.state, row.message = "failed", "the platform's orders hold too few of these units"
        return
    row.ref, row.quantity, row.due_at, row.attempts = takes[0].ref, takes[0].quantity, now, 0
    for one in takes[1:]:
        session.add(
            PlatformClaim(
                claim_id=row.claim_id,
                purchase_id=row.purchase_id,
                purchase_line_id=row.purchase_line_id,
                source=row.source,
                external_id=row.external_id,
                quantity=one.quantity,
                ref=one.ref,
                due_at=now,
            )
        )


def _begun(session: Session, row: PlatformClaim, claim_ref: str, now: datetime) -> None:
    """It is claimed; a platform that names another claim of ours takes one at a time."""
    other = session.scalar(
        select(PlatformClaim.id).where(
            PlatformClaim.source == row.source,
            PlatformClaim.claim_ref == claim_ref,
            PlatformClaim.id != row.id,
        )
    )
    if other is not None:
        row.state, row.due_at = "new", now + ONE_AT_A_TIME
        row.message = "the platform handles one claim on these goods at a time"
        return
    row.claim_ref, row.state, row.message, row.attempts = claim_ref, "open", None, 0
    row.due_at = now if row.withdraw else now + SOON


def _stands(
    session: Session, case: Case, row: PlatformClaim, state: ClaimState, now: datetime
) -> None:
    row.state, row.message, row.attempts = state.state, state.message or row.message, 0
    row.replacement = state.replacement or row.replacement
    row.known_as = state.known_as or row.known_as
    row.due_at = now + EVERY
    if row.state == "replaced" and row.replacement is not None:
        row.state, row.due_at = "replacing", now
    if state.state == "refunded":
        row.refunded = None if state.refunded is None else fen(state.refunded)
        given = _expected(case, parts_of(session, row.claim_id))[row.id]
        if row.refunded is not None:
            told = None if state.freight is None else fen(state.freight)
            freight_returns.note(session, case, row, given, told)
            given = row.refunded - row.freight
        claim_money.credit(session, case, row.purchase_line_id, row.id, given)


def _new_order(
    session: Session,
    desk: Desk,
    case: Case,
    row: PlatformClaim,
    parts: Sequence[Part],
    now: datetime,
) -> None:
    """What became of the order that the platform made in the place of the goods."""
    row.attempts = 0
    try:
        with session.begin_nested():
            replacements.told(session, desk, case, row, parts, now)
    except Problem as problem:
        row.message, row.due_at = problem.detail, now + EVERY
        _to_a_person(session, desk, case, now)


def _apply(
    session: Session, desk: Desk, case: Case, state: ClaimState | None, now: datetime
) -> None:
    """Bring our claim up to where the platform's are."""
    row = case.claim
    if row.state not in OPEN:
        return
    rows = parts_of(session, row.id)
    expected = _expected(case, rows)
    parts = [_answered(one, expected[one.id]) for one in rows]
    word = verdict(parts)
    if any(one.state == "failed" or _unnamed(one) for one in rows):
        _to_a_person(session, desk, case, now)
    elif word in ("refused", "cancelled"):
        _ended(session, desk, case, rows, word, now)
    elif word != "wait":
        _forward(session, desk, case, word, parts, state.return_to if state else "", now)


def _forward(
    session: Session,
    desk: Desk,
    case: Case,
    word: Word,
    parts: Sequence[Answered],
    return_to: str,
    now: datetime,
) -> None:
    row = case.claim
    if row.kind == "refund" and return_to and word in ("approved", "returning", "received"):
        row.kind = "return"  # this platform pays only for goods that come back
    if row.state == "open":
        claim_answers.agree(session, desk, case, now, return_to=return_to, platform=True)
    if word == "returning" and row.state == "approved":
        move(session, row, "send_back", now, desk.claims)
    if word == "received" and row.state in ("approved", "returning"):
        move(session, row, "receive", now, desk.claims)
    if word in ("received", "replaced") and row.kind == "exchange":
        claim_answers.pay_postage(session, case, "house", now)
    if word in ("approved", "returning", "received"):
        return
    if word == "replaced":
        return  # its parcels are waited for
    amount = paid(case.asked, parts)
    if row.kind not in PAID:
        _to_a_person(session, desk, case, now)
    elif amount < 1:
        claim_answers.decline(session, desk, case, "没有退款", now)
    else:
        if row.state == "returning":
            move(session, row, "receive", now, desk.claims)
        row.approved, row.approved_cost = amount, sum(part.refunded for part in parts)
        claim_answers.pay(session, desk, case, now, platform=True)


def _ended(
    session: Session,
    desk: Desk,
    case: Case,
    rows: Sequence[PlatformClaim],
    word: Word,
    now: datetime,
) -> None:
    if word == "cancelled" and any(one.withdraw for one in rows) and not case.claim.advanced:
        claims.withdrawn(session, desk, case, now, "let_go")
        return
    said = next((one.message for one in rows if one.message), None) or "供应商未同意"
    told = claim_cases.blind(session, case, said, platform=True)
    claim_answers.decline(session, desk, case, told, now)


def _unnamed(row: PlatformClaim) -> bool:
    """Whether other goods are sent under an order that nobody has named."""
    return row.state == "replaced" and row.replaced_number is None


def _to_a_person(session: Session, desk: Desk, case: Case, now: datetime) -> None:
    if case.claim.escalated_at is None:
        move(session, case.claim, "escalate", now, desk.claims)


def _answered(row: PlatformClaim, expected: int) -> Answered:
    if row.state != "refunded":
        return Answered(row.state, 0, expected)
    came = expected if row.refunded is None else row.refunded - row.freight
    return Answered(row.state, came, expected)


def _expected(case: Case, rows: Sequence[PlatformClaim]) -> dict[int, int]:
    """Fen of our cost that each part of the claim should bring back, by its id."""
    found: dict[int, int] = {}
    for line in case.lines:
        own = [row for row in rows if row.purchase_line_id == line.purchase_line_id]
        found |= shares(line.asked_cost, own) if own else {}
    return found
