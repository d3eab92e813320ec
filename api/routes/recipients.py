"""Whose details are opened, by whom and what for; and which must be kept."""

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import replies
from api.callers import Caller, Writer, allow, allow_write
from api.replies import Reply
from api.shapes.base import IdPath, Limit, Listed, NumberCursor
from api.shapes.recipients import HoldIn, HoldOut, OpeningOut, RevealIn, RevealOut
from trade import ageing, openings, order_views

router = APIRouter(prefix="/v1/orders", tags=["orders"])

Audits = Annotated[Caller, Depends(allow("audit:read"))]
Holds = Annotated[Writer, Depends(allow_write("recipients:unseal"))]


@router.post("/{order_id}/reveal", response_model=RevealOut, summary="The recipient")
def reveal(
    caller: Annotated[Caller, Depends(allow("recipients:reveal"))],
    order_id: IdPath,
    asked: RevealIn,
) -> Response:
    """In clear, for a purpose; both are written down. 403 `recipient_sealed` once it is too old."""
    with caller.own() as session:
        keyring = caller.office.terms.desk.keyring
        to = order_views.reveal(session, keyring, caller.party_id, order_id, asked.purpose)
    return replies.answer(vars(to))


@router.post("/{order_id}/unseal", response_model=RevealOut, summary="A sealed recipient")
def unseal(
    caller: Annotated[Caller, Depends(allow("recipients:unseal"))],
    order_id: IdPath,
    asked: RevealIn,
) -> Response:
    """For operators: in clear, although sealed by age; the purpose stands in the audit."""
    with caller.system() as session:
        keyring, by = caller.office.terms.desk.keyring, caller.party_id
        to = order_views.unseal(session, keyring, by, caller.actor, order_id, asked.purpose)
    return replies.answer(vars(to))


@router.get("/{order_id}/openings", response_model=Listed[OpeningOut], summary="Who opened it")
def opened(
    caller: Audits, order_id: IdPath, limit: Limit = 50, cursor: NumberCursor = None
) -> Response:
    """For operators: who opened the recipients of an order and what for, the newest first."""
    before = replies.number_cursor(cursor)
    with caller.system() as session:
        return replies.page(*openings.page(session, order_id, limit=limit, before=before))


@router.get("/{order_id}/legal-hold", response_model=HoldOut, summary="Whether it is kept")
def held(caller: Audits, order_id: IdPath) -> Response:
    """For operators: what for its recipients may not be erased; null where nothing keeps them."""
    with caller.system() as session:
        kept = openings.held(session, order_id)
    return replies.answer({"order": order_id, "hold": kept})


@router.put("/{order_id}/legal-hold", response_model=HoldOut, summary="Keep what names people")
def hold(caller: Holds, order_id: IdPath, asked: HoldIn) -> Response:
    """For operators: neither age nor a request erases it until the hold is over."""
    return _held(caller, order_id, asked.reason)


@router.delete("/{order_id}/legal-hold", response_model=HoldOut, summary="The hold is over")
def release(caller: Holds, order_id: IdPath) -> Response:
    """What is old enough is erased by cron; again changes nothing."""
    return _held(caller, order_id, None)


def _held(caller: Writer, order: str, reason: str | None) -> Response:
    def work(session: Session) -> Reply:
        ageing.hold(session, order, reason, caller.actor)
        return Reply(200, {"order": order, "hold": reason})

    return caller.do(work)
