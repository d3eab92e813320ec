"""Brands: what they offer, one listing at a time."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import owners, replies, uploads
from api.callers import Caller, Writer, allow, allow_write
from api.paths import Named
from api.replies import Reply
from api.shapes.base import NO_NUL, IdPath, Limit, Listed, NumberCursor
from api.shapes.listings import ListingImportOut, ListingIn, ListingOut, PriceIn, StockIn
from connectors.feed.rejects import rejects_csv
from kit import clock
from kit.errors import invalid
from kit.ids import outside
from sync import handed, listings, runs, sources
from trade import audits

router = APIRouter(prefix="/v1/listings", tags=["listings"], route_class=Named)

Reads = Annotated[Caller, Depends(allow("listings:read"))]
Writes = Annotated[Writer, Depends(allow_write("listings:write"))]
ExternalId = Annotated[
    str,
    Path(
        min_length=1,
        max_length=100,
        pattern=NO_NUL,
        description="Your own number of it, percent-encoded as one segment: `A%2F1` is A/1.",
    ),
]


@router.get("", response_model=Listed[ListingOut], summary="What you offer")
def page(caller: Reads, limit: Limit = 50, cursor: NumberCursor = None) -> Response:
    """The oldest first."""
    after = replies.number_cursor(cursor)
    with caller.system() as session:
        return replies.page(*listings.page(session, _source(caller), limit=limit, after=after))


@router.post(
    "/import",
    response_model=ListingImportOut,
    status_code=202,
    openapi_extra=uploads.UPLOAD,
    summary="Hand in a price list",
)
def hand_in(
    caller: Writes,
    upload: uploads.Uploaded,
    *,
    complete: Annotated[
        bool, Query(description="Whether what is absent from it is offered no more.")
    ] = False,
) -> Response:
    """XLSX, XLS, CSV, JSON or XML in the unified fields, or in columns that can be guessed. Good
    rows load, each of the others is rejected with its reason. A list that would do more harm than
    your source may do alone waits for a review, and nothing of it counts."""
    source = _source(caller)
    writer = uploads.writer(caller, upload.content)

    def work() -> Reply:
        config = _recorded(caller, source)
        run_id = handed.take(caller.office.db, source, config, upload, whole=complete)
        with caller.system() as session:
            row = runs.named(session, run_id)
            named = outside("run", run_id)
            audits.note(session, caller.actor, "listing.import", named, party_id=caller.party_id)
            return Reply(202, handed.view(row))

    return writer.do_each(work)


@router.get(
    "/imports/{import_id}", response_model=ListingImportOut, summary="What became of a price list"
)
def imported(caller: Reads, import_id: IdPath) -> Response:
    """draft, review, live or refused, and how many rows did what."""
    with caller.system() as session:
        return replies.answer(handed.view(handed.find(session, _source(caller), import_id)))


@router.get(
    "/imports/{import_id}/rejects.csv",
    response_class=Response,
    responses=uploads.given("text/csv", "The rows, and what is wrong with them."),
    summary="Rows that did not load",
)
def rejects(caller: Reads, import_id: IdPath) -> Response:
    """All cells of each that are known, then file, line, column, value and reason, as UTF-8 with a
    mark. Corrected, it can be handed in: the last columns are not read, and what is absent from it
    stays."""
    with caller.system() as session:
        row = handed.find(session, _source(caller), import_id)
        content = rejects_csv(runs.rejects(session, row.id))
    return uploads.download(content, uploads.CSV, f"rejects-{import_id}.csv")


@router.get("/{external_id}", response_model=ListingOut, summary="One listing")
def get(caller: Reads, external_id: ExternalId) -> Response:
    """By your own number of it."""
    with caller.system() as session:
        return replies.answer(listings.get(session, _source(caller), external_id))


@router.put("/{external_id}", response_model=ListingOut, summary="Offer something, or change it")
def put(caller: Writes, external_id: ExternalId, asked: ListingIn) -> Response:
    """The whole listing: what is left out is not stated any more."""
    if asked.sku is not None and asked.sku != external_id:
        raise invalid("sku", f"the address says {external_id!r}; give the same, or leave it out")

    def work(session: Session) -> Reply:
        source = _source(caller)
        config = caller.office.terms.settings.sources.get(source)
        fields = asked.model_dump(exclude_none=True, exclude={"sku"})
        told = listings.put(session, source, config, external_id, fields, clock.now())
        audits.note(session, caller.actor, "listing.put", external_id, party_id=caller.party_id)
        return Reply(200, told)

    return caller.do(work)


@router.put("/{external_id}/stock", response_model=ListingOut, summary="What there is of it")
def stock(caller: Writes, external_id: ExternalId, asked: StockIn) -> Response:
    """At once; orders never sell more than a number that you state."""
    state, quantity = _stated(asked)

    def work(session: Session) -> Reply:
        source = _source(caller)
        told = listings.set_stock(session, source, external_id, state, quantity, clock.now())
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


def _stated(asked: StockIn) -> tuple[listings.StockState, int | None]:
    if asked.stock is not None:
        if asked.state is not None or asked.quantity is not None:
            raise invalid("stock", "give either stock, or quantity and state", "one_of")
        return listings.stock_said(str(asked.stock))
    if asked.state is None and asked.quantity is None:
        raise invalid("quantity", "give a quantity, a state, or stock", "missing")
    return asked.state or ("in_stock" if asked.quantity else "out"), asked.quantity


def _recorded(caller: Caller, source: str) -> Mapping[str, Any]:
    """The settings of the caller's source; one that nobody set up is a supplier of files."""
    given = caller.office.terms.settings
    if source in given.sources:
        return given.sources[source]
    config = {"kind": "feed"}
    with caller.system() as session:
        sources.record(session, given, source, config)
    return config


def _source(caller: Caller) -> str:
    return owners.own_door(caller).source
