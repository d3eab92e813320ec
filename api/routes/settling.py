"""Operators: what suppliers are owed and paid, and where their books differ from ours."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import replies
from api.callers import Caller, Writer, allow, allow_write
from api.replies import Reply
from api.shapes.base import NO_NUL, IdPath, Limit, Listed, NumberCursor
from api.shapes.settling import (
    DifferenceOut,
    DismissIn,
    PayableOut,
    PaymentIn,
    ReconciliationOut,
)
from kit import clock
from kit.money import fen
from trade import audits
from trade.settling import payables, reconciliations

router = APIRouter(prefix="/v1", tags=["money"])

Reads = Annotated[Caller, Depends(allow("audit:read"))]
Operates = Annotated[Writer, Depends(allow_write("payouts:write"))]
SourcePath = Annotated[str, Path(min_length=1, max_length=64, pattern=NO_NUL)]


@router.get("/payables", response_model=Listed[PayableOut], summary="What we owe suppliers")
def owed(caller: Reads) -> Response:
    """By source; `due` is what its supplier's terms say is to be paid by now."""
    with caller.system() as session:
        return replies.page(payables.listed(session, clock.now()), None)


@router.post(
    "/payables/{source}/payments",
    response_model=Listed[PayableOut],
    status_code=201,
    responses={200: {"model": Listed[PayableOut], "description": "This was posted before."}},
    summary="A supplier was paid",
)
def pay(caller: Operates, source: SourcePath, asked: PaymentIn) -> Response:
    """Posted once by the bank's reference; answers what is owed then."""

    def work(session: Session) -> Reply:
        new = payables.pay(
            session, source, fen(asked.amount), asked.bank_reference, prepay=asked.prepay
        )
        if new:
            audits.note(session, caller.actor, "supplier.pay", source, asked.model_dump())
        now = [one for one in payables.listed(session, clock.now()) if one["source"] == source]
        return Reply(201 if new else 200, {"items": now, "next": None})

    return caller.do(work)


@router.get(
    "/reconciliations", response_model=Listed[ReconciliationOut], summary="Books that were compared"
)
def page(
    caller: Reads,
    source: Annotated[str | None, Query(max_length=64, pattern=NO_NUL)] = None,
    limit: Limit = 50,
    cursor: NumberCursor = None,
) -> Response:
    """Days as `huopan reconcile` compared them last, the newest first, with each difference."""
    before = replies.number_cursor(cursor)
    with caller.system() as session:
        return replies.page(
            *reconciliations.page(session, source=source, limit=limit, before=before)
        )


@router.post(
    "/reconciliations/{difference_id}/accept",
    response_model=DifferenceOut,
    summary="Post the proposed entry",
)
def accept(caller: Operates, difference_id: IdPath) -> Response:
    """Once; 409 `no_entry` where none settles it."""

    def work(session: Session) -> Reply:
        told = reconciliations.accept(session, difference_id, clock.now())
        audits.note(session, caller.actor, "difference.accept", difference_id, told["proposal"])
        return Reply(200, told)

    return caller.do(work)


@router.post(
    "/reconciliations/{difference_id}/dismiss",
    response_model=DifferenceOut,
    summary="Leave a difference as it is",
)
def dismiss(caller: Operates, difference_id: IdPath, asked: DismissIn) -> Response:
    """For a reason that stays with it."""

    def work(session: Session) -> Reply:
        told = reconciliations.dismiss(session, difference_id, asked.note, clock.now())
        audits.note(
            session, caller.actor, "difference.dismiss", difference_id, {"note": asked.note}
        )
        return Reply(200, told)

    return caller.do(work)
