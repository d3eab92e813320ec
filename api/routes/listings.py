"""Brands: what they offer, one listing at a time."""

from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import owners, replies
from api.callers import Caller, Writer, allow, allow_write
from api.replies import Reply
from api.shapes.base import NO_NUL, Limit, Listed, NumberCursor
from api.shapes.listings import ListingIn, ListingOut, PriceIn, StockIn
from kit import clock
from kit.errors import FieldError, Problem
from sync import listings
from trade import audits

router = APIRouter(prefix="/v1/listings", tags=["listings"])

Reads = Annotated[Caller, Depends(allow("listings:read"))]
Writes = Annotated[Writer, Depends(allow_write("listings:write"))]
ExternalId = Annotated[str, Path(min_length=1, max_length=100, pattern=NO_NUL)]


@router.get("", response_model=Listed[ListingOut], summary="What you offer")
def page(caller: Reads, limit: Limit = 50, cursor: NumberCursor = None) -> Response:
    """The oldest first."""
    after = replies.number_cursor(cursor)
    with caller.system() as session:
        return replies.page(*listings.page(session, _source(caller), limit=limit, after=after))


@router.get("/{external_id}", response_model=ListingOut, summary="One listing")
def get(caller: Reads, external_id: ExternalId) -> Response:
    """By your own number of it."""
    with caller.system() as session:
        return replies.answer(listings.get(session, _source(caller), external_id))


@router.put("/{external_id}", response_model=ListingOut, summary="Offer something, or change it")
def put(caller: Writes, external_id: ExternalId, asked: ListingIn) -> Response:
    """The whole listing: what is left out is not stated any more."""

    def work(session: Session) -> Reply:
        source = _source(caller)
        config = caller.office.terms.settings.sources.get(source)
        fields = asked.model_dump(exclude_none=True)
        told = listings.put(session, source, config, external_id, fields, clock.now())
        audits.note(session, caller.actor, "listing.put", external_id, party_id=caller.party_id)
        return Reply(200, told)

    return caller.do(work)


@router.put("/{external_id}/stock", response_model=ListingOut, summary="What there is of it")
def stock(caller: Writes, external_id: ExternalId, asked: StockIn) -> Response:
    """At once; orders never sell more than a number that you state."""
    if asked.state is None and asked.quantity is None:
        message = "give a quantity, or a state"
        raise Problem(422, "invalid", message, errors=[FieldError("quantity", "missing", message)])
    state = asked.state or ("in_stock" if asked.quantity else "out")

    def work(session: Session) -> Reply:
        source = _source(caller)
        told = listings.set_stock(session, source, external_id, state, asked.quantity, clock.now())
        return Reply(200, told)

    return caller.do(work)


@router.put("/{external_id}/price", response_model=ListingOut, summary="What a piece costs")
def price(caller: Writes, external_id: ExternalId, asked: PriceIn) -> Response:
    """At once; orders that were placed keep their price."""

    def work(session: Session) -> Reply:
        source = _source(caller)
        told = listings.set_price(session, source, external_id, Decimal(asked.price), clock.now())
        return Reply(200, told)

    return caller.do(work)


def _source(caller: Caller) -> str:
    return owners.own_door(caller).source
