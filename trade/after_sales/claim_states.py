"""The states of a claim in one literal table, and one `move()`; every move is a row."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from kit.errors import Problem
from trade import events
from trade.desk import ClaimTerms
from trade.models import Claim, ClaimMove

MOVES: dict[tuple[str, str], str] = {
    # its supplier, a platform, or the stated rule for silence
    ("open", "approve"): "approved",
    ("open", "refuse"): "refused",
    ("open", "escalate"): "open",
    # money, once there is nothing more to wait for
    ("approved", "refund"): "refunded",
    ("received", "refund"): "refunded",
    # goods on their way back
    ("approved", "send_back"): "returning",
    ("returning", "send_back"): "returning",
    ("approved", "receive"): "received",
    ("returning", "receive"): "received",
    ("returning", "escalate"): "returning",
    ("returning", "refuse"): "refused",
    ("received", "refuse"): "refused",
    # a new parcel instead of money
    ("open", "reissue"): "reissued",
    ("approved", "reissue"): "reissued",
    ("received", "reissue"): "reissued",
    # it left although its leader wants it no more, or it was refused: see `recalls`
    ("cancelled", "send_anyway"): "reissued",
    ("refused", "send_anyway"): "reissued",
    ("approved", "escalate"): "approved",
    ("received", "escalate"): "received",
    # its platform gives nothing in the end, wherever it has come to there
    ("open", "decline"): "refused",
    ("approved", "decline"): "refused",
    ("returning", "decline"): "refused",
    ("received", "decline"): "refused",
    # it lets go of what its leader wanted no more, though goods may be on their way by then
    ("open", "let_go"): "cancelled",
    ("approved", "let_go"): "cancelled",
    ("returning", "let_go"): "cancelled",
    ("received", "let_go"): "cancelled",
    # the operator pays before there is an answer
    ("open", "advance"): "open",
    ("approved", "advance"): "approved",
    ("returning", "advance"): "returning",
    # the leader withdraws, or does not send the goods back in time
    ("open", "cancel"): "cancelled",
    ("approved", "cancel"): "cancelled",
    ("approved", "lapse"): "cancelled",
}
"""(state, event) → state. What is not here cannot happen."""

STATES = frozenset(state for state, _ in MOVES) | frozenset(MOVES.values())
OPEN = frozenset({"open", "approved", "returning", "received"})
"""Claims that something is still to come of; their units are under claim."""
CLOSED = STATES - OPEN

_QUIET = frozenset({"escalate", "advance"})
"""Events that change no state, and that only operators are told of."""


def move(
    session: Session,
    claim: Claim,
    event: str,
    now: datetime,
    terms: ClaimTerms,
    detail: dict[str, Any] | None = None,
) -> None:
    """Change the state of a claim whose order is locked, write the move down, and set the deadline
    of what comes next.

    Raises Problem 409 `wrong_state` when its state allows no such event.
    """
    was = claim.state
    claim.state = after(was, event)
    claim.updated_at = now
    if event == "escalate":
        claim.due_at, claim.escalated_at = None, now
    elif event != "advance":
        claim.due_at, claim.escalated_at = deadline(claim, now, terms), None
    session.add(moved(claim, was, event, now, detail))
    if event not in _QUIET:
        events.of_claim(session, claim, _told(claim.state, event), now)


def opened(session: Session, claim: Claim, now: datetime, due: datetime | None) -> None:
    """The first row of a new claim's story, and until when its supplier may take."""
    claim.due_at = due
    session.add(moved(claim, "", "open", now, None))
    events.of_claim(session, claim, "opened", now)


def check(claim: Claim, event: str) -> None:
    """Raises Problem 409 `wrong_state` when the claim's state allows no such event."""
    after(claim.state, event)


def after(was: str, event: str) -> str:
    """The state that `event` leads to. Raises Problem 409 `wrong_state` when nothing does."""
    if (was, event) not in MOVES:
        said = "already" if was in CLOSED else "now"
        raise Problem(
            409, "wrong_state", f"this claim is {was} {said}; it cannot {event.replace('_', ' ')}"
        )
    return MOVES[was, event]


def moved(
    claim: Claim, was: str, event: str, now: datetime, detail: dict[str, Any] | None
) -> ClaimMove:
    """A row of claim_moves."""
    return ClaimMove(
        claim_id=claim.id,
        supplier_id=claim.supplier_id,
        was=was,
        now=claim.state,
        event=event,
        detail=detail,
        at=now,
    )


def deadline(claim: Claim, now: datetime, terms: ClaimTerms) -> datetime | None:
    """Until when whoever is to act next may take; None where nobody is."""
    match claim.state:
        case "open":
            return now + timedelta(hours=terms.answer_hours)
        case "approved" if waits_for_leader(claim):
            return now + timedelta(days=terms.send_back_days)
        case "approved" if claim.kind in ("return", "exchange"):
            return now + timedelta(days=terms.receive_days)
        case "returning":
            return now + timedelta(days=terms.receive_days)
        case "approved" | "received":
            return now + timedelta(hours=terms.answer_hours)
    return None


def waits_for_leader(claim: Claim) -> bool:
    """Whether an agreed claim goes on when its leader sends goods back; a parcel that is stopped on
    its way turns round by itself."""
    return claim.kind in ("return", "exchange") and claim.cause != "intercept"


def _told(state: str, event: str) -> str:
    return "lapsed" if event == "lapse" else state
