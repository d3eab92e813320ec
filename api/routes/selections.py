"""What a leader has picked to sell."""

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import batches, replies
from api.callers import Caller, Writer, allow, allow_write
from api.replies import Reply
from api.shapes.base import Batch, Cursor, IdPath, Limit, Listed, decimal
from api.shapes.orders import SelectionIn, SelectionOut, SelectionsIn
from kit import clock
from kit.errors import Problem
from trade import selections
from trade.selections import Rule

router = APIRouter(prefix="/v1/selections", tags=["selections"])

Reads = Annotated[Caller, Depends(allow("selections:read"))]
Writes = Annotated[Writer, Depends(allow_write("selections:write"))]


@router.get("", response_model=Listed[SelectionOut], summary="Your selections")
def page(caller: Reads, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """From the oldest change on, so that reading on from a cursor finds what changed."""
    after = replies.moment_cursor(cursor)
    with caller.own() as session:
        return replies.page(
            *selections.page(
                session,
                caller.office.terms.desk,
                caller.party_id,
                clock.now(),
                limit=limit,
                after=after,
            )
        )


@router.post("/batch", response_model=Batch[SelectionOut], summary="Many selections at once")
def batch(caller: Writes, asked: SelectionsIn) -> Response:
    """Up to 500 picks; each is taken or refused on its own."""

    def work(session: Session) -> Reply:
        rules = batches.each(asked.items, lambda one: (one.sku, _rule(one)))
        results = selections.put_many(
            session, caller.office.terms.desk, caller.party_id, rules, clock.now()
        )
        told = [one if isinstance(one, Problem) else (200, one) for one in results]
        return Reply(200, batches.told(told))

    return caller.do(work, own=True)


@router.get("/{sku}", response_model=SelectionOut, summary="One selection")
def get(caller: Reads, sku: IdPath) -> Response:
    """What you picked, at today's price."""
    with caller.own() as session:
        found = selections.get(session, caller.office.terms.desk, caller.party_id, sku, clock.now())
    return replies.answer(found)


@router.put("/{sku}", response_model=SelectionOut, summary="Pick a SKU, or change its rule")
def put(caller: Writes, sku: IdPath, asked: SelectionIn) -> Response:
    """Your price must be within the brand's corridor."""

    def work(session: Session) -> Reply:
        desk, party = caller.office.terms.desk, caller.party_id
        return Reply(200, selections.put(session, desk, party, sku, _rule(asked), clock.now()))

    return caller.do(work, own=True)


@router.delete("/{sku}", status_code=204, summary="Unpick a SKU")
def remove(caller: Writes, sku: IdPath) -> Response:
    """Removing what is not there changes nothing."""
    with caller.own() as session:
        selections.remove(session, caller.party_id, sku)
    return Response(status_code=204)


def _rule(asked: SelectionIn) -> Rule:
    return Rule(decimal(asked.retail_price), decimal(asked.markup_percent), asked.code, asked.note)
