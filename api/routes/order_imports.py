"""Ordering by sheet: send it, answer what is asked back, confirm, fetch the result."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import replies, uploads
from api.callers import Caller, Writer, allow, allow_write
from api.owners import sheet_owner
from api.replies import Reply
from api.shapes.base import IdPath
from api.shapes.order_imports import ConfirmIn, ImportIdOut, ImportOut, MappingsIn
from catalog import grants, reads, search
from catalog.search import Asked
from kit import clock
from kit.errors import Problem
from kit.ids import outside
from kit.money import fen, price_text
from trade import audits
from trade.order_sheets import imports, results
from trade.order_sheets.rows import opened

router = APIRouter(prefix="/v1/orders", tags=["orders"])

Reads = Annotated[Caller, Depends(allow("orders:read"))]
Reveals = Annotated[Caller, Depends(allow("recipients:reveal"))]
Writes = Annotated[Writer, Depends(allow_write("orders:write"))]

SUGGESTED = 3
ASKED = 20
"""So many goods get suggestions at once; the others do once these are told."""


@router.post(
    "/import",
    response_model=ImportIdOut,
    status_code=202,
    openapi_extra=uploads.UPLOAD,
    summary="Order by sheet",
)
def upload(caller: Writes, content: uploads.Sheet) -> Response:
    """XLSX, XLS or CSV (UTF-8 or GBK) with at most 10,000 rows: 订单号 收件人 电话 地址 商家编码
    (or 商品名称 and 规格) 数量 买家备注 零售价, under these names or others that people use.

    Rows with one 订单号 are one order. The same sheet again is the first one and adds nothing.
    """

    writer = uploads.writer(caller, content)
    _, rows = opened(content)

    def work(session: Session) -> Reply:
        desk = caller.office.terms.desk
        made, _ = imports.upload(session, desk, caller.party_id, content, rows, clock.now())
        return Reply(202, {"id": outside(imports.PREFIX, made)})

    return writer.do(work)


@router.get("/imports/{import_id}", response_model=ImportOut, summary="What became of a sheet")
def get(caller: Reads, import_id: IdPath) -> Response:
    """What was read, what is asked back, what is rejected and why, and what was placed. Operators
    see anybody's, without what names a person."""
    with caller.seeing() as session:
        owner = sheet_owner(session, caller, import_id)
        return replies.answer(_view(caller, session, import_id, owner))


@router.put(
    "/imports/{import_id}/mappings",
    response_model=ImportOut,
    status_code=202,
    summary="Answer what is asked back",
)
def answer(caller: Writes, import_id: IdPath, asked: MappingsIn) -> Response:
    """Which SKU the leader's names stand for, remembered for every later sheet, and in which place
    rows lie whose address left that open. The sheet is read again."""

    def work(session: Session) -> Reply:
        imports.answer(
            session, caller.party_id, import_id, asked.mappings, asked.regions, clock.now()
        )
        return Reply(202, _view(caller, session, import_id))

    return caller.do(work)


@router.post(
    "/imports/{import_id}/confirm",
    response_model=ImportOut,
    status_code=202,
    summary="Pay and place",
)
def confirm(caller: Writes, import_id: IdPath, asked: ConfirmIn) -> Response:
    """Places what is ready, and tries again what failed, for at most `max_total` all together.

    Each order is placed or refused on its own, with its reason. What is asked back waits; possible
    duplicates wait unless `duplicates` says that they are meant.
    """

    def work(session: Session) -> Reply:
        most, meant = fen(asked.max_total), asked.duplicates
        imports.confirm(session, caller.party_id, import_id, most, meant, clock.now())
        audits.note(
            session,
            caller.actor,
            "order_import.confirm",
            import_id,
            {"max_total": asked.max_total},
            party_id=caller.party_id,
        )
        return Reply(202, _view(caller, session, import_id))

    return caller.do(work)


@router.get(
    "/imports/{import_id}/result.xlsx",
    response_class=Response,
    responses=uploads.given(uploads.XLSX, "The sheet with what became of its rows."),
    summary="The sheet back, with waybills",
)
def result(caller: Reveals, import_id: IdPath) -> Response:
    """The uploaded sheet, rows in order, all its columns kept, and status, 快递公司, 快递单号."""
    with caller.own() as session:
        row = imports.own(session, caller.party_id, import_id)
        _noted(caller, session, "order_import.result", import_id)
        made = results.result(session, caller.office.terms.desk, row)
    return uploads.download(made.xlsx(), uploads.XLSX, "result.xlsx")


@router.get(
    "/imports/{import_id}/rejects.csv",
    response_class=Response,
    responses=uploads.given(uploads.CSV, "The rows that cannot be used."),
    summary="The rejected rows",
)
def rejects(caller: Reveals, import_id: IdPath) -> Response:
    """All cells of each, then its row, column, value and reason. Corrected, it can be sent as a
    sheet of its own; these last columns are not read."""
    with caller.own() as session:
        row = imports.own(session, caller.party_id, import_id)
        _noted(caller, session, "order_import.rejects", import_id)
        content = results.rejects_csv(session, caller.office.terms.desk, row)
    return uploads.download(content, uploads.CSV, "rejects.csv")


def _noted(caller: Caller, session: Session, action: str, import_id: str) -> None:
    audits.note(session, caller.actor, action, import_id, party_id=caller.party_id)


def _view(
    caller: Caller, session: Session, import_id: str, owner: int | None = None
) -> dict[str, Any]:
    own = owner in (None, caller.party_id)
    return imports.view(
        session,
        caller.office.terms.desk,
        caller.party_id if owner is None else owner,
        import_id,
        suggest=_suggestions(caller, session),
        reveals=own and "recipients:reveal" in caller.identity.scopes,
    )


def _suggestions(caller: Caller, session: Session) -> Callable[[str], list[dict[str, Any]]]:
    """The first SKUs that a search for a name finds, as far as this leader may see them."""
    reader = replace(caller.reader, grants=grants.of(session, caller.party_id))
    left = ASKED

    def suggest(name: str) -> list[dict[str, Any]]:
        nonlocal left
        left -= 1
        if left < 0:
            return []
        index = caller.office.index
        try:
            found = search.search(session, index, Asked(text=name), reader, clock.now(), SUGGESTED)
        except Problem:  # there is no index yet, or these are no words
            return []
        told = []
        for card in found.items:
            view = reads.product(session, card.id, reader, clock.now())
            told += [_suggested(card.title, one) for one in (view.skus if view else [])]
        return told[:SUGGESTED]

    return suggest


def _suggested(title: str, one: reads.SkuView) -> dict[str, Any]:
    return {
        "sku": outside("sku", one.id),
        "title": title,
        "attributes": {key: str(value) for key, value in one.attributes.items()},
        "price": None if one.price is None else price_text(one.price),
    }
