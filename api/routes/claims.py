"""After-sales: leaders open claims and withdraw them, suppliers answer them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import owners, replies
from api.callers import Caller, Writer, allow, allow_write
from api.replies import Reply
from api.shapes.base import NO_NUL, Cursor, IdPath, Limit, Listed, Moment
from api.shapes.orders import ClaimIn, ClaimOut, ClaimsOut
from api.shapes.supply import ApproveIn, RefuseClaimIn, SupplierClaimOut
from kit import clock
from kit.ids import inside, outside
from kit.money import fen
from trade import claim_views, claims
from trade.claims import ClaimedLine, ClaimRequest

router = APIRouter(prefix="/v1", tags=["claims"])

Reads = Annotated[Caller, Depends(allow("claims:read"))]
Asks = Annotated[Writer, Depends(allow_write("claims:write"))]
Answers = Annotated[Writer, Depends(allow_write("claims:answer"))]


@router.post(
    "/orders/{order_id}/claims",
    response_model=ClaimsOut,
    status_code=201,
    summary="Claim on an order",
)
def open_claim(caller: Asks, order_id: IdPath, asked: ClaimIn) -> Response:
    """On units that were shipped; one claim for each sender concerned."""
    number = inside("ord", order_id)

    def work(session: Session) -> Reply:
        request = ClaimRequest(
            asked.kind,
            tuple(
                ClaimedLine(one.sku, one.quantity, None if one.amount is None else fen(one.amount))
                for one in asked.lines
            ),
            asked.reason,
            tuple(asked.evidence),
        )
        desk, party = caller.office.terms.desk, caller.party_id
        opened = claims.open_claim(session, desk, party, number, request, clock.now())
        session.flush()
        names = [outside("clm", one) for one in opened]
        return Reply(201, {"items": [claim_views.leader_get(session, party, one) for one in names]})

    return caller.do(work)


@router.get("/claims", response_model=Listed[ClaimOut] | Listed[SupplierClaimOut], summary="Claims")
def page(
    caller: Reads,
    status: Literal["open", "approved", "refused", "cancelled"] | None = None,
    updated_after: Moment | None = None,
    source: Annotated[
        str | None, Query(max_length=64, pattern=NO_NUL, description="For operators only.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """A leader's own, or those on a supplier's purchases; from the oldest change on."""
    after = replies.moment_cursor(cursor)
    if caller.identity.role in ("leader", "buyer"):
        with caller.own() as session:
            return replies.page(
                *claim_views.leader_page(
                    session,
                    caller.party_id,
                    status=status,
                    updated_after=updated_after,
                    limit=limit,
                    after=after,
                )
            )
    with caller.system() as session:
        return replies.page(
            *claim_views.supplier_page(
                session,
                owners.supplier(session, caller, source),
                status=status,
                updated_after=updated_after,
                limit=limit,
                after=after,
            )
        )


@router.get("/claims/{claim_id}", response_model=ClaimOut | SupplierClaimOut, summary="One claim")
def get(caller: Reads, claim_id: IdPath) -> Response:
    """As its leader or its supplier sees it."""
    if caller.identity.role in ("leader", "buyer"):
        with caller.own() as session:
            return replies.answer(claim_views.leader_get(session, caller.party_id, claim_id))
    with caller.system() as session:
        door = owners.claim_supplier(session, caller, claim_id)
        return replies.answer(claim_views.supplier_get(session, door, claim_id))


@router.post("/claims/{claim_id}/cancel", response_model=ClaimOut, summary="Withdraw a claim")
def cancel(caller: Asks, claim_id: IdPath) -> Response:
    """While nobody has answered it; again changes nothing."""

    def work(session: Session) -> Reply:
        claims.cancel(session, caller.party_id, claim_id, clock.now())
        session.flush()
        return Reply(200, claim_views.leader_get(session, caller.party_id, claim_id))

    return caller.do(work)


@router.post("/claims/{claim_id}/approve", response_model=SupplierClaimOut, summary="Pay back")
def approve(caller: Answers, claim_id: IdPath, asked: ApproveIn | None = None) -> Response:
    """All that was asked, or `amount`; once."""
    amount = fen(asked.amount) if asked is not None and asked.amount is not None else None

    def work(session: Session) -> Reply:
        door = owners.claim_supplier(session, caller, claim_id)
        claims.approve(session, door, claim_id, amount, clock.now())
        session.flush()
        return Reply(200, claim_views.supplier_get(session, door, claim_id))

    return caller.do(work)


@router.post("/claims/{claim_id}/refuse", response_model=SupplierClaimOut, summary="Decline")
def refuse(caller: Answers, claim_id: IdPath, asked: RefuseClaimIn) -> Response:
    """With a reason, which the leader reads without your name."""

    def work(session: Session) -> Reply:
        door = owners.claim_supplier(session, caller, claim_id)
        claims.refuse(session, door, claim_id, asked.reason, asked.evidence, clock.now())
        session.flush()
        return Reply(200, claim_views.supplier_get(session, door, claim_id))

    return caller.do(work)
