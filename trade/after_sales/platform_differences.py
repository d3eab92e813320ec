"""A platform gave back another amount than was due: what a person says about it. In system scope.

The leader has been paid by what the platform said; money that comes later moves what we owe the
platform, and what of it is the leader's is a claim of its own.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from kit.errors import Problem, invalid
from trade import books
from trade.after_sales import claim_cases
from trade.after_sales.claim_cases import Case
from trade.models import PlatformClaim, Posting


def counted(session: Session, part_id: int, amount: int, now: datetime) -> None:
    """So many fen came back in all for a part of a claim: the books follow, and it is settled.

    Never more is booked than is owed for the goods. Raises Problem 404, 409 `wrong_state`, 422 for
    more than that.
    """
    case, part = _open(session, part_id)
    line = next(one for one in case.lines if one.purchase_line_id == part.purchase_line_id)
    bought = case.bought[part.purchase_line_id]
    before = session.scalar(
        select(Posting.amount).where(Posting.reference == f"clawback:{case.claim.id}:{part.id}")
    )
    more = amount - part.freight - (before or 0)
    if more > bought.owed - bought.credited:
        raise invalid("amount", "that is more than was owed for these goods")
    line.credited += more
    bought.credited += more
    books.recount(session, case.order, case.purchase.source, case.claim.id, part.id, more)
    part.refunded, part.settled_at = amount, now


def dismissed(session: Session, part_id: int, now: datetime) -> None:
    """The difference stays as it is. Raises Problem 404, 409 `wrong_state`."""
    _, part = _open(session, part_id)
    part.settled_at = now


def _open(session: Session, part_id: int) -> tuple[Case, PlatformClaim]:
    found = session.get(PlatformClaim, part_id)
    if found is None:
        raise Problem(404, "not_found", "there is no such claim at a platform")
    case = claim_cases.locked(session, found.claim_id)
    part = session.get_one(PlatformClaim, part_id, with_for_update=True, populate_existing=True)
    if part.state != "refunded" or part.settled_at is not None:
        raise Problem(409, "wrong_state", "nothing is open about it any more")
    return case, part
