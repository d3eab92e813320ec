"""After-sales: leaders open claims, withdraw them and send goods back; suppliers answer."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import owners, replies
from api.callers import Caller, Writer, allow, allow_write
from api.replies import Reply
from api.shapes.base import NO_NUL, Cursor, IdPath, Limit, Listed, Moment
from api.shapes.claims import ClaimIn, ClaimOptionsOut, ClaimOut, ClaimsOut, SentBackIn
from api.shapes.supply import (
    AdvanceIn,
    ApproveIn,
    RefuseClaimIn,
    ReissueIn,
    ReturnToIn,
    SupplierClaimOut,
)
from kit import clock
from kit.errors import invalid
from kit.ids import inside, outside
from kit.money import fen
from trade import places
from trade.after_sales import claim_answers, claim_views, claimable, claims
from trade.after_sales.bearing import Cause
from trade.after_sales.claims import ClaimedLine, ClaimRequest
from trade.purchases import Supplier

router = APIRouter(prefix="/v1", tags=["claims"])

Reads = Annotated[Caller, Depends(allow("claims:read"))]
Asks = Annotated[Writer, Depends(allow_write("claims:write"))]
Answers = Annotated[Writer, Depends(allow_write("claims:answer"))]
Advances = Annotated[Writer, Depends(allow_write("claims:advance"))]
Status = Literal[
    "open", "approved", "returning", "received", "refunded", "reissued", "refused", "cancelled"
]


@router.get(
    "/orders/{order_id}/claims/options",
    response_model=ClaimOptionsOut,
    summary="What may be claimed",
)
def options(
    caller: Annotated[Caller, Depends(allow("claims:write"))],
    order_id: IdPath,
    cause: Cause = "other",
) -> Response:
    """SKU by SKU and kind by kind: how much, until when, and what stands against it."""
    number, desk = inside("ord", order_id), caller.office.terms.desk
    with caller.system() as session:
        found = claimable.options(session, desk, caller.party_id, number, cause, clock.now())
    return replies.answer({"items": found})


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
            asked.cause,
        )
        desk, party = caller.office.terms.desk, caller.party_id
        opened = claims.open_claim(session, desk, party, number, request, clock.now())
        session.flush()
        names = [outside("clm", one) for one in opened]
        views = [claim_views.leader_get(session, desk, party, one) for one in names]
        return Reply(201, {"items": views})

    return caller.do(work)


@router.get("/claims", response_model=Listed[ClaimOut] | Listed[SupplierClaimOut], summary="Claims")
def page(
    caller: Reads,
    status: Status | None = None,
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
                    caller.office.terms.desk,
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
                caller.office.terms.desk,
                owners.supplier(session, caller, source),
                status=status,
                updated_after=updated_after,
                limit=limit,
                after=after,
                operates=caller.operates,
            )
        )


@router.get("/claims/{claim_id}", response_model=ClaimOut | SupplierClaimOut, summary="One claim")
def get(caller: Reads, claim_id: IdPath) -> Response:
    """As its leader or its supplier sees it."""
    desk = caller.office.terms.desk
    if caller.identity.role in ("leader", "buyer"):
        with caller.own() as session:
            return replies.answer(claim_views.leader_get(session, desk, caller.party_id, claim_id))
    with caller.system() as session:
        door = owners.claim_supplier(session, caller, claim_id)
        operates = caller.operates
        view = claim_views.supplier_get(session, desk, door, claim_id, operates=operates)
        return replies.answer(view)


@router.post("/claims/{claim_id}/cancel", response_model=ClaimOut, summary="Withdraw a claim")
def cancel(caller: Asks, claim_id: IdPath) -> Response:
    """Before anything is sent back or paid; again changes nothing."""

    def work(session: Session) -> Reply:
        desk, party = caller.office.terms.desk, caller.party_id
        claims.cancel(session, desk, party, claim_id, clock.now())
        return _leaders(session, caller, claim_id)

    return caller.do(work)


@router.post("/claims/{claim_id}/return", response_model=ClaimOut, summary="Goods are on their way")
def send_back(caller: Asks, claim_id: IdPath, asked: SentBackIn) -> Response:
    """Back to `return_to` of an agreed return or exchange; another number replaces the former."""

    def work(session: Session) -> Reply:
        claims.send_back(
            session,
            caller.office.terms.desk,
            caller.party_id,
            claim_id,
            asked.carrier,
            asked.tracking_number,
            clock.now(),
            postage=None if asked.postage is None else fen(asked.postage),
            proof=asked.proof,
        )
        return _leaders(session, caller, claim_id)

    return caller.do(work)


@router.post("/claims/{claim_id}/approve", response_model=SupplierClaimOut, summary="Agree")
def approve(caller: Answers, claim_id: IdPath, asked: ApproveIn | None = None) -> Response:
    """To all that was asked, or to `amount` of the supplier's own price; once. A refund is paid at
    once, a return when goods are received."""
    given = asked or ApproveIn()
    if given.bearer == "house" and not caller.operates:
        raise invalid("bearer", "only an operator pays for the house", "operators_only")

    def work(session: Session, door: Supplier) -> None:
        claim_answers.approve(
            session,
            caller.office.terms.desk,
            door,
            claim_id,
            clock.now(),
            amount=None if given.amount is None else fen(given.amount),
            return_to=_spelled(given.return_to),
            house=given.bearer == "house",
        )

    return _at_the_door(caller, claim_id, work)


def _spelled(to: str | ReturnToIn | None) -> str | None:
    """Where goods go back to as one text, as it is sealed and shown."""
    if not isinstance(to, ReturnToIn):
        return to
    county = None if to.region is None else places.resolve(to.region)
    if to.region is not None and county is None:
        raise invalid("return_to.region", f"{to.region} is no county of GB/T 2260")
    return f"{to.name} {to.mobile} {places.spelled(county) if county else ''}{to.address}"


@router.post("/claims/{claim_id}/refuse", response_model=SupplierClaimOut, summary="Decline")
def refuse(caller: Answers, claim_id: IdPath, asked: RefuseClaimIn) -> Response:
    """With a reason, which the leader reads without your name; also after goods came back."""

    def work(session: Session, door: Supplier) -> None:
        desk = caller.office.terms.desk
        claim_answers.refuse(
            session,
            desk,
            door,
            claim_id,
            asked.reason,
            asked.evidence,
            clock.now(),
            by=caller.party_id,
        )

    return _at_the_door(caller, claim_id, work)


@router.post(
    "/claims/{claim_id}/received", response_model=SupplierClaimOut, summary="Goods are back"
)
def received(caller: Answers, claim_id: IdPath) -> Response:
    """A return is paid back; an exchange waits for its new parcel. Again changes nothing."""

    def work(session: Session, door: Supplier) -> None:
        claim_answers.received(session, caller.office.terms.desk, door, claim_id, clock.now())

    return _at_the_door(caller, claim_id, work)


@router.post("/claims/{claim_id}/reissue", response_model=SupplierClaimOut, summary="A new parcel")
def reissue(caller: Answers, claim_id: IdPath, asked: ReissueIn) -> Response:
    """In the place of the goods; another number replaces the former."""

    def work(session: Session, door: Supplier) -> None:
        desk, carrier = caller.office.terms.desk, asked.carrier
        claim_answers.reissue(
            session, desk, door, claim_id, carrier, asked.tracking_number, clock.now()
        )

    return _at_the_door(caller, claim_id, work)


@router.post(
    "/claims/{claim_id}/advance", response_model=SupplierClaimOut, summary="Pay beforehand"
)
def advance(caller: Advances, claim_id: IdPath, asked: AdvanceIn | None = None) -> Response:
    """For operators: pay the leader before there is an answer, within `[claims] advance_most`."""
    amount = fen(asked.amount) if asked is not None and asked.amount is not None else None

    def work(session: Session, door: Supplier) -> None:
        desk = caller.office.terms.desk
        claim_answers.advance(session, desk, claim_id, door, amount, clock.now())

    return _at_the_door(caller, claim_id, work)


def _at_the_door(
    caller: Writer, claim_id: str, act: Callable[[Session, Supplier], None]
) -> Response:
    """Act on a claim where its supplier stands, and show it."""

    def work(session: Session) -> Reply:
        door = owners.claim_supplier(session, caller, claim_id)
        act(session, door)
        session.flush()
        desk, operates = caller.office.terms.desk, caller.operates
        view = claim_views.supplier_get(session, desk, door, claim_id, operates=operates)
        return Reply(200, view)

    return caller.do(work)


def _leaders(session: Session, caller: Caller, claim_id: str) -> Reply:
    """The claim as its leader sees it now."""
    session.flush()
    desk, party = caller.office.terms.desk, caller.party_id
    return Reply(200, claim_views.leader_get(session, desk, party, claim_id))
