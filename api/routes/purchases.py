"""The supplier's door: see purchases, accept, refuse and ship them, one by one or by sheet."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import batches, owners, replies, uploads
from api.callers import Caller, Writer, allow, allow_write
from api.replies import Reply
from api.shapes.addresses import AddressAnswerIn
from api.shapes.base import NO_NUL, Batch, Cursor, IdPath, Limit, Listed, Moment, NumberCursor
from api.shapes.supply import (
    CutoffSheetOut,
    PurchaseOut,
    RefuseIn,
    SheetOut,
    ShipIn,
    ShipmentsIn,
    ShippedOut,
)
from kit import clock
from kit.errors import Problem
from trade import address_answers, purchases, sent_sheets, sheets
from trade.parcels import at_door, shipping, waybills
from trade.parcels.shipping import Shipment
from trade.purchases import Supplier

router = APIRouter(prefix="/v1/purchases", tags=["purchases"])

Reads = Annotated[Caller, Depends(allow("purchases:read"))]
Writes = Annotated[Writer, Depends(allow_write("purchases:write"))]
Source = Annotated[
    str | None,
    Query(max_length=64, pattern=NO_NUL, description="At whose door; for operators only."),
]


@router.get("", response_model=Listed[PurchaseOut], summary="Purchases at your door")
def page(
    caller: Reads,
    status: Literal["submitted", "accepted", "partly_shipped", "shipped", "refused", "cancelled"]
    | None = None,
    updated_after: Moment | None = None,
    source: Source = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """From the oldest change on; those still to be sent show their recipients."""
    after = replies.moment_cursor(cursor)
    with caller.system() as session:
        return replies.page(
            *purchases.page(
                session,
                caller.office.terms.desk,
                owners.supplier(session, caller, source),
                status=status,
                updated_after=updated_after,
                limit=limit,
                after=after,
            )
        )


@router.get(
    "/export.xlsx",
    response_class=Response,
    responses=uploads.given(uploads.XLSX, "The sheet."),
    summary="What waits to be sent, as a sheet",
)
def export(caller: Reads, source: Source = None) -> Response:
    """Fill in 快递公司 and 快递单号 and send it back to ship-import.

    What is exported counts as accepted, unless the source says `accept = "manual"`.
    """
    with caller.system() as session:
        door = owners.supplier(session, caller, source)
        sheet = sheets.export(session, caller.office.terms.desk, door, clock.now())
    return uploads.download(sheet.content, uploads.XLSX, "purchases.xlsx")


@router.get("/sheets", response_model=Listed[CutoffSheetOut], summary="Sheets sent at cut-off")
def cutoff(
    caller: Reads, source: Source = None, limit: Limit = 50, cursor: NumberCursor = None
) -> Response:
    """The newest first: what went out by mail or SFTP, and what could not."""
    before = replies.number_cursor(cursor)
    with caller.system() as session:
        door = owners.supplier(session, caller, source)
        return replies.page(*sent_sheets.page(session, door, limit=limit, before=before))


@router.post(
    "/sheets/{sheet_id}/send", response_model=CutoffSheetOut, summary="Send a failed sheet again"
)
def send_again(caller: Writes, sheet_id: IdPath, source: Source = None) -> Response:
    """The same sheet, byte for byte. Only one that failed."""

    def work(session: Session) -> Reply:
        door = owners.supplier(session, caller, source)
        return Reply(200, sent_sheets.send_again(session, door, sheet_id, clock.now()))

    return caller.do(work)


@router.post("/ship-batch", response_model=Batch[ShippedOut], summary="Many shipments at once")
def ship_batch(caller: Writes, asked: ShipmentsIn, source: Source = None) -> Response:
    """Each is written down or refused on its own; sending it again changes nothing."""
    shipments = batches.each(asked.items, lambda one: _shipment(one.purchase, one))

    def work() -> Reply:
        with caller.system() as session:
            door = owners.supplier(session, caller, source)
        results = at_door.ship_batch(caller.office.db, door, shipments, clock.now())
        told = [
            one if isinstance(one, Problem) else (200, {"purchase": one.purchase})
            for one in results
        ]
        return Reply(200, batches.told(told))

    return caller.do_each(work)


@router.post(
    "/ship-import",
    response_model=SheetOut,
    openapi_extra=uploads.UPLOAD,
    summary="A sheet of waybills comes back",
)
def ship_import(caller: Writes, content: uploads.Sheet, source: Source = None) -> Response:
    """XLSX, XLS or CSV: matched by 采购单号, else 订单号, else name, phone and SKU.

    What fits several purchases is asked about, never guessed; the same sheet again changes nothing.
    """
    writer = uploads.writer(caller, content)

    def work() -> Reply:
        with caller.system() as session:
            door = owners.supplier(session, caller, source)
        here = caller.office
        return Reply(
            200, vars(waybills.import_sheet(here.db, here.terms.desk, door, content, clock.now()))
        )

    return writer.do_each(work)


@router.get("/{purchase_id}", response_model=PurchaseOut, summary="One purchase")
def get(caller: Reads, purchase_id: IdPath) -> Response:
    """With its recipient in clear; that it was read is written down."""
    with caller.system() as session:
        door = owners.purchase_supplier(session, caller, purchase_id)
        return replies.answer(purchases.get(session, caller.office.terms.desk, door, purchase_id))


@router.post("/{purchase_id}/accept", response_model=PurchaseOut, summary="Take a purchase")
def accept(caller: Writes, purchase_id: IdPath) -> Response:
    """Again changes nothing."""

    def work(session: Session) -> Reply:
        door = owners.purchase_supplier(session, caller, purchase_id)
        purchases.accept(session, door, purchase_id, clock.now())
        return _seen(session, door, purchase_id)

    return caller.do(work)


@router.post("/{purchase_id}/refuse", response_model=PurchaseOut, summary="Decline a purchase")
def refuse(caller: Writes, purchase_id: IdPath, asked: RefuseIn) -> Response:
    """What is still open will not be sent; another source is looked for. Again changes nothing."""

    def work(session: Session) -> Reply:
        door = owners.purchase_supplier(session, caller, purchase_id)
        purchases.refuse(session, door, purchase_id, asked.code, asked.message, clock.now())
        return _seen(session, door, purchase_id)

    return caller.do(work)


@router.post(
    "/{purchase_id}/address", response_model=PurchaseOut, summary="Answer about another address"
)
def address(caller: Writes, purchase_id: IdPath, asked: AddressAnswerIn) -> Response:
    """The leader asks to send it elsewhere; without a yes it goes to the former address. Again
    changes nothing."""

    def work(session: Session) -> Reply:
        door = owners.purchase_supplier(session, caller, purchase_id)
        address_answers.answer(
            session,
            door,
            purchase_id,
            clock.now(),
            accept=asked.accept,
            message=asked.message,
            asked_at=asked.asked_at,
        )
        return _seen(session, door, purchase_id)

    return caller.do(work)


@router.post("/{purchase_id}/ship", response_model=PurchaseOut, summary="A parcel has left")
def ship(caller: Writes, purchase_id: IdPath, asked: ShipIn) -> Response:
    """The same parcel again changes nothing; another number for goods all gone replaces it."""
    told, doors = _shipment(purchase_id, asked), list[Supplier]()

    def work(session: Session) -> Reply:
        door = owners.purchase_supplier(session, caller, purchase_id)
        doors.append(door)
        shipping.ship(session, door, told, clock.now())
        return _seen(session, door, purchase_id)

    def left_anyway(problem: Problem) -> bool:
        db, now = caller.office.db, clock.now()
        return any(at_door.not_taken(db, door, told, problem, now) for door in doors[:1])

    return caller.do(work, remedy=left_anyway)


def _shipment(purchase: str, asked: ShipIn) -> Shipment:
    lines: dict[int, int] | None = None
    if asked.lines is not None:
        lines = {}
        for one in asked.lines:
            lines[one.line] = lines.get(one.line, 0) + one.quantity
    return Shipment(purchase, asked.carrier, asked.tracking_number, lines, asked.replaces)


def _seen(session: Session, door: Supplier, purchase: str) -> Reply:
    """The purchase as it is now, without its recipient."""
    session.flush()
    return Reply(200, purchases.summary(session, door, purchase))
