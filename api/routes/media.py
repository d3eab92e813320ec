"""Pictures under our own names: public, kept by caches for ever, never what a stranger sent."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Request
from starlette.responses import Response, StreamingResponse

from api import pictures, replies
from api.office import office
from api.shapes.base import NO_NUL

router = APIRouter(tags=["catalogue"])

_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
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
    row = pictures.ready(here, name)
    assert row.digest is not None  # noqa: S101 - it is ready
    tag = f'"{row.digest.hex()}"'
    told = {"ETag": tag, **_FOR_EVER, **_SAFE}
    if replies.held(tag, if_none_match):
        return Response(status_code=304, headers=told)
    told["Content-Length"] = str(row.size)
    return StreamingResponse(pictures.parts(here, row.hash), headers=told, media_type=row.kind)
