"""Logging in with a name and a password."""

from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import replies
from api.office import office
from api.shapes.office import LoginIn, TokenOut
from kit import clock
from kit.ids import outside
from trade import tokens

router = APIRouter(prefix="/v1", tags=["account"])

DAYS = 7
TRIES = 10
"""Logins of one name within ten seconds."""


@router.post("/login", response_model=TokenOut, status_code=201, summary="A token by password")
def login(request: Request, asked: LoginIn) -> Response:
    """A token for a member, good for seven days."""
    here = office(request)
    here.limiter.count(f"login:{asked.name}", TRIES)
    now = clock.now()
    with here.db.as_system() as session:
        issued = tokens.login(session, asked.name, asked.password, now + timedelta(days=DAYS))
    shown = {
        "id": outside("tok", issued.id),
        "token": issued.text,
        "expires_at": issued.expires_at,
    }
    return replies.answer(shown, 201)
