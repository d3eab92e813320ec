"""Webhooks in: a platform's push is verified, kept once, and answered; it is worked later."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api import replies
from api.office import Office, office
from api.shapes.sources import HeardOut
from connectors.errors import Refused, Unreadable
from connectors.model import Hears
from kit.errors import Problem
from sync import messages
from sync.wake import wake

router = APIRouter(prefix="/hooks", tags=["platforms"])


async def _pushed(request: Request) -> bytes:
    return await request.body()


@router.post("/{source}", response_model=HeardOut, summary="A platform's push")
def heard(request: Request, source: str, body: Annotated[bytes, Depends(_pushed)]) -> Response:
    """Verified by the platform's signature; the same message again changes nothing."""
    here = office(request)
    with here.db.as_nobody() as session:
        here.refresh(session)
    listener = _listener(here, source)
    try:
        told = listener.heard(request.headers, body)
    except Refused as error:
        raise Problem(401, "wrong_signature", error.message) from error
    except Unreadable as error:
        raise Problem(422, "unreadable", error.message) from error
    with here.db.as_system() as session:
        messages.heard(session, source, told)
        wake(session, source, "messages")
    return replies.answer({"success": True})


def _listener(here: Office, source: str) -> Hears:
    """Whom a push of `source` is for; who has no token learns of no other source by asking."""
    told = Problem(404, "not_found", f"nothing is pushed to us as {source!r}")
    try:
        found = here.source(source)
    except Problem as problem:
        raise told from problem
    if not isinstance(found, Hears):
        raise told
    return found
