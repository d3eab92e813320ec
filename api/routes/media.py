"""Pictures under our own names: public, kept by caches for ever, never what a stranger sent."""

import threading
import time
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Header, Path, Request
from starlette.responses import Response, StreamingResponse

from api.office import PATIENCE, Office, office
from api.shapes.base import NO_NUL
from catalog import media
from catalog.media import Album, Media
from kit import outbox
from kit.errors import Problem
from sync.gallery import ALL, MEDIA

router = APIRouter(tags=["catalogue"])

MOST_WAITING = 8
"""So many requests of one process wait for a picture at the same time."""
LOOK = 0.1
"""Seconds between two looks whether it is there."""
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_waiting = threading.BoundedSemaphore(MOST_WAITING)
_PICTURE = {"schema": {"type": "string", "format": "binary"}}


@router.get(
    "/media/{name}",
    response_class=Response,
    summary="A picture",
    responses={
        200: {
            "description": "The picture.",
            "content": {"image/jpeg": _PICTURE, "image/webp": _PICTURE},
        },
        304: {"description": "You have it."},
    },
)
def picture(
    request: Request,
    name: Annotated[str, Path(max_length=80, pattern=NO_NUL)],
    if_none_match: Annotated[str | None, Header(max_length=400)] = None,
) -> Response:
    """Whoever has the name may see it. The first look makes us fetch it: that may take a moment
    (503 with `Retry-After`). 404 `media_unavailable`: it cannot be had from where it lies."""
    here = office(request)
    row = _row(here, name)
    assert row.digest is not None  # noqa: S101 - it is ready
    tag = f'"{row.digest.hex()}"'
    told = {"ETag": tag, **_FOR_EVER, **_SAFE}
    if tag in (one.strip().removeprefix("W/") for one in (if_none_match or "").split(",")):
        return Response(status_code=304, headers=told)
    told["Content-Length"] = str(row.size)
    return StreamingResponse(_parts(here, row.hash), headers=told, media_type=row.kind)


def _row(here: Office, name: str) -> Media:
    """The picture, once it is there. Raises Problem 404, 503."""
    named = media.named(name)
    if named is None:
        raise _unknown(name)
    with here.db.as_nobody() as session:
        here.refresh(session)
        row = media.find(session, named.hash)
        if row is None:
            address = Album(here.terms.desk.keyring).address(session, named)
            if address is None:
                raise _unknown(name)
            media.want(session, named.hash, address)
            outbox.say(session, MEDIA, ALL)
        else:
            media.looked_at(session, named.hash)
    return _ready(row) or _awaited(here, named.hash)


def _awaited(here: Office, hash_: bytes) -> Media:
    """The picture that is on its way; nobody holds a connection while waiting for it."""
    if _waiting.acquire(blocking=False):
        try:
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until:
                with here.db.as_nobody() as session:
                    row = media.find(session, hash_)
                if found := _ready(row):
                    return found
                time.sleep(LOOK)
        finally:
            _waiting.release()
    raise Problem(503, "media_pending", "this picture is being fetched; ask again", retry_after=2)


def _ready(row: Media | None) -> Media | None:
    """The row, if it can be shown. Raises Problem 404 for what could not be had."""
    if row is None or (row.state == "wanted" and row.why is None):
        return None
    if row.state != "ready":
        raise Problem(
            404, "media_unavailable", "this picture cannot be had at the moment; show another"
        )
    return row


def _parts(here: Office, hash_: bytes) -> Iterator[bytes]:
    """The bytes, each part in a transaction of its own: a slow reader holds none."""
    place = 0
    while True:
        with here.db.as_nobody() as session:
            part = media.chunk(session, hash_, place)
        if part is None:
            return
        yield part
        place += 1


def _unknown(name: str) -> Problem:
    return Problem(404, "not_found", f"there is no picture {name!r}")
