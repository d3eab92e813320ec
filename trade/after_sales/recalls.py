"""Goods that a sheet tells a supplier to send in the place of others, and that nobody wants.

A claim that is over before its goods have left asks nobody; but the sheet that told its supplier to
send them cannot be called back. So the supplier is told at its door, by its webhook and on the next
export, and a person by the workbench, until it says that it keeps them, or they have left. All in
system scope, under the lock of the claim's order.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from kit.errors import Problem
from trade.after_sales import claim_cases
from trade.after_sales.claim_cases import Case
from trade.models import Claim, SheetClaim, SupplierSheet
from trade.states import tell


def ask(session: Session, case: Case, now: datetime) -> None:
    """A locked claim is over: a supplier whose sheet may say to send its goods is to keep them."""
    sheet_id = session.scalar(
        select(SheetClaim.sheet_id).where(SheetClaim.claim_id == case.claim.id)
    )
    if sheet_id is None or not _may_have_left(session, sheet_id):
        return
    case.claim.recall, case.claim.recalled_at = "asked", now
    tell(session, case.order, "replacement_recalled", now)


def agree(claim: Claim, now: datetime) -> bool:
    """Its supplier keeps the goods of a locked claim; whether it was asked to. Again changes
    nothing."""
    if claim.recall == "asked":
        claim.recall, claim.updated_at = "agreed", now
    return claim.recall == "agreed"


def overtaken(claim: Claim) -> bool:
    """Whether goods leave that were to be kept, which is written down."""
    if claim.recall not in ("asked", "agreed"):
        return False
    claim.recall = "sent"
    return True


def agreed(session: Session, claim_id: int, now: datetime) -> None:
    """A supplier told an operator that it keeps the goods. Raises Problem 409 `wrong_state`."""
    claim = claim_cases.locked(session, claim_id).claim
    _check(claim, "asked")
    agree(claim, now)


def seen(session: Session, claim_id: int, now: datetime) -> None:
    """An operator knows that goods left which nobody wanted. Raises Problem 409 `wrong_state`."""
    claim = claim_cases.locked(session, claim_id).claim
    _check(claim, "sent")
    claim.recall, claim.updated_at = "seen", now


def _may_have_left(session: Session, sheet_id: int) -> bool:
    """Whether a sheet may be with its supplier. One that has not left is written without the claim
    from now on: whoever would write it waits for this lock, or has it and may be sending."""
    sheet = session.scalars(
        select(SupplierSheet)
        .where(SupplierSheet.id == sheet_id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    return sheet is None or sheet.may_have_left or sheet.state == "sending"


def _check(claim: Claim, state: str) -> None:
    if claim.recall != state:
        raise Problem(409, "wrong_state", "this does not wait for anybody any more")
