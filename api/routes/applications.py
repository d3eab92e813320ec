"""Applications: anybody may ask to trade here; operators look at the papers and answer."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import replies
from api.callers import Caller, Writer, allow, allow_write
from api.office import office
from api.replies import Reply
from api.shapes.applications import (
    ApplicationIn,
    ApplicationOut,
    AppliedOut,
    ApproveIn,
    DocumentIn,
    RefuseIn,
)
from api.shapes.base import Cursor, IdPath, Limit, Listed
from api.uploads import BINARY
from kit import clock
from kit.errors import invalid
from kit.ids import outside
from trade import applications, audits
from trade.after_sales import evidence
from trade.applications import Asked, Document, Terms

router = APIRouter(prefix="/v1/applications", tags=["operators"])

Reads = Annotated[Caller, Depends(allow("parties:read"))]
Writes = Annotated[Writer, Depends(allow_write("parties:write"))]

APPLIES = 3
"""Applications from one address within ten seconds."""

_SHOWN = {kind: {"schema": BINARY} for kind in ("image/jpeg", "image/webp", evidence.PDF)}


@router.post(
    "",
    response_model=AppliedOut,
    status_code=201,
    responses={200: {"model": AppliedOut, "description": "This waits already."}},
    summary="Ask to trade here",
)
def apply(request: Request, asked: ApplicationIn) -> Response:
    """Without a token. Papers are kept sealed; what a party hands in anew when papers expire comes
    this way too. The same again, while it waits, is the same application."""
    here = office(request)
    here.limiter.count(f"apply:{request.client.host if request.client else 'unknown'}", APPLIES)
    papers = [_decoded(place, one) for place, one in enumerate(asked.documents)]
    contact = None if asked.contact is None else asked.contact.model_dump()
    said = Asked(asked.role, asked.uscc, papers, asked.name, contact)
    with here.db.as_system() as session:
        row, new = applications.apply(session, here.terms.desk.keyring, said, clock.now())
        told = {"id": outside(applications.PREFIX, row.id), "status": row.state}
        return replies.answer(told | {"created_at": row.created_at}, 201 if new else 200)


@router.get("", response_model=Listed[ApplicationOut], summary="Who asks to trade here")
def page(
    caller: Reads,
    status: Literal["open", "approved", "refused"] | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """From the oldest change on."""
    after = replies.moment_cursor(cursor)
    with caller.system() as session:
        return replies.page(*applications.page(session, status=status, limit=limit, after=after))


@router.get("/{application_id}", response_model=ApplicationOut, summary="One application")
def get(caller: Reads, application_id: IdPath) -> Response:
    """With its contact; that somebody looked is written down."""
    with caller.system() as session:
        row = applications.get(session, application_id)
        audits.note(session, caller.actor, "application.read", application_id)
        return replies.answer(applications.view(session, row, caller.office.terms.desk.keyring))


@router.get(
    "/{application_id}/documents/{place}",
    response_class=Response,
    responses={200: {"content": _SHOWN, "description": "The paper."}},
    summary="A paper of it",
)
def document(
    caller: Reads, application_id: IdPath, place: Annotated[int, Path(ge=0, le=100)]
) -> Response:
    """That somebody looked is written down."""
    with caller.system() as session:
        keyring = caller.office.terms.desk.keyring
        kind, content = applications.document(session, keyring, application_id, place)
        audits.note(session, caller.actor, "application.document", application_id, {"place": place})
    safe = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
    return Response(content, 200, safe, kind)


@router.post("/{application_id}/approve", response_model=ApplicationOut, summary="Let them in")
def approve(caller: Writes, application_id: IdPath, asked: ApproveIn | None = None) -> Response:
    """Makes the party with its first token, which is shown this once; with `party` its papers are
    renewed. Goods of a supplier whose papers have expired are not sold."""
    wanted = asked or ApproveIn()

    def work(session: Session) -> Reply:
        terms = Terms(wanted.name, wanted.source, wanted.party)
        row, token = applications.approve(session, application_id, terms, clock.now())
        action = "application.approve"
        audits.note(session, caller.actor, action, application_id, party_id=row.party_id)
        return Reply(200, applications.view(session, row) | {"token": token})

    return caller.do(work)


@router.post("/{application_id}/refuse", response_model=ApplicationOut, summary="Turn them down")
def refuse(caller: Writes, application_id: IdPath, asked: RefuseIn) -> Response:
    """Its papers are deleted after 30 days."""

    def work(session: Session) -> Reply:
        row = applications.refuse(session, application_id, asked.reason, clock.now())
        audits.note(session, caller.actor, "application.refuse", application_id)
        return Reply(200, applications.view(session, row))

    return caller.do(work)


def _decoded(place: int, one: DocumentIn) -> Document:
    content = one.decoded()
    if not content:
        raise invalid(f"documents.{place}.content", "send the file in base64")
    return Document(one.kind, content, one.expires_on)
