"""What a leader shares of a SKU that she picked: words, pictures, a poster."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import Response

from api import pictures, replies, uploads
from api.callers import Caller, allow
from api.shapes.base import IdPath
from api.shapes.shares import KitOut
from catalog.media import ROAD, Media
from kit import clock
from kit.errors import Problem
from trade.sharing import kits, posters
from trade.sharing.kits import Kit

router = APIRouter(prefix="/v1/selections", tags=["selections"])

Reads = Annotated[Caller, Depends(allow("selections:read"))]

TRIED = 3
"""So many pictures of a product are tried, where the first cannot be had."""


@router.get("/{sku}/kit", response_model=KitOut, summary="What to share of it")
def kit(request: Request, caller: Reads, sku: IdPath) -> Response:
    """Title, points, a text with your price and your page, pictures. A price outside the brand's
    corridor is not named."""
    return replies.answer(_kit(caller, sku).view(_home(request, caller)))


@router.get(
    "/{sku}/poster.png",
    response_class=Response,
    responses=uploads.given(posters.MEDIA_TYPE, "750 by 1334 pixels.")
    | {304: {"description": "You have it."}},
    summary="A poster of it",
)
def poster(
    request: Request,
    caller: Reads,
    sku: IdPath,
    if_none_match: Annotated[str | None, Header(max_length=400)] = None,
) -> Response:
    """The same kit is the same file (`ETag`). Its picture may have to be fetched first: 503
    `media_pending` with `Retry-After`. 503 `font_missing`: the installation has no typeface."""
    made = _kit(caller, sku)
    sheet = made.poster(_home(request, caller))
    picture = _picture(caller, made)
    tag = f'"{posters.tag(sheet, picture.digest if picture else None)}"'
    told = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if replies.held(tag, if_none_match):
        return Response(status_code=304, headers=told)
    content = b"".join(pictures.parts(caller.office, picture.hash)) if picture else None
    return Response(posters.drawn(sheet, content), 200, told, posters.MEDIA_TYPE)


def _kit(caller: Caller, sku: str) -> Kit:
    with caller.system() as session:
        desk = caller.office.terms.desk
        return kits.kit(session, desk, caller.party_id, sku, clock.now())


def _home(request: Request, caller: Caller) -> str:
    return caller.office.terms.settings.api.public_url or str(request.base_url)


def _picture(caller: Caller, made: Kit) -> Media | None:
    """The first picture that can be had. Raises Problem 503 while one is on its way."""
    for road in made.images[:TRIED]:
        try:
            return pictures.ready(caller.office, road.removeprefix(ROAD))
        except Problem as problem:
            if problem.status != 404:
                raise
    return None
