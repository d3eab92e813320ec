"""Help-selling (帮卖): shares, helpers, and who signed up on their pages."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import batches, replies
from api.callers import Caller, Writer, allow, allow_write
from api.office import BATCH_SECONDS
from api.replies import Reply
from api.routes.orders import recipient
from api.shapes.base import Batch, IdPath, Limit, Listed, NumberCursor, decimal
from api.shapes.orders import OrderOut
from api.shapes.shares import ShareIn, ShareOut, SignupOut, SignupsOrderIn
from kit import clock
from kit.errors import Problem
from kit.money import fen
from trade.sharing import shares, signups
from trade.sharing.shares import Terms

router = APIRouter(prefix="/v1", tags=["help-selling"])

Reads = Annotated[Caller, Depends(allow("shares:read"))]
Writes = Annotated[Writer, Depends(allow_write("shares:write"))]


@router.post("/shares", response_model=ShareOut, status_code=201, summary="Share goods")
def create(caller: Writes, asked: ShareIn) -> Response:
    """Refused outside the brand's corridor, and where nothing is left for you."""
    price = decimal(asked.retail_price)
    assert price is not None  # noqa: S101 - its shape says so
    terms = Terms(asked.skus, price, asked.commission_ppm, asked.to, asked.since, asked.until)

    def work(session: Session) -> Reply:
        desk = caller.office.terms.desk
        return Reply(201, shares.create(session, desk, caller.party_id, terms, clock.now()))

    return caller.do(work)


@router.get("/shares", response_model=Listed[ShareOut], summary="What you share and help with")
def page(caller: Reads, limit: Limit = 50, cursor: NumberCursor = None) -> Response:
    """The oldest first."""
    after = replies.number_cursor(cursor)
    with caller.system() as session:
        return replies.page(
            *shares.page(session, caller.party_id, clock.now(), limit=limit, after=after)
        )


@router.get("/shares/{code}", response_model=ShareOut, summary="A share")
def get(caller: Reads, code: IdPath) -> Response:
    """For its sharer, and for whoever may help."""
    with caller.system() as session:
        return replies.answer(shares.get(session, caller.party_id, code, clock.now()))


@router.delete("/shares/{code}", status_code=204, summary="End a share, or leave one")
def close(caller: Writes, code: IdPath) -> Response:
    """Orders that were placed stay; again changes nothing."""
    with caller.own() as session:
        shares.close(session, caller.party_id, code, clock.now())
    return Response(status_code=204)


@router.post("/shares/{code}/join", response_model=ShareOut, summary="Help to sell")
def join(caller: Writes, code: IdPath) -> Response:
    """Gives you a page of your own. Under another helper it is refused: at most two earn."""

    def work(session: Session) -> Reply:
        return Reply(200, shares.join(session, caller.party_id, code, clock.now()))

    return caller.do(work)


@router.get("/signups", response_model=Listed[SignupOut], summary="Who signed up")
def signed(
    caller: Reads,
    share: Annotated[str | None, Query(max_length=64)] = None,
    status: Literal["open", "ordered"] | None = None,
    limit: Limit = 50,
    cursor: NumberCursor = None,
) -> Response:
    """On your pages, the oldest first; customers are masked."""
    after = replies.number_cursor(cursor)
    with caller.own() as session:
        return replies.page(
            *signups.page(
                session,
                caller.party_id,
                share=share,
                ordered=None if status is None else status == "ordered",
                limit=limit,
                after=after,
            )
        )


@router.post("/signups/order", response_model=Batch[OrderOut], summary="Order for sign-ups")
def order(
    caller: Annotated[Writer, Depends(allow_write("orders:write"))], asked: SignupsOrderIn
) -> Response:
    """Each is placed or refused on its own, all together for `max_total` at most."""
    to = None if asked.ship_to is None else recipient(asked.ship_to)

    def work() -> Reply:
        here = caller.office
        results = signups.order(
            here.db,
            here.terms.desk,
            caller.party_id,
            asked.ids,
            fen(asked.max_total),
            to,
            clock.now,
            here.hearing(caller.party_id, BATCH_SECONDS),
        )
        told = [
            one if isinstance(one, Problem) else (201 if one[1] else 200, one[0]) for one in results
        ]
        return Reply(200, batches.told(told))

    return caller.do_each(work)
