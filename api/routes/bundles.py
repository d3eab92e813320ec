"""Bundles: SKUs made of parts, by operators from any goods and by brands from their own."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import owners, replies
from api.callers import Caller, Writer, allow, allow_write
from api.replies import Reply
from api.shapes.base import IdPath, Key, Limit, Listed, NumberCursor
from api.shapes.bundles import BundleIn, BundleOut, NewBundleIn, PartIn
from catalog import bundles
from catalog.bundles import Bundle
from catalog.models import Sku
from catalog.scopes import EVERY_SOURCE
from kit.errors import Problem, invalid
from kit.ids import inside, outside
from trade import audits

router = APIRouter(prefix="/v1/bundles", tags=["brands"])

Reads = Annotated[Caller, Depends(allow("bundles:read"))]
Writes = Annotated[Writer, Depends(allow_write("bundles:write"))]
Removes = Annotated[Caller, Depends(allow("bundles:write"))]
Source = Annotated[Key | None, Query(description="Operators: whose bundles; none: all.")]


@router.get("", response_model=Listed[BundleOut], summary="Your bundles")
def page(
    caller: Reads, source: Source = None, limit: Limit = 50, cursor: NumberCursor = None
) -> Response:
    """By the numbers of their SKUs."""
    whose = source if caller.operates else _own(caller)
    after = replies.number_cursor(cursor)
    with caller.system() as session:
        rows, following = bundles.page(session, whose, limit=limit, after=after)
        return replies.page(_views(session, rows), following)


@router.post("", status_code=201, response_model=BundleOut, summary="A bundle of its own")
def create(caller: Writes, asked: NewBundleIn) -> Response:
    """A new product of one SKU, which is sold by its parts."""

    def work(session: Session) -> Reply:
        sku_id = bundles.create(session, asked.title, asked.brand, asked.category, asked.images)
        return Reply(201, _put(session, caller, sku_id, asked.parts, _own(caller)))

    return caller.do(work)


@router.get("/{sku}", response_model=BundleOut, summary="One bundle")
def get(caller: Reads, sku: IdPath) -> Response:
    """What it is made of."""
    with caller.system() as session:
        return replies.answer(_views(session, [_mine(session, caller, sku)])[0])


@router.put("/{sku}", response_model=BundleOut, summary="Make a SKU of parts")
def put(caller: Writes, sku: IdPath, asked: BundleIn) -> Response:
    """There are as many as its scarcest part allows, at what its parts cost; while it has a live
    offer of its own, that sells it. A brand bundles its own goods, into a SKU of its own."""
    sku_id = inside("sku", sku)

    def work(session: Session) -> Reply:
        if session.get(Sku, sku_id) is None:
            raise Problem(404, "not_found", f"there is no SKU {sku!r}")
        own = _own(caller)
        if bundles.get(session, sku_id) is not None:
            own = _mine(session, caller, sku).source
        elif own and not bundles.offered(session, [sku_id], own):
            raise Problem(403, "not_yours", "make bundles of your own SKUs, or POST a new one")
        return Reply(200, _put(session, caller, sku_id, asked.parts, own))

    return caller.do(work)


@router.delete("/{sku}", status_code=204, summary="A bundle no longer")
def remove(caller: Removes, sku: IdPath) -> Response:
    """Orders that were placed stay. Removing what is not there changes nothing."""
    with caller.system() as session:
        if bundles.get(session, inside("sku", sku)) is None:
            return Response(status_code=204)
        row = _mine(session, caller, sku)
        bundles.remove(session, row.sku_id)
        audits.note(session, caller.actor, "bundle.delete", sku, party_id=caller.party_id)
    return Response(status_code=204)


def _own(caller: Caller) -> str:
    """Whose bundles the caller makes. Raises Problem 403."""
    return EVERY_SOURCE if caller.operates else owners.own_door(caller).source


def _mine(session: Session, caller: Caller, sku: str) -> Bundle:
    """Raises Problem 404, also for another's."""
    row = bundles.get(session, inside("sku", sku))
    if row is None or not (caller.operates or row.source == _own(caller)):
        raise Problem(404, "not_found", f"there is no bundle {sku!r}")
    return row


def _put(
    session: Session, caller: Writer, sku_id: int, parts: Sequence[PartIn], source: str
) -> dict[str, Any]:
    units: dict[int, int] = {}
    for part in parts:
        number = _sku(part.sku)
        if number in units:
            raise invalid("parts", f"{part.sku} is named twice; add its units up", "duplicate")
        units[number] = part.units
    row = bundles.put(session, sku_id, units, source, caller.party_id)
    shown = _views(session, [row])[0]
    audits.note(session, caller.actor, "bundle.put", shown["sku"], party_id=caller.party_id)
    return shown


def _sku(text: str) -> int:
    try:
        return inside("sku", text)
    except Problem as problem:
        raise invalid("parts", f"there is no SKU {text!r}", "unknown_sku") from problem


def _views(session: Session, rows: Sequence[Bundle]) -> list[dict[str, Any]]:
    made = bundles.definitions(session, [row.sku_id for row in rows])
    return [
        {
            "sku": outside("sku", row.sku_id),
            "source": row.source or None,
            "parts": [
                {"sku": outside("sku", part), "units": units} for part, units in made[row.sku_id]
            ],
            "updated_at": row.updated_at,
        }
        for row in rows
    ]
