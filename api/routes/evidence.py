"""Pictures and documents that are shown for claims."""

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session
from starlette.responses import Response

from api import uploads
from api.callers import Caller, Writer, allow, allow_write
from api.replies import Reply
from api.shapes.base import IdPath
from api.shapes.claims import EvidenceOut
from api.uploads import BINARY, UPLOAD, Sheet
from kit import clock
from trade.after_sales import evidence

router = APIRouter(prefix="/v1/evidence", tags=["claims"])

_SHOWN = {kind: {"schema": BINARY} for kind in ("image/jpeg", "image/webp", evidence.PDF)}


@router.post(
    "",
    response_model=EvidenceOut,
    status_code=201,
    openapi_extra=UPLOAD,
    summary="Hand in evidence",
)
def hand_in(
    caller: Annotated[Writer, Depends(allow_write("evidence:write"))], content: Sheet
) -> Response:
    """A picture, which is drawn anew, or a PDF, of 4 MB at most; name its id in `evidence` of a
    claim or a refusal within a day."""

    def work(session: Session) -> Reply:
        desk, party = caller.office.terms.desk, caller.party_id
        return Reply(
            201, evidence.view(evidence.hand_in(session, desk, party, content, clock.now()))
        )

    return uploads.writer(caller, content).do(work)


@router.get(
    "/{evidence_id}",
    response_class=Response,
    responses={200: {"content": _SHOWN, "description": "As it is shown."}},
    summary="See evidence",
)
def get(caller: Annotated[Caller, Depends(allow("claims:read"))], evidence_id: IdPath) -> Response:
    """Your own, or that of a claim you are a side of. Leaders see no documents of suppliers."""
    with caller.system() as session:
        desk, party = caller.office.terms.desk, caller.party_id
        piece = evidence.read(session, desk, party, evidence_id, operates=caller.operates)
    headers = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return Response(piece.content, 200, headers, piece.media_type)
