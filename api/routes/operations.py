"""Operators: what waits for a person, and who did what."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api import replies
from api.callers import Caller, allow
from api.shapes.base import NO_NUL, Limit, Listed, NumberCursor
from api.shapes.office import AuditOut, ExceptionOut
from kit import clock
from kit.ids import outside
from trade import audits, exceptions

router = APIRouter(prefix="/v1", tags=["operators"])

Reads = Annotated[Caller, Depends(allow("audit:read"))]
Kind = Literal[
    "order_held",
    "purchase_stuck",
    "shipment_late",
    "cancel_unanswered",
    "claim_unanswered",
    "deposit_waiting",
    "payout_waiting",
    "statement_disputed",
    "books_differ",
    "listing_held",
    "sheet_not_sent",
    "webhook_failing",
]


@router.get("/exceptions", response_model=Listed[ExceptionOut], summary="What waits for a person")
def waiting(caller: Reads, kind: Kind | None = None, limit: Limit = 200) -> Response:
    """The cases that wait longest, first."""
    with caller.system() as session:
        found = exceptions.waiting(session, clock.now(), kind=kind, limit=limit)
    return replies.page(
        [
            {
                "kind": one["kind"],
                "subject": outside(*one["about"]),
                "detail": one["detail"],
                "since": one["since"],
            }
            for one in found
        ],
        None,
    )


@router.get("/audit", response_model=Listed[AuditOut], summary="Who did what")
def audit(
    caller: Reads,
    subject: Annotated[
        str | None, Query(max_length=64, pattern=NO_NUL, description="The id it was done to.")
    ] = None,
    limit: Limit = 50,
    cursor: NumberCursor = None,
) -> Response:
    """The newest first."""
    before = replies.number_cursor(cursor)
    with caller.system() as session:
        return replies.page(*audits.page(session, subject=subject, limit=limit, before=before))
